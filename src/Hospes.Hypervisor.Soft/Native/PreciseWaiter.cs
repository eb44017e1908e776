using System.Runtime.InteropServices;

namespace Hospes.Hypervisor.Soft.Native;

/// <summary>A wait of nanosecond precision that another thread can end: ppoll on an eventfd.</summary>
internal sealed unsafe partial class PreciseWaiter : IDisposable
{
    // SAFETY: the structures passed are locals that outlive the calls.
    private readonly int _file;

    public PreciseWaiter()
    {
        _file = EventFd(0, NonBlocking | CloseOnExec);
        if (_file < 0) throw new InvalidOperationException("the host gives no eventfd");
    }

    private const int NonBlocking = 0x800, CloseOnExec = 0x80000;
    private const short PollIn = 1;

    /// <summary>Ends the current wait, or the next one.</summary>
    public void Wake()
    {
        ulong one = 1;
        _ = WriteFile(_file, &one, 8);
    }

    /// <summary>Waits until woken or until the time is over.</summary>
    /// <param name="nanoseconds">How long; negative for ever.</param>
    public void Wait(long nanoseconds)
    {
        var poll = new PollEntry { File = _file, Events = PollIn };
        var time = new TimeSpec { Seconds = nanoseconds / 1_000_000_000, Nanoseconds = nanoseconds % 1_000_000_000 };
        _ = Poll(&poll, 1, nanoseconds < 0 ? null : &time, 0);
        ulong count;
        _ = ReadFile(_file, &count, 8);
    }

    public void Dispose() => _ = CloseFile(_file);

    [LibraryImport("libc", EntryPoint = "eventfd")]
    private static partial int EventFd(uint value, int flags);

    [LibraryImport("libc", EntryPoint = "ppoll")]
    private static partial int Poll(PollEntry* entries, nuint count, TimeSpec* time, nint mask);

    [LibraryImport("libc", EntryPoint = "read")]
    private static partial nint ReadFile(int file, void* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint WriteFile(int file, void* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int CloseFile(int file);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int File;
        public short Events, Answered;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds, Nanoseconds;
    }
}
