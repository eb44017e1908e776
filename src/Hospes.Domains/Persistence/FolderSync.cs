using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Hospes.Domains.Persistence;

/// <summary>Brings files, and the names in folders, to disk: a file that was renamed is durable once its folder is.</summary>
internal static class FolderSync
{
    /// <summary><c>O_RDONLY|O_DIRECTORY|O_CLOEXEC</c> (Linux, x86-64: asm-generic/fcntl.h).</summary>
    private const int OpenFolder = 0x10000 | 0x80000;

    /// <summary>Waits until the folder's names are on disk.</summary>
    /// <exception cref="IOException">The host refuses.</exception>
    public static void Flush(string folder)
    {
        using var handle = new SafeFileHandle(Open(folder, OpenFolder), ownsHandle: true);
        if (handle.IsInvalid || Sync(handle) != 0) throw new IOException($"cannot bring '{folder}' to disk: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
    }

    /// <summary>Waits until a file's content is on disk; its times may follow.</summary>
    /// <exception cref="IOException">The host refuses.</exception>
    public static void FlushData(SafeFileHandle file)
    {
        if (SyncData(file) != 0) throw new IOException($"cannot write to disk: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static extern int Sync(SafeFileHandle folder);

    [DllImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static extern int SyncData(SafeFileHandle file);
}
