using Hospes.Hypervisor;

namespace Hospes.Machine.Tests;

/// <summary>An engine that executes nothing: it records what the machine asks of it.</summary>
internal sealed class FakeEngine : IEngine, IGuestEngine
{
    private readonly Lock _gate = new();

    public List<(ulong Address, uint Data)> Messages { get; } = [];

    public bool AcceptMessages { get; set; } = true;

    public bool ExternalInterrupt { get; private set; }

    public Func<byte>? Acknowledge { get; private set; }

    public TrapTable Traps { get; private set; } = new();

    public FakeVcpu Vcpu { get; } = new();

    public string Name => "fake";

    public bool Supports(Capability capability) => false;

    public Status CreateGuest(GuestOptions options, GuestMemory memory, TrapTable traps, out IGuestEngine? guest)
    {
        Traps = traps;
        guest = this;
        return Status.Ok;
    }

    public Status CreateVcpu(int id, out IVcpuEngine? vcpu)
    {
        vcpu = Vcpu;
        return Status.Ok;
    }

    public bool DeliverMessage(ulong address, uint data)
    {
        lock (_gate)
        {
            if (AcceptMessages) Messages.Add((address, data));
            return AcceptMessages;
        }
    }

    public void SetExternalInterrupt(bool asserted, Func<byte> acknowledge)
    {
        ExternalInterrupt = asserted;
        Acknowledge = acknowledge;
    }

    public void TrapAdded(Trap trap)
    {
    }

    public void SetDirtyLogging(bool enabled)
    {
    }

    public void SynchronizeDirtyLog()
    {
    }

    public void Dispose()
    {
    }
}

/// <summary>A processor whose packets come from the test; it keeps the answers to reads.</summary>
internal sealed class FakeVcpu : IVcpuEngine
{
    public ulong Answer { get; private set; }

    public int Answers { get; private set; }

    public Status Run(out Packet packet)
    {
        packet = default;
        return Status.Canceled;
    }

    public void Kick()
    {
    }

    public void Interrupt(byte vector)
    {
    }

    public void InterruptNonMaskable()
    {
    }

    public void CompleteRead(ulong value)
    {
        Answer = value;
        Answers++;
    }

    public void ReadState(VcpuState state)
    {
    }

    public Status WriteState(VcpuState state) => Status.Ok;

    public void Dispose()
    {
    }
}
