using System.Runtime.InteropServices;

namespace Hospes.Storage.Native;

/// <summary>Zstandard frames by libzstd (zstd.h).</summary>
internal static unsafe partial class Zstd
{
    private const string Library = "libzstd.so.1";

    /// <summary>ZSTD_d_windowLogMax and 8 MiB, which RFC 8878 (3.1.1.1.2) recommends that decoders take: a forged frame gets no more memory.</summary>
    private const int WindowLogMax = 100, WindowLog = 23;

    /// <summary>ZSTD_CLEVEL_DEFAULT.</summary>
    private const int Level = 3;

    /// <summary>Unpacks as much as the output takes.</summary>
    /// <returns><see cref="StorageError.Corrupt"/> when the frames give less or are damaged; <see cref="StorageError.LibraryMissing"/>.</returns>
    public static StorageError Unpack(ReadOnlySpan<byte> input, Span<byte> output)
    {
        if (!SharedLibrary.IsThere(Library)) return StorageError.LibraryMissing;
        nint stream = CreateStream();
        if (stream == 0) return StorageError.IoError;
        try
        {
            if (IsError(SetParameter(stream, WindowLogMax, WindowLog)) != 0) return StorageError.IoError;
            // SAFETY: both spans are pinned for the calls; the library stays inside the sizes given.
            fixed (byte* from = input, to = output)
            {
                var source = new Buffer { Pointer = from, Size = (nuint)input.Length };
                var target = new Buffer { Pointer = to, Size = (nuint)output.Length };
                while (target.Position < target.Size)
                {
                    nuint before = target.Position + source.Position;
                    nuint left = DecompressStream(stream, &target, &source);
                    if (IsError(left) != 0 || (target.Position + source.Position == before && target.Position < target.Size)) return StorageError.Corrupt;
                }
            }

            return StorageError.None;
        }
        finally
        {
            _ = FreeStream(stream);
        }
    }

    /// <summary>Packs into one frame; <paramref name="length"/> is 0 when the output does not suffice.</summary>
    public static StorageError Pack(ReadOnlySpan<byte> input, Span<byte> output, out int length)
    {
        length = 0;
        if (!SharedLibrary.IsThere(Library)) return StorageError.LibraryMissing;
        // SAFETY: as above.
        fixed (byte* from = input, to = output)
        {
            nuint size = Compress(to, (nuint)output.Length, from, (nuint)input.Length, Level);
            if (IsError(size) == 0) length = (int)size;
        }

        return StorageError.None;
    }

    [LibraryImport(Library, EntryPoint = "ZSTD_createDStream")]
    private static partial nint CreateStream();

    [LibraryImport(Library, EntryPoint = "ZSTD_freeDStream")]
    private static partial nuint FreeStream(nint stream);

    [LibraryImport(Library, EntryPoint = "ZSTD_DCtx_setParameter")]
    private static partial nuint SetParameter(nint stream, int parameter, int value);

    [LibraryImport(Library, EntryPoint = "ZSTD_decompressStream")]
    private static partial nuint DecompressStream(nint stream, Buffer* output, Buffer* input);

    [LibraryImport(Library, EntryPoint = "ZSTD_compress")]
    private static partial nuint Compress(byte* output, nuint outputSize, byte* input, nuint inputSize, int level);

    [LibraryImport(Library, EntryPoint = "ZSTD_isError")]
    private static partial uint IsError(nuint code);

    /// <summary>ZSTD_inBuffer and ZSTD_outBuffer.</summary>
    private struct Buffer
    {
        public byte* Pointer;
        public nuint Size;
        public nuint Position;
    }
}
