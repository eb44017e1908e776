using Hospes.Storage.Volumes;

namespace Hospes.Storage.Ext4;

/// <summary>Content that lies in the inode itself (3.6, "Inline Data"): in <c>i_block</c>, and what does not fit there in the extended attribute <c>system.data</c>.</summary>
internal static class InlineData
{
    private const uint AttributesMagic = 0xEA02_0000;

    private const int HeaderSize = 4, EntrySize = 16;

    /// <summary>The index that stands for the prefix <c>system.</c> (3.8, "Extended Attributes").</summary>
    private const byte SystemPrefix = 7;

    private static ReadOnlySpan<byte> Name => "data"u8;

    /// <summary>Gives the content as long as the inode says.</summary>
    public static VolumeError Read(Inode inode, out byte[] content)
    {
        content = [];
        VolumeError error = FindAttribute(inode.Attributes, out ReadOnlySpan<byte> rest);
        if (error != VolumeError.None) return error;
        if (inode.Length > Ext4Format.BlockFieldSize + rest.Length) return VolumeError.Corrupt;
        content = new byte[inode.Length];
        int first = Math.Min(content.Length, Ext4Format.BlockFieldSize);
        inode.BlockField[..first].CopyTo(content);
        rest[..(content.Length - first)].CopyTo(content.AsSpan(first));
        return VolumeError.None;
    }

    private static VolumeError FindAttribute(ReadOnlySpan<byte> area, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (area.Length < HeaderSize || area.U32(0) != AttributesMagic) return VolumeError.None;
        ReadOnlySpan<byte> entries = area[HeaderSize..];
        for (int at = 0; at + EntrySize <= entries.Length && entries.U32(at) != 0;)
        {
            int length = entries[at];
            if (at + EntrySize + length > entries.Length) return VolumeError.Corrupt;
            if (entries[at + 1] == SystemPrefix && entries.Slice(at + EntrySize, length).SequenceEqual(Name))
            {
                uint size = entries.U32(at + 8);
                int offset = entries.U16(at + 2);
                if (entries.U32(at + 4) != 0) return VolumeError.Unsupported;
                if (offset > entries.Length || size > entries.Length - offset) return VolumeError.Corrupt;
                value = entries.Slice(offset, (int)size);
                return VolumeError.None;
            }

            at += EntrySize + ((length + 3) & ~3);
        }

        return VolumeError.None;
    }
}
