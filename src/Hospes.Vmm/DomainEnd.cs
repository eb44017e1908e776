namespace Hospes.Vmm;

/// <summary>How a domain's run ended: a closed set.</summary>
public enum DomainEndKind
{
    /// <summary>The guest turned its power off.</summary>
    PowerOff,

    /// <summary>The guest asked for a reset.</summary>
    Reset,

    /// <summary>The guest wrote a number to the debug-exit port.</summary>
    DebugExit,

    /// <summary>A processor shut down after a triple fault.</summary>
    TripleFault,

    /// <summary>The guest's kernel told of its panic.</summary>
    GuestPanic,

    /// <summary>The time given to the domain was over.</summary>
    TimedOut,

    /// <summary>Someone on the host stopped it.</summary>
    Stopped,

    /// <summary>A monitor told it to quit.</summary>
    Quit,

    /// <summary>The engine or a device failed: a fault of Hospes, not of the guest.</summary>
    HostFault,
}

/// <summary>How a domain's run ended.</summary>
/// <param name="Kind">The way.</param>
/// <param name="Value">The number written to the debug-exit port; 0 for the other kinds.</param>
/// <param name="Detail">With <see cref="DomainEndKind.HostFault"/>, what failed; else null.</param>
public readonly record struct DomainEnd(DomainEndKind Kind, uint Value = 0, string? Detail = null);
