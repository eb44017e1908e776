using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Hospes.Store.Native;

/// <content>Advice on memory.</content>
internal static partial class Linux
{
    private const int HugePages = 14;
    private const nint PageSize = 4096;

    /// <summary>
    /// An array that stays where it is, in large pages where the system has them: a store of a million nodes is read at random places, and with small pages
    /// most of the time would go into finding the pages.
    /// </summary>
    public static unsafe T[] AllocateLarge<T>(int length)
        where T : unmanaged
    {
        T[] array = GC.AllocateArray<T>(length, pinned: true);
        // SAFETY: the array is pinned for its life, and the advice changes no byte of it; pages that it shares with others are left out.
        nint start = ((nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array)) + PageSize - 1) & ~(PageSize - 1);
        nint end = ((nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array)) + (nint)length * sizeof(T)) & ~(PageSize - 1);
        if (end > start) _ = madvise(start, (nuint)(end - start), HugePages);
        return array;
    }

    [LibraryImport("libc", SetLastError = true)] private static partial int madvise(nint start, nuint length, int advice);
}
