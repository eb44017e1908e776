namespace Hospes.Cli.Images.Sources;

/// <summary>Reads the one-line format of sources.list(5): <c>deb [options] uri suite component...</c>.</summary>
internal static class OneLineSources
{
    /// <summary>Reads every line that describes binary packages of amd64. Lines of other kinds and lines apt would reject are passed over.</summary>
    public static IEnumerable<RawSource> Parse(TextReader reader)
    {
        while (reader.ReadLine() is { } text)
        {
            // sources.list(5): a '#' anywhere starts a comment.
            int comment = text.IndexOf('#');
            if (comment >= 0) text = text[..comment];
            if (ParseLine(text) is { } source) yield return source;
        }
    }

    private static RawSource? ParseLine(string text)
    {
        var words = new WordReader(text);
        if (words.Next() is not "deb") return null;
        string? signedBy = null;
        string? architectures = null;
        string? uri = words.Next();
        if (uri is not null && uri.StartsWith('['))
        {
            if (!uri.EndsWith(']')) return null;
            foreach (string option in uri[1..^1].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            {
                int equals = option.IndexOf('=');
                if (equals <= 0) continue;
                string value = option[(equals + 1)..];
                switch (option[..equals].ToLowerInvariant())
                {
                    case "signed-by": signedBy = value; break;
                    case "arch": architectures = value; break;
                }
            }

            uri = words.Next();
        }

        string? suite = words.Next();
        if (uri is null || suite is null) return null;
        var components = new List<string>();
        while (words.Next() is { } component) components.Add(component);
        return new RawSource([uri], [suite], components, architectures?.Split(',') ?? [], signedBy);
    }

    /// <summary>Words at white space, where a pair of square brackets or of double quotes keeps the space inside it.</summary>
    private ref struct WordReader(ReadOnlySpan<char> text)
    {
        private ReadOnlySpan<char> rest = text;

        public string? Next()
        {
            rest = rest.TrimStart();
            if (rest.IsEmpty) return null;
            bool quoted = false;
            int depth = 0;
            int end = 0;
            for (; end < rest.Length; end++)
            {
                char letter = rest[end];
                if (letter == '"') quoted = !quoted;
                else if (letter == '[' && !quoted) depth++;
                else if (letter == ']' && !quoted && depth > 0) depth--;
                else if (char.IsWhiteSpace(letter) && !quoted && depth == 0) break;
            }

            string word = rest[..end].ToString();
            rest = rest[end..];
            return word.Replace("\"", "", StringComparison.Ordinal);
        }
    }
}
