using System.Runtime.InteropServices;

namespace Hospes.Builder.Native;

/// <summary>The block decoder of liblz4 (lz4.h).</summary>
internal static unsafe partial class Lz4
{
    private const string Library = "liblz4.so.1";

    public static void Require() => SharedLibrary.Require(Library, "liblz4-1");

    /// <summary>Unpacks one block; the size of the result, or a negative number for damaged data.</summary>
    public static int Unpack(ReadOnlySpan<byte> packed, Span<byte> block)
    {
        // SAFETY: both spans are pinned for the call, and LZ4_decompress_safe reads and writes inside the lengths given only.
        fixed (byte* from = packed, to = block) return DecompressSafe(from, to, packed.Length, block.Length);
    }

    [LibraryImport(Library, EntryPoint = "LZ4_decompress_safe")]
    private static partial int DecompressSafe(byte* from, byte* to, int packedSize, int capacity);
}
