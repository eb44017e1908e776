namespace Hospes.Builder.Compression;

/// <summary>The compressions that kernels and packages come in.</summary>
public enum CompressionFormat
{
    /// <summary>None of the known signatures.</summary>
    None,

    /// <summary>gzip (RFC 1952).</summary>
    Gzip,

    /// <summary>The legacy frame of lz4 (magic 0x184C2102; "LZ4 Frame Format", Legacy frame).</summary>
    Lz4Legacy,

    /// <summary>Zstandard (RFC 8878).</summary>
    Zstd,

    /// <summary>The .xz container.</summary>
    Xz,

    /// <summary>The .lzma container ("LZMA_Alone").</summary>
    Lzma,

    /// <summary>bzip2.</summary>
    Bzip2,

    /// <summary>lzop; recognized, not unpacked.</summary>
    Lzo,
}

/// <summary>Why data could not be unpacked: a closed set.</summary>
public enum DecompressionError
{
    /// <summary>They could.</summary>
    None = 0,

    /// <summary>The data begin with no known signature.</summary>
    UnknownFormat,

    /// <summary>The format is recognized but never unpacked (LZO).</summary>
    NotSupported,

    /// <summary>The data are damaged.</summary>
    Corrupt,

    /// <summary>The data end too early.</summary>
    Truncated,

    /// <summary>The result would be larger than the limit.</summary>
    TooLarge,

    /// <summary>The shared library for the format is not installed.</summary>
    LibraryMissing,
}

/// <summary>Thrown by the streams of <see cref="Decompression.Open"/>, whose interface has no other way to tell.</summary>
/// <param name="error">What is wrong.</param>
/// <param name="detail">The case at hand, in words.</param>
public sealed class DecompressionException(DecompressionError error, string detail) : IOException(detail)
{
    /// <summary>What is wrong.</summary>
    public DecompressionError Error { get; } = error;
}
