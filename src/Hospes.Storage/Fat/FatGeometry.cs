using Hospes.Storage.Volumes;

namespace Hospes.Storage.Fat;

/// <summary>The layout of a FAT file system (Microsoft's FAT specification of 2000, "Boot Sector and BPB"), checked against the volume's length.</summary>
internal sealed class FatGeometry
{
    public const int BootSectorSize = 512, EntrySize = 32;

    /// <summary>From these numbers of clusters on it is FAT16, or FAT32 ("FAT Type Determination").</summary>
    private const long Fat16From = 4085, Fat32From = 65525;

    private FatGeometry(ReadOnlySpan<byte> sector)
    {
        SectorSize = sector.U16(11);
        ClusterSize = sector[13] * SectorSize;
        uint tableSectors = sector.U16(22) != 0 ? sector.U16(22) : sector.U32(36);
        uint total = sector.U16(19) != 0 ? sector.U16(19) : sector.U32(32);
        TableOffset = (long)sector.U16(14) * SectorSize;
        TableLength = (long)tableSectors * SectorSize;
        RootOffset = TableOffset + sector[16] * TableLength;
        RootLength = sector.U16(17) * EntrySize;
        DataOffset = RootOffset + RootLength;
        long end = (long)total * SectorSize;
        Clusters = ClusterSize == 0 ? 0 : Math.Max(0, end - DataOffset) / ClusterSize;
        Length = end;
        Bits = Clusters < Fat16From ? 12 : Clusters < Fat32From ? 16 : 32;
        RootCluster = Bits == 32 ? sector.U32(44) : 0;
        Serial = sector.U32(Bits == 32 ? 67 : 39);
        Label = System.Text.Encoding.Latin1.GetString(sector.Slice(Bits == 32 ? 71 : 43, 11)).TrimEnd();
    }

    public int SectorSize { get; }

    public int ClusterSize { get; }

    public long TableOffset { get; }

    public long TableLength { get; }

    /// <summary>Where the root's entries are before FAT32.</summary>
    public long RootOffset { get; }

    public int RootLength { get; }

    /// <summary>Where cluster 2 is, the first.</summary>
    public long DataOffset { get; }

    public long Clusters { get; }

    public long Length { get; }

    /// <summary>The width of an entry of the table: 12, 16 or 32.</summary>
    public int Bits { get; }

    /// <summary>Where the root begins on FAT32.</summary>
    public uint RootCluster { get; }

    public uint Serial { get; }

    public string Label { get; }

    /// <summary>Reads it.</summary>
    /// <param name="sector">The first sector.</param>
    /// <param name="length">The volume's length.</param>
    /// <param name="geometry">What it says.</param>
    public static VolumeError Read(ReadOnlySpan<byte> sector, long length, out FatGeometry? geometry)
    {
        geometry = null;
        bool jump = sector[0] is 0xEB or 0xE9, mark = sector.U16(510) == 0xAA55;
        if (!jump || !mark || sector.U16(11) is not (512 or 1024 or 2048 or 4096) || sector[13] == 0 || (sector[13] & (sector[13] - 1)) != 0 || sector[16] is 0 or > 2 || sector.U16(14) == 0) return VolumeError.WrongKind;
        // NTFS and exFAT have the mark and zeros here, too, but no tables.
        var read = new FatGeometry(sector);
        if (read.TableLength == 0) return VolumeError.WrongKind;
        if (read.ClusterSize > 1 << 18 || read.Clusters == 0 || read.Length > length || read.DataOffset > read.Length || (read.Clusters + 2) * read.Bits / 8 > read.TableLength) return VolumeError.Corrupt;
        geometry = read;
        return VolumeError.None;
    }

    public bool IsCluster(uint cluster) => cluster >= 2 && cluster - 2 < Clusters;

    public long OffsetOf(uint cluster) => DataOffset + (long)(cluster - 2) * ClusterSize;
}
