using Hospes.Storage.Boot.Grub;
using Hospes.Storage.Partitions;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Boot;

/// <summary>Finds what a disk offers to boot, as the boot loaders that people install would: nothing of the disk is run, and nothing is written.</summary>
public static class BootFinder
{
    private static readonly string[] s_grub = ["/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/grub/grub.cfg", "/grub2/grub.cfg", "/EFI/debian/grub.cfg", "/EFI/ubuntu/grub.cfg", "/EFI/fedora/grub.cfg"];

    private static readonly string[] s_extlinux =
    [
        "/boot/extlinux/extlinux.conf", "/extlinux/extlinux.conf", "/extlinux.conf", "/boot/extlinux.conf",
        "/boot/syslinux/syslinux.cfg", "/syslinux/syslinux.cfg", "/boot/syslinux/extlinux.conf", "/syslinux.cfg",
    ];

    /// <summary>Looks for entries: GRUB's first, then those of the Boot Loader Specification, then Syslinux's.</summary>
    /// <param name="image">The disk; it must stay open while files of an entry are read.</param>
    /// <param name="budget">What looking and reading may cost.</param>
    /// <returns>The menu; one without entries says why in <see cref="BootMenu.Why"/>.</returns>
    public static BootMenu Find(IBlockImage image, ReadBudget budget)
    {
        VolumeError error = BootDisk.Open(image, budget, out BootDisk? disk);
        if (error == VolumeError.Corrupt) return Nothing("the disk's partition table is damaged, and so is its copy");
        return disk is null ? Nothing($"the disk's partition table cannot be read: {VolumeErrors.Cause(error)}") : Find(disk, budget);
    }

    /// <summary>Looks for entries on an open disk.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="budget">The budget that it was opened with.</param>
    public static BootMenu Find(BootDisk disk, ReadBudget budget)
    {
        string? why = null;
        foreach (BootFile file in Candidates(disk, s_grub))
        {
            if (Read(file, text => GrubMenu.Read(disk, file, text), ref why) is { } menu) return menu;
        }

        if (LoaderEntryFiles.Menu(disk) is { } entries) return entries;
        foreach (BootFile file in Candidates(disk, s_extlinux))
        {
            if (Read(file, text => ExtlinuxFile.Read(file, text), ref why) is { } menu) return menu;
        }

        if (budget.WorkLeft == 0 || budget.MemoryLeft == 0) return Nothing($"the disk was not read to its end: {VolumeErrors.Cause(VolumeError.OverBudget)}");
        return Nothing(why ?? Missing(disk));
    }

    private static IEnumerable<BootFile> Candidates(BootDisk disk, string[] paths) => disk.Volumes.SelectMany(volume => paths.Select(path => new BootFile(volume, path)));

    /// <summary>Reads a configuration if it is there; gives its menu if that has entries, and otherwise notes why not.</summary>
    private static BootMenu? Read(BootFile file, Func<string, BootMenu> read, ref string? why)
    {
        VolumeError error = file.ReadText(out string text);
        if (error is VolumeError.NotFound or VolumeError.NotADirectory) return null;
        if (error != VolumeError.None)
        {
            why ??= $"{file} cannot be read: {VolumeErrors.Cause(error)}";
            return null;
        }

        BootMenu menu = read(text);
        why ??= menu.Why;
        return menu.Entries.Count > 0 ? menu : null;
    }

    private static string Missing(BootDisk disk)
    {
        if (disk.Volumes.Count > 0) return $"no grub.cfg, no loader entries and no extlinux.conf on {string.Join(", ", disk.Volumes.Select(static volume => $"{volume.Name} ({volume.Files.Kind})"))}";
        if (disk.Refused.Count > 0) return string.Join("; ", disk.Refused);
        return disk.Table.Scheme == PartitionScheme.None
            ? "the disk has no partition table and no file system that is read here (ext2, ext3, ext4, FAT)"
            : $"none of the disk's {disk.Table.Partitions.Count} partitions has a file system that is read here (ext2, ext3, ext4, FAT)";
    }

    private static BootMenu Nothing(string why) => new([], -1, why);
}
