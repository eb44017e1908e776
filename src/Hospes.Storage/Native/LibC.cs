using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

[assembly: DisableRuntimeMarshalling]

namespace Hospes.Storage.Native;

/// <summary>The C library's calls on image files. Each gives -1 on failure, with the reason in <see cref="LastError"/>.</summary>
/// <remarks>SAFETY: buffers are handed over as pointers that the caller pins for the call; no call keeps one.</remarks>
internal static unsafe partial class LibC
{
    public const int PunchHole = 3, ZeroRange = 0x10 | 1, Allocate = 0;
    public const int SeekData = 3, SeekHole = 4, SeekEnd = 2;
    public const int NotPermitted = 1, NoEntry = 2, Interrupted = 4, NoSuchDevice = 6, Again = 11, Access = 13, FileExists = 17, IsFolder = 21, Invalid = 22, NoTerminal = 25, FileTooBig = 27, NoSpace = 28, ReadOnlyFiles = 30, NoCall = 38, NotSupported = 95, Quota = 122;
    public const int OpenReadOnly = 0, OpenReadWrite = 2, OpenCreate = 0x40, OpenExclusive = 0x80, OpenCloseOnExec = 0x80000, OpenNonBlocking = 0x800;

    /// <summary>F_OFD_GETLK and F_OFD_SETLK (include/uapi/asm-generic/fcntl.h).</summary>
    public const int GetLock = 36, SetLock = 37;
    public const short ReadLock = 0, WriteLock = 1, Unlock = 2;

    private const uint StatMask = 0x7ff;
    private const int AtEmptyPath = 0x1000;

    public static int LastError => Marshal.GetLastPInvokeError();

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    public static partial nint Read(SafeFileHandle file, byte* buffer, nuint length, long offset);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    public static partial nint Write(SafeFileHandle file, byte* buffer, nuint length, long offset);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    public static partial int Sync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(SafeFileHandle file, long length);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Fallocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(SafeFileHandle file, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Control(SafeFileHandle file, int command, FileLock* argument);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static partial int Statx(SafeFileHandle file, byte* path, int flags, uint mask, FileStatus* status);

    /// <summary>Reads what the host knows of an open file.</summary>
    public static int Status(SafeFileHandle file, FileStatus* status)
    {
        byte empty = 0;
        return Statx(file, &empty, AtEmptyPath, StatMask, status);
    }

    /// <summary>struct flock of 64-bit Linux (include/uapi/asm-generic/fcntl.h).</summary>
    [StructLayout(LayoutKind.Explicit, Size = 32)]
    internal struct FileLock
    {
        [FieldOffset(0)]
        public short Type;
        [FieldOffset(2)]
        public short Whence;
        [FieldOffset(8)]
        public long Start;
        [FieldOffset(16)]
        public long Length;
        [FieldOffset(24)]
        public int Process;
    }

    /// <summary>struct statx (include/uapi/linux/stat.h): the same on every architecture.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    internal struct FileStatus
    {
        [FieldOffset(28)]
        public ushort Mode;
        [FieldOffset(32)]
        public ulong Inode;
        [FieldOffset(40)]
        public long Size;
        [FieldOffset(48)]
        public long Blocks;
        [FieldOffset(136)]
        public uint DeviceMajor;
        [FieldOffset(140)]
        public uint DeviceMinor;

        public readonly bool IsRegular => (Mode & 0xf000) == 0x8000;

        public readonly bool IsBlockDevice => (Mode & 0xf000) == 0x6000;

        public readonly bool IsFolder => (Mode & 0xf000) == 0x4000;
    }
}
