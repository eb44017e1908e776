namespace Hospes.Builder.Compression;

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
