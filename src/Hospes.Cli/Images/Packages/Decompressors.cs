using Hospes.Builder.Compression;

namespace Hospes.Cli.Images.Packages;

/// <summary>The compressions that Debian's archive uses.</summary>
internal static class Decompressors
{
    /// <summary>The largest result: the index of all of Debian is below 100 MiB, a kernel package unpacks to below 1 GiB.</summary>
    private const long Largest = 4L << 30;

    /// <summary>Opens a stream by the ending of its file's name; null when the ending is not known.</summary>
    /// <exception cref="DecompressionException">The library for the format is not installed, or, while reading, the data are damaged.</exception>
    public static Stream? Open(string name, Stream compressed) => Path.GetExtension(name) switch
    {
        ".xz" => Decompression.Open(compressed, CompressionFormat.Xz, Largest),
        ".zst" => Decompression.Open(compressed, CompressionFormat.Zstd, Largest),
        ".gz" => Decompression.Open(compressed, CompressionFormat.Gzip, Largest),
        ".bz2" => Decompression.Open(compressed, CompressionFormat.Bzip2, Largest),
        ".tar" or "" => compressed,
        _ => null,
    };

    /// <summary>What to do about data that do not unpack.</summary>
    public static string Remedy(DecompressionException fault) => fault.Error == DecompressionError.LibraryMissing
        ? "install the library it names (liblzma5 or libzstd1)"
        : "choose another archive with --mirror URL";
}
