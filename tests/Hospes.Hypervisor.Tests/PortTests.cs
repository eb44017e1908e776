using Hospes.Hypervisor.Tests.Kit;

namespace Hospes.Hypervisor.Tests;

public sealed class PortTests
{
    /// <summary>Long enough for a loaded machine; nothing waits for it when all is well.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void PacketsComeOutInTheOrderTheyWentIn()
    {
        using var port = new Port();
        for (ulong i = 0; i < 1000; i++) port.Queue(new Packet { Kind = PacketKind.User, Key = i, Data = i * 3 }).ShouldBe(Status.Ok);
        for (ulong i = 0; i < 1000; i++)
        {
            port.Wait(TimeSpan.Zero, out Packet packet).ShouldBe(Status.Ok);
            (packet.Kind, packet.Key, packet.Data).ShouldBe((PacketKind.User, i, i * 3));
        }
        port.Wait(TimeSpan.Zero, out Packet none).ShouldBe(Status.TimedOut);
        none.Kind.ShouldBe(PacketKind.None);
        port.Wait(TimeSpan.FromMilliseconds(1), out none).ShouldBe(Status.TimedOut);
    }

    [Theory]
    [InlineData(PacketKind.None)]
    [InlineData(PacketKind.Bell)]
    [InlineData(PacketKind.Memory)]
    [InlineData(PacketKind.Io)]
    [InlineData(PacketKind.Shutdown)]
    [InlineData(PacketKind.EndOfInterrupt)]
    public void NobodyForgesAnEnginesPacket(PacketKind kind)
    {
        using var port = new Port();
        port.Queue(new Packet { Kind = kind }).ShouldBe(Status.InvalidArgs);
        port.Wait(TimeSpan.Zero, out _).ShouldBe(Status.TimedOut);
    }

    [Fact]
    public void QueueingAndWaitingAskForTheirRights()
    {
        using var port = new Port();
        port.Duplicate(Rights.Read, out Port? reader).ShouldBe(Status.Ok);
        port.Duplicate(Rights.Write, out Port? writer).ShouldBe(Status.Ok);
        reader!.Queue(new Packet { Kind = PacketKind.User }).ShouldBe(Status.AccessDenied);
        writer!.Wait(TimeSpan.Zero, out _).ShouldBe(Status.AccessDenied);
        writer.Queue(new Packet { Kind = PacketKind.User, Key = 5 }).ShouldBe(Status.Ok);
        reader.Wait(TimeSpan.Zero, out Packet packet).ShouldBe(Status.Ok);
        packet.Key.ShouldBe(5u);
    }

    [Fact]
    public void EveryPacketReleasesOneWaiter()
    {
        using var port = new Port();
        var keys = new System.Collections.Concurrent.ConcurrentBag<ulong>();
        Thread[] waiters = [.. Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            while (port.Wait(Timeout.InfiniteTimeSpan, out Packet packet) == Status.Ok && packet.Key != ulong.MaxValue) keys.Add(packet.Key);
        }))];
        foreach (Thread waiter in waiters) waiter.Start();
        for (ulong i = 0; i < 2000; i++) port.Queue(new Packet { Kind = PacketKind.User, Key = i }).ShouldBe(Status.Ok);
        foreach (Thread _ in waiters) port.Queue(new Packet { Kind = PacketKind.User, Key = ulong.MaxValue }).ShouldBe(Status.Ok);
        foreach (Thread waiter in waiters) waiter.Join(Patience).ShouldBeTrue();
        keys.Order().ShouldBe(Enumerable.Range(0, 2000).Select(i => (ulong)i));
    }

    [Fact]
    public void ClosingTheLastHandleCancelsWaiters()
    {
        var port = new Port();
        port.Duplicate(Rights.Read, out Port? second).ShouldBe(Status.Ok);
        Status answer = Status.Ok;
        using var waiting = new ManualResetEventSlim();
        var waiter = new Thread(() =>
        {
            waiting.Set();
            answer = port.Wait(Timeout.InfiniteTimeSpan, out _);
        });
        waiter.Start();
        waiting.Wait();
        second!.Dispose();
        waiter.Join(TimeSpan.FromMilliseconds(20)).ShouldBeFalse("one handle is still open");
        port.Dispose();
        waiter.Join(Patience).ShouldBeTrue();
        // BadState when the thread had not come as far as waiting yet.
        answer.ShouldBeOneOf(Status.Canceled, Status.BadState);
    }

    [Fact]
    public void ABellTellsKeyAndAddress()
    {
        using Guest guest = FakeEngine.Create(out FakeGuest engine);
        using var port = new Port();
        guest.SetTrap(TrapKind.Bell, 0x10000, 0x2000, port, 99).ShouldBe(Status.Ok);
        engine.Added[0].Ring(0x11004).ShouldBe(Status.Ok);
        port.Wait(TimeSpan.Zero, out Packet packet).ShouldBe(Status.Ok);
        (packet.Kind, packet.Key, packet.Address, packet.IsTrapped, packet.IsWrite).ShouldBe((PacketKind.Bell, 99ul, 0x11004ul, true, true));
    }

    [Theory]
    [InlineData(TrapKind.Memory)]
    [InlineData(TrapKind.Io)]
    public void OnlyABellRings(TrapKind kind)
    {
        using Guest guest = FakeEngine.Create(out FakeGuest engine);
        guest.SetTrap(kind, 0, 4096, null, 0).ShouldBe(Status.Ok);
        engine.Added[0].Ring(0).ShouldBe(Status.BadState);
    }

    [Fact]
    public void ABellWaitsOnce256OfItsPacketsAreUnreadAndGoesOnWhenOneIsTaken()
    {
        using Guest guest = FakeEngine.Create(out FakeGuest engine);
        using var port = new Port();
        guest.SetTrap(TrapKind.Bell, 0, 4096, port, 1).ShouldBe(Status.Ok);
        guest.SetTrap(TrapKind.Bell, 4096, 4096, port, 2).ShouldBe(Status.Ok);
        Trap bell = engine.Added[0], other = engine.Added[1];
        for (ulong i = 0; i < Trap.BellPackets; i++) bell.Ring(i).ShouldBe(Status.Ok);
        // The limit is the bell's own: another one on the same port still rings, and so does a user.
        other.Ring(4096).ShouldBe(Status.Ok);
        port.Queue(new Packet { Kind = PacketKind.User }).ShouldBe(Status.Ok);

        // Many rounds, since a wake-up is easily lost only between two instructions.
        for (ulong round = 0; round < 2000; round++)
        {
            ulong address = Trap.BellPackets + round;
            Status answer = Status.Internal;
            var vcpu = new Thread(() => answer = bell.Ring(address));
            vcpu.Start();
            if (round == 0) vcpu.Join(TimeSpan.FromMilliseconds(20)).ShouldBeFalse("256 are unread");
            Packet packet;
            do port.Wait(TimeSpan.Zero, out packet).ShouldBe(Status.Ok);
            while (packet.Key != 1);
            packet.Address.ShouldBe(round);
            vcpu.Join(Patience).ShouldBeTrue($"round {round}: there is room, but the bell still waits");
            answer.ShouldBe(Status.Ok);
        }
    }

    [Fact]
    public void ABellThatWaitsComesBackWhenThePortCloses()
    {
        using Guest guest = FakeEngine.Create(out FakeGuest engine);
        var port = new Port();
        guest.SetTrap(TrapKind.Bell, 0, 4096, port, 1).ShouldBe(Status.Ok);
        Trap bell = engine.Added[0];
        for (ulong i = 0; i < Trap.BellPackets; i++) bell.Ring(i).ShouldBe(Status.Ok);
        Status answer = Status.Ok;
        var vcpu = new Thread(() => answer = bell.Ring(1));
        vcpu.Start();
        port.Dispose();
        vcpu.Join(Patience).ShouldBeTrue();
        answer.ShouldBe(Status.BadState);
        bell.Ring(2).ShouldBe(Status.BadState);
    }

    [Fact]
    public void ABellRingsAsLongAsAnyHandleToItsPortIsOpen()
    {
        using Guest guest = FakeEngine.Create(out FakeGuest engine);
        var port = new Port();
        port.Duplicate(Rights.Read, out Port? reader).ShouldBe(Status.Ok);
        guest.SetTrap(TrapKind.Bell, 0, 4096, port, 1).ShouldBe(Status.Ok);
        port.Dispose();
        Trap bell = engine.Added[0];
        for (ulong i = 0; i < Trap.BellPackets; i++) bell.Ring(i).ShouldBe(Status.Ok);
        var vcpu = new Thread(() => bell.Ring(1000));
        vcpu.Start();
        reader!.Wait(Patience, out Packet packet).ShouldBe(Status.Ok);
        packet.Address.ShouldBe(0u);
        vcpu.Join(Patience).ShouldBeTrue();
        reader.Dispose();
        bell.Ring(1).ShouldBe(Status.BadState);
    }
}
