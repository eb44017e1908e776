using Hospes.Display;

namespace Hospes.Vmm;

/// <summary>Who or what ends or resets a run: QEMU's <c>ShutdownCause</c> (<c>qapi/run-state.json</c>), as far as it happens here.</summary>
public enum ShutdownCause
{
    /// <summary>A fault of Hospes.</summary>
    HostError,

    /// <summary>A monitor's <c>quit</c>.</summary>
    HostQmpQuit,

    /// <summary>A monitor's <c>system_reset</c>.</summary>
    HostQmpSystemReset,

    /// <summary>A signal to the process, or the end of the time given.</summary>
    HostSignal,

    /// <summary>The guest turned its power off, or ended its run through the debug-exit port.</summary>
    GuestShutdown,

    /// <summary>The guest asked for a reset, or a processor of it shut down.</summary>
    GuestReset,

    /// <summary>The guest's kernel told of its panic.</summary>
    GuestPanic,
}

/// <summary>Something that happened to a domain: a closed set.</summary>
public abstract record DomainEvent
{
    private DomainEvent()
    {
    }

    /// <summary>The run is over; the process ends, or the domain stays without running.</summary>
    /// <param name="Cause">Why.</param>
    public sealed record Shutdown(ShutdownCause Cause) : DomainEvent;

    /// <summary>The domain starts anew.</summary>
    /// <param name="Cause">Why.</param>
    public sealed record Reset(ShutdownCause Cause) : DomainEvent;

    /// <summary>The processors stand.</summary>
    public sealed record Stop : DomainEvent;

    /// <summary>The processors go on.</summary>
    public sealed record Resume : DomainEvent;

    /// <summary>The power button was pressed.</summary>
    public sealed record Powerdown : DomainEvent;

    /// <summary>The guest's kernel told of its panic.</summary>
    /// <param name="Stays">Whether the domain stays, stopped; else the run is over.</param>
    public sealed record GuestPanicked(bool Stays) : DomainEvent;

    /// <summary>The guest let a watchdog expire.</summary>
    /// <param name="Action">What that leads to.</param>
    public sealed record Watchdog(WatchdogAction Action) : DomainEvent;

    /// <summary>The guest set its clock.</summary>
    /// <param name="Ahead">How far it is ahead of what it showed at the start.</param>
    public sealed record ClockChange(TimeSpan Ahead) : DomainEvent;

    /// <summary>The guest gave memory to the balloon or took some back.</summary>
    /// <param name="Given">How many bytes it says that it gave.</param>
    public sealed record BalloonChange(ulong Given) : DomainEvent;

    /// <summary>The guest plugged in or took out blocks of memory.</summary>
    /// <param name="Memory">Which memory; it knows how much is plugged in now.</param>
    public sealed record MemoryChange(Machine.PluggedMemory Memory) : DomainEvent;

    /// <summary>Something happened to a VNC client.</summary>
    /// <param name="What">What.</param>
    /// <param name="Client">The client.</param>
    public sealed record VncClient(VncHappening What, VncAddress Client) : DomainEvent;

    /// <summary>A device that was plugged in is out.</summary>
    /// <param name="Name">Its name.</param>
    public sealed record DeviceDeleted(string Name) : DomainEvent;

    /// <summary>A drive's tray opened or closed.</summary>
    /// <param name="Disk">Which drive.</param>
    /// <param name="IsOpen">Whether it is open now.</param>
    public sealed record TrayMoved(Machine.Disk Disk, bool IsOpen) : DomainEvent;

    /// <summary>A request to a disk failed; the guest sees an I/O error.</summary>
    /// <param name="Disk">Which disk.</param>
    /// <param name="Failure">What failed.</param>
    public sealed record BlockError(Machine.Disk Disk, Machine.DiskFailure Failure) : DomainEvent;
}
