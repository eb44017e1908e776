using System.Globalization;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Partitions;

/// <summary>A master boot record and the chain of records behind its extended partition (UEFI 2.10, 5.2; the chain as Linux reads it).</summary>
internal sealed class MasterBootRecord
{
    public const int Size = 512;

    /// <summary>Logical partitions, at most: far above what Linux numbers, far below what a circle would make.</summary>
    private const int MaxLogical = 124;

    private const int SignatureOffset = 440, EntriesOffset = 446, EntrySize = 16, EntryCount = 4;

    private const byte ProtectiveType = 0xEE, ActiveFlag = 0x80;

    private readonly Entry[] _entries;

    private readonly uint _signature;

    private MasterBootRecord(ReadOnlySpan<byte> sector)
    {
        _signature = sector.U32(SignatureOffset);
        _entries = Entries(sector);
    }

    private readonly record struct Entry(byte Flags, byte Type, uint First, uint Count)
    {
        public bool IsUsed => Type != 0 && Count != 0;

        public bool IsExtended => Type is 0x05 or 0x0F or 0x85;
    }

    /// <summary>Whether it only guards a GPT (UEFI 2.10, 5.2.3).</summary>
    public bool IsProtective => _entries.Any(static entry => entry.Type == ProtectiveType);

    /// <summary>Reads it; null for a first sector that is something else.</summary>
    public static VolumeError Read(Volume disk, out MasterBootRecord? record)
    {
        record = null;
        Span<byte> sector = stackalloc byte[Size];
        VolumeError error = disk.Read(0, sector);
        if (error != VolumeError.None || !HasMark(sector)) return error;
        var read = new MasterBootRecord(sector);
        // A file system's own boot sector ends in the same mark, and has code where the entries would be.
        if (Array.TrueForAll(read._entries, static entry => entry.Flags is 0 or ActiveFlag) && Array.Exists(read._entries, static entry => entry.IsUsed)) record = read;
        return VolumeError.None;
    }

    /// <summary>All partitions that begin on the disk.</summary>
    public VolumeError Partitions(Volume disk, out List<Partition> found)
    {
        found = [];
        VolumeError error = VolumeError.None;
        for (int i = 0; i < EntryCount; i++)
        {
            if (_entries[i].IsUsed && !_entries[i].IsExtended) Add(disk, found, i + 1, 0, _entries[i]);
        }

        foreach (Entry entry in _entries)
        {
            if (error == VolumeError.None && entry.IsUsed && entry.IsExtended) error = Follow(disk, entry.First, found);
        }

        return error;
    }

    private static bool HasMark(ReadOnlySpan<byte> sector) => sector.U16(510) == 0xAA55;

    private static Entry[] Entries(ReadOnlySpan<byte> sector)
    {
        var entries = new Entry[EntryCount];
        for (int i = 0; i < EntryCount; i++)
        {
            ReadOnlySpan<byte> entry = sector.Slice(EntriesOffset + i * EntrySize, EntrySize);
            entries[i] = new Entry(entry[0], entry[4], entry.U32(8), entry.U32(12));
        }

        return entries;
    }

    /// <summary>Follows the chain: each record names one partition, from itself, and the next record, from the chain's start.</summary>
    private VolumeError Follow(Volume disk, uint start, List<Partition> found)
    {
        Span<byte> sector = stackalloc byte[Size];
        var seen = new HashSet<long>();
        long at = start;
        int number = Math.Max(EntryCount, found.Count == 0 ? 0 : found[^1].Number) + 1;
        while (seen.Count < MaxLogical && seen.Add(at) && (at + 1) * Size <= disk.Length)
        {
            VolumeError error = disk.Read(at * Size, sector);
            if (error != VolumeError.None) return error;
            if (!HasMark(sector)) break;
            Entry[] entries = Entries(sector);
            Entry logical = Array.Find(entries, static entry => entry.IsUsed && !entry.IsExtended);
            if (logical.IsUsed) Add(disk, found, number++, at, logical);
            Entry next = Array.Find(entries, static entry => entry.IsUsed && entry.IsExtended);
            if (!next.IsUsed) break;
            at = start + (long)next.First;
        }

        return VolumeError.None;
    }

    private void Add(Volume disk, List<Partition> found, int number, long from, Entry entry)
    {
        long first = (from + entry.First) * Size;
        if (first >= disk.Length) return;
        found.Add(new Partition(
            number, first, Math.Min((long)entry.Count * Size, disk.Length - first),
            entry.Type.ToString("x2", CultureInfo.InvariantCulture), string.Create(CultureInfo.InvariantCulture, $"{_signature:x8}-{number:x2}"), ""));
    }
}
