using System.Globalization;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Boot.Grub;

/// <summary>What running a script may cost: commands, and letters that expanding its variables makes.</summary>
internal sealed class GrubBudget
{
    private int _commands = 100_000;

    private int _letters = 8 << 20;

    public bool IsSpent => _commands <= 0 || _letters <= 0;

    public void Command() => _commands--;

    public void Letters(int count) => _letters -= Math.Min(count, Math.Max(_letters, 0));
}

/// <summary>The state of GRUB while a script runs: variables, functions, the menu so far, what is loaded to boot.</summary>
internal sealed class GrubContext(BootDisk disk, GrubBudget budget)
{
    /// <summary>Scripts that run scripts, at most.</summary>
    public const int MaxNesting = 16;

    /// <summary>What GRUB says of itself to its scripts; the first guards options that old versions lack.</summary>
    private static readonly (string Name, string Value)[] s_given =
        [("feature_menuentry_id", "y"), ("feature_platform_search_hint", "y"), ("feature_timeout_style", "y"), ("feature_default_font_path", "y"), ("feature_all_video_module", "y"), ("grub_cpu", "x86_64"), ("grub_platform", "pc")];

    public BootDisk Disk { get; } = disk;

    public GrubBudget Budget { get; } = budget;

    public Dictionary<string, string> Variables { get; private init; } = s_given.ToDictionary(static pair => pair.Name, static pair => pair.Value, StringComparer.Ordinal);

    public Dictionary<string, IReadOnlyList<Statement>> Functions { get; private init; } = new(StringComparer.Ordinal);

    public List<GrubItem> Items { get; } = [];

    /// <summary>What <c>$1</c> and so on stand for; the first is <c>$0</c>.</summary>
    public IReadOnlyList<string> Arguments { get; set; } = [];

    /// <summary>How many scripts and functions run within each other.</summary>
    public int Nesting { get; set; }

    public BootFile? Kernel { get; set; }

    public string CommandLine { get; set; } = "";

    public List<BootFile> Initrds { get; } = [];

    /// <summary>Whether an initial RAM disk was named on a device that is not here.</summary>
    public bool HasLostInitrd { get; set; }

    /// <summary>Sets the variables that tell a script where it is.</summary>
    public void Enter(BootFile file)
    {
        string device = DeviceOf(file.Volume);
        Variables["root"] = device;
        Variables["prefix"] = $"({device}){file.Path[..Math.Max(file.Path.LastIndexOf('/'), 0)]}";
        Variables["config_directory"] = Variables["prefix"];
        Variables["config_file"] = $"({device}){file.Path}";
    }

    /// <summary>A context for an item of the menu: it sees the variables and changes its own copies.</summary>
    public GrubContext Inherit(IReadOnlyList<string> arguments)
    {
        foreach ((string name, string value) in Variables) Budget.Letters(name.Length + value.Length);
        return new GrubContext(Disk, Budget)
        {
            Variables = new(Variables, StringComparer.Ordinal),
            Functions = new(Functions, StringComparer.Ordinal),
            Arguments = arguments,
            Nesting = Nesting,
        };
    }

    /// <summary>The file that a path names: <c>(hd0,gpt2)/boot/vmlinuz</c>, or one without a device, which is on <c>$root</c>.</summary>
    public BootFile? File(string path)
    {
        string device = Variables.GetValueOrDefault("root", "");
        if (path.StartsWith('('))
        {
            int end = path.IndexOf(')');
            if (end < 0) return null;
            device = path[1..end];
            path = path[(end + 1)..];
        }

        return path.StartsWith('/') && VolumeOf(device) is { } volume ? new BootFile(volume, path) : null;
    }

    /// <summary>What GRUB calls a volume of the first disk (GRUB manual, 3, "Naming convention").</summary>
    public string DeviceOf(BootVolume volume) => volume.Partition is null
        ? "hd0"
        : string.Create(CultureInfo.InvariantCulture, $"hd0,{(Disk.Table.Scheme == Partitions.PartitionScheme.Gpt ? "gpt" : "msdos")}{volume.Partition.Number}");

    /// <summary>The volume of a device's name. The number of the disk counts for nothing: there is one.</summary>
    private BootVolume? VolumeOf(string device)
    {
        device = device.Trim('(', ')');
        if (!device.StartsWith("hd", StringComparison.Ordinal)) return null;
        int comma = device.LastIndexOf(',');
        if (comma < 0) return Disk.Volumes.FirstOrDefault(static volume => volume.Partition is null);
        ReadOnlySpan<char> partition = device.AsSpan(comma + 1).TrimStart("abcdefghijklmnopqrstuvwxyz");
        return int.TryParse(partition, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? Disk.Volumes.FirstOrDefault(volume => volume.Partition?.Number == number) : null;
    }

    /// <summary>Whether a file is there.</summary>
    public bool Exists(string path, Func<FileEntry, bool> condition) =>
        File(path) is { } file && file.Volume.Files.Find(file.Path, out FileEntry entry) == VolumeError.None && condition(entry);
}
