namespace Hospes.Cli.Images.Sources;

/// <summary>Reads the archives of the host's apt: <c>sources.list</c> and the files of <c>sources.list.d</c>.</summary>
internal static class AptSources
{
    /// <summary>The most addresses that a list of mirrors may add.</summary>
    private const int MostMirrors = 16;

    /// <summary>Where apt keeps its sources.</summary>
    public const string StandardFolder = "/etc/apt";

    /// <summary>Reads one folder like <c>/etc/apt</c>, or one file of either format.</summary>
    /// <returns>The archives with http and https addresses, in the order in which apt reads them, each address once.</returns>
    public static IReadOnlyList<AptSource> Read(string path)
    {
        var found = new List<AptSource>();
        foreach (string file in Files(path))
        {
            foreach (RawSource raw in ReadFile(file))
            {
                if (raw.Architectures.Count > 0 && !raw.Architectures.Contains("amd64")) continue;
                // A suite that ends in a slash is a flat repository, which has no components and no dists folder.
                if (raw.Components.Count == 0 || raw.Suites.All(static suite => suite.EndsWith('/'))) continue;
                foreach (Uri uri in raw.Uris.SelectMany(Addresses)) Add(found, uri, raw);
            }
        }

        return found;
    }

    private static void Add(List<AptSource> found, Uri uri, RawSource raw)
    {
        int at = found.FindIndex(other => other.Uri == uri);
        if (at < 0) found.Add(new AptSource(uri, raw.Suites, raw.SignedBy));
        else found[at] = found[at] with { Suites = [.. found[at].Suites.Union(raw.Suites)], SignedBy = found[at].SignedBy ?? raw.SignedBy };
    }

    private static IEnumerable<string> Files(string path)
    {
        if (File.Exists(path)) return [path];
        string list = Path.Combine(path, "sources.list");
        string parts = Path.Combine(path, "sources.list.d");
        IEnumerable<string> files = File.Exists(list) ? [list] : [];
        return Directory.Exists(parts)
            ? files.Concat(Directory.GetFiles(parts).Where(IsRead).Order(StringComparer.Ordinal))
            : files;
    }

    /// <summary>Names that apt reads: letters, digits, '_', '-' and '.', with one of two endings (sources.list(5)).</summary>
    private static bool IsRead(string file) =>
        Path.GetExtension(file) is ".list" or ".sources"
        && Path.GetFileName(file).All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-' or '.');

    private static List<RawSource> ReadFile(string file)
    {
        try
        {
            using StreamReader reader = File.OpenText(file);
            return [.. file.EndsWith(".sources", StringComparison.Ordinal) ? Deb822Sources.Parse(reader) : OneLineSources.Parse(reader)];
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // A source file that this person may not read is one archive less, not a failure.
            return [];
        }
    }

    /// <summary>The addresses behind one URI: itself, or those that a list of mirrors names (apt-transport-mirror(1)).</summary>
    private static IEnumerable<Uri> Addresses(string text)
    {
        const string MirrorList = "mirror+file:";
        if (text.StartsWith(MirrorList, StringComparison.OrdinalIgnoreCase))
        {
            string file = "/" + text[MirrorList.Length..].TrimStart('/');
            string[] lines;
            try
            {
                lines = File.ReadAllLines(file);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                return [];
            }

            return lines.Select(static line => line.Split(['\t', ' '], 2)[0])
                .Where(static line => line.Length > 0 && !line.StartsWith('#'))
                .Select(static line => ArchiveAddress.TryParse(line, out Uri? mirror) ? mirror : null)
                .OfType<Uri>().Take(MostMirrors);
        }

        return ArchiveAddress.TryParse(text, out Uri? uri) ? [uri] : [];
    }
}
