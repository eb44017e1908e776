using Hospes.Storage.Ext4;
using Hospes.Storage.Fat;
using Hospes.Storage.Partitions;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Boot;

/// <summary>A part of a disk that has a file system that can be read.</summary>
/// <param name="Partition">The partition; null for a disk without a table, which is one volume.</param>
/// <param name="Files">Its file system.</param>
public sealed record BootVolume(Partition? Partition, IFileSystem Files)
{
    /// <summary>What people call it: <c>partition 1</c>, or <c>the disk</c>.</summary>
    public string Name => NameOf(Partition);

    /// <summary>What people call a volume.</summary>
    internal static string NameOf(Partition? partition) => partition is null ? "the disk" : $"partition {partition.Number}";
}

/// <summary>A disk with the file systems on it, for looking for something to boot.</summary>
public sealed class BootDisk
{
    internal BootDisk(PartitionTable table, IReadOnlyList<BootVolume> volumes, IReadOnlyList<string> refused)
    {
        (Table, Volumes, Refused) = (table, volumes, refused);
    }

    /// <summary>How the disk is divided.</summary>
    public PartitionTable Table { get; }

    /// <summary>Its readable volumes, in the order of the partitions.</summary>
    public IReadOnlyList<BootVolume> Volumes { get; }

    /// <summary>For each file system that is there and cannot be read: where it is and why, as a clause.</summary>
    public IReadOnlyList<string> Refused { get; }

    /// <summary>Opens what is on a disk.</summary>
    /// <param name="image">The disk; it stays the caller's, and must stay open while the result is used.</param>
    /// <param name="budget">What reading may cost.</param>
    /// <param name="disk">The disk with its volumes; perhaps none.</param>
    /// <returns>Why the disk's own table could not be read.</returns>
    public static VolumeError Open(IBlockImage image, ReadBudget budget, out BootDisk? disk)
    {
        disk = null;
        Volume whole = Volume.Whole(image, budget);
        VolumeError error = PartitionTable.Read(whole, out PartitionTable table);
        if (error != VolumeError.None) return error;
        var volumes = new List<BootVolume>();
        var refused = new List<string>();
        foreach (Partition partition in table.Partitions) Add(partition, whole.Part(partition.Start, partition.Length));
        if (table.Partitions.Count == 0) Add(null, whole);
        disk = new BootDisk(table, volumes, refused);
        return VolumeError.None;

        void Add(Partition? partition, Volume volume)
        {
            VolumeError failure = TryOpen(volume, out IFileSystem? files);
            if (failure == VolumeError.None) volumes.Add(new BootVolume(partition, files!));
            else if (failure != VolumeError.WrongKind) refused.Add($"{BootVolume.NameOf(partition)}: {VolumeErrors.Cause(failure)}");
        }
    }

    /// <summary>Opens a volume as the first kind of file system that it is.</summary>
    internal static VolumeError TryOpen(Volume volume, out IFileSystem? files)
    {
        VolumeError error = Ext4FileSystem.TryOpen(volume, out Ext4FileSystem? ext4);
        files = ext4;
        if (error != VolumeError.WrongKind) return error;
        error = FatFileSystem.TryOpen(volume, out FatFileSystem? fat);
        files = fat;
        return error;
    }
}
