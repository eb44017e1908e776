using Hospes.Storage.Checksums;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Ext4;

/// <summary>The block groups' descriptors (3.2, "Block Group Descriptors"), of which only the place of the inodes matters here.</summary>
internal sealed class Groups(Superblock superblock, BlockReader blocks)
{
    private const int ChecksumOffset = 0x1E, InodeTableOffset = 0x08, InodeTableHighOffset = 0x28;

    /// <summary>Finds the block and the offset in it where an inode is.</summary>
    public VolumeError Locate(uint inode, out ulong block, out int offset)
    {
        (block, offset) = (0, 0);
        if (inode == 0 || inode > superblock.Inodes) return VolumeError.Corrupt;
        uint group = (inode - 1) / superblock.InodesPerGroup;
        VolumeError error = InodeTable(group, out ulong table);
        if (error != VolumeError.None) return error;
        long at = (long)((inode - 1) % superblock.InodesPerGroup) * superblock.InodeSize;
        block = table + (ulong)(at >> superblock.BlockBits);
        offset = (int)(at & (superblock.BlockSize - 1));
        return table != 0 && blocks.Contains(table, 1) ? VolumeError.None : VolumeError.Corrupt;
    }

    private VolumeError InodeTable(uint group, out ulong table)
    {
        table = 0;
        uint perBlock = (uint)(superblock.BlockSize / superblock.DescriptorSize);
        VolumeError error = blocks.Read(Place(group / perBlock, perBlock), out ReadOnlySpan<byte> block);
        if (error != VolumeError.None) return error;
        ReadOnlySpan<byte> descriptor = block.Slice((int)(group % perBlock) * superblock.DescriptorSize, superblock.DescriptorSize);
        if (!IsWhole(group, descriptor)) return VolumeError.Corrupt;
        table = descriptor.U32(InodeTableOffset) | (descriptor.Length >= 64 ? (ulong)descriptor.U32(InodeTableHighOffset) << 32 : 0);
        return VolumeError.None;
    }

    /// <summary>The block that holds the descriptors number <paramref name="index"/> times <paramref name="perBlock"/> and after (4, "Meta Block Groups").</summary>
    private ulong Place(uint index, uint perBlock)
    {
        // With clusters of blocks the first group begins before the superblock's block even where blocks have 1 KiB.
        ulong home = (ulong)(Ext4Format.SuperblockOffset >> superblock.BlockBits);
        if (!superblock.Has(Ext4Format.MetaBlockGroups) || index < superblock.FirstMetaGroup || index == 0) return home + 1 + index;
        uint group = index * perBlock;
        return superblock.FirstDataBlock + (ulong)group * superblock.BlocksPerGroup + (superblock.HasCopy(group) ? 1u : 0u);
    }

    private bool IsWhole(uint group, ReadOnlySpan<byte> descriptor)
    {
        ushort written = descriptor.U16(ChecksumOffset);
        if (superblock.HasMetadataChecksums)
        {
            uint sum = Crc.Castagnoli(Crc.Castagnoli(superblock.ChecksumSeed, group), descriptor[..ChecksumOffset]);
            sum = Crc.Castagnoli(Crc.Castagnoli(sum, stackalloc byte[2]), descriptor[(ChecksumOffset + 2)..]);
            return (ushort)sum == written;
        }

        if ((superblock.ReadOnlyCompatible & Ext4Format.GroupChecksums) == 0) return true;
        Span<byte> number = stackalloc byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(number, group);
        ushort old = Crc.Arc(Crc.Arc(Crc.Arc(Crc.Start, superblock.UuidBytes), number), descriptor[..ChecksumOffset]);
        // The field is left out of the older sum, what follows it belongs to it.
        return (descriptor.Length > 32 ? Crc.Arc(old, descriptor[(ChecksumOffset + 2)..]) : old) == written;
    }
}
