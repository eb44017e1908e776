using System.Buffers.Binary;
using System.Text;
using Hospes.Storage.Files;

namespace Hospes.Storage.Qcow2;

/// <summary>Writes the first clusters of a new image: header, reference count table, one block of counts. Opening it and growing it does the rest.</summary>
internal static class Qcow2Creator
{
    private const int FirstClusters = 3;

    /// <summary>Writes an image of a disk of 0 bytes into an empty file.</summary>
    public static StorageError Write(IImageFile file, ImageCreation creation)
    {
        int clusterSize = creation.ClusterSize;
        byte[] header = new byte[clusterSize];
        if (!FillHeader(header, creation)) return StorageError.BadSetting;
        byte[] table = new byte[clusterSize], block = new byte[clusterSize];
        BinaryPrimitives.WriteInt64BigEndian(table, 2L * clusterSize);
        for (int cluster = 0; cluster < FirstClusters; cluster++) RefcountMath.Write(block, creation.RefcountOrder, cluster, 1);
        StorageError error = file.Write(2L * clusterSize, block);
        if (error == StorageError.None) error = file.Write(clusterSize, table);
        if (error == StorageError.None) error = file.Sync();
        return error == StorageError.None ? file.Write(0, header) : error;
    }

    private static bool FillHeader(byte[] header, ImageCreation creation)
    {
        bool v3 = creation.Version == 3;
        Int(0, unchecked((int)Qcow2Format.Magic));
        Int(4, creation.Version);
        Int(Qcow2Format.ClusterBits, int.TrailingZeroCount(creation.ClusterSize));
        Long(Qcow2Format.RefcountOffset, creation.ClusterSize);
        Int(Qcow2Format.RefcountClusters, 1);
        int at = Qcow2Format.HeaderLengthV2;
        if (v3)
        {
            bool zstd = creation.Compression == CompressionType.Zstd;
            Long(Qcow2Format.Incompatible, zstd ? (long)Qcow2Format.CompressionBit : 0);
            Long(Qcow2Format.Compatible, creation.LazyRefcounts ? (long)Qcow2Format.LazyRefcounts : 0);
            Int(Qcow2Format.RefcountOrder, creation.RefcountOrder);
            Int(Qcow2Format.HeaderLength, Qcow2Format.HeaderLengthWritten);
            header[Qcow2Format.CompressionType] = (byte)creation.Compression;
            at = Qcow2Format.HeaderLengthWritten;
        }

        byte[] format = creation.BackingFormat is { } backing ? Encoding.UTF8.GetBytes(backing.Name()) : [];
        if (format.Length > 0) Extension(Qcow2Format.ExtensionBackingFormat, format);
        byte[] features = v3 ? Qcow2Features.Table() : [];
        byte[] name = Encoding.UTF8.GetBytes(creation.BackingFile ?? "");
        // Small clusters have no room for names; the table is optional.
        if (features.Length > 0 && at + features.Length + 16 + name.Length <= header.Length) Extension(Qcow2Format.ExtensionFeatures, features);
        at += 8;
        if (name.Length > Qcow2Format.MaxBackingName || at + name.Length > header.Length) return false;
        if (name.Length == 0) return true;
        Long(Qcow2Format.BackingOffset, at);
        Int(Qcow2Format.BackingLength, name.Length);
        name.CopyTo(header, at);
        return true;

        void Int(int place, int value) => BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(place), value);
        void Long(int place, long value) => BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(place), value);
        void Extension(uint type, byte[] data)
        {
            Int(at, (int)type);
            Int(at + 4, data.Length);
            data.CopyTo(header, at + 8);
            at += 8 + ((data.Length + 7) & ~7);
        }
    }
}
