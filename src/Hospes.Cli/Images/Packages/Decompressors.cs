using System.IO.Compression;

namespace Hospes.Cli.Images.Packages;

/// <summary>The compressions that Debian's archive uses.</summary>
internal static class Decompressors
{
    /// <summary>Opens a stream by the ending of its file's name; null when the ending is not known.</summary>
    public static Stream? Open(string name, Stream compressed) => Path.GetExtension(name) switch
    {
        ".gz" => new GZipStream(compressed, CompressionMode.Decompress),
        ".tar" or "" => compressed,
        _ => null,
    };
}
