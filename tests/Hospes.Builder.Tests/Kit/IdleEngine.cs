using Hospes.Hypervisor;

namespace Hospes.Builder.Tests.Kit;

/// <summary>An engine whose guests have memory and never run: all that a builder needs.</summary>
internal sealed class IdleEngine : IEngine
{
    public string Name => "idle";

    public bool Supports(Capability capability) => false;

    public Status CreateGuest(GuestOptions options, GuestMemory memory, TrapTable traps, out IGuestEngine? guest)
    {
        guest = new IdleGuest();
        return Status.Ok;
    }

    /// <summary>A guest with the given RAM windows.</summary>
    public static Guest Guest(params (ulong Address, ulong Size)[] windows)
    {
        using var resource = new HypervisorResource(new IdleEngine());
        Hypervisor.Guest.Create(resource, new GuestOptions(), out Guest? guest).ShouldBe(Status.Ok);
        foreach ((ulong address, ulong size) in windows) guest!.Memory.Map(address, size, out _).ShouldBe(Status.Ok);
        return guest!;
    }

    private sealed class IdleGuest : IGuestEngine
    {
        public Status CreateVcpu(int id, out IVcpuEngine? vcpu)
        {
            vcpu = null;
            return Status.NotSupported;
        }

        public bool DeliverMessage(ulong address, uint data) => false;

        public void SetExternalInterrupt(bool asserted, Func<byte> acknowledge)
        {
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
}
