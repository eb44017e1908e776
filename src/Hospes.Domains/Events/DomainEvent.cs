using Hospes.Domains.Configuration;

namespace Hospes.Domains.Events;

/// <summary>The kinds of events: libvirt's <c>virDomainEventID</c>, with its numbers.</summary>
public enum DomainEventKind
{
    /// <summary>A domain's life: <see cref="DomainEvent.Event"/> is a <see cref="LifecycleEvent"/>, <see cref="DomainEvent.Detail"/> its detail.</summary>
    Lifecycle = 0,

    /// <summary>The guest rebooted.</summary>
    Reboot = 1,

    /// <summary>The guest set its clock: <see cref="DomainEvent.Value"/> is how many seconds it is ahead of its basis, as a signed number.</summary>
    RtcChange = 2,

    /// <summary>The guest let its watchdog expire: <see cref="DomainEvent.Event"/> is a <see cref="WatchdogResult"/>.</summary>
    Watchdog = 3,

    /// <summary>A disk failed: <see cref="DomainEvent.Event"/> is an <see cref="IoErrorResult"/>; <see cref="DomainEvent.Texts"/> are its source and its name.</summary>
    IoError = 4,

    /// <summary>
    /// Somebody looks at the screen: <see cref="DomainEvent.Event"/> is a <see cref="GraphicsPhase"/>; <see cref="DomainEvent.Texts"/> are, of either end, the machine's first, the family
    /// (<c>ipv4</c>, <c>ipv6</c>, <c>unix</c>), the host or path and the port, and then how clients prove who they are.
    /// </summary>
    Graphics = 5,

    /// <summary>A disk failed, and why: as <see cref="IoError"/>, and the third text is the reason: <c>enospc</c> or nothing.</summary>
    IoErrorReason = 6,

    /// <summary>The balloon reached a size: <see cref="DomainEvent.Value"/> in KiB.</summary>
    BalloonChange = 13,

    /// <summary>A device went: <see cref="DomainEvent.Text"/> is its name.</summary>
    DeviceRemoved = 15,

    /// <summary>What a running domain gets of the host changed: <see cref="DomainEvent.Text"/> has what <see cref="TunedValue.Write"/> makes of it.</summary>
    Tunable = 17,

    /// <summary>A device came: <see cref="DomainEvent.Text"/> is its name.</summary>
    DeviceAdded = 19,

    /// <summary>Metadata changed: <see cref="DomainEvent.Event"/> is its type, <see cref="DomainEvent.Text"/> its namespace.</summary>
    MetadataChange = 23,
}

/// <summary>What an expired watchdog leads to: <c>virDomainEventWatchdogAction</c>.</summary>
public enum WatchdogResult
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The domain is held.</summary>
    Pause = 1,

    /// <summary>It is reset.</summary>
    Reset = 2,

    /// <summary>Its power is turned off.</summary>
    PowerOff = 3,

    /// <summary>Its power button is pressed.</summary>
    Shutdown = 4,

    /// <summary>It is told of.</summary>
    Debug = 5,

    /// <summary>The processors get an NMI.</summary>
    InjectNmi = 6,
}

/// <summary>What a disk that fails leads to: <c>virDomainEventIOErrorAction</c>.</summary>
public enum IoErrorResult
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The domain is held.</summary>
    Pause = 1,

    /// <summary>The guest is told.</summary>
    Report = 2,
}

/// <summary>What happens to somebody who looks at a screen: <c>virDomainEventGraphicsPhase</c>.</summary>
public enum GraphicsPhase
{
    /// <summary>He connected.</summary>
    Connect = 0,

    /// <summary>He was let in.</summary>
    Initialize = 1,

    /// <summary>He is gone.</summary>
    Disconnect = 2,
}

/// <summary>Steps of a domain's life: <c>virDomainEventType</c>.</summary>
public enum LifecycleEvent
{
    /// <summary>It was defined.</summary>
    Defined = 0,

    /// <summary>Its definition was removed.</summary>
    Undefined = 1,

    /// <summary>It started.</summary>
    Started = 2,

    /// <summary>Its processors were held.</summary>
    Suspended = 3,

    /// <summary>Its processors went on.</summary>
    Resumed = 4,

    /// <summary>It is off.</summary>
    Stopped = 5,

    /// <summary>The guest has shut down; the machine is about to be off.</summary>
    Shutdown = 6,

    /// <summary>The guest crashed.</summary>
    Crashed = 8,
}

/// <summary>Details of lifecycle events: <c>virDomainEventDefinedDetailType</c> and its kin.</summary>
public static class LifecycleDetail
{
    /// <summary>Defined: new.</summary>
    public const int DefinedAdded = 0;

    /// <summary>Defined: in place of another definition.</summary>
    public const int DefinedUpdated = 1;

    /// <summary>Defined: under a new name.</summary>
    public const int DefinedRenamed = 2;

    /// <summary>Undefined: removed.</summary>
    public const int UndefinedRemoved = 0;

    /// <summary>Undefined: renamed.</summary>
    public const int UndefinedRenamed = 1;

    /// <summary>Started: booted.</summary>
    public const int StartedBooted = 0;

    /// <summary>Suspended: by somebody.</summary>
    public const int SuspendedPaused = 0;

    /// <summary>Suspended: by an expired watchdog.</summary>
    public const int SuspendedWatchdog = 3;

    /// <summary>Resumed: by somebody.</summary>
    public const int ResumedUnpaused = 0;

    /// <summary>Stopped: the guest shut down.</summary>
    public const int StoppedShutdown = 0;

    /// <summary>Stopped: by force.</summary>
    public const int StoppedDestroyed = 1;

    /// <summary>Stopped: crashed.</summary>
    public const int StoppedCrashed = 2;

    /// <summary>Stopped: the host failed.</summary>
    public const int StoppedFailed = 5;

    /// <summary>Shutdown: it is finished, by nobody knows whom.</summary>
    public const int ShutdownFinished = 0;

    /// <summary>Crashed: the guest panicked.</summary>
    public const int CrashedPanicked = 0;
}

/// <summary>Something that happened to a domain.</summary>
/// <param name="Sequence">Its number on this host, rising by one from event to event, from 1 on.</param>
/// <param name="Time">When.</param>
/// <param name="Kind">What kind.</param>
/// <param name="Name">The domain's name at that time.</param>
/// <param name="Uuid">The domain's UUID.</param>
/// <param name="Id">The domain's id at that time, or -1.</param>
/// <param name="Event">The first number, by kind.</param>
/// <param name="Detail">The second number, by kind.</param>
/// <param name="Value">A quantity, by kind.</param>
/// <param name="Text">A text, by kind.</param>
public sealed record DomainEvent(long Sequence, DateTimeOffset Time, DomainEventKind Kind, string Name, Guid Uuid, int Id, int Event = 0, int Detail = 0, ulong Value = 0, string? Text = null)
{
    /// <summary>Further texts, by kind.</summary>
    public ValueList<string> Texts { get; init; } = [];
}

/// <summary>Who is told of events.</summary>
public interface IEventSink
{
    /// <summary>Takes an event, in order. Must not block and must not throw: whoever made it happen waits.</summary>
    void Take(DomainEvent happened);
}
