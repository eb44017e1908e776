using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Hospes.Storage.Qcow2;

/// <content>New blocks, and a longer table of them.</content>
internal sealed partial class Refcounts
{
    /// <summary>Makes the missing block for a cluster's count, in that very cluster: it is free, as all that a missing block counts, and so the block counts itself.</summary>
    private StorageError CreateBlock(long cluster)
    {
        if (_metadata.Contains(cluster)) return StorageError.Corrupt;
        byte[] block = new byte[ClusterSize];
        RefcountMath.Write(block, _order, cluster & ((1L << _blockBits) - 1), 1);
        StorageError error = _file.Write(cluster << _clusterBits, block);
        // The table must not name the block before the block is there.
        if (error == StorageError.None) error = _file.Sync();
        if (error == StorageError.None) error = WriteTableEntry(cluster >> _blockBits, cluster << _clusterBits);
        if (error != StorageError.None) return error;
        Enter(cluster >> _blockBits, cluster);
        EndCluster = Math.Max(EndCluster, cluster + 1);
        return StorageError.None;
    }

    /// <summary>
    /// Takes clusters that lie together, of any number, at the end of the file, together with the blocks that count them and, where the table is too
    /// short for these, a new table: requested clusters first, then the table, then the blocks.
    /// </summary>
    /// <param name="count">How many; 0 to make the table longer and nothing else.</param>
    /// <param name="atLeast">A cluster that the table must reach, and below which nothing is taken.</param>
    /// <param name="first">The first.</param>
    public StorageError AllocateRegion(long count, long atLeast, out long first)
    {
        first = Math.Max(EndCluster, atLeast);
        long tableClusters, blocks;
        List<long> missing = [];
        while (true)
        {
            (tableClusters, blocks) = Plan(first, count, missing);
            StorageError error = LastInUse(first, first + count + tableClusters + blocks, out long used);
            if (error != StorageError.None) return error;
            if (used < 0) break;
            first = used + 1;
        }

        long end = first + count + tableClusters + blocks;
        if (end > Qcow2Format.MaxOffset >> _clusterBits || tableClusters << _clusterBits > Math.Max(Qcow2Format.MaxRefcountTableBytes, ClusterSize)) return StorageError.BadSetting;
        if (_metadata.Touches(first << _clusterBits, (end - first) << _clusterBits)) return StorageError.Corrupt;
        StorageError result = CountInOldBlocks(first, end);
        if (result == StorageError.None) result = WriteBlocks(first, end, first + count + tableClusters, missing);
        if (result == StorageError.None) result = tableClusters > 0 ? MoveTable(first + count, tableClusters, missing, first + count + tableClusters) : EnterBlocks(missing, first + count + tableClusters);
        if (result == StorageError.None) EndCluster = Math.Max(EndCluster, end);
        return result;
    }

    /// <summary>How many clusters a new table takes (0 when the old one does) and how many blocks are missing.</summary>
    private (long Table, long Blocks) Plan(long first, long count, List<long> missing)
    {
        long table = 0;
        while (true)
        {
            long end = first + count + table + missing.Count;
            missing.Clear();
            for (long block = first >> _blockBits; block <= (Math.Max(end, first + 1) - 1) >> _blockBits; block++)
            {
                if (block >= _table.Length || _table[block] == 0) missing.Add(block);
            }

            long needed = missing.Count > 0 ? missing[^1] + 1 : 0;
            if (needed > Math.Max(_table.Length, table << (_clusterBits - 3)))
            {
                // Half as long again, so that an image that grows does not move its table often.
                long entries = Math.Max(needed, Math.Min(_table.Length * 3L / 2, Qcow2Format.MaxRefcountTableBytes / 8));
                table = (entries + (ClusterSize / 8) - 1) >> (_clusterBits - 3);
            }

            if (first + count + table + missing.Count == end) return (table, missing.Count);
        }
    }

    private StorageError LastInUse(long first, long end, out long used)
    {
        used = -1;
        for (long cluster = end - 1; cluster >= first; cluster--)
        {
            StorageError error = Get(cluster, out ulong count);
            if (error != StorageError.None) return error;
            if (count == 0) continue;
            used = cluster;
            break;
        }

        return StorageError.None;
    }

    /// <summary>Writes the new blocks, which count what of the region falls to them.</summary>
    private StorageError WriteBlocks(long first, long end, long place, List<long> missing)
    {
        byte[] bytes = new byte[ClusterSize];
        foreach (long block in missing)
        {
            Array.Clear(bytes);
            long from = Math.Max(first, block << _blockBits), to = Math.Min(end, (block + 1) << _blockBits);
            for (long cluster = from; cluster < to; cluster++) RefcountMath.Write(bytes, _order, cluster & ((1L << _blockBits) - 1), 1);
            StorageError error = _file.Write(place++ << _clusterBits, bytes);
            if (error != StorageError.None) return error;
        }

        return missing.Count > 0 ? _file.Sync() : StorageError.None;
    }

    private StorageError EnterBlocks(List<long> missing, long place)
    {
        foreach (long block in missing)
        {
            StorageError error = WriteTableEntry(block, place << _clusterBits);
            if (error != StorageError.None) return error;
            Enter(block, place++);
        }

        return StorageError.None;
    }

    /// <summary>Writes the longer table and then, in one write, its place and length in the header.</summary>
    private StorageError MoveTable(long place, long clusters, List<long> missing, long blockPlace)
    {
        ulong[] table = new ulong[(clusters << _clusterBits) / 8];
        _table.CopyTo(table, 0);
        for (int i = 0; i < missing.Count; i++) table[missing[i]] = (ulong)((blockPlace + i) << _clusterBits);
        ulong[] bytes = new ulong[table.Length];
        BinaryPrimitives.ReverseEndianness(table, bytes);
        StorageError error = _file.Write(place << _clusterBits, MemoryMarshal.AsBytes(bytes.AsSpan()));
        // The region's counts in blocks that are there already belong to the table's own existence.
        if (error == StorageError.None) error = WriteDirty();
        if (error == StorageError.None) error = _file.Sync();
        if (error == StorageError.None) error = Qcow2HeaderWriter.WriteRefcountTable(_file, place << _clusterBits, (int)clusters);
        if (error == StorageError.None) error = _file.Sync();
        if (error != StorageError.None) return error;
        _metadata.Add(place << _clusterBits, clusters << _clusterBits);
        ReleaseTable(_header.RefcountOffset, (long)_header.RefcountClusters << _clusterBits);
        _header.RefcountOffset = place << _clusterBits;
        _header.RefcountClusters = (int)clusters;
        _table = table;
        foreach (long block in missing) _metadata.Add((long)table[block], ClusterSize);
        return StorageError.None;
    }

    private StorageError CountInOldBlocks(long first, long end)
    {
        for (long cluster = first; cluster < end; cluster++)
        {
            if (cluster >> _blockBits >= _table.Length || _table[cluster >> _blockBits] == 0) continue;
            StorageError error = Set(cluster, 1);
            if (error != StorageError.None) return error;
        }

        return StorageError.None;
    }

    private void Enter(long block, long cluster)
    {
        _table[block] = (ulong)(cluster << _clusterBits);
        _metadata.Add(cluster << _clusterBits, ClusterSize);
        _cache.Forget(cluster << _clusterBits, ClusterSize);
    }

    private StorageError WriteTableEntry(long block, long offset)
    {
        Span<byte> entry = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(entry, offset);
        return _file.Write(_header.RefcountOffset + (block * 8), entry);
    }
}
