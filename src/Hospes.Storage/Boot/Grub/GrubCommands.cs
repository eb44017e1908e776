using Hospes.Storage.Volumes;

namespace Hospes.Storage.Boot.Grub;

/// <summary>The commands of GRUB that matter for finding a kernel (GRUB manual, 16.3).</summary>
internal sealed class GrubCommands(GrubContext context)
{
    /// <summary>The size and the first line of an environment block (GRUB manual, 6.5, "Environment block").</summary>
    private const int EnvironmentSize = 1024;

    /// <summary>Runs a command.</summary>
    /// <param name="words">The command and its arguments; at least the first.</param>
    /// <returns>Whether it succeeded, as far as that can be known.</returns>
    public bool Run(List<string> words)
    {
        switch (words[0])
        {
            case "set": return words.Count < 2 || Set(words.Skip(1));
            case "unset": return words.Count > 1 && Unset(words);
            case "[" or "test": return GrubTest.Run(context, words);
            case "false" or "background_image" or "regexp" or "fwsetup" or "keystatus" or "sleep" or "cpuid" or "background_color": return false;
            case "load_env": return LoadEnvironment(words);
            case "search": return Search(words);
            case "search.fs_uuid" or "search.fs_label" or "search.file": return words.Count > 1 && Search(words[0]["search.".Length..], words[1], words.ElementAtOrDefault(2) ?? "root");
            case "probe": return Probe(words);
            case "linux" or "linux16" or "linuxefi": return Linux(words);
            case "initrd" or "initrd16" or "initrdefi": return Initrd(words);
            case "blscfg": return LoaderEntries();
            default: return true;
        }
    }

    /// <summary>Sets variables: <c>name=value</c>.</summary>
    public bool Set(IEnumerable<string> assignments)
    {
        foreach (string assignment in assignments)
        {
            int at = assignment.IndexOf('=');
            if (at > 0) context.Variables[assignment[..at]] = assignment[(at + 1)..];
        }

        return true;
    }

    private bool Unset(List<string> words)
    {
        foreach (string name in words.Skip(1)) context.Variables.Remove(name);
        return true;
    }

    /// <summary>Takes variables from an environment block: those that are named, or all.</summary>
    private bool LoadEnvironment(List<string> words)
    {
        string path = context.Variables.GetValueOrDefault("prefix", "") + "/grubenv";
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 1; i < words.Count; i++)
        {
            if (words[i] is "-f" or "--file" && i + 1 < words.Count) path = words[++i];
            else if (words[i].StartsWith("--file=", StringComparison.Ordinal)) path = words[i]["--file=".Length..];
            else if (!words[i].StartsWith('-')) names.Add(words[i]);
        }

        if (context.File(path) is not { } file || file.ReadText(out string text) != VolumeError.None) return false;
        if (!text.StartsWith("# GRUB Environment Block\n", StringComparison.Ordinal)) return false;
        context.Budget.Letters(Math.Max(text.Length, EnvironmentSize));
        foreach (string line in text.Split('\n'))
        {
            int at = line.IndexOf('=');
            if (line.StartsWith('#') || at <= 0 || (names.Count > 0 && !names.Contains(line[..at]))) continue;
            context.Variables[line[..at]] = line[(at + 1)..].Replace("\\\\", "\\", StringComparison.Ordinal);
        }

        return true;
    }

    private bool Search(List<string> words)
    {
        string by = "file", variable = "root", name = "";
        for (int i = 1; i < words.Count; i++)
        {
            string word = words[i];
            switch (word)
            {
                case "--fs-uuid" or "-u": by = "fs_uuid"; break;
                case "--label" or "--fs-label" or "-l": by = "fs_label"; break;
                case "--file" or "-f": by = "file"; break;
                case "--set" or "-s": break;
                case "--hint" or "-h": i++; break;
                default:
                    if (word.StartsWith("--set=", StringComparison.Ordinal)) variable = word["--set=".Length..];
                    else if (!word.StartsWith('-') && name.Length == 0) name = word;
                    // What follows a plain --set can be the variable; then the name comes after it.
                    else if (!word.StartsWith('-')) (variable, name) = (name, word);
                    break;
            }
        }

        return name.Length > 0 && Search(by, name, variable);
    }

    private bool Search(string by, string name, string variable)
    {
        BootVolume? found = context.Disk.Volumes.FirstOrDefault(volume => by switch
        {
            "fs_uuid" => volume.Files.Uuid.Equals(name, StringComparison.OrdinalIgnoreCase),
            "fs_label" => volume.Files.Label == name,
            _ => volume.Files.Find(name, out _) == VolumeError.None,
        });
        if (found is null) return false;
        context.Variables[variable] = context.DeviceOf(found);
        return true;
    }

    /// <summary><c>probe --set=variable --fs-uuid device</c> and its like.</summary>
    private bool Probe(List<string> words)
    {
        string? variable = null, by = null, device = null;
        for (int i = 1; i < words.Count; i++)
        {
            if (words[i].StartsWith("--set=", StringComparison.Ordinal)) variable = words[i]["--set=".Length..];
            else if (words[i] is "--set" or "-s" && i + 1 < words.Count) variable = words[++i];
            else if (words[i].StartsWith('-')) by = words[i].TrimStart('-');
            else device = words[i];
        }

        if (variable is null || device is null || context.File($"({device.Trim('(', ')')})/") is not { } file) return false;
        IFileSystem files = file.Volume.Files;
        context.Variables[variable] = by switch { "fs-uuid" or "u" => files.Uuid, "label" or "l" => files.Label, "fs" or "f" => "ext2", _ => "" };
        return true;
    }

    private bool Linux(List<string> words)
    {
        if (words.Count < 2 || context.File(words[1]) is not { } kernel) return false;
        string line = string.Join(' ', words.Skip(2));
        context.Budget.Letters(line.Length);
        if (line.Length > BootLimits.CommandLine) return false;
        (context.Kernel, context.CommandLine) = (kernel, line);
        return true;
    }

    private bool Initrd(List<string> words)
    {
        context.Initrds.Clear();
        foreach (string path in words.Skip(1))
        {
            if (path.StartsWith('-')) continue;
            if (context.File(path) is { } file) context.Initrds.Add(file);
            else context.HasLostInitrd = true;
        }

        return !context.HasLostInitrd;
    }

    /// <summary><c>blscfg</c>: the Boot Loader Specification's entries become items of the menu, as distributions around Fedora have it.</summary>
    private bool LoaderEntries()
    {
        foreach (BootEntry entry in LoaderEntryFiles.Find(context.Disk, name => context.Variables.GetValueOrDefault(name)))
        {
            if (context.Items.Count >= BootLimits.Entries) break;
            context.Budget.Letters(entry.CommandLine.Length);
            context.Items.Add(new GrubItem(entry.Title, entry.Id, [], [], IsSubmenu: false, entry));
        }

        return true;
    }
}
