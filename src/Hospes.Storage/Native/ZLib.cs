using System.Runtime.InteropServices;

namespace Hospes.Storage.Native;

/// <summary>The packing half of zlib (zlib.h). The runtime's own deflate looks back 32 KiB, and QEMU unpacks qcow2 clusters with a window of 4 KiB.</summary>
internal static unsafe partial class ZLib
{
    private const string Library = "libz.so.1";
    private const int Deflated = 8, RawWindowOf4KiB = -12, DefaultMemory = 8, DefaultLevel = -1, Finish = 4, StreamEnd = 1;

    /// <summary>Packs; <paramref name="length"/> is 0 when the output does not suffice.</summary>
    public static StorageError Pack(ReadOnlySpan<byte> input, Span<byte> output, out int length)
    {
        length = 0;
        if (!SharedLibrary.IsThere(Library)) return StorageError.LibraryMissing;
        Stream stream = default;
        if (Init(&stream, DefaultLevel, Deflated, RawWindowOf4KiB, DefaultMemory, 0, "1", sizeof(Stream)) != 0) return StorageError.IoError;
        // SAFETY: both spans are pinned until the stream is ended, and the library stays inside the counts given.
        fixed (byte* from = input, to = output)
        {
            stream.NextIn = from;
            stream.AvailableIn = (uint)input.Length;
            stream.NextOut = to;
            stream.AvailableOut = (uint)output.Length;
            if (Deflate(&stream, Finish) == StreamEnd) length = output.Length - (int)stream.AvailableOut;
            _ = End(&stream);
        }

        return StorageError.None;
    }

    [LibraryImport(Library, EntryPoint = "deflateInit2_", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Init(Stream* stream, int level, int method, int windowBits, int memoryLevel, int strategy, string version, int size);

    [LibraryImport(Library, EntryPoint = "deflate")]
    private static partial int Deflate(Stream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "deflateEnd")]
    private static partial int End(Stream* stream);

    /// <summary>struct z_stream of 64-bit systems.</summary>
    private struct Stream
    {
        public byte* NextIn;
        public uint AvailableIn;
        public nuint TotalIn;
        public byte* NextOut;
        public uint AvailableOut;
        public nuint TotalOut;
        public nint Message, State, Allocate, Free, Opaque;
        public int DataType;
        public nuint Checksum, Reserved;
    }
}
