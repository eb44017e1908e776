using System.Runtime.InteropServices;

namespace Hospes.Oracle.Native;

/// <summary>The few system calls that .NET has no name for.</summary>
internal static unsafe partial class Libc
{
    public const int ProtRead = 1, ProtWrite = 2, MapShared = 1;

    /// <summary>AT_HWCAP2 (elf.h); bit 1 says that user mode may use the FSGSBASE instructions (asm/hwcap2.h).</summary>
    public const ulong AuxHwcap2 = 26;

    public const ulong Hwcap2FsGsBase = 2;

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MemfdCreate(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Ftruncate(int fd, long length);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int fd, byte* data, nint count);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial byte* Mmap(nint address, nint length, int protection, int flags, int fd, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    public static partial int Munmap(byte* address, nint length);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int fd);

    [LibraryImport("libc", EntryPoint = "getauxval")]
    public static partial ulong GetAuxiliaryValue(ulong type);
}
