namespace Hospes.Domains.Lifecycle;

/// <summary>What a domain is doing: libvirt's <c>virDomainState</c>, with its numbers.</summary>
public enum DomainState
{
    /// <summary>Not known.</summary>
    NoState = 0,

    /// <summary>Its processors run.</summary>
    Running = 1,

    /// <summary>It waits for something of the host.</summary>
    Blocked = 2,

    /// <summary>Its processors are held.</summary>
    Paused = 3,

    /// <summary>It is on its way to being off.</summary>
    Shutdown = 4,

    /// <summary>It is off.</summary>
    Shutoff = 5,

    /// <summary>It crashed and was kept.</summary>
    Crashed = 6,

    /// <summary>The guest sleeps.</summary>
    PowerManagementSuspended = 7,
}

/// <summary>Why a domain runs: <c>virDomainRunningReason</c>.</summary>
public enum RunningReason
{
    /// <summary>Not known.</summary>
    Unknown = 0,

    /// <summary>It was started.</summary>
    Booted = 1,

    /// <summary>It was let go on.</summary>
    Unpaused = 5,
}

/// <summary>Why a domain is held: <c>virDomainPausedReason</c>.</summary>
public enum PausedReason
{
    /// <summary>Not known.</summary>
    Unknown = 0,

    /// <summary>Somebody asked for it.</summary>
    User = 1,

    /// <summary>A disk of the host failed.</summary>
    IoError = 5,

    /// <summary>A watchdog expired.</summary>
    Watchdog = 6,

    /// <summary>The guest crashed.</summary>
    Crashed = 10,

    /// <summary>It is being started.</summary>
    StartingUp = 11,
}

/// <summary>Why a domain is off: <c>virDomainShutoffReason</c>.</summary>
public enum ShutoffReason
{
    /// <summary>Not known; it may never have run.</summary>
    Unknown = 0,

    /// <summary>The guest shut down.</summary>
    Shutdown = 1,

    /// <summary>It was ended by force.</summary>
    Destroyed = 2,

    /// <summary>The guest or its process crashed.</summary>
    Crashed = 3,

    /// <summary>It could not be started.</summary>
    Failed = 6,

    /// <summary>The daemon did not find it again.</summary>
    Daemon = 8,
}

/// <summary>A state and why: what <c>virDomainGetState</c> tells.</summary>
/// <param name="State">The state.</param>
/// <param name="Reason">The reason: a number of the enumeration that belongs to the state.</param>
public readonly record struct DomainStatus(DomainState State, int Reason)
{
    /// <summary>Running.</summary>
    public static DomainStatus Running(RunningReason reason) => new(DomainState.Running, (int)reason);

    /// <summary>Held.</summary>
    public static DomainStatus Paused(PausedReason reason) => new(DomainState.Paused, (int)reason);

    /// <summary>Off.</summary>
    public static DomainStatus Shutoff(ShutoffReason reason) => new(DomainState.Shutoff, (int)reason);

    /// <summary>Crashed and kept; the one reason is a panic (<c>VIR_DOMAIN_CRASHED_PANICKED</c>).</summary>
    public static DomainStatus Panicked { get; } = new(DomainState.Crashed, 1);
}
