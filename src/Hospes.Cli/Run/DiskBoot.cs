using Hospes.Builder;
using Hospes.Cli.CommandLine;
using Hospes.Machine;
using Hospes.Storage;
using Hospes.Storage.Boot;
using Hospes.Storage.Volumes;

namespace Hospes.Cli.Run;

/// <summary>A kernel with what belongs to it, read from a disk.</summary>
/// <param name="Kernel">The kernel's bytes.</param>
/// <param name="Initrd">The initial RAM disks, one behind the other; null for none.</param>
/// <param name="Entry">The entry that named them.</param>
internal sealed record DiskKernel(byte[] Kernel, byte[]? Initrd, BootEntry Entry);

/// <summary>Boots from a disk: finds what its boot loader would start, and reads that into memory. The disk is not written.</summary>
internal static class DiskBoot
{
    /// <summary>Bytes that the initial RAM disks of one entry may have together.</summary>
    private const int MaxInitrd = 1 << 30;

    /// <summary>Where the kernel looks for the next of several initial RAM disks (Linux documentation, "initramfs buffer format").</summary>
    private const int InitrdAlignment = 4;

    private const string Remedy = "name a kernel with --kernel, or see 'hospes image boot-entries'";

    /// <summary>Finds an entry on the first disk that has one, and reads it.</summary>
    /// <param name="devices">The guest's devices.</param>
    /// <param name="name">The entry's number, id or title; null for the default.</param>
    public static Outcome<DiskKernel> Load(IEnumerable<DeviceOptions> devices, string? name)
    {
        Failure? first = null;
        foreach (Machine.DiskOptions disk in devices.OfType<Machine.DiskOptions>())
        {
            if (!Open(disk.Path, disk.Format).Succeeded(out IBlockImage? image, out Failure? failure)) return failure;
            using IBlockImage closing = image;
            BootMenu menu = BootFinder.Find(image, ReadBudget.ForBoot());
            if (menu.Entries.Count > 0) return Read(disk.Path, menu, name);
            first ??= new Failure(FailureKind.Format, $"'{disk.Path}' has nothing to boot: {menu.Why}", Remedy);
        }

        return first ?? new Failure(FailureKind.Arguments, "neither --kernel nor --disk is given", "name a kernel, or a disk to boot from; see 'hospes run --help'");
    }

    /// <summary>Opens a disk for looking.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="format">Its format's name; null to guess it.</param>
    public static Outcome<IBlockImage> Open(string path, string? format)
    {
        ImageFormat? known = format is not null && ImageFormats.TryParse(format, out ImageFormat named) ? named : null;
        return DiskImage.TryOpen(path, new ImageOpening { Format = known, ReadOnly = true }, out IBlockImage? image, out StorageFailure? failure)
            ? new Outcome<IBlockImage>(image)
            : Words(path, failure);
    }

    private static Failure Words(string path, StorageFailure failure)
    {
        Failure words = Images.Disks.DiskOptions.Words(failure);
        return words.Cause.Contains(path, StringComparison.Ordinal) ? words : words with { Cause = $"'{path}': {words.Cause}" };
    }

    private static Outcome<DiskKernel> Read(string path, BootMenu menu, string? name)
    {
        BootEntry? entry = name is null ? menu.Entries[menu.Default] : menu.Find(name);
        if (entry is null) return new Failure(FailureKind.Arguments, $"'{path}' has no boot entry '{name}'", $"choose one that 'hospes image boot-entries {path}' lists");
        VolumeError error = entry.Kernel.Read(Limits.MaxFileSize, out byte[] kernel);
        if (error != VolumeError.None) return Unreadable(entry, entry.Kernel, error);
        var initrds = new MemoryStream();
        foreach (BootFile file in entry.Initrds)
        {
            error = file.Read(MaxInitrd - initrds.Length, out byte[] initrd);
            if (error != VolumeError.None) return Unreadable(entry, file, error);
            if (entry.Initrds.Count == 1) return new DiskKernel(kernel, initrd, entry);
            initrds.Write(initrd);
            initrds.Write(new byte[-initrds.Length & (InitrdAlignment - 1)]);
        }

        return new DiskKernel(kernel, initrds.Length == 0 ? null : initrds.ToArray(), entry);

        Failure Unreadable(BootEntry wanted, BootFile file, VolumeError why) =>
            new(FailureKind.Format, $"'{path}' does not boot its entry '{wanted.Title}': {file}: {VolumeErrors.Cause(why)}", "choose another entry with --boot-entry, or name a kernel with --kernel");
    }
}
