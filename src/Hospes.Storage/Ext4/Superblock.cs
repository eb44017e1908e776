using System.Text;
using Hospes.Storage.Checksums;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Ext4;

/// <summary>The superblock's fields that reading needs, checked against each other and the volume's length.</summary>
internal sealed class Superblock
{
    /// <summary>The checksum is the last field (0x3FC).</summary>
    private const int ChecksumOffset = 0x3FC;

    private const int SmallestDescriptor = 32, SmallestDescriptor64 = 64;

    private Superblock(ReadOnlySpan<byte> fields)
    {
        BlockBits = 10 + (int)Math.Min(fields.U32(0x18), 20);
        Compatible = fields.U32(0x5C);
        Incompatible = fields.U32(0x60);
        ReadOnlyCompatible = fields.U32(0x64);
        bool dynamic = fields.U32(0x4C) >= 1;
        if (!dynamic) (Compatible, Incompatible, ReadOnlyCompatible) = (0, 0, 0);
        InodeSize = dynamic ? fields.U16(0x58) : Ext4Format.OldInodeSize;
        Inodes = fields.U32(0x00);
        Blocks = fields.U32(0x04) | (Has(Ext4Format.Bits64) ? (ulong)fields.U32(0x150) << 32 : 0);
        FirstDataBlock = fields.U32(0x14);
        BlocksPerGroup = fields.U32(0x20);
        InodesPerGroup = fields.U32(0x28);
        DescriptorSize = Has(Ext4Format.Bits64) ? fields.U16(0xFE) : SmallestDescriptor;
        JournalInode = fields.U32(0xE0);
        FirstMetaGroup = fields.U32(0x104);
        BackupGroups = (fields.U32(0x24C), fields.U32(0x250));
        byte[] uuid = fields.Slice(0x68, 16).ToArray();
        Uuid = new Guid(uuid, bigEndian: true).ToString();
        UuidBytes = uuid;
        Label = Text(fields.Slice(0x78, 16));
        ChecksumSeed = Has(Ext4Format.ChecksumSeed) ? fields.U32(0x270) : Crc.Castagnoli(Crc.Start, uuid);
    }

    public int BlockBits { get; }

    public int BlockSize => 1 << BlockBits;

    public ulong Blocks { get; }

    public uint Inodes { get; }

    public int InodeSize { get; }

    public uint FirstDataBlock { get; }

    public uint BlocksPerGroup { get; }

    public uint InodesPerGroup { get; }

    public int DescriptorSize { get; }

    public uint JournalInode { get; }

    public uint FirstMetaGroup { get; }

    public (uint First, uint Second) BackupGroups { get; }

    public string Uuid { get; }

    public byte[] UuidBytes { get; }

    public string Label { get; }

    /// <summary>What every metadata checksum starts with.</summary>
    public uint ChecksumSeed { get; }

    public uint Compatible { get; }

    public uint Incompatible { get; }

    public uint ReadOnlyCompatible { get; }

    public bool HasMetadataChecksums => (ReadOnlyCompatible & Ext4Format.MetadataChecksums) != 0;

    public uint Groups => (uint)((Blocks - FirstDataBlock + BlocksPerGroup - 1) / BlocksPerGroup);

    /// <summary>ext2, ext3 or ext4, as blkid(8) tells them apart closely enough to name them.</summary>
    public string Kind => (Incompatible & (Ext4Format.Extents | Ext4Format.Bits64 | Ext4Format.FlexibleGroups | Ext4Format.InlineData)) != 0 || HasMetadataChecksums ? "ext4"
        : JournalInode != 0 ? "ext3" : "ext2";

    public bool Has(uint incompatible) => (Incompatible & incompatible) != 0;

    /// <summary>Reads it.</summary>
    /// <param name="fields">Its 1024 bytes.</param>
    /// <param name="length">The volume's length.</param>
    /// <param name="superblock">What they say.</param>
    /// <returns>Also <see cref="VolumeError.WrongKind"/> and <see cref="VolumeError.Unsupported"/>.</returns>
    public static VolumeError Read(ReadOnlySpan<byte> fields, long length, out Superblock? superblock)
    {
        superblock = null;
        if (fields.U16(0x38) != Ext4Format.Magic) return VolumeError.WrongKind;
        var read = new Superblock(fields);
        if ((read.Incompatible & ~Ext4Format.KnownIncompatible) != 0) return VolumeError.Unsupported;
        if (fields.U32(0x18) > 6 || !read.IsConsistent(length)) return VolumeError.Corrupt;
        if (read.HasMetadataChecksums && Crc.Castagnoli(Crc.Start, fields[..ChecksumOffset]) != fields.U32(ChecksumOffset)) return VolumeError.Corrupt;
        superblock = read;
        return VolumeError.None;
    }

    /// <summary>Whether a group has a copy of the superblock before its descriptors (4, "Layout": sparse_super).</summary>
    public bool HasCopy(uint group)
    {
        if (group == 0) return true;
        if ((Compatible & Ext4Format.SparseSuper2) != 0) return group == BackupGroups.First || group == BackupGroups.Second;
        return (ReadOnlyCompatible & Ext4Format.SparseSuper) == 0 || group == 1 || IsPower(group, 3) || IsPower(group, 5) || IsPower(group, 7);
    }

    private static bool IsPower(uint number, uint root)
    {
        while (number % root == 0) number /= root;
        return number == 1;
    }

    private bool IsConsistent(long length)
    {
        if (InodeSize < Ext4Format.OldInodeSize || InodeSize > BlockSize || !int.IsPow2(InodeSize)) return false;
        if (BlocksPerGroup == 0 || BlocksPerGroup > BlockSize * 8L * 65536 || InodesPerGroup == 0 || InodesPerGroup > BlockSize * 8L) return false;
        if (FirstDataBlock != (BlockBits == 10 ? 1 : 0) && FirstDataBlock != 0) return false;
        if (Blocks <= FirstDataBlock || Blocks > (ulong)(length >> BlockBits)) return false;
        if (DescriptorSize < (Has(Ext4Format.Bits64) ? SmallestDescriptor64 : SmallestDescriptor) || DescriptorSize > BlockSize || !int.IsPow2(DescriptorSize)) return false;
        return (Blocks - FirstDataBlock - 1) / BlocksPerGroup < uint.MaxValue && Inodes <= (ulong)Groups * InodesPerGroup;
    }

    private static string Text(ReadOnlySpan<byte> field)
    {
        int end = field.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? field : field[..end]);
    }
}
