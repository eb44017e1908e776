using Hospes.Hypervisor.Tests.Kit;

namespace Hospes.Hypervisor.Tests;

public sealed class GuestTests
{
    [Fact]
    public void WithoutAHypervisorResourceThereIsNoGuest()
    {
        using var none = new HypervisorResource(new FakeEngine(), ResourceKind.None);
        none.Kind.ShouldBe(ResourceKind.None);
        Guest.Create(none, new GuestOptions(), out Guest? guest).ShouldBe(Status.AccessDenied);
        guest.ShouldBeNull();
        var closed = new HypervisorResource(new FakeEngine());
        closed.Dispose();
        Guest.Create(closed, new GuestOptions(), out guest).ShouldBe(Status.BadState);
        guest.ShouldBeNull();
    }

    [Fact]
    public void ADuplicateOfTheResourceCreatesGuestsToo()
    {
        using var resource = new HypervisorResource(new FakeEngine());
        resource.Duplicate(Rights.None, out HypervisorResource? weak).ShouldBe(Status.Ok);
        Guest.Create(weak!, new GuestOptions(), out Guest? guest).ShouldBe(Status.Ok);
        guest!.Dispose();
        weak!.Engine.ShouldBeSameAs(resource.Engine);
    }

    [Theory]
    [InlineData(0, Status.InvalidArgs)]
    [InlineData(-1, Status.InvalidArgs)]
    [InlineData(1, Status.Ok)]
    [InlineData(255, Status.Ok)]
    [InlineData(256, Status.InvalidArgs)]
    public void TheNumberOfProcessorsIsBounded(int vcpus, Status expected)
    {
        using var resource = new HypervisorResource(new FakeEngine());
        var options = new GuestOptions { MaxVcpus = vcpus };
        Guest.Create(resource, options, out Guest? guest).ShouldBe(expected);
        (guest is not null).ShouldBe(expected == Status.Ok);
        if (guest is null) return;
        guest.Options.ShouldBeSameAs(options);
        guest.Dispose();
    }

    [Fact]
    public void TheEnginesRefusalIsPassedOnAndItsSilenceIsItsFault()
    {
        using var refusing = new HypervisorResource(new FakeEngine { CreateAnswer = Status.NotSupported });
        Guest.Create(refusing, new GuestOptions(), out Guest? guest).ShouldBe(Status.NotSupported);
        guest.ShouldBeNull();
        using var silent = new HypervisorResource(new FakeEngine { GivesNothing = true });
        Guest.Create(silent, new GuestOptions(), out guest).ShouldBe(Status.Internal);
        guest.ShouldBeNull();
    }

    [Fact]
    public void ProcessorsAreNumberedInOrderUpToTheMost()
    {
        using Guest guest = FakeEngine.Create(out FakeGuest engine, vcpus: 3);
        for (int id = 0; id < 3; id++)
        {
            guest.CreateVcpu(out Vcpu? vcpu).ShouldBe(Status.Ok);
            vcpu!.Id.ShouldBe(id);
            engine.Vcpus[id].Id.ShouldBe(id);
        }
        guest.CreateVcpu(out Vcpu? fourth).ShouldBe(Status.OutOfRange);
        fourth.ShouldBeNull();
    }

    [Fact]
    public void AProcessorThatTheEngineRefusesTakesNoNumber()
    {
        using Guest guest = FakeEngine.Create(out FakeGuest engine);
        engine.VcpuAnswer = Status.NoMemory;
        guest.CreateVcpu(out Vcpu? vcpu).ShouldBe(Status.NoMemory);
        engine.VcpuAnswer = Status.Ok;
        engine.GivesNothing = true;
        guest.CreateVcpu(out vcpu).ShouldBe(Status.Internal);
        engine.GivesNothing = false;
        guest.CreateVcpu(out vcpu).ShouldBe(Status.Ok);
        vcpu!.Id.ShouldBe(0);
    }

    [Fact]
    public void MessagesAndTheExternalLineReachTheEngine()
    {
        using Guest guest = FakeEngine.Create(out FakeGuest engine);
        guest.DeliverMessage(0xFEE00000, 0x4031).ShouldBe(Status.Ok);
        guest.DeliverMessage(0xFEE01000, 0x31).ShouldBe(Status.NotFound);
        engine.Messages.ShouldBe([(0xFEE00000ul, 0x4031u), (0xFEE01000ul, 0x31u)]);
        guest.SetExternalInterrupt(true, () => 0x73).ShouldBe(Status.Ok);
        engine.External!.Value.Asserted.ShouldBeTrue();
        engine.External.Value.Acknowledge().ShouldBe((byte)0x73);
    }

    [Fact]
    public void EveryCallAsksForItsRight()
    {
        using Guest guest = FakeEngine.Create(out FakeGuest engine, vcpus: 2);
        guest.Memory.Map(0, 4096, out MemoryRange? range).ShouldBe(Status.Ok);
        guest.Duplicate(Rights.DefaultGuest & ~Rights.Write, out Guest? reader).ShouldBe(Status.Ok);
        reader!.SetTrap(TrapKind.Io, 1, 1, null, 0).ShouldBe(Status.AccessDenied);
        reader.DeliverMessage(0xFEE00000, 0).ShouldBe(Status.AccessDenied);
        reader.SetExternalInterrupt(true, () => 0).ShouldBe(Status.AccessDenied);
        reader.SetDirtyLogging(true).ShouldBe(Status.AccessDenied);
        reader.CollectDirtyPages(range!, new ulong[1]).ShouldBe(Status.AccessDenied);
        reader.CreateVcpu(out Vcpu? vcpu).ShouldBe(Status.Ok);
        vcpu!.Dispose();
        guest.Duplicate(Rights.DefaultGuest & ~Rights.ManageProcess, out Guest? writer).ShouldBe(Status.Ok);
        writer!.CreateVcpu(out vcpu).ShouldBe(Status.AccessDenied);
        vcpu.ShouldBeNull();
        writer.SetTrap(TrapKind.Io, 1, 1, null, 0).ShouldBe(Status.Ok);
        engine.Added.Count.ShouldBe(1);
        reader.Dispose();
        writer.Dispose();
    }
}
