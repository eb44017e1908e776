namespace Hospes.Storage.Ext4;

/// <summary>Numbers of ext2, ext3 and ext4 on the disk (Linux documentation, "ext4 Data Structures and Algorithms").</summary>
internal static class Ext4Format
{
    /// <summary>Where the superblock is, and how long (3.1, "Super Block").</summary>
    public const int SuperblockOffset = 1024, SuperblockSize = 1024;

    public const ushort Magic = 0xEF53;

    /// <summary>Incompatible features: who does not know one must not read.</summary>
    public const uint FileType = 0x2, Recover = 0x4, JournalDevice = 0x8, MetaBlockGroups = 0x10, Extents = 0x40, Bits64 = 0x80, MultiMount = 0x100,
        FlexibleGroups = 0x200, LargeAttributes = 0x400, ChecksumSeed = 0x2000, LargeDirectories = 0x4000, InlineData = 0x8000, Encrypt = 0x1_0000, CaseFold = 0x2_0000;

    public const uint KnownIncompatible = FileType | Recover | MetaBlockGroups | Extents | Bits64 | MultiMount | FlexibleGroups | LargeAttributes | ChecksumSeed
        | LargeDirectories | InlineData | Encrypt | CaseFold;

    /// <summary>Features that change only how one writes, and how checksums are made.</summary>
    public const uint SparseSuper = 0x1, GroupChecksums = 0x10, MetadataChecksums = 0x400;

    /// <summary>A compatible feature: superblock copies in two groups of choice.</summary>
    public const uint SparseSuper2 = 0x200;

    /// <summary>Flags of inodes.</summary>
    public const uint EncryptedInode = 0x800, IndexedInode = 0x1000, ExtentsInode = 0x8_0000, InlineDataInode = 0x1000_0000;

    /// <summary>The type in an inode's mode.</summary>
    public const ushort TypeMask = 0xF000, TypeDirectory = 0x4000, TypeRegular = 0x8000, TypeLink = 0xA000;

    public const uint RootInode = 2;

    /// <summary>The bytes of <c>i_block</c>: block pointers, the root of an extent tree, a short link's target or the start of inline data.</summary>
    public const int BlockFieldOffset = 0x28, BlockFieldSize = 60;

    public const int OldInodeSize = 128;
}
