using Hospes.Storage.Volumes;

namespace Hospes.Storage.Boot;

/// <summary>Reads <c>extlinux.conf</c> and <c>syslinux.cfg</c> (Syslinux's documentation, doc/syslinux.txt and doc/menu.txt).</summary>
internal sealed class ExtlinuxFile
{
    /// <summary>Files that include files, at most.</summary>
    private const int MaxDepth = 8;

    /// <summary>Lines of all files together, at most.</summary>
    private const int MaxLines = 50_000;

    private readonly List<Label> _labels = [];

    private int _lines;

    private string? _default;

    private string _globalAppend = "";

    private sealed class Label(string name, string append)
    {
        public string Name { get; } = name;

        public string? Title { get; set; }

        public string? Kernel { get; set; }

        public string Append { get; set; } = append;

        public List<string> Initrds { get; } = [];

        public bool IsDefault { get; set; }
    }

    /// <summary>Makes a menu of a file.</summary>
    /// <param name="file">The file, from whose folder its paths count.</param>
    /// <param name="text">Its text.</param>
    public static BootMenu Read(BootFile file, string text)
    {
        var reader = new ExtlinuxFile();
        reader.Take(file, text, 0);
        BootEntry[] entries = [.. reader._labels.Select(label => Entry(file, label)).OfType<BootEntry>()];
        if (entries.Length == 0) return new BootMenu([], -1, $"no label of {file} boots a Linux kernel");
        Label? chosen = reader._labels.Find(label => label.Name == reader._default) ?? reader._labels.Find(static label => label.IsDefault);
        return new BootMenu(entries, Math.Max(Array.FindIndex(entries, entry => entry.Id == chosen?.Name), 0), null);
    }

    private static BootEntry? Entry(BootFile file, Label label)
    {
        if (label.Kernel is not { } kernel || kernel.EndsWith(".c32", StringComparison.OrdinalIgnoreCase)) return null;
        string[] words = label.Append.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        // In the command line, initrd= is Syslinux's own word.
        IEnumerable<string> fromAppend = words.Where(static word => word.StartsWith("initrd=", StringComparison.Ordinal)).SelectMany(static word => word["initrd=".Length..].Split(','));
        List<string> initrds = label.Initrds.Count > 0 ? label.Initrds : [.. fromAppend];
        string line = string.Join(' ', words.Where(static word => !word.StartsWith("initrd=", StringComparison.Ordinal)));
        return new BootEntry(label.Title ?? label.Name, label.Name, file.Beside(kernel), [.. initrds.Select(file.Beside)], line, BootLoaderKind.Extlinux);
    }

    private void Take(BootFile file, string text, int depth)
    {
        foreach (string line in text.Split('\n'))
        {
            if (++_lines > MaxLines) return;
            (string key, string value) = Split(line.Trim());
            Label? label = _labels.Count > 0 ? _labels[^1] : null;
            switch (key.ToUpperInvariant())
            {
                case "LABEL" when _labels.Count < BootLimits.Entries:
                    _labels.Add(new Label(value, _globalAppend));
                    break;
                case "DEFAULT": _default = value; break;
                case "INCLUDE": Include(file, value, depth); break;
                case "MENU": Menu(label, file, value, depth); break;
                case "KERNEL" or "LINUX" when label is not null: label.Kernel = Split(value).Key; break;
                case "INITRD" when label is not null: label.Initrds.AddRange(value.Split(',', StringSplitOptions.RemoveEmptyEntries)); break;
                // A single hyphen takes the file's own command line away.
                case "APPEND" when label is not null: label.Append = value == "-" ? "" : value; break;
                case "APPEND": _globalAppend = value; break;
            }
        }
    }

    private void Menu(Label? label, BootFile file, string value, int depth)
    {
        (string key, string rest) = Split(value);
        switch (key.ToUpperInvariant())
        {
            // The letter behind a caret is a key that chooses.
            case "LABEL" when label is not null: label.Title = rest.Replace("^", "", StringComparison.Ordinal); break;
            case "DEFAULT" when label is not null: label.IsDefault = true; break;
            case "INCLUDE": Include(file, Split(rest).Key, depth); break;
        }
    }

    private void Include(BootFile file, string name, int depth)
    {
        BootFile included = file.Beside(name);
        if (depth < MaxDepth && name.Length > 0 && included.ReadText(out string text) == VolumeError.None) Take(file, text, depth + 1);
    }

    private static (string Key, string Value) Split(string line)
    {
        int at = line.AsSpan().IndexOfAny(' ', '\t');
        return at < 0 ? (line, "") : (line[..at], line[at..].Trim());
    }
}
