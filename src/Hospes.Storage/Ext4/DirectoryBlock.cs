using Hospes.Storage.Checksums;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Ext4;

/// <summary>What is done with the entries of a folder.</summary>
internal interface IEntryVisitor
{
    /// <summary>Takes an entry; false ends the walk.</summary>
    bool Visit(ReadOnlySpan<byte> name, uint inode);
}

/// <summary>
/// Walks the entries of a folder (3.7, "Directory Entries"). The blocks of a hash tree look to one who walks through all as blocks
/// without entries, by their design, so both kinds are read alike, and a damaged tree hides nothing.
/// </summary>
internal static class DirectoryBlock
{
    private const int EntryHeaderSize = 8, InlineParentSize = 4, TailSize = 12;

    private const byte TailType = 0xDE;

    /// <summary>Walks the entries of one block.</summary>
    /// <param name="block">The block without its tail.</param>
    /// <param name="wideNames">Whether the length of a name has 16 bits, as before the feature filetype.</param>
    /// <param name="visitor">Takes the entries.</param>
    /// <param name="ended">True when the visitor has seen enough.</param>
    public static VolumeError Walk<TVisitor>(ReadOnlySpan<byte> block, bool wideNames, ref TVisitor visitor, out bool ended)
        where TVisitor : struct, IEntryVisitor
    {
        ended = false;
        for (int at = 0; at + EntryHeaderSize <= block.Length;)
        {
            uint inode = block.U32(at);
            int length = EntryLength(block.U16(at + 4), block.Length);
            int name = wideNames ? block.U16(at + 6) : block[at + 6];
            if (length < EntryHeaderSize || (length & 3) != 0 || length > block.Length - at || name > length - EntryHeaderSize) return VolumeError.Corrupt;
            if (inode != 0 && name > 0 && !visitor.Visit(block.Slice(at + EntryHeaderSize, name), inode))
            {
                ended = true;
                return VolumeError.None;
            }

            at += length;
        }

        return VolumeError.None;
    }

    /// <summary>Walks the entries that lie in the inode: behind the parent's number, then those of the attribute.</summary>
    public static VolumeError WalkInline<TVisitor>(ReadOnlySpan<byte> content, uint self, bool wideNames, ref TVisitor visitor, out bool ended)
        where TVisitor : struct, IEntryVisitor
    {
        ended = true;
        if (content.Length < InlineParentSize) return VolumeError.Corrupt;
        if (!visitor.Visit("."u8, self) || !visitor.Visit(".."u8, content.U32(0))) return VolumeError.None;
        int first = Math.Min(content.Length, Ext4Format.BlockFieldSize);
        VolumeError error = Walk(content[InlineParentSize..first], wideNames, ref visitor, out ended);
        return error == VolumeError.None && !ended && content.Length > first ? Walk(content[first..], wideNames, ref visitor, out ended) : error;
    }

    /// <summary>Compares a block with its checksum.</summary>
    /// <param name="inode">The folder.</param>
    /// <param name="logical">The block's place in it.</param>
    /// <param name="block">The block.</param>
    public static bool IsWhole(Inode inode, ulong logical, ReadOnlySpan<byte> block)
    {
        // Blocks of the tree itself have their checksum elsewhere, and no entries.
        if (inode.Has(Ext4Format.IndexedInode) && (logical == 0 || (block.U32(0) == 0 && EntryLength(block.U16(4), block.Length) == block.Length))) return true;
        ReadOnlySpan<byte> tail = block[^TailSize..];
        return tail.U32(0) == 0 && tail.U16(4) == TailSize && tail[7] == TailType && Crc.Castagnoli(inode.ChecksumSeed, block[..^TailSize]) == tail.U32(8);
    }

    /// <summary>The length of an entry: in blocks of 64 KiB the whole block cannot be written in 16 bits, so two values stand for it.</summary>
    private static int EntryLength(ushort written, int block) => block >= 65536 && written is 0 or 65535 ? 65536 : written;
}
