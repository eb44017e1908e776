namespace Hospes.Hypervisor.Kvm.Tests;

/// <summary>The run loop allocates nothing, and neither does a device's interrupt, on whatever KVM the host shows.</summary>
public sealed class AllocationTests
{
    [Fact]
    public void ExitsAllocateNothing()
    {
        using FlatGuest? machine = FlatGuest.TryCreate();
        if (machine is null) return;
        machine.Guest.SetTrap(TrapKind.Memory, 0x200000, 0x1000, null, 1).ShouldBe(Status.Ok);
        // again: out 0x80, al / in al, 0x60 / mov eax, [0x200000] / mov [0x200004], eax / jmp again
        machine.Load([0xE6, 0x80, 0xE4, 0x60, 0xA1, 0x00, 0x00, 0x20, 0x00, 0xA3, 0x04, 0x00, 0x20, 0x00, 0xEB, 0xF0]);

        Exits(machine.Vcpu, 100);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Exits(machine.Vcpu, 1000);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    [Fact]
    public void BellsAndMessagesAllocateNothing()
    {
        using FlatGuest? machine = FlatGuest.TryCreate();
        if (machine is null) return;
        using var port = new Port();
        machine.Guest.SetTrap(TrapKind.Bell, 0x200000, 0x1000, port, 1).ShouldBe(Status.Ok);
        machine.Guest.CreateMessageInterrupt(out MessageInterrupt? interrupt).ShouldBe(Status.Ok);
        interrupt!.SetMessage(0xFEE00000, 0x40).ShouldBe(Status.Ok);
        // again: mov [0x200000], eax / out 0x80, al / jmp again
        machine.Load([0xA3, 0x00, 0x00, 0x20, 0x00, 0xE6, 0x80, 0xEB, 0xF7]);

        Rings(machine.Vcpu, port, interrupt, 100);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Rings(machine.Vcpu, port, interrupt, 1000);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    private static void Exits(Vcpu vcpu, int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (vcpu.Run(out Packet packet) != Status.Ok) throw new InvalidOperationException("no exit");
            if (!packet.IsWrite) vcpu.CompleteRead(7);
        }
    }

    private static void Rings(Vcpu vcpu, Port port, MessageInterrupt interrupt, int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (vcpu.Run(out _) != Status.Ok || port.Wait(TimeSpan.FromSeconds(30), out _) != Status.Ok) throw new InvalidOperationException("no bell");
            interrupt.SetMessage(0xFEE00000, 0x40);
            interrupt.Trigger();
        }
    }
}
