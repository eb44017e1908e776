using System.Text;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Boot;

/// <summary>A file that an entry names.</summary>
/// <param name="Volume">The volume it is on.</param>
/// <param name="Path">Its path there.</param>
public sealed record BootFile(BootVolume Volume, string Path)
{
    /// <summary>Reads it whole.</summary>
    /// <param name="atMost">The most bytes that the caller takes.</param>
    /// <param name="content">The bytes.</param>
    public VolumeError Read(long atMost, out byte[] content) => Volume.Files.ReadFile(Path, atMost, out content);

    /// <summary>The path, with the volume before it.</summary>
    public override string ToString() => $"{Volume.Name}:{Path}";

    /// <summary>Reads a file of text.</summary>
    internal VolumeError ReadText(out string text)
    {
        VolumeError error = Read(BootLimits.ConfigurationSize, out byte[] content);
        text = Encoding.UTF8.GetString(content);
        return error;
    }

    /// <summary>Another file, named from this one's folder when it has no path from the root.</summary>
    internal BootFile Beside(string name) => this with { Path = name.StartsWith('/') ? name : Path[..(Path.LastIndexOf('/') + 1)] + name };
}

/// <summary>Which convention an entry was found by.</summary>
public enum BootLoaderKind
{
    /// <summary>GRUB's <c>grub.cfg</c>.</summary>
    Grub,

    /// <summary>A file of the Boot Loader Specification, type 1.</summary>
    LoaderEntry,

    /// <summary><c>extlinux.conf</c> or <c>syslinux.cfg</c>.</summary>
    Extlinux,
}

/// <summary>Something that a disk offers to boot. All text is the disk's: foreign.</summary>
/// <param name="Title">What its menu calls it.</param>
/// <param name="Id">The name by which others refer to it; the title where it has none. Parts of submenus have those before them, behind <c>&gt;</c>.</param>
/// <param name="Kernel">The kernel.</param>
/// <param name="Initrds">The initial RAM disks, to be put one behind the other.</param>
/// <param name="CommandLine">The kernel's command line.</param>
/// <param name="Kind">By which convention it was found.</param>
public sealed record BootEntry(string Title, string Id, BootFile Kernel, IReadOnlyList<BootFile> Initrds, string CommandLine, BootLoaderKind Kind);

/// <summary>What a disk offers to boot.</summary>
/// <param name="Entries">The entries in the order of the menu, those of submenus in their place.</param>
/// <param name="Default">The place in the list of the one that boots by itself; -1 when there is none.</param>
/// <param name="Why">A sentence without a full stop that says why there are no entries; null when there are.</param>
public sealed record BootMenu(IReadOnlyList<BootEntry> Entries, int Default, string? Why)
{
    /// <summary>Finds an entry as a person names it: its number in the list from 0, its id, its title.</summary>
    /// <param name="name">The name.</param>
    /// <returns>The entry, or null.</returns>
    public BootEntry? Find(string name)
    {
        if (Entries.FirstOrDefault(entry => entry.Id == name) is { } byId) return byId;
        if (Entries.FirstOrDefault(entry => entry.Title == name) is { } byTitle) return byTitle;
        return int.TryParse(name, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int number) && number < Entries.Count ? Entries[number] : null;
    }
}

/// <summary>Bounds of what is taken from a disk's boot configuration.</summary>
internal static class BootLimits
{
    /// <summary>Bytes of one configuration file; Debian's grub.cfg has some ten thousand.</summary>
    public const int ConfigurationSize = 1 << 20;

    /// <summary>Entries of a menu.</summary>
    public const int Entries = 256;

    /// <summary>Letters of a command line: far above what Linux takes (COMMAND_LINE_SIZE, 2048 on x86).</summary>
    public const int CommandLine = 1 << 16;
}
