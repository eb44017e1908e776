using Hospes.Storage.Checksums;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Ext4.Journal;

/// <summary>
/// Reads the transactions that a journal holds whole. First the end is found: the first block that does not belong to the transaction
/// that is due, or a transaction whose checksums are wrong; then what the transactions revoke, then what they write, is noted.
/// </summary>
internal sealed class JournalReader
{
    private const uint Descriptor = 1, Commit = 2, Revocation = 5;

    private const int HeaderSize = 12, UuidSize = 16, ChecksumTail = 4, CommitChecksumOffset = 16;

    private const uint Escaped = 1, SameUuid = 2, LastTag = 8;

    private readonly BlockReader _blocks;

    private readonly BlockMap _map;

    private readonly Inode _inode;

    private readonly JournalSuperblock _superblock;

    private readonly JournalOverlay _overlay;

    private readonly byte[] _block;

    private JournalReader(BlockReader blocks, BlockMap map, Inode inode, JournalSuperblock superblock)
    {
        (_blocks, _map, _inode, _superblock) = (blocks, map, inode, superblock);
        _overlay = new JournalOverlay(superblock);
        _block = new byte[blocks.BlockSize];
    }

    /// <summary>What one walk through the log is for.</summary>
    private enum Pass
    {
        FindEnd,
        Revoke,
        Write,
    }

    /// <summary>Reads the journal in an inode.</summary>
    /// <param name="blocks">The disk, without an overlay.</param>
    /// <param name="map">Finds the journal's blocks.</param>
    /// <param name="inode">The journal.</param>
    /// <param name="overlay">What it says.</param>
    public static VolumeError Read(BlockReader blocks, BlockMap map, Inode inode, out JournalOverlay? overlay)
    {
        overlay = null;
        byte[] first = new byte[blocks.BlockSize];
        VolumeError error = ReadBlock(blocks, map, inode, 0, first, out _);
        if (error != VolumeError.None) return error;
        error = JournalSuperblock.Read(first, blocks.BlockSize, out JournalSuperblock? superblock);
        if (error != VolumeError.None) return error;
        if (superblock!.Length > inode.Length >> blocks.BlockBits) return VolumeError.Corrupt;
        var reader = new JournalReader(blocks, map, inode, superblock);
        if (superblock.Start != 0) error = reader.Run();
        overlay = reader._overlay;
        return error;
    }

    private static VolumeError ReadBlock(BlockReader blocks, BlockMap map, Inode inode, ulong logical, Span<byte> buffer, out ulong place)
    {
        VolumeError error = map.Find(inode, logical, out BlockRun run);
        place = run.Physical;
        if (error != VolumeError.None) return error;
        return place == 0 ? VolumeError.Corrupt : blocks.ReadHome(place, buffer);
    }

    private VolumeError Run()
    {
        uint end = _superblock.Sequence;
        foreach (Pass pass in (ReadOnlySpan<Pass>)[Pass.FindEnd, Pass.Revoke, Pass.Write])
        {
            VolumeError error = Walk(pass, ref end);
            if (error != VolumeError.None) return error;
        }

        return VolumeError.None;
    }

    /// <summary>Walks once through the log, at most all around it.</summary>
    private VolumeError Walk(Pass pass, ref uint end)
    {
        uint at = _superblock.Start, sequence = _superblock.Sequence;
        for (long left = _superblock.End - _superblock.First; left > 0 && (pass == Pass.FindEnd || sequence != end); left--)
        {
            VolumeError error = ReadBlock(_blocks, _map, _inode, at, _block, out _);
            if (error != VolumeError.None) return error;
            ReadOnlySpan<byte> block = _block;
            if (block.B32(0) != JournalSuperblock.Magic || block.B32(8) != sequence) break;
            at = After(at);
            switch (block.B32(4))
            {
                case Descriptor:
                    if (!HasTail(block)) return VolumeError.None;
                    error = Tags(pass, sequence, ref at, ref left);
                    if (error != VolumeError.None) return error;
                    break;
                case Commit:
                    if (!IsCommitWhole(block)) return VolumeError.None;
                    sequence++;
                    if (pass == Pass.FindEnd) end = sequence;
                    break;
                case Revocation:
                    if (!HasTail(block)) return VolumeError.None;
                    error = pass == Pass.Revoke ? Revocations(block, sequence) : VolumeError.None;
                    if (error != VolumeError.None) return error;
                    break;
                default:
                    return VolumeError.None;
            }
        }

        return VolumeError.None;
    }

    /// <summary>Goes through the tags of a descriptor; the blocks that they tag follow it in the log.</summary>
    private VolumeError Tags(Pass pass, uint sequence, ref uint at, ref long left)
    {
        ReadOnlySpan<byte> block = _block;
        int end = block.Length - (_superblock.HasChecksums ? ChecksumTail : 0);
        for (int tag = HeaderSize; tag + _superblock.TagSize <= end;)
        {
            ReadOnlySpan<byte> fields = block.Slice(tag, _superblock.TagSize);
            uint flags = _superblock.HasTags3 ? fields.B32(4) : fields.B16(6);
            if (pass == Pass.Write)
            {
                VolumeError error = Note(fields, flags, sequence, at);
                if (error != VolumeError.None) return error;
            }

            at = After(at);
            left--;
            if ((flags & LastTag) != 0) break;
            tag += _superblock.TagSize + ((flags & SameUuid) != 0 ? 0 : UuidSize);
        }

        return VolumeError.None;
    }

    private VolumeError Note(ReadOnlySpan<byte> tag, uint flags, uint sequence, uint at)
    {
        ulong block = tag.B32(0) | (_superblock.HasWideNumbers ? (ulong)tag.B32(8) << 32 : 0);
        uint sum = _superblock.HasTags3 ? tag.B32(12) : tag.B16(4);
        VolumeError error = _map.Find(_inode, at, out BlockRun run);
        if (error != VolumeError.None) return error;
        if (run.Physical == 0 || !_blocks.Contains(block, 1)) return VolumeError.Corrupt;
        if (!_blocks.Budget.TrySpend(_superblock.TagSize) || !_blocks.Budget.TryHold(JournalOverlay.EntrySize)) return VolumeError.OverBudget;
        _overlay.Put(block, new JournaledBlock(run.Physical, sequence, sum, (flags & Escaped) != 0));
        return VolumeError.None;
    }

    private VolumeError Revocations(ReadOnlySpan<byte> block, uint sequence)
    {
        int size = _superblock.HasWideNumbers ? 8 : 4, end = (int)Math.Min(block.B32(HeaderSize), (uint)block.Length - (_superblock.HasChecksums ? (uint)ChecksumTail : 0));
        for (int at = HeaderSize + 4; at + size <= end; at += size)
        {
            if (!_blocks.Budget.TryHold(JournalOverlay.EntrySize)) return VolumeError.OverBudget;
            _overlay.Revoke(_superblock.HasWideNumbers ? block.B64(at) : block.B32(at), sequence);
        }

        return VolumeError.None;
    }

    private uint After(uint at)
    {
        at++;
        return at >= _superblock.End ? at - (_superblock.End - _superblock.First) : at;
    }

    /// <summary>Whether the checksum in a block's tail is right, where blocks have one.</summary>
    private bool HasTail(ReadOnlySpan<byte> block) => !_superblock.HasChecksums
        || Crc.Castagnoli(Crc.Castagnoli(_superblock.ChecksumSeed, block[..^ChecksumTail]), 0u) == block.B32(block.Length - ChecksumTail);

    private bool IsCommitWhole(ReadOnlySpan<byte> block)
    {
        if (!_superblock.HasChecksums) return true;
        uint sum = Crc.Castagnoli(Crc.Castagnoli(_superblock.ChecksumSeed, block[..CommitChecksumOffset]), 0u);
        return Crc.Castagnoli(sum, block[(CommitChecksumOffset + 4)..]) == block.B32(CommitChecksumOffset);
    }
}
