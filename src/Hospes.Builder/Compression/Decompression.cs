using System.IO.Compression;
using Hospes.Builder.Native;
using ICSharpCode.SharpZipLib.BZip2;

namespace Hospes.Builder.Compression;

/// <summary>Unpacks what kernels and packages are compressed with, never beyond a stated size. Thread-safe; each stream has one user.</summary>
public static class Decompression
{
    /// <summary>How many bytes <see cref="Detect"/> looks at.</summary>
    public const int SignatureSize = 16;

    /// <summary>Recognizes a format by its first bytes.</summary>
    /// <param name="data">The data, or at least their first <see cref="SignatureSize"/> bytes.</param>
    public static CompressionFormat Detect(ReadOnlySpan<byte> data)
    {
        if (data.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B, 0x08])) return CompressionFormat.Gzip;
        if (data.StartsWith((ReadOnlySpan<byte>)[0x02, 0x21, 0x4C, 0x18])) return CompressionFormat.Lz4Legacy;
        if (data.StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD])) return CompressionFormat.Zstd;
        if (data.StartsWith((ReadOnlySpan<byte>)[0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0])) return CompressionFormat.Xz;
        if (data.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'L', (byte)'Z', (byte)'O', 0])) return CompressionFormat.Lzo;
        if (data.StartsWith("BZh"u8) && data.Length > 9 && data[3] is >= (byte)'1' and <= (byte)'9' && data[4..].StartsWith((ReadOnlySpan<byte>)[0x31, 0x41, 0x59, 0x26, 0x53, 0x59])) return CompressionFormat.Bzip2;
        return IsLzma(data) ? CompressionFormat.Lzma : CompressionFormat.None;
    }

    /// <summary>Unpacks data that are in memory. What follows the compressed stream is ignored.</summary>
    /// <param name="data">The compressed data.</param>
    /// <param name="format">Their format.</param>
    /// <param name="limit">The largest result in bytes; below 2^31 - 64.</param>
    /// <param name="output">The result; empty on failure.</param>
    /// <param name="detail">With an error, the case at hand in words.</param>
    /// <param name="sizeHint">About how large the result is, or 0; a wrong hint costs time only.</param>
    public static DecompressionError TryUnpack(ReadOnlyMemory<byte> data, CompressionFormat format, int limit, out ReadOnlyMemory<byte> output, out string detail, int sizeHint = 0)
    {
        output = default;
        detail = "";
        try
        {
            using Stream source = Open(new ReadOnlyMemoryStream(data), format, limit);
            // One byte more than is expected shows the end without growing. A hint that promises more than most data pack is not
            // believed at once; the array grows as data come.
            long most = Math.Min(limit + 1L, Array.MaxLength);
            byte[] buffer = new byte[Math.Min(most, Math.Max(1 << 16, Math.Min(sizeHint + 1L, data.Length * 32L)))];
            int length = 0;
            for (int read; (read = source.Read(buffer, length, buffer.Length - length)) > 0;)
            {
                length += read;
                if (length == buffer.Length) Array.Resize(ref buffer, (int)Math.Min(most, buffer.Length * 2L));
            }
            output = buffer.AsMemory(0, length);
            return DecompressionError.None;
        }
        catch (DecompressionException e)
        {
            detail = e.Message;
            return e.Error;
        }
    }

    /// <summary>Opens a stream that unpacks another one as it is read.</summary>
    /// <param name="source">The compressed data; closed with the result.</param>
    /// <param name="format">Their format.</param>
    /// <param name="limit">How many bytes the result gives at most; one more is <see cref="DecompressionError.TooLarge"/>.</param>
    /// <returns>A stream for reading only; its reads throw <see cref="DecompressionException"/> and nothing else for bad data.</returns>
    /// <exception cref="DecompressionException">The format can't be unpacked, or its library is missing.</exception>
    public static Stream Open(Stream source, CompressionFormat format, long limit)
    {
        try
        {
            return new BoundedStream(format switch
            {
                CompressionFormat.Gzip => new GZipStream(source, CompressionMode.Decompress),
                CompressionFormat.Bzip2 => new BZip2InputStream(source),
                CompressionFormat.Lz4Legacy => new Lz4LegacyStream(source),
                CompressionFormat.Zstd => new DecoderStream(source, ZstdDecoder.Create()),
                CompressionFormat.Xz => new DecoderStream(source, LzmaDecoder.Create(alone: false)),
                CompressionFormat.Lzma => new DecoderStream(source, LzmaDecoder.Create(alone: true)),
                CompressionFormat.Lzo => throw new DecompressionException(DecompressionError.NotSupported, "LZO is not unpacked here"),
                _ => throw new DecompressionException(DecompressionError.UnknownFormat, "the data begin with no known signature"),
            }, limit);
        }
        catch (Exception e) when (BoundedStream.Damage(e) is { } damage)
        {
            throw damage;
        }
    }

    /// <summary>.lzma has no magic: a properties byte, a dictionary size, the size of the result (xz, doc/lzma-file-format.txt, 1).</summary>
    private static bool IsLzma(ReadOnlySpan<byte> data)
    {
        if (data.Length < 13 || data[0] != 0x5D) return false;
        uint dictionary = System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(data[1..]);
        ulong size = System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(data[5..]);
        return System.Numerics.BitOperations.IsPow2(dictionary) && dictionary >= 4096 && (size == ulong.MaxValue || size < 1UL << 40);
    }
}
