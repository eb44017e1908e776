using System.Text;

namespace Hospes.Cli.Images.Packages;

/// <summary>One stanza of a Debian control file (deb-control(5), deb822(5)): fields by name, names compared without case.</summary>
internal sealed class Stanza : Dictionary<string, string>
{
    public Stanza()
        : base(StringComparer.OrdinalIgnoreCase)
    {
    }

    /// <summary>The words of a field, split at white space; none when the field is absent.</summary>
    public string[] Words(string name) =>
        TryGetValue(name, out string? value) ? value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) : [];
}

/// <summary>
/// Reads stanzas one after the other. Continuation lines start with a space or a tab and keep their line break;
/// lines that start with '#' are comments; an empty line ends a stanza.
/// </summary>
internal sealed class ControlReader(TextReader reader)
{
    /// <summary>The longest value that one field may have; Debian's longest (Release's lists of checksums) are below 1 MiB.</summary>
    public const int LongestValue = 8 << 20;

    private int _line;

    /// <summary>What is wrong with the text, after <see cref="Read"/> answered null; null at a regular end.</summary>
    public string? Mistake { get; private set; }

    /// <summary>Reads the next stanza; null at the end or at a mistake.</summary>
    public Stanza? Read()
    {
        Stanza? stanza = null;
        string? name = null;
        var value = new StringBuilder();
        while (reader.ReadLine() is { } text)
        {
            _line++;
            if (text.StartsWith('#')) continue;
            if (string.IsNullOrWhiteSpace(text))
            {
                if (stanza is null) continue;
                Store();
                return stanza;
            }

            if (text[0] is ' ' or '\t')
            {
                if (name is null) return Wrong("continues a field that did not start");
                value.Append('\n').Append(text.AsSpan().Trim());
                if (value.Length > LongestValue) return Wrong($"makes {name} longer than {LongestValue} characters");
                continue;
            }

            int colon = text.IndexOf(':');
            if (colon <= 0 || text.AsSpan(0, colon).ContainsAny(' ', '\t')) return Wrong("is neither 'Name: value' nor a continuation");
            stanza ??= [];
            Store();
            name = text[..colon];
            if (stanza.ContainsKey(name)) return Wrong($"gives {name} a second time");
            if (text.Length > LongestValue) return Wrong($"makes {name} longer than {LongestValue} characters");
            value.Append(text.AsSpan(colon + 1).Trim());
        }

        Store();
        return stanza;

        void Store()
        {
            if (name is null) return;
            stanza![name] = value.ToString();
            value.Clear();
            name = null;
        }

        Stanza? Wrong(string what)
        {
            Mistake = $"line {_line} {what}";
            return null;
        }
    }
}
