using System.Runtime.InteropServices;

namespace Hospes.Store.Native;

/// <content>Memory by address (mmap(2), mprotect(2), madvise(2)).</content>
internal static partial class Linux
{
    private const int NoAccess = 0;
    private const int ReadAndWrite = 1 | 2;
    private const int PrivateAnonymous = 0x02 | 0x20;
    private const int NoReserve = 0x4000;
    private const int AdviceHugePages = 14;
    private const int AdviceCollapse = 25;

    /// <summary>Reserves addresses; -1 when there are none.</summary>
    public static nint Map(nuint length) => mmap(0, length, NoAccess, PrivateAnonymous | NoReserve, -1, 0);

    public static bool Unmap(nint start, nuint length) => munmap(start, length) == 0;

    public static bool MakeUsable(nint start, nuint length) => mprotect(start, length, ReadAndWrite) == 0;

    /// <summary>Advice only: a system without large pages goes on with small ones.</summary>
    public static void AdviseLargePages(nint start, nuint length) => _ = madvise(start, length, AdviceHugePages);

    /// <summary>Copies pages in use into large ones at once (Linux 6.1 on; before, the system does it when it comes to it).</summary>
    public static void Collapse(nint start, nuint length) => _ = madvise(start, length, AdviceCollapse);

    [LibraryImport("libc", SetLastError = true)] private static partial nint mmap(nint address, nuint length, int protection, int flags, int descriptor, long offset);
    [LibraryImport("libc", SetLastError = true)] private static partial int munmap(nint start, nuint length);
    [LibraryImport("libc", SetLastError = true)] private static partial int mprotect(nint start, nuint length, int protection);
    [LibraryImport("libc", SetLastError = true)] private static partial int madvise(nint start, nuint length, int advice);
}
