using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Hospes.Cli.Native;

/// <summary>A lock on a whole file that belongs to the process and goes with it (fcntl(2), F_SETLK). Who only reads is not kept away.</summary>
internal static partial class FileLock
{
    /// <summary>Sets a lock without waiting; for writing (Linux).</summary>
    private const int SetLock = 6;

    private const short ForWriting = 1;

    /// <summary>Locks a file.</summary>
    /// <param name="file">The file, open for writing.</param>
    /// <param name="error">Why not, in the words of strerror(3); null when it is locked.</param>
    public static bool TryLock(SafeFileHandle file, out string? error)
    {
        var whole = new Region { Type = ForWriting };
        bool locked = Control(file, SetLock, ref whole) == 0;
        error = locked ? null : Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
        return locked;
    }

    // SAFETY: the structure is struct flock of 64-bit Linux and is pinned for the call, which keeps no pointer.
    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(SafeFileHandle file, int command, ref Region region);

    /// <summary><c>struct flock</c>; from the beginning on, a length of 0 is everything.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Region
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int Process;
    }
}
