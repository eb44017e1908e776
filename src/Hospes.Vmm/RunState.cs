namespace Hospes.Vmm;

/// <summary>What a domain is doing, as QEMU names it (<c>RunState</c> in its <c>qapi/run-state.json</c>): those of the states that a domain here
/// can be in. Only in <see cref="Running"/> do processors execute.</summary>
public enum RunState
{
    /// <summary>It has not executed an instruction since it was made or reset.</summary>
    Prelaunch,

    /// <summary>It runs.</summary>
    Running,

    /// <summary>Someone on the host stopped it for a while.</summary>
    Paused,

    /// <summary>The guest turned its power off, and the domain stays.</summary>
    Shutdown,

    /// <summary>The guest's kernel told of its panic, and the domain stays.</summary>
    GuestPanicked,

    /// <summary>The guest let a watchdog expire, and the domain stands.</summary>
    Watchdog,

    /// <summary>A processor of the guest shut down, or Hospes failed, and the domain stays.</summary>
    InternalError,
}
