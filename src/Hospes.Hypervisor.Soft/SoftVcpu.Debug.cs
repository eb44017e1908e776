using Hospes.Hypervisor.Soft.Cpu;

namespace Hospes.Hypervisor.Soft;

/// <summary>What a debugger outside of the guest wants: stops that the guest sees nothing of.</summary>
internal sealed unsafe partial class SoftVcpu
{
    private DebugStop _stop;
    private ulong _stopAddress;
    private bool _stopIsWrite;

    /// <summary>At what the processor is to stop; null for nothing. Changed while it is stopped.</summary>
    public DebugSettings? Debug { get; private set; }

    /// <inheritdoc/>
    public Status SetDebug(DebugSettings? settings)
    {
        Debug = settings;
        _stop = DebugStop.None;
        // Blocks end before breakpoints, so those that were decoded for others are of no use.
        _blocks.Breakpoints = settings?.Breakpoints;
        DropBlocks();
        _state->CurrentOp = null;
        ModeUpdate.All(_state);
        return Status.Ok;
    }

    /// <summary>An access to memory, before it is made; the stop comes after the instruction.</summary>
    public void NoteAccess(ulong linear, int size, bool write)
    {
        if (_stop == DebugStop.Watchpoint || Debug is not { } debug) return;
        foreach (Watchpoint watched in debug.Watchpoints)
        {
            bool touches = linear < watched.Address + watched.Size && watched.Address < linear + (ulong)size;
            if (touches && (write ? watched.OnWrite : watched.OnRead)) (_stop, _stopAddress, _stopIsWrite) = (DebugStop.Watchpoint, watched.Address, write);
        }
    }

    /// <summary>An instruction was executed under the eyes of the debugger.</summary>
    private void NoteStep()
    {
        if (Debug is { SingleStep: true } && _stop == DebugStop.None) (_stop, _stopAddress) = (DebugStop.Step, _state->Rip);
    }

    /// <summary>Whether there is a breakpoint at the next instruction; the stop is noted then.</summary>
    private bool StopsHere()
    {
        if (Debug is not { Breakpoints.Count: > 0 } debug) return false;
        ulong linear = (_state->Mode & Mode.Code64) != 0 ? _state->Rip : (uint)(_state->Cs.Base + _state->Rip);
        if (!debug.Breakpoints.Contains(linear)) return false;
        (_stop, _stopAddress) = (DebugStop.Breakpoint, linear);
        return true;
    }

    /// <summary>Makes a packet of the stop that was noted, if there is one.</summary>
    private void ReportStop()
    {
        if (_stop == DebugStop.None) return;
        Leave(PacketKind.Debug, _stopAddress, 0, _stop == DebugStop.Watchpoint && _stopIsWrite, (ulong)_stop, null);
        _stop = DebugStop.None;
    }
}
