using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Hospes.Hypervisor.Soft.Memory;

/// <summary>
/// One entry of a direct-mapped TLB, 32 bytes, in a layout that emitted code relies on. A tag is the linear page address for which that kind
/// of access may go straight to host memory. <c>linear ^ tag</c> is then the offset inside the page, and one comparison of it with
/// 4096 less the access's size finds both misses and accesses that cross the page. A tag that is not valid has another index than
/// its entry, so that no address that is looked up there can match.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = Bytes)]
internal unsafe struct TlbEntry
{
    /// <summary>Entries: 64 MiB of reach per table.</summary>
    public const int IndexBits = 14, Count = 1 << IndexBits;

    public const int Bytes = 32;

    public const ulong PageMask = ~0xFFFUL;

    public const int ReadOffset = 0, WriteOffset = 8, ExecuteOffset = 16, HostOffset = 24;

    /// <summary>An <see cref="Execute"/> that no page has.</summary>
    public const ulong NoExecute = ulong.MaxValue;

    /// <summary>The page that may be read, or an invalid tag.</summary>
    public ulong Read;

    /// <summary>The page that may be written, or an invalid tag.</summary>
    public ulong Write;

    /// <summary>What <see cref="ExecuteKey"/> gives for a page that may be executed, or <see cref="NoExecute"/>.</summary>
    public ulong Execute;

    /// <summary>Where the page is in host memory.</summary>
    public ulong Host;

    /// <summary>The index of the entry for a linear address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Index(ulong linear) => (int)(linear >> 12) & (Count - 1);

    /// <summary>The tag that never matches in the entry of an index.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong InvalidTag(int index) => ((ulong)(index ^ 1) << 12) | 0xFFF;

    /// <summary>Page and host page in one number, distinct for all pages that share an index: what a jump to constant code compares.</summary>
    public static ulong ExecuteKey(ulong linear, ulong hostPage) =>
        (linear >> (12 + IndexBits) & ((1UL << (36 - IndexBits)) - 1)) << 36 | hostPage >> 12;

    /// <summary>Whether <paramref name="size"/> bytes at an address lie in the page of a tag.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Hits(ulong tag, ulong address, int size) => (address ^ tag) <= 4096 - (ulong)size;

    /// <summary>Forgets the page.</summary>
    public static void Clear(TlbEntry* entry, int index)
    {
        entry->Read = entry->Write = InvalidTag(index);
        entry->Execute = NoExecute;
    }
}
