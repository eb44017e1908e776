using System.Buffers.Binary;
using Hospes.Storage.Files;

namespace Hospes.Storage.Qcow2;

/// <summary>Changes single fields of a header in its place. Each write lies within one sector, so that it happens whole or not at all.</summary>
internal static class Qcow2HeaderWriter
{
    public static StorageError WriteRefcountTable(IImageFile file, long offset, int clusters)
    {
        Span<byte> bytes = stackalloc byte[12];
        BinaryPrimitives.WriteInt64BigEndian(bytes, offset);
        BinaryPrimitives.WriteInt32BigEndian(bytes[8..], clusters);
        return file.Write(Qcow2Format.RefcountOffset, bytes);
    }

    public static StorageError WriteL1(IImageFile file, int entries, long offset)
    {
        Span<byte> bytes = stackalloc byte[12];
        BinaryPrimitives.WriteInt32BigEndian(bytes, entries);
        BinaryPrimitives.WriteInt64BigEndian(bytes[4..], offset);
        return file.Write(Qcow2Format.L1Size, bytes);
    }

    public static StorageError WriteSize(IImageFile file, long size)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, size);
        return file.Write(Qcow2Format.Size, bytes);
    }

    /// <summary>Writes the feature bits; version 2 has none.</summary>
    public static StorageError WriteFeatures(IImageFile file, Qcow2Header header)
    {
        if (header.Version == 2) return StorageError.None;
        Span<byte> bytes = stackalloc byte[24];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, header.Incompatible);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], header.Compatible);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[16..], header.Autoclear);
        return file.Write(Qcow2Format.Incompatible, bytes);
    }
}
