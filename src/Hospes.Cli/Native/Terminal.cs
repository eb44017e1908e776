using System.Runtime.InteropServices;

namespace Hospes.Cli.Native;

/// <summary>
/// The terminal on standard input, put into raw mode (termios(3)): every key goes to the guest, none means anything here.
/// Disposing puts it back as it was, once, on whatever thread.
/// </summary>
internal sealed partial class Terminal : IDisposable
{
    private const int StandardInput = 0;
    private const int ApplyAfterDrain = 1;

    /// <summary>TIOCGWINSZ (ioctl_tty(2)).</summary>
    private const nuint GetWindowSize = 0x5413;

    /// <summary>Room for a <c>struct termios</c>, which has 60 bytes with glibc and musl on x86-64.</summary>
    private const int SettingsSize = 256;

    /// <summary>Where the flags for output and for keys are in it, and OPOST and ISIG among them (termios(3), Linux).</summary>
    private const int OutputFlags = 4, LocalFlags = 12;

    private const byte ProcessOutput = 1, KeysAreSignals = 1;

    private readonly byte[] _before;
    private int _restored;

    private Terminal(byte[] before) => _before = before;

    /// <summary>Turns raw mode on; null when standard input is no terminal.</summary>
    /// <param name="signals">Whether Ctrl-C and the like still are signals, and ends of lines still put the cursor to their beginning.</param>
    public static Terminal? TryEnterRaw(bool signals = false)
    {
        byte[] before = new byte[SettingsSize];
        if (GetAttributes(StandardInput, before) != 0) return null;
        byte[] raw = [.. before];
        MakeRaw(raw);
        if (signals)
        {
            raw[OutputFlags] |= ProcessOutput;
            raw[LocalFlags] |= KeysAreSignals;
        }
        return SetAttributes(StandardInput, ApplyAfterDrain, raw) == 0 ? new Terminal(before) : null;
    }

    /// <summary>The columns and rows of the terminal on a standard stream; null when that is none or does not know.</summary>
    public static (int Columns, int Rows)? Size(int file)
    {
        ushort[] size = new ushort[4];
        return ControlWindow(file, GetWindowSize, size) == 0 && size[0] > 0 && size[1] > 0 ? (size[1], size[0]) : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _restored, 1) == 0) _ = SetAttributes(StandardInput, ApplyAfterDrain, _before);
    }

    // SAFETY: each call gets a pinned array that is larger than any struct termios and keeps no pointer to it.
    [LibraryImport("libc", EntryPoint = "tcgetattr")]
    private static partial int GetAttributes(int file, [Out] byte[] settings);

    [LibraryImport("libc", EntryPoint = "tcsetattr")]
    private static partial int SetAttributes(int file, int when, byte[] settings);

    // SAFETY: TIOCGWINSZ writes a struct winsize, four unsigned short (ioctl_tty(2)), into the pinned array of four.
    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int ControlWindow(int file, nuint request, [Out] ushort[] size);

    [LibraryImport("libc", EntryPoint = "cfmakeraw")]
    private static partial void MakeRaw([In, Out] byte[] settings);
}
