namespace Hospes.Domains.Storage;

/// <summary>What an image is.</summary>
/// <param name="Format">Its format: <c>raw</c> or <c>qcow2</c>.</param>
/// <param name="Capacity">Bytes that a guest sees.</param>
/// <param name="Allocation">Bytes of the host's storage that are in use.</param>
/// <param name="Physical">The length of the file or device.</param>
/// <param name="BackingPath">The image below it, as written in it; null for none.</param>
/// <param name="BackingFormat">The format of the image below it; null when not said.</param>
public sealed record DiskImageInfo(string Format, ulong Capacity, ulong Allocation, ulong Physical, string? BackingPath = null, string? BackingFormat = null);

/// <summary>A new image.</summary>
/// <param name="Format">Its format: <c>raw</c> or <c>qcow2</c>.</param>
/// <param name="Capacity">Bytes that a guest will see.</param>
/// <param name="BackingPath">The image below it, or null.</param>
/// <param name="BackingFormat">The format of the image below it, or null to find out.</param>
/// <param name="IsReserved">Whether all of its room is taken from the host at once.</param>
public sealed record NewDiskImage(string Format, ulong Capacity, string? BackingPath = null, string? BackingFormat = null, bool IsReserved = false);

/// <summary>Disk images on the host, as far as who manages domains needs them. Images are of strangers: implementations check what they read.</summary>
public interface IDiskImages
{
    /// <summary>Looks at an image, also while somebody writes it.</summary>
    /// <param name="path">The file or block device.</param>
    /// <param name="format">Its format, or null to find out.</param>
    Outcome<DiskImageInfo> Inspect(string path, string? format);

    /// <summary>Makes an image in a file that is not there yet.</summary>
    DomainFailure? Create(string path, NewDiskImage image);

    /// <summary>Copies what a guest would see of an image into a new file.</summary>
    DomainFailure? Copy(string source, string? sourceFormat, string path, NewDiskImage image);

    /// <summary>Gives an image another size, in bytes.</summary>
    DomainFailure? Resize(string path, string format, ulong capacity);
}

/// <summary>What the loader of a guest's disk would start, put where the machine can read it.</summary>
/// <param name="Kernel">The path of the kernel.</param>
/// <param name="Initrd">The path of the initial RAM disk, or null.</param>
/// <param name="CommandLine">The kernel's command line, or null.</param>
public sealed record BootFiles(string Kernel, string? Initrd, string? CommandLine);

/// <summary>Finds what to boot on disks: there is no firmware that would.</summary>
public interface IBootFinder
{
    /// <summary>Takes the kernel with what belongs to it out of the first disk that has one.</summary>
    /// <param name="disks">Paths and formats, in the order in which they are looked at.</param>
    /// <param name="folder">Where the files go.</param>
    Outcome<BootFiles> Extract(IReadOnlyList<(string Path, string? Format)> disks, string folder);
}
