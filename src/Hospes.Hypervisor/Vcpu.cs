namespace Hospes.Hypervisor;

/// <summary>A handle to a virtual processor (zx_vcpu_create and its kin).</summary>
public sealed class Vcpu : Handle<Vcpu>
{
    private readonly VcpuObject _object;

    internal Vcpu(int id, IVcpuEngine engine)
        : this(new VcpuObject(id, engine), Rights.DefaultVcpu, new HandleCount())
    {
    }

    private Vcpu(VcpuObject vcpu, Rights rights, HandleCount count)
        : base(rights, count) => _object = vcpu;

    /// <summary>The processor's APIC id.</summary>
    public int Id => _object.Id;

    /// <summary>Moves the processor to the calling thread. A processor runs on the thread that it is bound to, and on no other.</summary>
    /// <returns><see cref="Status.BadState"/> while it runs; <see cref="Status.AccessDenied"/> without <see cref="Rights.Execute"/>.</returns>
    public Status Bind()
    {
        Status status = Check(Rights.Execute);
        if (status != Status.Ok) return status;
        if (!_object.Enter()) return Status.BadState;
        _object.Thread = Environment.CurrentManagedThreadId;
        _object.Leave();
        return Status.Ok;
    }

    /// <summary>Runs guest code until something is for the machine (zx_vcpu_enter). Blocks, also while the processor is halted.</summary>
    /// <param name="packet">What happened, with <see cref="Status.Ok"/>.</param>
    /// <returns><see cref="Status.AccessDenied"/> without <see cref="Rights.Execute"/>; <see cref="Status.BadState"/> on another thread than the
    /// one it is bound to; <see cref="Status.Canceled"/> after a kick, and when the last handle is closed meanwhile; <see cref="Status.Internal"/> for a fault of the engine.</returns>
    public Status Run(out Packet packet)
    {
        packet = default;
        Status status = Check(Rights.Execute);
        if (status != Status.Ok) return status;
        if (_object.Thread != Environment.CurrentManagedThreadId || !_object.Enter()) return Status.BadState;
        try
        {
            return _object.Engine.Run(out packet);
        }
        finally
        {
            _object.Leave();
        }
    }

    /// <summary>Cancels the current or the next run; kicks coalesce (zx_vcpu_kick). Any thread.</summary>
    public Status Kick()
    {
        Status status = Check(Rights.Execute);
        if (status == Status.Ok) _object.Engine.Kick();
        return status;
    }

    /// <summary>Queues a fixed interrupt (zx_vcpu_interrupt). Any thread.</summary>
    /// <param name="vector">16 to 255.</param>
    /// <returns><see cref="Status.OutOfRange"/> for a vector that the local APIC holds illegal (SDM vol. 3, 12.5.2).</returns>
    public Status Interrupt(byte vector)
    {
        Status status = Check(Rights.Signal);
        return status == Status.Ok ? Raise(vector) : status;
    }

    /// <summary>Queues a non-maskable interrupt. Any thread.</summary>
    public Status InterruptNonMaskable()
    {
        Status status = Check(Rights.Signal);
        if (status == Status.Ok) _object.Engine.InterruptNonMaskable();
        return status;
    }

    /// <summary>Answers the read that the last packet asked for (zx_vcpu_write_state with ZX_VCPU_IO).</summary>
    /// <param name="value">The value in the low bytes of the access.</param>
    public Status CompleteRead(ulong value)
    {
        Status status = Check(Rights.Write);
        if (status != Status.Ok) return status;
        if (!_object.Enter()) return Status.BadState;
        _object.Engine.CompleteRead(value);
        _object.Leave();
        return Status.Ok;
    }

    /// <summary>Copies the architectural state out (zx_vcpu_read_state).</summary>
    /// <param name="state">The state to fill.</param>
    /// <returns><see cref="Status.AccessDenied"/> without <see cref="Rights.Read"/>; <see cref="Status.BadState"/> while it runs.</returns>
    public Status ReadState(VcpuState state)
    {
        Status status = Check(Rights.Read);
        if (status != Status.Ok) return status;
        if (!_object.Enter()) return Status.BadState;
        _object.Engine.ReadState(state);
        _object.Leave();
        return Status.Ok;
    }

    /// <summary>Replaces the architectural state (zx_vcpu_write_state).</summary>
    /// <param name="state">The state to take.</param>
    /// <returns><see cref="Status.AccessDenied"/> without <see cref="Rights.Write"/>; <see cref="Status.BadState"/> while it runs;
    /// <see cref="Status.InvalidArgs"/> for values that a processor would refuse.</returns>
    public Status WriteState(VcpuState state)
    {
        Status status = Check(Rights.Write);
        if (status != Status.Ok) return status;
        if (!_object.Enter()) return Status.BadState;
        status = _object.Engine.WriteState(state);
        _object.Leave();
        return status;
    }

    /// <summary>Says at what the processor is to stop for a debugger; <see cref="Run"/> then gives a packet of the kind <see cref="PacketKind.Debug"/>.</summary>
    /// <param name="settings">At what; null for nothing.</param>
    /// <returns><see cref="Status.AccessDenied"/> without <see cref="Rights.Write"/>; <see cref="Status.BadState"/> while it runs;
    /// <see cref="Status.NotSupported"/> by an engine without <see cref="Capability.Debugging"/>.</returns>
    public Status SetDebug(DebugSettings? settings)
    {
        Status status = Check(Rights.Write);
        if (status != Status.Ok) return status;
        if (!_object.Enter()) return Status.BadState;
        status = _object.Engine.SetDebug(settings);
        _object.Leave();
        return status;
    }

    /// <summary>Raises an interrupt bound earlier, when the right to bind was checked.</summary>
    internal Status RaiseBound(byte vector) => IsClosed ? Status.BadState : Raise(vector);

    private protected override Vcpu With(Rights rights, HandleCount count) => new(_object, rights, count);

    private protected override void EndObject() => _object.End();

    private Status Raise(byte vector)
    {
        if (vector < 16) return Status.OutOfRange;
        _object.Engine.Interrupt(vector);
        return Status.Ok;
    }

    /// <summary>What all handles to one processor share.</summary>
    private sealed class VcpuObject(int id, IVcpuEngine engine)
    {
        private int _entered, _ending;

        public int Id => id;

        public IVcpuEngine Engine => engine;

        /// <summary>The managed id of the thread that the processor is bound to. Written only while entered.</summary>
        public int Thread { get; set; } = Environment.CurrentManagedThreadId;

        public bool Enter() => Interlocked.CompareExchange(ref _entered, 1, 0) == 0;

        public void Leave()
        {
            Interlocked.Exchange(ref _entered, 0);
            if (Volatile.Read(ref _ending) != 0) EndWhenLeft();
        }

        /// <summary>Ends the processor: at once when it is stopped, else as soon as the run that is kicked here comes back.</summary>
        public void End()
        {
            // Kicked while the engine surely still is: from the next line on, a run that comes back disposes it.
            engine.Kick();
            Interlocked.Exchange(ref _ending, 1);
            EndWhenLeft();
        }

        /// <summary>Whoever enters last disposes, and never leaves.</summary>
        private void EndWhenLeft()
        {
            if (Enter()) engine.Dispose();
        }
    }
}
