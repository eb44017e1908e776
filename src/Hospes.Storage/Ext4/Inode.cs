using Hospes.Storage.Checksums;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Ext4;

/// <summary>One inode (3.5, "Index Nodes"), copied out of its block.</summary>
internal sealed class Inode
{
    private const int GenerationOffset = 0x64, SizeHighOffset = 0x6C, ChecksumLowOffset = 0x7C, ExtraSizeOffset = 0x80, ChecksumHighOffset = 0x82;

    private readonly byte[] _fields;

    private Inode(uint number, byte[] fields, uint seed)
    {
        Number = number;
        _fields = fields;
        ReadOnlySpan<byte> view = fields;
        Mode = view.U16(0);
        Flags = view.U32(0x20);
        ChecksumSeed = seed;
        // The upper half counts for files; of folders only where the feature largedir lets them be so long.
        Length = (long)Math.Min(view.U32(0x04) | (ulong)view.U32(SizeHighOffset) << 32, long.MaxValue);
    }

    public uint Number { get; }

    public ushort Mode { get; }

    public uint Flags { get; }

    /// <summary>In bytes, as the inode claims.</summary>
    public long Length { get; }

    /// <summary>What the checksums of this inode's own blocks start with.</summary>
    public uint ChecksumSeed { get; }

    public bool IsDirectory => (Mode & Ext4Format.TypeMask) == Ext4Format.TypeDirectory;

    public bool IsRegular => (Mode & Ext4Format.TypeMask) == Ext4Format.TypeRegular;

    public bool IsLink => (Mode & Ext4Format.TypeMask) == Ext4Format.TypeLink;

    public bool Has(uint flag) => (Flags & flag) != 0;

    /// <summary>The 60 bytes of <c>i_block</c>.</summary>
    public ReadOnlySpan<byte> BlockField => _fields.AsSpan(Ext4Format.BlockFieldOffset, Ext4Format.BlockFieldSize);

    /// <summary>What lies behind the fields: extended attributes; empty for an inode of the old size.</summary>
    public ReadOnlySpan<byte> Attributes
    {
        get
        {
            if (_fields.Length <= Ext4Format.OldInodeSize) return default;
            int start = Ext4Format.OldInodeSize + ExtraSize;
            return start < _fields.Length ? _fields.AsSpan(start) : default;
        }
    }

    private int ExtraSize => ((ReadOnlySpan<byte>)_fields).U16(ExtraSizeOffset);

    /// <summary>Copies an inode.</summary>
    /// <param name="superblock">The file system.</param>
    /// <param name="number">Its number.</param>
    /// <param name="fields">Its bytes.</param>
    /// <param name="inode">The inode.</param>
    public static VolumeError Read(Superblock superblock, uint number, ReadOnlySpan<byte> fields, out Inode? inode)
    {
        uint seed = Crc.Castagnoli(Crc.Castagnoli(superblock.ChecksumSeed, number), fields.Slice(GenerationOffset, 4));
        inode = new Inode(number, fields.ToArray(), seed);
        if (!superblock.HasMetadataChecksums || inode.IsWhole()) return VolumeError.None;
        inode = null;
        return VolumeError.Corrupt;
    }

    private bool IsWhole()
    {
        ReadOnlySpan<byte> fields = _fields;
        bool wide = fields.Length > Ext4Format.OldInodeSize && ExtraSize >= ChecksumHighOffset + 2 - Ext4Format.OldInodeSize;
        uint written = fields.U16(ChecksumLowOffset) | (wide ? (uint)fields.U16(ChecksumHighOffset) << 16 : 0);
        ReadOnlySpan<byte> zeros = [0, 0];
        uint sum = Crc.Castagnoli(Crc.Castagnoli(ChecksumSeed, fields[..ChecksumLowOffset]), zeros);
        if (!wide) sum = Crc.Castagnoli(sum, fields[(ChecksumLowOffset + 2)..]);
        else sum = Crc.Castagnoli(Crc.Castagnoli(Crc.Castagnoli(sum, fields[(ChecksumLowOffset + 2)..ChecksumHighOffset]), zeros), fields[(ChecksumHighOffset + 2)..]);
        return (wide ? sum : sum & 0xFFFF) == written;
    }
}
