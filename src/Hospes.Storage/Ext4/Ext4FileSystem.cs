using System.Text;
using Hospes.Storage.Ext4.Journal;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Ext4;

/// <summary>An ext2, ext3 or ext4 file system, for reading. What its journal holds is seen as if it had been replayed; nothing is written.</summary>
public sealed partial class Ext4FileSystem : IFileSystem
{
    private readonly Superblock _superblock;

    private readonly BlockReader _blocks;

    private readonly Groups _groups;

    private readonly BlockMap _map;

    private Ext4FileSystem(Superblock superblock, BlockReader blocks)
    {
        (_superblock, _blocks) = (superblock, blocks);
        _groups = new Groups(superblock, blocks);
        _map = new BlockMap(superblock, blocks);
    }

    /// <inheritdoc/>
    public string Kind => _superblock.Kind;

    /// <inheritdoc/>
    public string Uuid => _superblock.Uuid;

    /// <inheritdoc/>
    public string Label => _superblock.Label;

    /// <summary>Opens a volume.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="files">The file system.</param>
    /// <returns><see cref="VolumeError.WrongKind"/> for another file system; <see cref="VolumeError.Unsupported"/>, <see cref="VolumeError.Corrupt"/>, <see cref="VolumeError.ReadFailed"/>, <see cref="VolumeError.OverBudget"/>.</returns>
    public static VolumeError TryOpen(Volume volume, out Ext4FileSystem? files)
    {
        files = null;
        if (volume.Length < Ext4Format.SuperblockOffset + Ext4Format.SuperblockSize) return VolumeError.WrongKind;
        byte[] fields = new byte[Ext4Format.SuperblockSize];
        VolumeError error = volume.Read(Ext4Format.SuperblockOffset, fields);
        if (error != VolumeError.None) return error;
        error = Superblock.Read(fields, volume.Length, out Superblock? superblock);
        if (error != VolumeError.None) return error;
        var blocks = new BlockReader(volume, superblock!.BlockBits, superblock.Blocks);
        var opened = new Ext4FileSystem(superblock, blocks);
        error = superblock.Has(Ext4Format.Recover) ? opened.Replay(volume.Length, out opened) : VolumeError.None;
        files = error == VolumeError.None ? opened : null;
        return error;
    }

    /// <summary>Reads the journal, and opens the file system anew over what it holds: it may hold the superblock and any other block.</summary>
    private VolumeError Replay(long length, out Ext4FileSystem? replayed)
    {
        replayed = null;
        // A journal on a disk of its own is not at hand.
        if (_superblock.JournalInode == 0) return VolumeError.Unsupported;
        VolumeError error = ReadInode(_superblock.JournalInode, out Inode? journal);
        if (error != VolumeError.None) return error;
        error = JournalReader.Read(_blocks, _map, journal!, out JournalOverlay? overlay);
        if (error != VolumeError.None) return error;
        _blocks.Overlay = overlay;
        _blocks.Forget();
        byte[] block = new byte[Math.Max(_blocks.BlockSize, Ext4Format.SuperblockSize)];
        int offset = Ext4Format.SuperblockOffset % _blocks.BlockSize;
        error = _blocks.Read((ulong)(Ext4Format.SuperblockOffset / _blocks.BlockSize), block);
        if (error != VolumeError.None) return error;
        error = Superblock.Read(block.AsSpan(offset, Ext4Format.SuperblockSize), length, out Superblock? newer);
        if (error != VolumeError.None) return error == VolumeError.WrongKind ? VolumeError.Corrupt : error;
        // The overlay's places count in blocks of this size and end.
        if (newer!.BlockBits != _superblock.BlockBits || newer.Blocks != _superblock.Blocks) return VolumeError.Corrupt;
        replayed = new Ext4FileSystem(newer, _blocks);
        return VolumeError.None;
    }

    private VolumeError ReadInode(uint number, out Inode? inode)
    {
        inode = null;
        VolumeError error = _groups.Locate(number, out ulong block, out int offset);
        if (error != VolumeError.None) return error;
        error = _blocks.Read(block, out ReadOnlySpan<byte> table);
        return error != VolumeError.None ? error : Inode.Read(_superblock, number, table.Slice(offset, _superblock.InodeSize), out inode);
    }

    /// <summary>Reads the content of an inode whole.</summary>
    private VolumeError ReadContent(Inode inode, long atMost, out byte[] content)
    {
        content = [];
        if (inode.Has(Ext4Format.EncryptedInode)) return VolumeError.Unsupported;
        if (inode.Length > Math.Min(atMost, Array.MaxLength)) return VolumeError.TooLarge;
        if (!_blocks.Budget.TryHold(inode.Length)) return VolumeError.OverBudget;
        if (inode.Has(Ext4Format.InlineDataInode)) return InlineData.Read(inode, out content);
        byte[] bytes = new byte[inode.Length];
        for (long done = 0; done < bytes.Length;)
        {
            VolumeError error = _map.Find(inode, (ulong)(done >> _blocks.BlockBits), out BlockRun run);
            if (error != VolumeError.None) return error;
            long length = (long)Math.Min(run.Count, (ulong)(bytes.Length >> _blocks.BlockBits) + 1) << _blocks.BlockBits;
            length = Math.Min(length, bytes.Length - done);
            error = run.Physical != 0 ? _blocks.Read(run.Physical, bytes.AsSpan((int)done, (int)length))
                : _blocks.Budget.TrySpend(length) ? VolumeError.None : VolumeError.OverBudget;
            if (error != VolumeError.None) return error;
            done += length;
        }

        content = bytes;
        return VolumeError.None;
    }

    private VolumeError ReadLink(Inode inode, out string target)
    {
        target = "";
        byte[] bytes;
        // A short target is where block pointers would be; the end of i_block is always a zero.
        if (inode.Length < Ext4Format.BlockFieldSize && !inode.Has(Ext4Format.InlineDataInode | Ext4Format.ExtentsInode)) bytes = inode.BlockField[..(int)inode.Length].ToArray();
        else if (ReadContent(inode, LongestLink, out bytes) is var error and not VolumeError.None) return error == VolumeError.TooLarge ? VolumeError.Corrupt : error;
        target = Encoding.UTF8.GetString(bytes.AsSpan().TrimEnd((byte)0));
        return target.Length == 0 ? VolumeError.Corrupt : VolumeError.None;
    }
}
