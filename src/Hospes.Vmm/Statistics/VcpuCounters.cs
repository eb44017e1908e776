using System.Globalization;
using Hospes.Hypervisor;

namespace Hospes.Vmm.Statistics;

/// <summary>Why a processor left the guest: a closed set.</summary>
public enum ExitReason
{
    /// <summary>An access to memory that a device answers, or nothing.</summary>
    Memory,

    /// <summary>An access to an I/O port.</summary>
    Io,

    /// <summary>The end of an interrupt that the I/O APIC waits for.</summary>
    EndOfInterrupt,

    /// <summary>A breakpoint or watchpoint of a debugger.</summary>
    Debug,

    /// <summary>Somebody of the host wanted it out.</summary>
    Kick,

    /// <summary>A triple fault.</summary>
    Shutdown,
}

/// <summary>What one processor did. Its own thread counts, any thread reads.</summary>
internal sealed class VcpuCounters
{
    /// <summary>How many reasons there are.</summary>
    public const int Reasons = (int)ExitReason.Shutdown + 1;

    // As long as two lines of the host's cache, so that no two processors write the same one.
    private readonly long[] _exits = new long[16];
    private TimeSpan _ended;
    private int _thread;

    /// <summary>How often it left the guest for a reason.</summary>
    public long Exits(ExitReason reason) => Volatile.Read(ref _exits[(int)reason]);

    /// <summary>How long the host ran it.</summary>
    public TimeSpan Time => Volatile.Read(ref _thread) is > 0 and var thread ? TimeOf(thread) : _ended;

    /// <summary>Its thread began; on that thread.</summary>
    /// <param name="thread">The thread's id on the host.</param>
    public void Begin(int thread) => Volatile.Write(ref _thread, thread);

    /// <summary>It left the guest; on its thread.</summary>
    public void Count(Status status, PacketKind kind)
    {
        ExitReason reason = status == Status.Canceled ? ExitReason.Kick : kind switch
        {
            PacketKind.Io => ExitReason.Io,
            PacketKind.EndOfInterrupt => ExitReason.EndOfInterrupt,
            PacketKind.Debug => ExitReason.Debug,
            PacketKind.Shutdown => ExitReason.Shutdown,
            _ => ExitReason.Memory,
        };
        ref long count = ref _exits[(int)reason];
        Volatile.Write(ref count, count + 1);
    }

    /// <summary>Its thread ends; on that thread.</summary>
    public void End()
    {
        _ended = Time;
        Volatile.Write(ref _thread, 0);
    }

    /// <summary>How long the host ran a thread of this process: the first number of its schedstat, in nanoseconds (Linux, Documentation/scheduler/sched-stats.rst).</summary>
    private static TimeSpan TimeOf(int thread)
    {
        try
        {
            string text = File.ReadAllText($"/proc/self/task/{thread}/schedstat");
            return long.TryParse(text.AsSpan(0, text.IndexOf(' ')), NumberStyles.None, CultureInfo.InvariantCulture, out long nanoseconds) ? TimeSpan.FromTicks(nanoseconds / 100) : default;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            // A thread that just ended, or a kernel that does not count.
            return default;
        }
    }
}
