using System.Runtime.InteropServices;

namespace Hospes.Virtio.FileSystem.Native;

/// <summary>Calls on open files, and those on extended attributes.</summary>
internal static unsafe partial class HostCalls
{
    private const string DescriptorPath = "/proc/self/fd/";

    public static int StatFileSystem(int file, out HostFileSystemStat stat)
    {
        fixed (HostFileSystemStat* at = &stat) return Result(LibC.StatFileSystem(file, at));
    }

    public static int Synchronize(int file, bool dataOnly) => Result(dataOnly ? LibC.SynchronizeData(file) : LibC.Synchronize(file));

    public static int SynchronizeFileSystem(int file) => Result(LibC.SynchronizeFileSystem(file));

    public static int Allocate(int file, int mode, long offset, long length) => Result(LibC.Allocate(file, mode, offset, length));

    public static long Seek(int file, long offset, int whence)
    {
        long at = LibC.Seek(file, offset, whence);
        return at >= 0 ? at : -Marshal.GetLastPInvokeError();
    }

    public static long CopyRange(int source, long sourceOffset, int target, long targetOffset, ulong length)
    {
        nint done = LibC.CopyRange(source, &sourceOffset, target, &targetOffset, (nuint)Math.Min(length, int.MaxValue), 0);
        return done >= 0 ? done : -Marshal.GetLastPInvokeError();
    }

    /// <summary>Reads entries of a folder from where its descriptor stands (getdents64(2)).</summary>
    public static int ReadFolder(int folder, Span<byte> entries)
    {
        fixed (byte* at = entries) return Result(LibC.ReadFolder(folder, at, (nuint)entries.Length));
    }

    /// <summary>Reads an extended attribute of the file behind a descriptor; with an empty span, only its length.</summary>
    public static int GetAttribute(int file, ReadOnlySpan<byte> name, Span<byte> value)
    {
        byte* path = stackalloc byte[DescriptorPath.Length + MostDigits];
        byte* text = stackalloc byte[LongestName + 1];
        fixed (byte* at = value) return Result(LibC.GetAttribute(PathOf(file, path), Terminate(name, text, LongestName), at, (nuint)value.Length));
    }

    public static int SetAttribute(int file, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int flags)
    {
        byte* path = stackalloc byte[DescriptorPath.Length + MostDigits];
        byte* text = stackalloc byte[LongestName + 1];
        fixed (byte* at = value) return Result(LibC.SetAttribute(PathOf(file, path), Terminate(name, text, LongestName), at, (nuint)value.Length, flags));
    }

    public static int ListAttributes(int file, Span<byte> names)
    {
        byte* path = stackalloc byte[DescriptorPath.Length + MostDigits];
        fixed (byte* at = names) return Result(LibC.ListAttributes(PathOf(file, path), at, (nuint)names.Length));
    }

    public static int RemoveAttribute(int file, ReadOnlySpan<byte> name)
    {
        byte* path = stackalloc byte[DescriptorPath.Length + MostDigits];
        byte* text = stackalloc byte[LongestName + 1];
        return Result(LibC.RemoveAttribute(PathOf(file, path), Terminate(name, text, LongestName)));
    }

    private static byte* PathOf(int file, byte* path)
    {
        for (int i = 0; i < DescriptorPath.Length; i++) path[i] = (byte)DescriptorPath[i];
        Number(file, path + DescriptorPath.Length);
        return path;
    }
}
