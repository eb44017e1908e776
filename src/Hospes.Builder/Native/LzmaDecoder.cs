using System.Runtime.InteropServices;
using Hospes.Builder.Compression;

namespace Hospes.Builder.Native;

/// <summary>The decoders for .xz and .lzma of liblzma (lzma/base.h, lzma/container.h).</summary>
internal sealed unsafe partial class LzmaDecoder : IDecoder
{
    private const string Library = "liblzma.so.5";

    /// <summary>The most memory that a decoder may take: a dictionary of 128 MiB, as Linux' build uses at most, and its tables.</summary>
    private const ulong MemoryLimit = 160UL << 20;

    private const int Ok = 0, StreamEnd = 1, MemoryError = 5, MemoryLimitError = 6, OptionsError = 8, BufferError = 10;

    // SAFETY: lzma_stream lives in native memory, since the library keeps its address between calls; it is freed once, in Dispose.
    private LzmaStream* _stream;

    private LzmaDecoder(LzmaStream* stream, bool alone)
    {
        _stream = stream;
        Concatenates = !alone;
    }

    public bool Concatenates { get; }

    public static LzmaDecoder Create(bool alone)
    {
        SharedLibrary.Require(Library, "liblzma5");
        var decoder = new LzmaDecoder((LzmaStream*)NativeMemory.AllocZeroed((nuint)sizeof(LzmaStream)), alone);
        decoder.Start();
        return decoder;
    }

    public DecoderOutcome Decode(ReadOnlySpan<byte> input, Span<byte> output, out int consumed, out int written)
    {
        // SAFETY: both spans are pinned for the call, and the pointers are taken back before it ends.
        fixed (byte* from = input, to = output)
        {
            _stream->NextIn = from;
            _stream->AvailIn = (nuint)input.Length;
            _stream->NextOut = to;
            _stream->AvailOut = (nuint)output.Length;
            int answer = Code(_stream, 0);
            consumed = input.Length - (int)_stream->AvailIn;
            written = output.Length - (int)_stream->AvailOut;
            _stream->NextIn = _stream->NextOut = null;
            _stream->AvailIn = _stream->AvailOut = 0;
            switch (answer)
            {
                case Ok or BufferError:
                    return DecoderOutcome.More;
                case StreamEnd:
                    // A further .xz stream may follow this one (.xz File Format, 2).
                    if (Concatenates) Start();
                    return DecoderOutcome.End;
                case MemoryError:
                    throw new OutOfMemoryException();
                default:
                    throw new DecompressionException(answer is MemoryLimitError ? DecompressionError.TooLarge : DecompressionError.Corrupt, answer switch
                    {
                        MemoryLimitError => $"xz: a dictionary of more than {MemoryLimit >> 20} MiB",
                        OptionsError => "xz: options that this library does not know",
                        _ => "xz: damaged data",
                    });
            }
        }
    }

    public void Dispose()
    {
        if (_stream == null) return;
        End(_stream);
        NativeMemory.Free(_stream);
        _stream = null;
    }

    private void Start()
    {
        int answer = Concatenates ? StreamDecoder(_stream, MemoryLimit, 0) : AloneDecoder(_stream, MemoryLimit);
        if (answer != Ok) throw new OutOfMemoryException();
    }

    [LibraryImport(Library, EntryPoint = "lzma_stream_decoder")]
    private static partial int StreamDecoder(LzmaStream* stream, ulong memoryLimit, uint flags);

    [LibraryImport(Library, EntryPoint = "lzma_alone_decoder")]
    private static partial int AloneDecoder(LzmaStream* stream, ulong memoryLimit);

    [LibraryImport(Library, EntryPoint = "lzma_code")]
    private static partial int Code(LzmaStream* stream, int action);

    [LibraryImport(Library, EntryPoint = "lzma_end")]
    private static partial void End(LzmaStream* stream);

    /// <summary>lzma_stream: the fields that a caller sets; the rest is the library's and reserved.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 136)]
    private struct LzmaStream
    {
        [FieldOffset(0)]
        public byte* NextIn;

        [FieldOffset(8)]
        public nuint AvailIn;

        [FieldOffset(24)]
        public byte* NextOut;

        [FieldOffset(32)]
        public nuint AvailOut;
    }
}
