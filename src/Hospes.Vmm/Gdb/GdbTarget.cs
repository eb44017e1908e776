using System.Threading.Channels;
using Hospes.Hypervisor;

namespace Hospes.Vmm.Gdb;

/// <summary>A stop of a processor, as a debugger is told.</summary>
/// <param name="Vcpu">Which processor.</param>
/// <param name="Reason">Why; <see cref="DebugStop.None"/> when somebody else held the domain.</param>
/// <param name="Address">With a watchpoint, what was touched.</param>
internal readonly record struct GdbStop(int Vcpu, DebugStop Reason, ulong Address);

/// <summary>
/// A domain as a debugger sees it: its processors while they are held, its memory, its breakpoints over all lives. For the thread of one session,
/// but for what the domain tells.
/// </summary>
internal sealed class GdbTarget : IDomainDebugger, IDisposable
{
    private readonly DomainControl _control;
    private readonly Channel<GdbStop> _stops = Channel.CreateUnbounded<GdbStop>();
    private readonly HashSet<ulong> _breakpoints = [];
    private readonly List<Watchpoint> _watchpoints = [];
    private volatile DebugSettings? _settings;

    public GdbTarget(DomainControl control)
    {
        _control = control;
        control.Debugger = this;
        control.Raised += Hear;
    }

    /// <summary>Ends once the domain has been built: before that there is nothing to look at.</summary>
    public Task Built => _control.Made;

    /// <summary>What stops; null members never come.</summary>
    public ChannelReader<GdbStop> Stops => _stops.Reader;

    /// <summary>Whether addresses are guest-physical.</summary>
    public bool IsPhysical { get; set; }

    /// <summary>How many processors there are.</summary>
    public int Processors => _control.Processors;

    /// <summary>Holds the domain.</summary>
    public void Pause() => _control.Pause();

    /// <summary>Lets the domain run, with its breakpoints.</summary>
    /// <param name="step">The processor that is to stop after one instruction; null for none.</param>
    /// <param name="only">Whether the others stay held meanwhile.</param>
    /// <returns>False for one that has ended.</returns>
    public bool Resume(int? step, bool only)
    {
        while (_stops.Reader.TryRead(out _))
        {
            // What stopped before is known by now.
        }
        Arm(step, only);
        return _control.Resume();
    }

    /// <summary>A processor stopped: makes it the state of the whole domain.</summary>
    public void Settle()
    {
        _control.Pause();
        _control.Look(static life =>
        {
            life.EndStalls();
            return life;
        });
    }

    /// <summary>Sets or removes a breakpoint or a watchpoint.</summary>
    public void Change(ulong address, Watchpoint? watched, bool isSet)
    {
        if (watched is { } stretch)
        {
            _watchpoints.Remove(stretch);
            if (isSet) _watchpoints.Add(stretch);
        }
        else if (isSet)
        {
            _breakpoints.Add(address);
        }
        else
        {
            _breakpoints.Remove(address);
        }
    }

    /// <summary>Reads the state of a processor that is held; null when there is no such processor now.</summary>
    public VcpuState? ReadState(int vcpu)
    {
        var state = new VcpuState();
        return With(vcpu, found => found.ReadState(state) == Status.Ok) ? state : null;
    }

    /// <summary>Writes the state of a processor that is held.</summary>
    public bool WriteState(int vcpu, VcpuState state) => With(vcpu, found => found.WriteState(state) == Status.Ok);

    /// <summary>Reads or writes memory.</summary>
    /// <param name="vcpu">Whose page tables count.</param>
    /// <param name="address">The first address.</param>
    /// <param name="destination">Where to; empty to write.</param>
    /// <param name="source">What to write.</param>
    /// <returns>How many bytes there are from the first on.</returns>
    public int Access(int vcpu, ulong address, byte[] destination, byte[] source)
    {
        int done = 0;
        VcpuState? state = ReadState(vcpu);
        _control.Look(life =>
        {
            if (state is null) return life;
            // Without paging, linear addresses are physical ones.
            var memory = new LinearMemory(IsPhysical ? new VcpuState() : state, life.Memory);
            done = source.Length > 0 ? memory.Write(address, source) : memory.Read(address, destination);
            return life;
        });
        return done;
    }

    /// <inheritdoc/>
    public void Began(Domain life)
    {
        foreach (Vcpu vcpu in life.Vcpus) vcpu.SetDebug(_settings);
    }

    /// <inheritdoc/>
    public void Stopped(int vcpu, in Packet packet) => _stops.Writer.TryWrite(new GdbStop(vcpu, (DebugStop)packet.Data, packet.Address));

    /// <summary>Takes all breakpoints away and lets go.</summary>
    public void Dispose()
    {
        Settle();
        _control.Raised -= Hear;
        _breakpoints.Clear();
        _watchpoints.Clear();
        Arm(null, false);
        _control.Debugger = null;
    }

    private void Hear(DomainEvent happened)
    {
        if (happened is DomainEvent.Stop) _stops.Writer.TryWrite(new GdbStop(0, DebugStop.None, 0));
        if (happened is DomainEvent.Shutdown) _stops.Writer.TryComplete();
    }

    private bool With(int vcpu, Func<Vcpu, bool> act)
    {
        bool done = false;
        _control.Look(
            life =>
            {
                done = vcpu < life.Vcpus.Count && act(life.Vcpus[vcpu]);
                return life;
            },
            hold: true);
        return done;
    }

    private void Arm(int? step, bool only)
    {
        var settings = new DebugSettings { Breakpoints = new HashSet<ulong>(_breakpoints), Watchpoints = [.. _watchpoints] };
        _settings = _breakpoints.Count + _watchpoints.Count > 0 ? settings : null;
        _control.Look(
            life =>
            {
                for (int id = 0; id < life.Vcpus.Count; id++) life.Vcpus[id].SetDebug(id == step ? settings with { SingleStep = true } : _settings);
                life.RunOnly(only ? step : null);
                return life;
            },
            hold: true);
    }
}
