using System.Text;

namespace Hospes.Storage.Boot.Grub;

/// <summary>What a token is.</summary>
internal enum GrubToken
{
    /// <summary>A word.</summary>
    Word,

    /// <summary>The end of a command: a line's end or a semicolon.</summary>
    End,

    /// <summary>An opening brace.</summary>
    Open,

    /// <summary>A closing brace.</summary>
    Close,

    /// <summary>The end of the text.</summary>
    EndOfText,
}

/// <summary>Splits a script into words. Quotes and escapes are those of the Bourne shell (GRUB manual, 6.2, "Quoting").</summary>
internal sealed class GrubLexer(string text)
{
    private readonly StringBuilder _letters = new();

    private List<WordPart> _parts = [];

    private int _at;

    /// <summary>The word, after <see cref="Next"/> gave <see cref="GrubToken.Word"/>.</summary>
    public Word Word { get; private set; } = new([]);

    /// <summary>Goes to the next token.</summary>
    public GrubToken Next()
    {
        while (_at < text.Length && (text[_at] is ' ' or '\t' or '\r' || IsContinuation())) _at += text[_at] == '\\' ? 2 : 1;
        if (_at < text.Length && text[_at] == '#')
        {
            while (_at < text.Length && text[_at] != '\n') _at++;
        }

        if (_at >= text.Length) return GrubToken.EndOfText;
        if (text[_at] is '\n' or ';')
        {
            _at++;
            return GrubToken.End;
        }

        if (text[_at] is '{' or '}')
        {
            return text[_at++] == '{' ? GrubToken.Open : GrubToken.Close;
        }

        ReadWord();
        return GrubToken.Word;
    }

    private bool IsContinuation() => text[_at] == '\\' && _at + 1 < text.Length && text[_at + 1] == '\n';

    private void ReadWord()
    {
        _parts = [];
        while (_at < text.Length)
        {
            char letter = text[_at];
            if (letter is ' ' or '\t' or '\r' or '\n' or ';' or '{' or '}') break;
            _at++;
            switch (letter)
            {
                case '\\':
                    if (_at < text.Length && text[_at] != '\n') _letters.Append(text[_at]);
                    _at = Math.Min(_at + 1, text.Length);
                    break;
                case '\'':
                    Flush(quoted: false);
                    int end = text.IndexOf('\'', _at);
                    if (end < 0) end = text.Length;
                    _letters.Append(text, _at, end - _at);
                    _at = Math.Min(end + 1, text.Length);
                    Flush(quoted: true, evenEmpty: true);
                    break;
                case '"':
                    Flush(quoted: false);
                    ReadDoubleQuoted();
                    break;
                case '$':
                    ReadVariable(quoted: false);
                    break;
                default:
                    _letters.Append(letter);
                    break;
            }
        }

        Flush(quoted: false);
        Word = new Word(_parts);
    }

    private void ReadDoubleQuoted()
    {
        while (_at < text.Length && text[_at] != '"')
        {
            char letter = text[_at++];
            if (letter == '$') ReadVariable(quoted: true);
            else if (letter == '\\' && _at < text.Length && text[_at] is '$' or '"' or '\\') _letters.Append(text[_at++]);
            else if (letter == '\\' && _at < text.Length && text[_at] == '\n') _at++;
            else _letters.Append(letter);
        }

        _at = Math.Min(_at + 1, text.Length);
        Flush(quoted: true, evenEmpty: true);
    }

    /// <summary>Reads what stands behind a dollar sign; where that is no variable, the sign stands for itself.</summary>
    private void ReadVariable(bool quoted)
    {
        bool braces = _at < text.Length && text[_at] == '{';
        int start = braces ? _at + 1 : _at, end = start;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '_' or '?' or '@' or '*' or '#'))
        {
            // Those that are no letters are names by themselves.
            bool alone = !char.IsAsciiLetter(text[end]) && text[end] != '_' && end == start && !braces;
            end++;
            if (alone) break;
        }

        if (end == start || (braces && (end >= text.Length || text[end] != '}')))
        {
            _letters.Append('$');
            return;
        }

        Flush(quoted);
        _parts.Add(new WordPart(text[start..end], IsVariable: true, quoted));
        _at = braces ? end + 1 : end;
    }

    private void Flush(bool quoted, bool evenEmpty = false)
    {
        if (_letters.Length == 0 && !evenEmpty) return;
        _parts.Add(new WordPart(_letters.ToString(), IsVariable: false, quoted));
        _letters.Clear();
    }
}
