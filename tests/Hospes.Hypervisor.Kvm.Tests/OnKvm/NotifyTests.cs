using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm.Tests;

/// <summary>What goes from guest to device and back without an exit: bells the kernel takes (ioeventfd) and messages it raises (irqfd); and the same without them.</summary>
public sealed class NotifyTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void TheKernelTakesABellFromItsSecondRingOn() => Ring(lacks: null, taken: 2);

    [Fact]
    public void WithoutIoEventFdEveryRingIsAnExit() => Ring(static extension => extension == KvmExtension.IoEventFd, taken: 0);

    [Fact]
    public void WithoutAnyLengthTheFirstWidthIsTaken() => Ring(static extension => extension == KvmExtension.IoEventFdAnyLength, taken: 2);

    [Fact]
    public void TheKernelRaisesAMessageThatIsSet() => Raise(lacks: null, routed: true);

    [Fact]
    public void WithoutIrqFdEveryMessageIsDelivered() => Raise(static extension => extension == KvmExtension.IrqFd, routed: false);

    [Fact]
    public void AMessageAfterTheGuestsEndIsNothing()
    {
        FlatGuest? machine = FlatGuest.TryCreate();
        if (machine is null) return;
        machine.Load([0xF4]);
        machine.Guest.CreateMessageInterrupt(out MessageInterrupt? interrupt).ShouldBe(Status.Ok);
        interrupt!.SetMessage(0xFEE00000, 0x40);
        interrupt.Trigger().ShouldBe(Status.Ok);
        machine.Dispose();
        interrupt.Trigger().ShouldBe(Status.NotFound);
        interrupt.Dispose();
    }

    private static void Ring(Predicate<KvmExtension>? lacks, int taken)
    {
        using FlatGuest? machine = FlatGuest.TryCreate(lacks);
        if (machine is null) return;
        using var port = new Port();
        machine.Guest.SetTrap(TrapKind.Bell, 0x200000, 0x1000, port, 9).ShouldBe(Status.Ok);
        // again: mov [0x200004], eax / mov [0x200008], eax / out 0x80, al / jmp again
        machine.Load([0xA3, 0x04, 0x00, 0x20, 0x00, 0xA3, 0x08, 0x00, 0x20, 0x00, 0xE6, 0x80, 0xEB, 0xF2]);
        for (int round = 0; round < 10; round++)
        {
            machine.Next().Kind.ShouldBe(PacketKind.Io);
            var rung = new SortedSet<ulong>();
            for (int bell = 0; bell < 2; bell++)
            {
                port.Wait(Patience, out Packet packet).ShouldBe(Status.Ok);
                (packet.Kind, packet.Key).ShouldBe((PacketKind.Bell, 9UL));
                rung.Add(packet.Address);
            }
            rung.ShouldBe([0x200004UL, 0x200008UL]);
            port.Wait(TimeSpan.Zero, out _).ShouldBe(Status.TimedOut);
        }
        machine.Kvm.Bells.Count.ShouldBe(taken);
    }

    private static void Raise(Predicate<KvmExtension>? lacks, bool routed)
    {
        using FlatGuest? machine = FlatGuest.TryCreate(lacks);
        if (machine is null) return;
        // A stand-in for KVM does not come back from a handler in protected mode: one interrupt is all there.
        uint rounds = machine.IsReal ? 50u : 1u;
        // sti / again: hlt / jmp again
        // inc ecx / mov dword [0xfee000b0], 0 / mov eax, ecx / out 0x80, eax / iret
        machine.Load([0xFB, 0xF4, 0xEB, 0xFD], [0x41, 0xC7, 0x05, 0xB0, 0x00, 0xE0, 0xFE, 0x00, 0x00, 0x00, 0x00, 0x89, 0xC8, 0xE7, 0x80, 0xCF], 0x40, 0x51);
        machine.Guest.CreateMessageInterrupt(out MessageInterrupt? interrupt).ShouldBe(Status.Ok);
        for (uint round = 1; round <= rounds; round++)
        {
            // As when a guest moves the interrupt to another vector.
            interrupt!.SetMessage(0xFEE00000, round <= rounds / 2 ? 0x40u : 0x51u).ShouldBe(Status.Ok);
            interrupt.Trigger().ShouldBe(Status.Ok);
            (machine.Next().Data & 0xFF).ShouldBe(round);
        }
        machine.Kvm.CountRouted().ShouldBe(routed ? 1 : 0);
        interrupt!.Dispose();
        machine.Kvm.CountRouted().ShouldBe(0);
    }
}
