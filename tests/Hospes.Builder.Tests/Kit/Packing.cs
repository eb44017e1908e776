using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Compression;
using Hospes.Builder.Compression;
using ICSharpCode.SharpZipLib.BZip2;

namespace Hospes.Builder.Tests.Kit;

/// <summary>Packs data with the programs that people pack kernels with.</summary>
internal static class Packing
{
    public static readonly CompressionFormat[] Formats =
        [CompressionFormat.Gzip, CompressionFormat.Lz4Legacy, CompressionFormat.Zstd, CompressionFormat.Xz, CompressionFormat.Lzma, CompressionFormat.Bzip2];

    public static byte[] Pack(byte[] data, CompressionFormat format)
    {
        var packed = new MemoryStream();
        switch (format)
        {
            case CompressionFormat.Gzip:
                using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true)) gzip.Write(data);
                return packed.ToArray();
            case CompressionFormat.Bzip2:
                using (var bzip2 = new BZip2OutputStream(packed) { IsStreamOwner = false }) bzip2.Write(data);
                return packed.ToArray();
            case CompressionFormat.Lz4Legacy:
                return Run(data, "lz4", "-l", "-c", "-q");
            case CompressionFormat.Zstd:
                return Run(data, "zstd", "-q", "-c");
            case CompressionFormat.Xz:
                return Run(data, "xz", "-c", "--x86", "--lzma2=preset=6", "--check=crc32");
            case CompressionFormat.Lzma:
                return Run(data, "xz", "-c", "--format=lzma");
            default:
                throw new ArgumentOutOfRangeException(nameof(format));
        }
    }

    /// <summary>Packs as Linux' build does: every format but gzip, which ends with it anyway, gets the result's size appended.</summary>
    public static byte[] Payload(byte[] data, CompressionFormat format)
    {
        byte[] packed = Pack(data, format);
        if (format == CompressionFormat.Gzip) return packed;
        byte[] size = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(size, data.Length);
        return [.. packed, .. size];
    }

    private static byte[] Run(byte[] data, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        Task writing = Task.Run(() =>
        {
            process.StandardInput.BaseStream.Write(data);
            process.StandardInput.Close();
        });
        var packed = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(packed);
        writing.Wait();
        process.WaitForExit();
        process.ExitCode.ShouldBe(0, program);
        return packed.ToArray();
    }
}
