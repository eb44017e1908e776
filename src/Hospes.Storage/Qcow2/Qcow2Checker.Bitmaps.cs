using System.Buffers.Binary;
using Hospes.Storage.Files;

namespace Hospes.Storage.Qcow2;

/// <content>The clusters of dirty bitmaps, which are counted so that they do not look leaked ("Bitmaps").</content>
internal sealed partial class Qcow2Checker
{
    private const int MaxBitmaps = 65535, BitmapEntry = 24;

    /// <summary>QEMU's bounds: 64 MiB of directory, 0x8000000 table entries of one bitmap.</summary>
    private const long MaxDirectory = 64 << 20, MaxBitmapTable = 0x8000000;

    private StorageError CountBitmaps(BitmapDirectory directory)
    {
        if ((uint)directory.Count > MaxBitmaps || directory.Size is < 0 or > MaxDirectory || !Fits(directory.Offset, directory.Size)) return Unread("the bitmap directory does not lie in the file");
        Reference(directory.Offset, directory.Size, 1, "the bitmap directory");
        byte[] bytes = new byte[directory.Size];
        StorageError error = _file.ReadPadded(directory.Offset, bytes);
        long tables = 0;
        for (int at = 0, i = 0; i < directory.Count && error == StorageError.None; i++)
        {
            if (at > bytes.Length - BitmapEntry) return Unread("the bitmap directory ends inside an entry");
            ReadOnlySpan<byte> entry = bytes.AsSpan(at);
            long offset = BinaryPrimitives.ReadInt64BigEndian(entry), size = BinaryPrimitives.ReadUInt32BigEndian(entry[8..]);
            uint variable = BinaryPrimitives.ReadUInt16BigEndian(entry[18..]) + BinaryPrimitives.ReadUInt32BigEndian(entry[20..]);
            tables += size * 8;
            // Tables that do not overlap cannot be longer than the file together.
            if (size > MaxBitmapTable || tables > FileLength || !Fits(offset, size * 8)) return Unread($"the table of bitmap {i + 1} does not lie in the file");
            error = CountBitmap(offset, (int)size);
            if (variable > bytes.Length) return Unread("an entry of the bitmap directory is too long");
            at += (int)((BitmapEntry + variable + 7) & ~7u);
        }

        return error;
    }

    private StorageError CountBitmap(long offset, int size)
    {
        if (size == 0) return StorageError.None;
        Reference(offset, size * 8L, 1, "the table of a bitmap");
        byte[] table = new byte[size * 8];
        StorageError error = _file.ReadPadded(offset, table);
        for (int at = 0; at < table.Length && error == StorageError.None; at += 8)
        {
            long cluster = (long)(BinaryPrimitives.ReadUInt64BigEndian(table.AsSpan(at)) & Qcow2Format.OffsetMask);
            if (cluster != 0) Reference(cluster, _header.ClusterSize, 1, "a cluster of a bitmap");
        }

        return error;
    }

    private StorageError Unread(string finding)
    {
        _result.CheckErrors++;
        _result.Note(finding);
        return StorageError.None;
    }
}
