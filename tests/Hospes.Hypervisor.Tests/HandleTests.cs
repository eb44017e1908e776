using Hospes.Hypervisor.Tests.Kit;

namespace Hospes.Hypervisor.Tests;

/// <summary>Handles and rights, the same for every kind of object.</summary>
public sealed class HandleTests
{
    private static readonly Rights[] All =
        [Rights.Duplicate, Rights.Transfer, Rights.Read, Rights.Write, Rights.Execute, Rights.Signal, Rights.ManageProcess];

    [Fact]
    public void NewHandlesHaveTheRightsOfTheirKind()
    {
        using Guest guest = FakeEngine.Create(out _);
        guest.CreateVcpu(out Vcpu? vcpu).ShouldBe(Status.Ok);
        guest.Rights.ShouldBe(Rights.Transfer | Rights.Duplicate | Rights.Write | Rights.ManageProcess);
        vcpu!.Rights.ShouldBe(Rights.Duplicate | Rights.Transfer | Rights.Execute | Rights.Signal | Rights.Read | Rights.Write);
        vcpu.Dispose();
        using var port = new Port();
        port.Rights.ShouldBe(Rights.Duplicate | Rights.Transfer | Rights.Read | Rights.Write);
        using var interrupt = new Interrupt();
        interrupt.Rights.ShouldBe(port.Rights | Rights.Signal);
        using var resource = new HypervisorResource(new FakeEngine());
        resource.Rights.ShouldBe(Rights.Duplicate | Rights.Transfer);
    }

    /// <summary>Every subset of the rights can be had, nothing outside them can.</summary>
    [Fact]
    public void ADuplicateMayOnlyLoseRights()
    {
        using Guest guest = FakeEngine.Create(out _);
        for (int bits = 0; bits < 1 << All.Length; bits++)
        {
            var wanted = (Rights)bits;
            Status status = guest.Duplicate(wanted, out Guest? duplicate);
            if ((wanted & ~Rights.DefaultGuest) == 0)
            {
                status.ShouldBe(Status.Ok);
                duplicate!.Rights.ShouldBe(wanted);
                // What was given up does not come back.
                Rights lost = Rights.DefaultGuest & ~wanted;
                Status again = duplicate.Duplicate(Rights.DefaultGuest, out Guest? third);
                again.ShouldBe((wanted & Rights.Duplicate) == 0 ? Status.AccessDenied : lost != 0 ? Status.InvalidArgs : Status.Ok);
                third?.Dispose();
                duplicate.Dispose();
            }
            else
            {
                status.ShouldBe(Status.InvalidArgs, $"{wanted}");
                duplicate.ShouldBeNull();
            }
        }
    }

    [Fact]
    public void AClosedHandleAnswersBadStateToEverything()
    {
        Guest guest = FakeEngine.Create(out _);
        guest.CreateVcpu(out Vcpu? vcpu).ShouldBe(Status.Ok);
        var port = new Port();
        var interrupt = new Interrupt();
        using var open = new Port();
        using Vcpu living = FakeEngine.CreateVcpu(out _);
        MemoryRange? range = null;
        guest.Memory.Map(0, 4096, out range).ShouldBe(Status.Ok);
        guest.Dispose();
        vcpu!.Dispose();
        port.Dispose();
        interrupt.Dispose();
        guest.IsClosed.ShouldBeTrue();
        var state = new VcpuState();
        Status[] answers =
        [
            guest.Duplicate(Rights.None, out _),
            guest.SetTrap(TrapKind.Io, 1, 1, null, 0),
            guest.CreateVcpu(out _),
            guest.DeliverMessage(0xFEE00000, 0),
            guest.SetExternalInterrupt(true, () => 0),
            guest.SetDirtyLogging(true),
            guest.CollectDirtyPages(range!, new ulong[1]),
            vcpu.Duplicate(Rights.None, out _),
            vcpu.Bind(),
            vcpu.Run(out _),
            vcpu.Kick(),
            vcpu.Interrupt(32),
            vcpu.InterruptNonMaskable(),
            vcpu.CompleteRead(0),
            vcpu.ReadState(state),
            vcpu.WriteState(state),
            port.Queue(new Packet { Kind = PacketKind.User }),
            port.Wait(TimeSpan.Zero, out _),
            interrupt.Bind(living, 32),
            interrupt.Trigger(),
        ];
        answers.ShouldAllBe(status => status == Status.BadState);
    }

    [Fact]
    public void TheObjectEndsWithItsLastHandleAndOnce()
    {
        Guest guest = FakeEngine.Create(out FakeGuest engine);
        guest.Memory.Map(0, 4096, out _).ShouldBe(Status.Ok);
        guest.Duplicate(Rights.Write, out Guest? second).ShouldBe(Status.Ok);
        guest.Dispose();
        guest.Dispose();
        engine.Disposals.ShouldBe(0);
        second!.IsClosed.ShouldBeFalse();
        second.SetTrap(TrapKind.Io, 1, 1, null, 0).ShouldBe(Status.Ok);
        second.Dispose();
        second.Dispose();
        engine.Disposals.ShouldBe(1);
        second.Memory.Ranges.ShouldBeEmpty();
    }

    /// <summary>A duplicate that races with the last close is refused or keeps the object, and the object ends once.</summary>
    [Fact]
    public void DuplicatingWhileTheLastHandleIsClosedNeverRevivesTheObject()
    {
        for (int i = 0; i < 500; i++)
        {
            Guest guest = FakeEngine.Create(out FakeGuest engine);
            Guest? duplicate = null;
            Status status = Status.Internal;
            using var start = new Barrier(2);
            var closer = new Thread(() =>
            {
                start.SignalAndWait();
                guest.Dispose();
            });
            closer.Start();
            start.SignalAndWait();
            status = guest.Duplicate(Rights.None, out duplicate);
            closer.Join();
            if (status == Status.Ok)
            {
                engine.Disposals.ShouldBe(0);
                duplicate!.Dispose();
            }
            else
            {
                status.ShouldBe(Status.BadState);
            }
            engine.Disposals.ShouldBe(1);
        }
    }
}
