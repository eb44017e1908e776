using Hospes.Hypervisor.Tests.Kit;

namespace Hospes.Hypervisor.Tests;

public sealed class MessageInterruptTests
{
    [Fact]
    public void ATriggerSendsTheMessageThatIsSet()
    {
        using Guest guest = FakeEngine.Create(out FakeGuest engine);
        guest.CreateMessageInterrupt(out MessageInterrupt? interrupt).ShouldBe(Status.Ok);
        interrupt!.Trigger().ShouldBe(Status.NotFound);
        interrupt.SetMessage(0xFEE00000, 0x41).ShouldBe(Status.Ok);
        interrupt.Trigger().ShouldBe(Status.Ok);
        interrupt.SetMessage(0xFEE01000, 0x42).ShouldBe(Status.Ok);
        interrupt.Trigger().ShouldBe(Status.NotFound);
        engine.Messages.ShouldBe([(0xFEE00000UL, 0x41u), (0xFEE01000UL, 0x42u)]);
    }

    [Fact]
    public void EachCallAsksForItsRight()
    {
        using Guest guest = FakeEngine.Create(out FakeGuest engine);
        guest.Duplicate(Rights.Duplicate, out Guest? poor).ShouldBe(Status.Ok);
        poor!.CreateMessageInterrupt(out MessageInterrupt? none).ShouldBe(Status.AccessDenied);
        none.ShouldBeNull();
        guest.CreateMessageInterrupt(out MessageInterrupt? interrupt).ShouldBe(Status.Ok);
        interrupt!.Duplicate(Rights.Signal, out MessageInterrupt? signal).ShouldBe(Status.Ok);
        interrupt.Duplicate(Rights.Write, out MessageInterrupt? write).ShouldBe(Status.Ok);
        signal!.SetMessage(0xFEE00000, 1).ShouldBe(Status.AccessDenied);
        write!.Trigger().ShouldBe(Status.AccessDenied);
        write.SetMessage(0xFEE00000, 0x50).ShouldBe(Status.Ok);
        signal.Trigger().ShouldBe(Status.Ok);
        engine.Messages.Count.ShouldBe(1);
    }

    [Fact]
    public void AClosedOneSendsNothing()
    {
        using Guest guest = FakeEngine.Create(out FakeGuest engine);
        guest.CreateMessageInterrupt(out MessageInterrupt? interrupt).ShouldBe(Status.Ok);
        interrupt!.SetMessage(0xFEE00000, 0x41).ShouldBe(Status.Ok);
        interrupt.Dispose();
        interrupt.Trigger().ShouldBe(Status.BadState);
        interrupt.SetMessage(0xFEE00000, 0x42).ShouldBe(Status.BadState);
        engine.Messages.ShouldBeEmpty();
    }
}
