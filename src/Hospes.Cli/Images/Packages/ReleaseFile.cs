using System.Globalization;
using Hospes.Cli.CommandLine;

namespace Hospes.Cli.Images.Packages;

/// <summary>A file that a Release file or a package index describes.</summary>
/// <param name="Path">Relative to the folder of its description; never leaves it.</param>
/// <param name="Size">In bytes.</param>
/// <param name="Sha256">64 lower-case hexadecimal digits.</param>
internal sealed record DescribedFile(string Path, long Size, string Sha256)
{
    /// <summary>The largest file that is fetched: Debian's largest index and kernel packages are below 200 MiB.</summary>
    public const long Largest = 2L << 30;

    /// <summary>Checks and makes one description; null when the path, size or checksum is none.</summary>
    public static DescribedFile? TryCreate(string path, string size, string sha256)
    {
        bool sound = long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out long bytes) && bytes <= Largest
            && sha256.Length == 64 && sha256.All(char.IsAsciiHexDigit)
            && path.Length is > 0 and < 1024 && path.Split('/').All(static segment => segment is not ("" or "." or ".."));
        return sound ? new DescribedFile(path, bytes, sha256.ToLowerInvariant()) : null;
    }
}

/// <summary>The head of a suite of an archive: who publishes it, and the checksums of its indexes.</summary>
internal sealed class ReleaseFile
{
    private readonly Dictionary<string, DescribedFile> _files;

    private ReleaseFile(Stanza fields, Dictionary<string, DescribedFile> files)
    {
        _files = files;
        Origin = fields.GetValueOrDefault("Origin", "");
        Codename = fields.GetValueOrDefault("Codename", "");
        Version = fields.GetValueOrDefault("Version", "");
        Components = fields.Words("Components");
        Architectures = fields.Words("Architectures");
        ByHash = fields.GetValueOrDefault("Acquire-By-Hash", "").Equals("yes", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Who publishes the archive.</summary>
    public string Origin { get; }

    /// <summary>The suite's code name.</summary>
    public string Codename { get; }

    /// <summary>The suite's version, such as <c>12.11</c>.</summary>
    public string Version { get; }

    /// <summary>The components.</summary>
    public IReadOnlyList<string> Components { get; }

    /// <summary>The architectures.</summary>
    public IReadOnlyList<string> Architectures { get; }

    /// <summary>True when each index is also served under its checksum, so that it cannot change between two requests.</summary>
    public bool ByHash { get; }

    /// <summary>Looks an index up.</summary>
    public DescribedFile? Find(string path) => _files.GetValueOrDefault(path);

    /// <summary>Reads the text of a Release file, without any signature around it.</summary>
    public static Outcome<ReleaseFile> Parse(string text)
    {
        var reader = new ControlReader(new StringReader(text));
        if (reader.Read() is not { } fields)
            return Wrong(reader.Mistake ?? "is empty");
        var files = new Dictionary<string, DescribedFile>(StringComparer.Ordinal);
        foreach (string line in fields.GetValueOrDefault("SHA256", "").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length != 3 || DescribedFile.TryCreate(words[2], words[1], words[0]) is not { } file)
                return Wrong($"has a SHA256 line that is not 'checksum size path': '{line}'");
            files[file.Path] = file;
        }

        return files.Count == 0 ? Wrong("lists no SHA-256 checksums") : new ReleaseFile(fields, files);

        static Failure Wrong(string what) =>
            new(FailureKind.Format, $"the archive's Release file {what}", "choose another archive with --mirror URL");
    }
}
