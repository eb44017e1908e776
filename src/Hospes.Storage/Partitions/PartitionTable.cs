using Hospes.Storage.Volumes;

namespace Hospes.Storage.Partitions;

/// <summary>A disk's partitions.</summary>
/// <param name="Scheme">What kind of table it has.</param>
/// <param name="Partitions">The partitions in the order of their numbers. They may overlap: a table is foreign.</param>
/// <param name="FromBackup">True when GPT's first header or table was damaged and the copy at the disk's end was taken.</param>
public sealed record PartitionTable(PartitionScheme Scheme, IReadOnlyList<Partition> Partitions, bool FromBackup = false)
{
    /// <summary>Reads a disk's table.</summary>
    /// <param name="disk">The whole disk.</param>
    /// <param name="table">The table; one without partitions for a disk that has none.</param>
    /// <returns>
    /// <see cref="VolumeError.None"/>, <see cref="VolumeError.Corrupt"/> for a disk that says it has a GPT of which neither copy is whole,
    /// <see cref="VolumeError.ReadFailed"/>, <see cref="VolumeError.OverBudget"/>.
    /// </returns>
    public static VolumeError Read(Volume disk, out PartitionTable table)
    {
        table = new PartitionTable(PartitionScheme.None, []);
        if (disk.Length < MasterBootRecord.Size) return VolumeError.None;
        VolumeError error = MasterBootRecord.Read(disk, out MasterBootRecord? record);
        if (error != VolumeError.None || record is null) return error;
        if (!record.IsProtective)
        {
            error = record.Partitions(disk, out List<Partition> found);
            table = new PartitionTable(PartitionScheme.Mbr, found);
            return error;
        }

        return GuidPartitionTable.Read(disk, out table);
    }
}
