using System.IO.Compression;
using Hospes.Storage.Native;

namespace Hospes.Storage.Qcow2;

/// <summary>Packs and unpacks compressed clusters.</summary>
internal static class ClusterCodec
{
    /// <summary>Unpacks a whole cluster.</summary>
    /// <param name="type">The image's compression.</param>
    /// <param name="packed">The data; what follows the end of the stream is ignored.</param>
    /// <param name="length">How many bytes of <paramref name="packed"/> count.</param>
    /// <param name="cluster">The cluster; after an error its content is undefined.</param>
    /// <returns><see cref="StorageError.Corrupt"/> when the data do not make a whole cluster; <see cref="StorageError.LibraryMissing"/>.</returns>
    public static StorageError Unpack(CompressionType type, byte[] packed, int length, Span<byte> cluster)
    {
        if (type == CompressionType.Zstd) return Zstd.Unpack(packed.AsSpan(0, length), cluster);
        try
        {
            using var stream = new DeflateStream(new MemoryStream(packed, 0, length, writable: false), CompressionMode.Decompress);
            return stream.ReadAtLeast(cluster, cluster.Length, throwOnEndOfStream: false) == cluster.Length ? StorageError.None : StorageError.Corrupt;
        }
        catch (InvalidDataException)
        {
            return StorageError.Corrupt;
        }
    }

    /// <summary>Packs a whole cluster.</summary>
    /// <param name="type">The image's compression.</param>
    /// <param name="cluster">The cluster.</param>
    /// <param name="packed">Where the data go, as large as they may become.</param>
    /// <param name="length">Their length, or 0 when they did not become smaller than <paramref name="packed"/>.</param>
    /// <returns><see cref="StorageError.LibraryMissing"/>, or none.</returns>
    public static StorageError Pack(CompressionType type, ReadOnlySpan<byte> cluster, Span<byte> packed, out int length) =>
        type == CompressionType.Zstd ? Zstd.Pack(cluster, packed, out length) : ZLib.Pack(cluster, packed, out length);
}
