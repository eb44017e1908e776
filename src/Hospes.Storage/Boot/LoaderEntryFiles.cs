using System.Text;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Boot;

/// <summary>The entries of the Boot Loader Specification (UAPI.1), type 1: a file each in <c>loader/entries</c>.</summary>
internal static class LoaderEntryFiles
{
    private const string Ending = ".conf";

    /// <summary>Where the folder is: on a partition of its own, or below <c>/boot</c> of the system's.</summary>
    private static readonly string[] s_roots = ["", "/boot", "/efi", "/boot/efi"];

    private sealed record Loaded(BootEntry Entry, string SortKey, string MachineId, string Version, bool IsExhausted);

    /// <summary>Finds the entries of all volumes, in the order of the specification's menu.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="variable">GRUB's variables, which distributions use in entries; null when GRUB does not read them.</param>
    public static IReadOnlyList<BootEntry> Find(BootDisk disk, Func<string, string?>? variable)
    {
        var found = new List<Loaded>();
        foreach (BootVolume volume in disk.Volumes)
        {
            foreach (string root in s_roots) Add(found, volume, root, variable);
        }

        found.Sort(Compare);
        return [.. found.Select(static loaded => loaded.Entry)];
    }

    /// <summary>Makes a menu of them, with the default that <c>loader.conf</c> names.</summary>
    public static BootMenu? Menu(BootDisk disk)
    {
        IReadOnlyList<BootEntry> entries = Find(disk, null);
        if (entries.Count == 0) return null;
        string? pattern = s_roots.SelectMany(root => disk.Volumes.Select(volume => Default(volume, root))).FirstOrDefault(static name => name is not null);
        int chosen = pattern is null ? 0 : entries.ToList().FindIndex(entry => System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(pattern, entry.Id + Ending) || entry.Id == pattern);
        return new BootMenu(entries, Math.Max(chosen, 0), null);
    }

    private static void Add(List<Loaded> found, BootVolume volume, string root, Func<string, string?>? variable)
    {
        string folder = $"{root}/loader/entries";
        if (volume.Files.List(folder, out IReadOnlyList<string> names) != VolumeError.None) return;
        foreach (string name in names)
        {
            if (found.Count >= BootLimits.Entries) return;
            if (!name.EndsWith(Ending, StringComparison.Ordinal)) continue;
            var file = new BootFile(volume, $"{folder}/{name}");
            if (file.ReadText(out string text) == VolumeError.None && Read(volume, root, name[..^Ending.Length], text, variable) is { } loaded) found.Add(loaded);
        }
    }

    /// <summary>Reads one file: lines of a key and a value; null when it is no entry for a Linux kernel of this processor.</summary>
    private static Loaded? Read(BootVolume volume, string root, string name, string text, Func<string, string?>? variable)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        var initrds = new List<BootFile>();
        var options = new StringBuilder();
        foreach (string line in text.Split('\n'))
        {
            string trimmed = line.Trim();
            int at = trimmed.AsSpan().IndexOfAny(' ', '\t');
            if (at <= 0 || trimmed[0] == '#') continue;
            (string key, string value) = (trimmed[..at], trimmed[at..].Trim());
            if (key is "options" or "initrd" && variable is not null) value = WithVariables(value, variable);
            if (key == "options") options.Append(options.Length > 0 ? " " : "").Append(value);
            else if (key == "initrd") initrds.AddRange(value.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(path => Place(volume, root, path)));
            else values[key] = value;
            if (options.Length > BootLimits.CommandLine || initrds.Count > BootLimits.Entries) return null;
        }

        if (!values.TryGetValue("linux", out string? kernel) || values.GetValueOrDefault("architecture", "x64") is not ("x64" or "X64")) return null;
        (string id, bool exhausted) = WithoutTries(name);
        string version = values.GetValueOrDefault("version", "");
        string title = values.GetValueOrDefault("title", id);
        var entry = new BootEntry(title, id, Place(volume, root, kernel), initrds, options.ToString(), BootLoaderKind.LoaderEntry);
        return new Loaded(entry, values.GetValueOrDefault("sort-key", ""), values.GetValueOrDefault("machine-id", ""), version, exhausted);
    }

    /// <summary>A path counts from the root of its volume; where the folder is below <c>/boot</c>, some write it from there.</summary>
    private static BootFile Place(BootVolume volume, string root, string path)
    {
        if (!path.StartsWith('/')) path = "/" + path;
        bool fromRoot = root.Length == 0 || volume.Files.Find(path, out _) == VolumeError.None;
        return new BootFile(volume, fromRoot ? path : root + path);
    }

    /// <summary>Takes the boot counter (<c>+left</c> or <c>+left-done</c>) off a name.</summary>
    private static (string Id, bool IsExhausted) WithoutTries(string name)
    {
        int at = name.LastIndexOf('+');
        if (at <= 0 || at + 1 >= name.Length) return (name, false);
        ReadOnlySpan<char> counter = name.AsSpan(at + 1);
        if (counter.ContainsAnyExcept("0123456789-")) return (name, false);
        int dash = counter.IndexOf('-');
        return (name[..at], (dash < 0 ? counter : counter[..dash]).TrimStart('0').IsEmpty);
    }

    private static string WithVariables(string value, Func<string, string?> variable)
    {
        if (!value.Contains('$')) return value;
        IEnumerable<string> words = value.Split(' ').Select(word => word.StartsWith('$') ? variable(word[1..].Trim('{', '}')) ?? "" : word);
        return string.Join(' ', words.Where(static word => word.Length > 0));
    }

    private static string? Default(BootVolume volume, string root)
    {
        if (new BootFile(volume, $"{root}/loader/loader.conf").ReadText(out string text) != VolumeError.None) return null;
        string? line = text.Split('\n').Select(static line => line.Trim()).FirstOrDefault(static line => line.StartsWith("default ", StringComparison.Ordinal) || line.StartsWith("default\t", StringComparison.Ordinal));
        return line?["default".Length..].Trim();
    }

    /// <summary>The order of the specification ("Sorting"): what has a sort key before what has none, then new before old.</summary>
    private static int Compare(Loaded first, Loaded second)
    {
        int result = first.IsExhausted.CompareTo(second.IsExhausted);
        if (result == 0) result = (first.SortKey.Length == 0).CompareTo(second.SortKey.Length == 0);
        if (result == 0) result = string.CompareOrdinal(first.SortKey, second.SortKey);
        if (result == 0 && first.SortKey.Length > 0) result = string.CompareOrdinal(first.MachineId, second.MachineId);
        if (result == 0 && first.SortKey.Length > 0) result = VersionOrder.Compare(second.Version, first.Version);
        return result != 0 ? result : VersionOrder.Compare(second.Entry.Id, first.Entry.Id);
    }
}
