using System.Text;
using Hospes.Storage.Checksums;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Partitions;

/// <summary>A GUID partition table (UEFI 2.10, 5.3).</summary>
internal static class GuidPartitionTable
{
    private const ulong Signature = 0x5452_4150_2049_4645; // "EFI PART"

    private const int SmallestHeader = 92, SmallestEntry = 128, NameOffset = 56;

    /// <summary>Bytes that a table's entries may take; the usual 128 entries take 16 KiB.</summary>
    private const int MaxEntriesSize = 1 << 20;

    /// <summary>Sizes of a sector; the disks of a guest have the first, images of other disks may have the second.</summary>
    private static readonly int[] s_sectorSizes = [512, 4096];

    private sealed record Header(int SectorSize, byte[] Entries, int EntrySize);

    /// <summary>Reads it: the first copy or, where that is damaged, the one at the disk's end.</summary>
    public static VolumeError Read(Volume disk, out PartitionTable table)
    {
        table = new PartitionTable(PartitionScheme.Gpt, []);
        foreach (bool backup in (ReadOnlySpan<bool>)[false, true])
        {
            foreach (int sectorSize in s_sectorSizes)
            {
                VolumeError error = ReadHeader(disk, sectorSize, backup ? disk.Length / sectorSize - 1 : 1, out Header? header);
                if (error != VolumeError.None) return error;
                if (header is null) continue;
                table = new PartitionTable(PartitionScheme.Gpt, Partitions(disk, header), backup);
                return VolumeError.None;
            }
        }

        return VolumeError.Corrupt;
    }

    private static VolumeError ReadHeader(Volume disk, int sectorSize, long sector, out Header? header)
    {
        header = null;
        if (sector < 1 || sector >= disk.Length / sectorSize) return VolumeError.None;
        Span<byte> buffer = stackalloc byte[sectorSize];
        ReadOnlySpan<byte> fields = buffer;
        VolumeError error = disk.Read(sector * sectorSize, buffer);
        if (error != VolumeError.None || fields.U64(0) != Signature) return error;
        uint size = fields.U32(12), sum = fields.U32(16), count = fields.U32(80), entrySize = fields.U32(84), entriesSum = fields.U32(88);
        if (size < SmallestHeader || size > sectorSize || fields.U64(24) != (ulong)sector) return VolumeError.None;
        buffer.Slice(16, 4).Clear();
        if (~Crc.Ieee(Crc.Start, buffer[..(int)size]) != sum) return VolumeError.None;
        ulong total = (ulong)count * entrySize, at = fields.U64(72);
        if (entrySize < SmallestEntry || (entrySize & (entrySize - 1)) != 0 || total > MaxEntriesSize || at >= (ulong)(disk.Length / sectorSize)) return VolumeError.None;
        if ((long)total > disk.Length - (long)at * sectorSize) return VolumeError.None;
        if (!disk.Budget.TryHold((long)total)) return VolumeError.OverBudget;
        byte[] entries = new byte[total];
        error = disk.Read((long)at * sectorSize, entries);
        if (error == VolumeError.None && ~Crc.Ieee(Crc.Start, entries) == entriesSum) header = new Header(sectorSize, entries, (int)entrySize);
        return error;
    }

    private static List<Partition> Partitions(Volume disk, Header header)
    {
        var found = new List<Partition>();
        long sectors = disk.Length / header.SectorSize;
        for (int i = 0; i < header.Entries.Length / header.EntrySize; i++)
        {
            ReadOnlySpan<byte> entry = header.Entries.AsSpan(i * header.EntrySize, SmallestEntry);
            var type = new Guid(entry[..16]);
            ulong first = entry.U64(32), last = entry.U64(40);
            if (type == Guid.Empty || first > last || first >= (ulong)sectors) continue;
            long end = (long)Math.Min(last, (ulong)sectors - 1) + 1;
            string name = Encoding.Unicode.GetString(entry.Slice(NameOffset, SmallestEntry - NameOffset));
            int terminator = name.IndexOf('\0');
            found.Add(new Partition(
                i + 1, (long)first * header.SectorSize, (end - (long)first) * header.SectorSize,
                type.ToString(), new Guid(entry.Slice(16, 16)).ToString(), terminator < 0 ? name : name[..terminator]));
        }

        return found;
    }
}
