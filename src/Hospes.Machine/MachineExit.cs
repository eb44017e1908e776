namespace Hospes.Machine;

/// <summary>How the run of a machine ends: a closed set.</summary>
public enum MachineExitKind
{
    /// <summary>It has not ended.</summary>
    None = 0,

    /// <summary>The guest turned its power off (ACPI S5).</summary>
    PowerOff,

    /// <summary>The guest asked for a reset.</summary>
    Reset,

    /// <summary>The guest wrote a number to the debug-exit port.</summary>
    DebugExit,

    /// <summary>A processor shut down after a triple fault.</summary>
    TripleFault,

    /// <summary>The guest's kernel told of its panic.</summary>
    GuestPanic,
}

/// <summary>How the run of a machine ended.</summary>
/// <param name="Kind">The way.</param>
/// <param name="Value">The number written to the debug-exit port; 0 for the other kinds.</param>
public readonly record struct MachineExit(MachineExitKind Kind, uint Value = 0);
