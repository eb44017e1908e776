using System.Runtime.InteropServices;
using Hospes.Builder.Compression;

namespace Hospes.Builder.Native;

/// <summary>The streaming decoder of libzstd (zstd.h). Its window is bounded by the library's own default of 128 MiB.</summary>
internal sealed unsafe partial class ZstdDecoder : IDecoder
{
    private const string Library = "libzstd.so.1";

    private nint _stream;

    private ZstdDecoder(nint stream) => _stream = stream;

    public bool Concatenates => true;

    public static ZstdDecoder Create()
    {
        SharedLibrary.Require(Library, "libzstd1");
        nint stream = CreateStream();
        return stream != 0 ? new ZstdDecoder(stream) : throw new OutOfMemoryException();
    }

    public DecoderOutcome Decode(ReadOnlySpan<byte> input, Span<byte> output, out int consumed, out int written)
    {
        // SAFETY: both spans are pinned for the call; the library keeps neither pointer and stays inside the sizes given.
        fixed (byte* from = input, to = output)
        {
            var source = new Buffer { Pointer = from, Size = (nuint)input.Length };
            var target = new Buffer { Pointer = to, Size = (nuint)output.Length };
            nuint left = DecompressStream(_stream, &target, &source);
            consumed = (int)source.Position;
            written = (int)target.Position;
            if (IsError(left) != 0) throw new DecompressionException(DecompressionError.Corrupt, $"zstd: {Marshal.PtrToStringUTF8(ErrorName(left))}");
            return left == 0 ? DecoderOutcome.End : DecoderOutcome.More;
        }
    }

    public void Dispose()
    {
        if (_stream != 0) _ = FreeStream(_stream);
        _stream = 0;
    }

    [LibraryImport(Library, EntryPoint = "ZSTD_createDStream")]
    private static partial nint CreateStream();

    [LibraryImport(Library, EntryPoint = "ZSTD_freeDStream")]
    private static partial nuint FreeStream(nint stream);

    [LibraryImport(Library, EntryPoint = "ZSTD_decompressStream")]
    private static partial nuint DecompressStream(nint stream, Buffer* output, Buffer* input);

    [LibraryImport(Library, EntryPoint = "ZSTD_isError")]
    private static partial uint IsError(nuint code);

    [LibraryImport(Library, EntryPoint = "ZSTD_getErrorName")]
    private static partial nint ErrorName(nuint code);

    /// <summary>ZSTD_inBuffer and ZSTD_outBuffer.</summary>
    private struct Buffer
    {
        public byte* Pointer;
        public nuint Size;
        public nuint Position;
    }
}
