namespace Hospes.Hypervisor.Kvm.Tests;

/// <summary>The run loop allocates nothing, on whatever KVM the host shows.</summary>
public sealed class AllocationTests
{
    [Fact]
    public void ExitsAllocateNothing()
    {
        if (HostKvm.TryOpen() is not { } engine) return;
        using (engine)
        using (var resource = new HypervisorResource(engine))
        {
            Guest.Create(resource, new GuestOptions(), out Guest? guest).ShouldBe(Status.Ok);
            guest!.Memory.Map(0, 1 << 20, out _).ShouldBe(Status.Ok);
            guest.SetTrap(TrapKind.Memory, 0x200000, 0x1000, null, 1).ShouldBe(Status.Ok);
            guest.CreateVcpu(out Vcpu? vcpu).ShouldBe(Status.Ok);
            // again: out 0x80, al / in al, 0x60 / mov eax, [0x200000] / mov [0x200004], eax / jmp again
            guest.Memory.TryWrite(0x1000, [0xE6, 0x80, 0xE4, 0x60, 0xA1, 0x00, 0x00, 0x20, 0x00, 0xA3, 0x04, 0x00, 0x20, 0x00, 0xEB, 0xF0]).ShouldBeTrue();
            StartFlat(vcpu!);

            Exits(vcpu!, 100);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Exits(vcpu!, 1000);
            (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
            vcpu!.Dispose();
            guest.Dispose();
        }
    }

    private static void Exits(Vcpu vcpu, int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (vcpu.Run(out Packet packet) != Status.Ok) throw new InvalidOperationException("no exit");
            if (!packet.IsWrite) vcpu.CompleteRead(7);
        }
    }

    private static void StartFlat(Vcpu vcpu)
    {
        var state = new VcpuState();
        vcpu.ReadState(state).ShouldBe(Status.Ok);
        for (int i = 0; i < 6; i++)
            state.Segments[i] = new SegmentState { Selector = (ushort)(i == 1 ? 8 : 16), Limit = uint.MaxValue, Attributes = i == 1 ? 0xC09Bu : 0xC093u };
        (state.Cr0, state.Rip, state.Rflags) = (0x11, 0x1000, 2);
        vcpu.WriteState(state).ShouldBe(Status.Ok);
    }
}
