using System.Globalization;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Boot.Grub;

/// <summary><c>test</c> and <c>[</c> (GRUB manual, 16.3, "test"): <c>-o</c> binds weaker than <c>-a</c>, that weaker than <c>!</c>.</summary>
internal ref struct GrubTest
{
    /// <summary>Parentheses and negations within each other, at most.</summary>
    private const int MaxDepth = 32;

    private readonly GrubContext _context;

    private readonly ReadOnlySpan<string> _words;

    private int _at;

    private int _depth;

    private GrubTest(GrubContext context, ReadOnlySpan<string> words)
    {
        _context = context;
        _words = words;
    }

    /// <summary>Runs the command.</summary>
    /// <param name="context">Where files are looked for.</param>
    /// <param name="words">The command and its arguments.</param>
    public static bool Run(GrubContext context, List<string> words)
    {
        int end = words[0] == "[" && words[^1] == "]" ? words.Count - 1 : words.Count;
        var test = new GrubTest(context, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(words)[1..Math.Max(end, 1)]);
        return !test._words.IsEmpty && test.Or();
    }

    private readonly bool At(string word) => _at < _words.Length && _words[_at] == word;

    private bool Or()
    {
        bool result = And();
        while (At("-o"))
        {
            _at++;
            result |= And();
        }

        return result;
    }

    private bool And()
    {
        bool result = Primary();
        // Two expressions without a word between them are both asked for, too.
        while (_at < _words.Length && !At("-o") && !At(")"))
        {
            if (At("-a")) _at++;
            result &= Primary();
        }

        return result;
    }

    private bool Primary()
    {
        if (_at >= _words.Length || ++_depth > MaxDepth)
        {
            _at = _words.Length;
            return false;
        }

        bool result = Expression();
        _depth--;
        return result;
    }

    private bool Expression()
    {
        string word = _words[_at++];
        // Three words are a comparison whatever the first is.
        if (_at + 1 < _words.Length && Compare(word, _words[_at], _words[_at + 1]) is { } compared)
        {
            _at += 2;
            return compared;
        }

        switch (word)
        {
            case "!":
                return !Primary();
            case "(":
                bool inner = Or();
                if (At(")")) _at++;
                return inner;
            case "-n" or "-z" or "-e" or "-f" or "-d" or "-s" when _at < _words.Length:
                string operand = _words[_at++];
                return word switch
                {
                    "-n" => operand.Length > 0,
                    "-z" => operand.Length == 0,
                    "-f" => _context.Exists(operand, static entry => !entry.IsDirectory),
                    "-d" => _context.Exists(operand, static entry => entry.IsDirectory),
                    "-s" => _context.Exists(operand, static entry => entry.Length > 0),
                    _ => _context.Exists(operand, static _ => true),
                };
            default:
                return word.Length > 0;
        }
    }

    private static bool? Compare(string left, string comparison, string right) => comparison switch
    {
        "=" or "==" => left == right,
        "!=" => left != right,
        "<" => string.CompareOrdinal(left, right) < 0,
        "<=" => string.CompareOrdinal(left, right) <= 0,
        ">" => string.CompareOrdinal(left, right) > 0,
        ">=" => string.CompareOrdinal(left, right) >= 0,
        "-eq" => Number(left) == Number(right),
        "-ne" => Number(left) != Number(right),
        "-lt" => Number(left) < Number(right),
        "-le" => Number(left) <= Number(right),
        "-gt" => Number(left) > Number(right),
        "-ge" => Number(left) >= Number(right),
        _ => null,
    };

    private static long Number(string text) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : 0;
}
