using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Hospes.Vmm.Chardevs;

/// <summary>The calls of the C library for pseudo-terminals (pty(7)).</summary>
internal static partial class PtyNative
{
    /// <summary>errno(3): interrupted; try again; the terminal's other side is closed.</summary>
    public const int Interrupted = 4, Again = 11, InputOutput = 5;

    /// <summary>poll(2): there is something to read; there is room to write; the other side is closed.</summary>
    public const short PollIn = 1, PollOut = 4, PollHangUp = 16;

    /// <summary>open(2) on Linux: read and write, no controlling terminal, not blocking, closed in programs that are started.</summary>
    private const int ReadWrite = 2, NoControllingTerminal = 0x100, NonBlocking = 0x800, CloseOnExec = 0x80000;

    private const int LongestName = 128;

    /// <summary>Room for a <c>struct termios</c>, which has 60 bytes on x86-64; the C library alone reads it.</summary>
    private const int SettingsSize = 256;

    /// <summary>Makes a pseudo-terminal in raw mode.</summary>
    /// <param name="name">The path of the side that programs open.</param>
    /// <returns>The other side, or null; the error is the last one of the library.</returns>
    public static SafeFileHandle? TryOpen(out string name)
    {
        name = "";
        int file = Open("/dev/ptmx", ReadWrite | NoControllingTerminal | NonBlocking | CloseOnExec);
        if (file < 0) return null;
        var handle = new SafeFileHandle(file, ownsHandle: true);
        byte[] path = new byte[LongestName];
        if (Grant(handle) == 0 && Unlock(handle) == 0 && NameOf(handle, path, (nuint)path.Length) == 0)
        {
            name = Encoding.ASCII.GetString(path.AsSpan(0, path.AsSpan().IndexOf((byte)0)));
            // Opened and closed once, so that the terminal knows that nobody has it open.
            int other = Open(name, ReadWrite | NoControllingTerminal | CloseOnExec);
            if (other >= 0)
            {
                using var opened = new SafeFileHandle(other, ownsHandle: true);
                byte[] settings = new byte[SettingsSize];
                if (GetAttributes(opened, settings) == 0)
                {
                    MakeRaw(settings);
                    if (SetAttributes(opened, 0, settings) == 0) return handle;
                }
            }
        }
        handle.Dispose();
        return null;
    }

    /// <summary>Waits for something to happen to a file.</summary>
    /// <returns>What happened; 0 for nothing.</returns>
    public static short Wait(SafeFileHandle file, short events, int milliseconds)
    {
        bool held = false;
        try
        {
            file.DangerousAddRef(ref held);
            var entry = new PollEntry { File = (int)file.DangerousGetHandle(), Events = events };
            return Poll(ref entry, 1, milliseconds) > 0 ? entry.Returned : (short)0;
        }
        catch (ObjectDisposedException)
        {
            return 0;
        }
        finally
        {
            if (held) file.DangerousRelease();
        }
    }

    // SAFETY: references and arrays are pinned for the call, each call gets their true length, and none keeps a pointer.
    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(SafeFileHandle file, ref byte buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(SafeFileHandle file, in byte buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "grantpt", SetLastError = true)]
    private static partial int Grant(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "unlockpt", SetLastError = true)]
    private static partial int Unlock(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "ptsname_r")]
    private static partial int NameOf(SafeFileHandle file, [Out] byte[] name, nuint size);

    // SAFETY: the array is larger than any struct termios.
    [LibraryImport("libc", EntryPoint = "tcgetattr", SetLastError = true)]
    private static partial int GetAttributes(SafeFileHandle file, [Out] byte[] settings);

    [LibraryImport("libc", EntryPoint = "tcsetattr", SetLastError = true)]
    private static partial int SetAttributes(SafeFileHandle file, int when, byte[] settings);

    [LibraryImport("libc", EntryPoint = "cfmakeraw")]
    private static partial void MakeRaw([In, Out] byte[] settings);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(ref PollEntry entries, nuint count, int milliseconds);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int File;
        public short Events;
        public short Returned;
    }
}
