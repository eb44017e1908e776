using Hospes.Hypervisor;

namespace Hospes.Virtio.Tests;

/// <summary>An engine that executes nothing: the tests need its guest's memory, and ring its bells themselves.</summary>
internal sealed class FakeEngine : IEngine, IGuestEngine
{
    public List<Trap> Traps { get; } = [];

    public string Name => "fake";

    public bool Supports(Capability capability) => false;

    public Status CreateGuest(GuestOptions options, GuestMemory memory, TrapTable traps, out IGuestEngine? guest)
    {
        guest = this;
        return Status.Ok;
    }

    public Status CreateVcpu(int id, out IVcpuEngine? vcpu)
    {
        vcpu = null;
        return Status.NotSupported;
    }

    public bool DeliverMessage(ulong address, uint data) => true;

    public void SetExternalInterrupt(bool asserted, Func<byte> acknowledge)
    {
    }

    public void TrapAdded(Trap trap) => Traps.Add(trap);

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
