using System.Runtime.InteropServices;

namespace Hospes.Hypervisor.Native;

/// <summary>The C library's calls that guest memory needs.</summary>
internal static unsafe partial class LibC
{
    public const int ProtRead = 1, ProtWrite = 2;
    public const int MapShared = 1, MapPrivate = 2, MapAnonymous = 0x20, MapNoReserve = 0x4000;
    public const uint MfdCloseOnExec = 1, MfdHugeTlb = 4, MfdHuge2Mb = 21u << 26, MfdHuge1Gb = 30u << 26;
    public const int AdviseHugePage = 14, AdviseRemove = 9, AdviseDontNeed = 4;
    public const int WriteAppends = 0x10, BadAddress = 14, Interrupted = 4;

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int CreateMemoryFile(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(int file, long size);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Allocate(int file, int mode, long offset, long size);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial nint Map(nint address, nuint size, int protection, int flags, int file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    public static partial int Unmap(nint address, nuint size);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    public static partial int Advise(nint address, nuint size, int advice);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int file);

    [LibraryImport("libc", EntryPoint = "preadv", SetLastError = true)]
    public static partial nint ReadAt(int file, Vector* parts, int count, long offset);

    [LibraryImport("libc", EntryPoint = "pwritev2", SetLastError = true)]
    public static partial nint WriteAt(int file, Vector* parts, int count, long offset, int flags);

    /// <summary><c>struct iovec</c>.</summary>
    public struct Vector
    {
        public nint Start;
        public nuint Length;
    }
}
