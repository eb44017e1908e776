using System.Buffers.Binary;
using Hospes.Storage.Checksums;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Ext4.Journal;

/// <summary>Where the journal has a newer copy of a block.</summary>
/// <param name="Place">The copy's block on the disk.</param>
/// <param name="Sequence">Its transaction.</param>
/// <param name="Checksum">Its checksum, as wide as the tag had it.</param>
/// <param name="IsEscaped">Whether the block begins with the journal's own mark, which the copy may not.</param>
internal readonly record struct JournaledBlock(ulong Place, uint Sequence, uint Checksum, bool IsEscaped);

/// <summary>What a replay of the journal would write, kept as places: the disk stays as it is.</summary>
internal sealed class JournalOverlay(JournalSuperblock superblock)
{
    /// <summary>What an entry takes in memory, with the dictionary's own share.</summary>
    public const int EntrySize = 64;

    private readonly Dictionary<ulong, JournaledBlock> _blocks = [];

    private readonly Dictionary<ulong, uint> _revoked = [];

    public bool IsEmpty => _blocks.Count == 0;

    public bool TryFind(ulong block, out JournaledBlock journaled) => _blocks.TryGetValue(block, out journaled);

    /// <summary>Notes that a block's copies up to a transaction are not to be written.</summary>
    public void Revoke(ulong block, uint sequence)
    {
        if (!_revoked.TryGetValue(block, out uint known) || IsAfter(sequence, known)) _revoked[block] = sequence;
    }

    /// <summary>Takes a copy, unless it is revoked. Later transactions come later.</summary>
    public void Put(ulong block, JournaledBlock journaled)
    {
        if (!_revoked.TryGetValue(block, out uint until) || IsAfter(journaled.Sequence, until)) _blocks[block] = journaled;
    }

    /// <summary>Reads a block, or its first part, from its copy.</summary>
    public VolumeError Read(BlockReader blocks, JournaledBlock journaled, Span<byte> buffer)
    {
        byte[] copy = new byte[blocks.BlockSize];
        VolumeError error = blocks.ReadHome(journaled.Place, copy);
        if (error != VolumeError.None) return error;
        if (superblock.HasChecksums)
        {
            uint sum = Crc.Castagnoli(Crc.Castagnoli(superblock.ChecksumSeed, BinaryPrimitives.ReverseEndianness(journaled.Sequence)), copy);
            if ((superblock.HasTags3 ? sum : sum & 0xFFFF) != journaled.Checksum) return VolumeError.Corrupt;
        }

        if (journaled.IsEscaped) BinaryPrimitives.WriteUInt32BigEndian(copy, JournalSuperblock.Magic);
        copy.AsSpan(0, buffer.Length).CopyTo(buffer);
        return VolumeError.None;
    }

    /// <summary>Whether a transaction is later than another; the numbers wrap around.</summary>
    private static bool IsAfter(uint sequence, uint other) => (int)(sequence - other) > 0;
}
