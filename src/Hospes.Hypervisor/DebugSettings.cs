namespace Hospes.Hypervisor;

/// <summary>A stretch of linear addresses whose accesses stop a processor.</summary>
/// <param name="Address">The first linear address.</param>
/// <param name="Size">Bytes, at least 1.</param>
/// <param name="OnRead">Whether reads stop it.</param>
/// <param name="OnWrite">Whether writes stop it.</param>
public readonly record struct Watchpoint(ulong Address, ulong Size, bool OnRead, bool OnWrite);

/// <summary>
/// At what a debugger outside of the guest wants a processor to stop (<see cref="Capability.Debugging"/>). The guest sees nothing of it: its
/// debug registers, its flags and its memory are its own. Immutable.
/// </summary>
public sealed record DebugSettings
{
    /// <summary>Whether the processor stops after one instruction; it takes no interrupt before that, unless it waits for one.</summary>
    public bool SingleStep { get; init; }

    /// <summary>The linear addresses before whose instructions it stops.</summary>
    public IReadOnlySet<ulong> Breakpoints { get; init; } = new HashSet<ulong>();

    /// <summary>The stretches after whose accesses it stops.</summary>
    public IReadOnlyList<Watchpoint> Watchpoints { get; init; } = [];
}

/// <summary>Why a processor stopped for a debugger: <see cref="Packet.Data"/> of a packet of the kind <see cref="PacketKind.Debug"/>.</summary>
public enum DebugStop
{
    /// <summary>It did not.</summary>
    None = 0,

    /// <summary>One instruction was executed.</summary>
    Step,

    /// <summary>The next instruction has a breakpoint; <see cref="Packet.Address"/> is its linear address.</summary>
    Breakpoint,

    /// <summary>The last instruction touched a watched stretch at <see cref="Packet.Address"/>, and wrote it when <see cref="Packet.IsWrite"/> is set.</summary>
    Watchpoint,
}
