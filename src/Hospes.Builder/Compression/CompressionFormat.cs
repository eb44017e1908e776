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
