using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Hospes.Storage.Files;

namespace Hospes.Storage.Qcow2;

/// <content>What the image says of its clusters, beside what was counted.</content>
internal sealed partial class Qcow2Checker
{
    private readonly List<long> _blocks = [];

    /// <summary>True when the reference counts' own structure is broken, so that single counts cannot be corrected.</summary>
    public bool StructureBroken { get; private set; }

    /// <summary>Clusters that count too high, with the count they should have.</summary>
    public List<(long Cluster, uint Count)> Leaked { get; } = [];

    /// <summary>Leaks kept for repair in one go; more are found by the next.</summary>
    private const int MaxLeaked = 1 << 22;

    /// <summary>Compares every count of the image with the references counted.</summary>
    public StorageError CompareCounts()
    {
        ulong[] table = new ulong[((long)_header.RefcountClusters << _header.ClusterBits) / 8];
        StorageError error = _file.ReadPadded(_header.RefcountOffset, MemoryMarshal.AsBytes(table.AsSpan()));
        if (error != StorageError.None) return error;
        BinaryPrimitives.ReverseEndianness(table, table);
        Reference(_header.RefcountOffset, (long)_header.RefcountClusters << _header.ClusterBits, 1, "the reference count table");
        foreach (ulong entry in table)
        {
            if (entry == 0) continue;
            if ((entry & (ulong)(_header.ClusterSize - 1)) != 0 || entry > long.MaxValue || !Fits((long)entry, _header.ClusterSize))
            {
                _result.Corrupt($"an entry of the reference count table is 0x{entry:x}: no place of a block");
                StructureBroken = true;
                continue;
            }

            _blocks.Add((long)entry);
            Reference((long)entry, _header.ClusterSize, 1, "a block of reference counts");
        }

        foreach (long block in _blocks) StructureBroken |= Counts[block >> _header.ClusterBits] != 1;
        return CompareBlocks(table);
    }

    /// <summary>Takes the reference counts' own clusters out of the counts, for who writes new ones.</summary>
    public void UncountStructure()
    {
        for (int i = 0; i < _header.RefcountClusters; i++) Counts.Subtract((_header.RefcountOffset >> _header.ClusterBits) + i);
        foreach (long block in _blocks) Counts.Subtract(block >> _header.ClusterBits);
    }

    /// <summary>Compares the flags of the active tables that say "mine alone" with the counts, and sets them right when the checker may.</summary>
    /// <param name="count">What counts.</param>
    public StorageError CompareFlags(Func<long, ulong> count)
    {
        for (int i = 0; i < _l1.Length; i++)
        {
            long table = (long)(_l1[i] & Qcow2Format.OffsetMask);
            if (!_tables.TryGetValue(table, out (uint Uses, bool Active) known) || !known.Active) continue;
            StorageError error = Flag(_l1[i], table, count, _header.L1Offset + (i * 8L), "an L2 table");
            if (error != StorageError.None) return error;
        }

        foreach ((long table, (_, bool active)) in _tables)
        {
            if (!active) continue;
            if (_cancellation.IsCancellationRequested) return StorageError.Cancelled;
            StorageError error = _file.ReadPadded(table, _cluster);
            for (int at = 0; at < _cluster.Length && error == StorageError.None; at += 8)
            {
                ulong entry = BinaryPrimitives.ReadUInt64BigEndian(_cluster.AsSpan(at));
                long host = L2Entries.Host(entry);
                if (entry != 0 && host != 0 && _entries.Kind(entry) is ClusterKind.Normal or ClusterKind.Zero) error = Flag(entry, host, count, table + at, "data");
            }

            if (error != StorageError.None) return error;
        }

        return StorageError.None;
    }

    private StorageError Flag(ulong entry, long host, Func<long, ulong> count, long at, string what)
    {
        ulong references = count(host >> _header.ClusterBits);
        if ((references == 1) == ((entry & Qcow2Format.Copied) != 0)) return StorageError.None;
        _result.Corrupt($"the entry of {what} at 0x{host:x} has its copied flag wrong: {references} references");
        return _fix ? Fix(at, entry ^ Qcow2Format.Copied) : StorageError.None;
    }

    private StorageError CompareBlocks(ulong[] table)
    {
        int order = _header.RefcountOrder, blockBits = _header.ClusterBits + 3 - order;
        long end = Math.Max(Counts.End, (FileLength + _header.ClusterSize - 1) >> _header.ClusterBits);
        for (long block = 0; block << blockBits < end; block++)
        {
            if (_cancellation.IsCancellationRequested) return StorageError.Cancelled;
            long first = block << blockBits, last = Math.Min(end, first + (1L << blockBits));
            bool there = block < table.Length && table[block] != 0 && table[block] <= long.MaxValue && Fits((long)table[block], _header.ClusterSize);
            if (!there && block >= table.Length && first >= Counts.End) break;
            if (!there && !Counts.Any(first, last)) continue;
            Array.Clear(_cluster);
            StorageError error = there ? _file.ReadPadded((long)table[block], _cluster) : StorageError.None;
            if (error != StorageError.None) return error;
            for (long cluster = first; cluster < last; cluster++) CompareCount(cluster, RefcountMath.Read(_cluster, order, cluster - first));
        }

        return StorageError.None;
    }

    private void CompareCount(long cluster, ulong said)
    {
        uint counted = Counts[cluster];
        if (said != 0) _result.ImageEndOffset = Math.Max(_result.ImageEndOffset, (cluster + 1) << _header.ClusterBits);
        if (said == counted) return;
        if (said < counted)
        {
            _result.Corrupt($"cluster {cluster} counts {said} references and has {counted}");
            return;
        }

        _result.Leaks++;
        _result.Note($"cluster {cluster} counts {said} references and has {counted}: leaked");
        if (Leaked.Count < MaxLeaked) Leaked.Add((cluster, counted));
    }
}
