using Hospes.Cli.CommandLine;

namespace Hospes.Cli.Images.Packages;

/// <summary>One binary package of an archive.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">Its version.</param>
/// <param name="Depends">Its <c>Depends</c> field as written.</param>
/// <param name="File">The package file, relative to the archive.</param>
internal sealed record Package(string Name, string Version, string Depends, DescribedFile File)
{
    /// <summary>Its <c>Pre-Depends</c> field as written.</summary>
    public string PreDepends { get; init; } = "";

    /// <summary>Its <c>Provides</c> field as written.</summary>
    public string Provides { get; init; } = "";

    /// <summary>Its priority.</summary>
    public string Priority { get; init; } = "";

    /// <summary>Whether no system is without it.</summary>
    public bool IsEssential { get; init; }

    /// <summary>The names of the packages it depends on, of each group of alternatives the first.</summary>
    public IEnumerable<string> DependencyNames() =>
        Depends.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(static group => group.Split('|')[0].Trim().Split(' ', '(', ':')[0]);
}

/// <summary>Looks for packages in a <c>Packages</c> index while it streams by.</summary>
internal static class PackageIndex
{
    /// <summary>Gives the packages that are wanted, of each name the highest version.</summary>
    /// <param name="reader">The decompressed index.</param>
    /// <param name="wanted">Says whether a name is wanted.</param>
    public static Outcome<Dictionary<string, Package>> Select(TextReader reader, Func<string, bool> wanted)
    {
        var found = new Dictionary<string, Package>(StringComparer.Ordinal);
        var control = new ControlReader(reader);
        while (control.Read() is { } stanza)
        {
            if (!stanza.TryGetValue("Package", out string? name) || !wanted(name)) continue;
            string version = stanza.GetValueOrDefault("Version", "");
            if (DescribedFile.TryCreate(stanza.GetValueOrDefault("Filename", ""), stanza.GetValueOrDefault("Size", ""), stanza.GetValueOrDefault("SHA256", "")) is not { } file)
                return Wrong($"does not describe the file of {name}");
            if (!found.TryGetValue(name, out Package? other) || DebianVersion.Compare(version, other.Version) > 0)
            {
                found[name] = new Package(name, version, stanza.GetValueOrDefault("Depends", ""), file)
                {
                    PreDepends = stanza.GetValueOrDefault("Pre-Depends", ""),
                    Provides = stanza.GetValueOrDefault("Provides", ""),
                    Priority = stanza.GetValueOrDefault("Priority", ""),
                    IsEssential = stanza.GetValueOrDefault("Essential", "") == "yes",
                };
            }
        }

        return control.Mistake is null ? found : Wrong($"is malformed: {control.Mistake}");

        static Failure Wrong(string what) =>
            new(FailureKind.Format, $"the archive's package index {what}", "choose another archive with --mirror URL");
    }
}
