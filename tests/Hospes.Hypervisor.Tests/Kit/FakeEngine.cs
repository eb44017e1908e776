namespace Hospes.Hypervisor.Tests.Kit;

/// <summary>An engine whose processors do what a script says, and which remembers what it was told.</summary>
internal sealed class FakeEngine : IEngine
{
    public string Name => "fake";

    public Status CreateAnswer { get; set; }

    public bool GivesNothing { get; set; }

    public FakeGuest? Last { get; private set; }

    public bool Supports(Capability capability) => capability == Capability.DirtyLog;

    public Status CreateGuest(GuestOptions options, GuestMemory memory, TrapTable traps, out IGuestEngine? guest)
    {
        guest = null;
        if (CreateAnswer != Status.Ok || GivesNothing) return CreateAnswer;
        guest = Last = new FakeGuest(memory, traps);
        return Status.Ok;
    }

    /// <summary>A guest and the engine's side of it.</summary>
    public static Guest Create(out FakeGuest engine, int vcpus = 1)
    {
        var fake = new FakeEngine();
        using var resource = new HypervisorResource(fake);
        Guest.Create(resource, new GuestOptions { MaxVcpus = vcpus }, out Guest? guest).ShouldBe(Status.Ok);
        engine = fake.Last!;
        return guest!;
    }

    /// <summary>A processor of a guest of its own, and the engine's side of it.</summary>
    public static Vcpu CreateVcpu(out FakeVcpu engine)
    {
        Guest guest = Create(out FakeGuest fake);
        guest.CreateVcpu(out Vcpu? vcpu).ShouldBe(Status.Ok);
        engine = fake.Vcpus[0];
        return vcpu!;
    }
}

internal sealed class FakeGuest(GuestMemory memory, TrapTable traps) : IGuestEngine
{
    public GuestMemory Memory => memory;

    public TrapTable Traps => traps;

    public List<FakeVcpu> Vcpus { get; } = [];

    public List<Trap> Added { get; } = [];

    public List<(ulong Address, uint Data)> Messages { get; } = [];

    public (bool Asserted, Func<byte> Acknowledge)? External { get; private set; }

    public Status VcpuAnswer { get; set; }

    public bool GivesNothing { get; set; }

    public bool Logging { get; private set; }

    /// <summary>Pages that "a processor wrote": marked when the log is synchronized.</summary>
    public List<ulong> Unsynchronized { get; } = [];

    public int Disposals { get; private set; }

    public Status CreateVcpu(int id, out IVcpuEngine? vcpu)
    {
        vcpu = null;
        if (VcpuAnswer != Status.Ok || GivesNothing) return VcpuAnswer;
        var made = new FakeVcpu(id);
        Vcpus.Add(made);
        vcpu = made;
        return Status.Ok;
    }

    public bool DeliverMessage(ulong address, uint data)
    {
        Messages.Add((address, data));
        return address == 0xFEE00000;
    }

    public void SetExternalInterrupt(bool asserted, Func<byte> acknowledge) => External = (asserted, acknowledge);

    public void TrapAdded(Trap trap) => Added.Add(trap);

    public void SetDirtyLogging(bool enabled) => Logging = enabled;

    public void SynchronizeDirtyLog()
    {
        foreach (ulong address in Unsynchronized) memory.Find(address)!.MarkDirty(address - memory.Find(address)!.Address);
        Unsynchronized.Clear();
    }

    public void Dispose()
    {
        Disposals++;
        memory.TotalSize.ShouldBeGreaterThanOrEqualTo(0u, "an engine ends before its memory");
    }
}

internal sealed class FakeVcpu(int id) : IVcpuEngine
{
    private readonly object _gate = new();
    private bool _kicked;

    public int Id => id;

    /// <summary>What the next runs return; when it is empty, a run blocks until a kick, as a halted processor does.</summary>
    public Queue<(Status Status, Packet Packet)> Script { get; } = new();

    /// <summary>Set while a run blocks.</summary>
    public ManualResetEventSlim Blocked { get; } = new();

    public List<byte> Interrupts { get; } = [];

    public int NonMaskable { get; private set; }

    public List<ulong> Completed { get; } = [];

    public ulong Rip { get; set; }

    public int Disposals { get; private set; }

    public Status Run(out Packet packet)
    {
        packet = default;
        lock (_gate)
        {
            Disposals.ShouldBe(0);
            if (!_kicked && Script.TryDequeue(out (Status Status, Packet Packet) step))
            {
                packet = step.Packet;
                return step.Status;
            }
            Blocked.Set();
            while (!_kicked) Monitor.Wait(_gate);
            Blocked.Reset();
            _kicked = false;
            Disposals.ShouldBe(0, "disposed while it ran");
            return Status.Canceled;
        }
    }

    public void Kick()
    {
        lock (_gate)
        {
            _kicked = true;
            Monitor.PulseAll(_gate);
        }
    }

    public void Interrupt(byte vector) => Interrupts.Add(vector);

    public void InterruptNonMaskable() => NonMaskable++;

    public void CompleteRead(ulong value) => Completed.Add(value);

    public void ReadState(VcpuState state) => state.Rip = Rip;

    public Status WriteState(VcpuState state)
    {
        if (state.Cr0 == ulong.MaxValue) return Status.InvalidArgs;
        Rip = state.Rip;
        return Status.Ok;
    }

    public void Dispose() => Disposals++;
}
