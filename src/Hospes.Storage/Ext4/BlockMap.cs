using Hospes.Storage.Checksums;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Ext4;

/// <summary>A stretch of a file that lies in one place.</summary>
/// <param name="Physical">The first block; 0 for a hole, which reads as zeros.</param>
/// <param name="Count">How many blocks; at least 1.</param>
internal readonly record struct BlockRun(ulong Physical, ulong Count);

/// <summary>Finds where the blocks of a file are: in an extent tree, or in the direct and indirect blocks of ext2.</summary>
internal sealed class BlockMap(Superblock superblock, BlockReader blocks)
{
    private const ushort ExtentMagic = 0xF30A;

    private const int ExtentHeaderSize = 12, ExtentSize = 12, MaxDepth = 5;

    /// <summary>A longer extent is one whose blocks were never written.</summary>
    private const uint LongestWritten = 32768;

    private const uint DirectBlocks = 12;

    /// <summary>The number of blocks that a hole is told to have where its end is not known.</summary>
    private const ulong HoleStep = 1;

    /// <summary>Finds a block of a file, and how many follow it in the same place.</summary>
    public VolumeError Find(Inode inode, ulong logical, out BlockRun run)
    {
        VolumeError error = inode.Has(Ext4Format.ExtentsInode) ? FindExtent(inode, logical, out run) : FindIndirect(inode, logical, out run);
        return error == VolumeError.None && run.Physical != 0 && !blocks.Contains(run.Physical, run.Count) ? VolumeError.Corrupt : error;
    }

    /// <summary>The way down an extent tree (3.6, "Extent Tree"). Each step must go exactly one level down, so it ends.</summary>
    private VolumeError FindExtent(Inode inode, ulong logical, out BlockRun run)
    {
        run = new BlockRun(0, HoleStep);
        ReadOnlySpan<byte> node = inode.BlockField;
        int depth = node.U16(6);
        // Where the next entry to the right begins: there a hole ends.
        ulong limit = ulong.MaxValue;
        if (logical > uint.MaxValue) return VolumeError.Corrupt;
        if (depth > MaxDepth) return VolumeError.Corrupt;
        while (true)
        {
            int count = node.U16(2);
            if (node.U16(0) != ExtentMagic || node.U16(6) != depth || count > (node.Length - ExtentHeaderSize) / ExtentSize) return VolumeError.Corrupt;
            int at = Search(node, count, (uint)logical);
            if (at + 1 < count) limit = node.U32(ExtentHeaderSize + (at + 1) * ExtentSize);
            if (depth == 0) return Leaf(node, at, logical, limit, out run);
            if (at < 0)
            {
                run = Hole(logical, limit);
                return VolumeError.None;
            }

            int entry = ExtentHeaderSize + at * ExtentSize;
            VolumeError error = blocks.Read(node.U32(entry + 4) | (ulong)node.U16(entry + 8) << 32, out node);
            if (error != VolumeError.None) return error;
            if (!IsWhole(inode, node)) return VolumeError.Corrupt;
            depth--;
        }
    }

    /// <summary>The last entry that begins at or before a block; -1 when all begin after it. The entries are sorted, or the answer is any.</summary>
    private static int Search(ReadOnlySpan<byte> node, int count, uint logical)
    {
        int low = 0, high = count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (node.U32(ExtentHeaderSize + middle * ExtentSize) <= logical) low = middle + 1;
            else high = middle;
        }

        return low - 1;
    }

    private static VolumeError Leaf(ReadOnlySpan<byte> node, int at, ulong logical, ulong limit, out BlockRun run)
    {
        run = Hole(logical, limit);
        if (at < 0) return VolumeError.None;
        int entry = ExtentHeaderSize + at * ExtentSize;
        ulong skip = logical - node.U32(entry);
        uint length = node.U16(entry + 4);
        bool written = length <= LongestWritten;
        if (!written) length -= LongestWritten;
        if (skip >= length) return VolumeError.None;
        ulong physical = node.U32(entry + 8) | (ulong)node.U16(entry + 6) << 32;
        if (written && physical == 0) return VolumeError.Corrupt;
        run = new BlockRun(written ? physical + skip : 0, length - skip);
        return VolumeError.None;
    }

    private static BlockRun Hole(ulong logical, ulong limit) => new(0, limit > logical && limit != ulong.MaxValue ? limit - logical : HoleStep);

    private bool IsWhole(Inode inode, ReadOnlySpan<byte> node)
    {
        if (!superblock.HasMetadataChecksums) return true;
        int tail = ExtentHeaderSize + node.U16(4) * ExtentSize;
        return tail <= node.Length - 4 && Crc.Castagnoli(inode.ChecksumSeed, node[..tail]) == node.U32(tail);
    }

    /// <summary>Direct, indirect, doubly and triply indirect blocks (3.6, "Direct/Indirect Block Addressing").</summary>
    private VolumeError FindIndirect(Inode inode, ulong logical, out BlockRun run)
    {
        run = new BlockRun(0, HoleStep);
        int bits = superblock.BlockBits - 2;
        if (logical < DirectBlocks)
        {
            run = Neighbours(inode.BlockField[..((int)DirectBlocks * 4)], (int)logical);
            return VolumeError.None;
        }

        logical -= DirectBlocks;
        int levels = 1;
        for (; levels <= 3 && logical >> (bits * levels) != 0; levels++) logical -= 1UL << (bits * levels);
        if (levels > 3) return VolumeError.Corrupt;
        ulong table = inode.BlockField.U32(((int)DirectBlocks + levels - 1) * 4);
        for (int level = levels - 1; ; level--)
        {
            if (table == 0) return VolumeError.None;
            VolumeError error = blocks.Read(table, out ReadOnlySpan<byte> pointers);
            if (error != VolumeError.None) return error;
            int index = (int)((logical >> (bits * level)) & ((1UL << bits) - 1));
            if (level == 0)
            {
                run = Neighbours(pointers, index);
                return VolumeError.None;
            }

            table = pointers.U32(index * 4);
        }
    }

    /// <summary>How far the blocks behind a pointer follow each other.</summary>
    private static BlockRun Neighbours(ReadOnlySpan<byte> pointers, int index)
    {
        ulong first = pointers.U32(index * 4), count = 1;
        for (int next = index + 1; next < pointers.Length / 4 && pointers.U32(next * 4) == (first == 0 ? 0 : first + count); next++) count++;
        return new BlockRun(first, count);
    }
}
