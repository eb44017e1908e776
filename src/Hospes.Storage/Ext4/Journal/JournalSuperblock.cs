using Hospes.Storage.Checksums;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Ext4.Journal;

/// <summary>The first block of a journal (Linux documentation, "Journal (jbd2)", 3.9). All its numbers are big-endian.</summary>
internal sealed class JournalSuperblock
{
    public const int Size = 1024;

    public const uint Magic = 0xC03B_3998;

    private const uint TypeVersion1 = 3, TypeVersion2 = 4;

    private const uint Revoke = 0x1, Bits64 = 0x2, AsyncCommit = 0x4, Checksums2 = 0x8, Checksums3 = 0x10, FastCommit = 0x20;

    private const uint Known = Revoke | Bits64 | AsyncCommit | Checksums2 | Checksums3 | FastCommit;

    /// <summary>A log that has its default size for fast commits says 0.</summary>
    private const uint DefaultFastCommitBlocks = 256;

    private const int ChecksumOffset = 0xFC;

    private readonly uint _features;

    private JournalSuperblock(ReadOnlySpan<byte> fields)
    {
        bool features = fields.B32(4) == TypeVersion2;
        _features = features ? fields.B32(0x28) : 0;
        BlockSize = fields.B32(0x0C);
        uint length = fields.B32(0x10);
        First = fields.B32(0x14);
        Sequence = fields.B32(0x18);
        Start = fields.B32(0x1C);
        // The log of fast commits lies behind the log proper; it holds changes since the last whole transaction, and is not read.
        uint fast = fields.B32(0x54);
        uint behind = Has(FastCommit) ? fast == 0 ? DefaultFastCommitBlocks : fast : 0;
        Length = length;
        End = length > behind ? length - behind : 0;
        ChecksumSeed = Crc.Castagnoli(Crc.Start, fields.Slice(0x30, 16));
    }

    public uint BlockSize { get; }

    /// <summary>Blocks of the whole journal.</summary>
    public uint Length { get; }

    /// <summary>The first block of the log.</summary>
    public uint First { get; }

    /// <summary>The block behind the log's last.</summary>
    public uint End { get; }

    /// <summary>The number of the first transaction that is in the log.</summary>
    public uint Sequence { get; }

    /// <summary>Where that begins; 0 for a log in which nothing is left to do.</summary>
    public uint Start { get; }

    public uint ChecksumSeed { get; }

    public bool HasWideNumbers => Has(Bits64);

    public bool HasTags3 => Has(Checksums3);

    public bool HasChecksums => Has(Checksums2 | Checksums3);

    /// <summary>The length of a block's tag without the UUID that may follow.</summary>
    public int TagSize => HasTags3 ? 16 : 8 + (Has(Checksums2) ? 2 : 0) + (HasWideNumbers ? 4 : 0);

    /// <summary>Reads it.</summary>
    public static VolumeError Read(ReadOnlySpan<byte> fields, int blockSize, out JournalSuperblock? superblock)
    {
        superblock = null;
        if (fields.B32(0) != Magic || fields.B32(4) is not (TypeVersion1 or TypeVersion2)) return VolumeError.Corrupt;
        var read = new JournalSuperblock(fields);
        if ((read._features & ~Known) != 0) return VolumeError.Unsupported;
        if (read.BlockSize != blockSize || read.First == 0 || read.First >= read.End) return VolumeError.Corrupt;
        if (read.Start != 0 && (read.Start < read.First || read.Start >= read.End)) return VolumeError.Corrupt;
        if (read.HasChecksums)
        {
            uint sum = Crc.Castagnoli(Crc.Castagnoli(Crc.Start, fields[..ChecksumOffset]), 0u);
            if (Crc.Castagnoli(sum, fields[(ChecksumOffset + 4)..Size]) != fields.B32(ChecksumOffset)) return VolumeError.Corrupt;
        }

        superblock = read;
        return VolumeError.None;
    }

    private bool Has(uint features) => (_features & features) != 0;
}
