using Hospes.Hypervisor.Tests.Kit;

namespace Hospes.Hypervisor.Tests;

/// <summary>A port that an engine feeds past its queue: packets and bells both arrive, no waiter is forgotten, and the source ends with the port.</summary>
public sealed class BellSourceTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void BellsAndPacketsBothArrive()
    {
        using var port = new Port();
        (Trap bell, FakeSource source) = Feed(port);
        source.Ring(bell, 0x1008);
        port.Queue(new Packet { Kind = PacketKind.User, Key = 5 }).ShouldBe(Status.Ok);

        port.Wait(TimeSpan.Zero, out Packet first).ShouldBe(Status.Ok);
        (first.Kind, first.Key).ShouldBe((PacketKind.User, 5UL));
        port.Wait(TimeSpan.Zero, out Packet second).ShouldBe(Status.Ok);
        (second.Kind, second.Key, second.Address, second.IsWrite).ShouldBe((PacketKind.Bell, 77UL, 0x1008UL, true));
        port.Wait(TimeSpan.Zero, out _).ShouldBe(Status.TimedOut);
        port.Wait(TimeSpan.FromMilliseconds(5), out _).ShouldBe(Status.TimedOut);
    }

    [Fact]
    public void WaitersFromBeforeTheSourceHearIt()
    {
        using var port = new Port();
        Packet packet = default;
        var waiter = new Thread(() => port.Wait(Timeout.InfiniteTimeSpan, out packet));
        waiter.Start();
        (Trap bell, FakeSource source) = Feed(port);
        source.Ring(bell, 0x1000);
        waiter.Join(Patience).ShouldBeTrue();
        packet.Kind.ShouldBe(PacketKind.Bell);
    }

    [Fact]
    public void EveryPacketReleasesOneWaiterWhereAllWaitInTheKernel()
    {
        using var port = new Port();
        (Trap bell, FakeSource source) = Feed(port);
        var keys = new System.Collections.Concurrent.ConcurrentBag<ulong>();
        Thread[] waiters = [.. Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            while (port.Wait(Timeout.InfiniteTimeSpan, out Packet packet) == Status.Ok && packet.Key != ulong.MaxValue) keys.Add(packet.Kind == PacketKind.Bell ? packet.Address : packet.Key);
        }))];
        foreach (Thread waiter in waiters) waiter.Start();
        for (ulong i = 0; i < 2000; i++)
        {
            if (i % 3 == 0) source.Ring(bell, i);
            else port.Queue(new Packet { Kind = PacketKind.User, Key = i }).ShouldBe(Status.Ok);
        }
        SpinWait.SpinUntil(() => keys.Count == 2000, Patience).ShouldBeTrue();
        foreach (Thread _ in waiters) port.Queue(new Packet { Kind = PacketKind.User, Key = ulong.MaxValue }).ShouldBe(Status.Ok);
        foreach (Thread waiter in waiters) waiter.Join(Patience).ShouldBeTrue();
        keys.Order().ShouldBe(Enumerable.Range(0, 2000).Select(i => (ulong)i));
    }

    [Fact]
    public void TheSourceEndsWithThePortAndWithItsLastWaiter()
    {
        var port = new Port();
        (_, FakeSource source) = Feed(port);
        Thread[] waiters = [.. Enumerable.Range(0, 3).Select(_ => new Thread(() => port.Wait(Timeout.InfiniteTimeSpan, out Packet _)))];
        foreach (Thread waiter in waiters) waiter.Start();
        SpinWait.SpinUntil(() => source.Waiting == 3, Patience).ShouldBeTrue();
        port.Dispose();
        foreach (Thread waiter in waiters) waiter.Join(Patience).ShouldBeTrue();
        source.Disposals.ShouldBe(1);
    }

    [Fact]
    public void APortHasOneSourceAndAClosedOneNone()
    {
        var port = new Port();
        (Trap bell, FakeSource source) = Feed(port);
        bell.Source(() => throw new InvalidOperationException("a second one")).ShouldBeSameAs(source);
        port.Dispose();
        source.Disposals.ShouldBe(1);
        bell.Source(() => new FakeSource()).ShouldBeNull();
    }

    private static (Trap Bell, FakeSource Source) Feed(Port port)
    {
        Guest guest = FakeEngine.Create(out FakeGuest engine);
        guest.SetTrap(TrapKind.Bell, 0x1000, 0x1000, port, 77).ShouldBe(Status.Ok);
        Trap bell = engine.Added.Single();
        var source = new FakeSource();
        bell.Source(() => source).ShouldBeSameAs(source);
        return (bell, source);
    }

    /// <summary>A kernel of rings that waits as an epoll does: a wake with nobody there is kept.</summary>
    private sealed class FakeSource : IBellSource
    {
        private readonly object _gate = new();
        private readonly Queue<(Trap Bell, ulong Address)> _rung = new();
        private bool _woken;

        public int Disposals { get; private set; }

        public int Waiting { get; private set; }

        public void Ring(Trap bell, ulong address)
        {
            lock (_gate)
            {
                _rung.Enqueue((bell, address));
                Monitor.Pulse(_gate);
            }
        }

        public bool Wait(int milliseconds, out Trap? bell, out ulong address)
        {
            (bell, address) = (null, 0);
            lock (_gate)
            {
                Disposals.ShouldBe(0);
                Waiting++;
                while (_rung.Count == 0 && !_woken && milliseconds != 0)
                {
                    if (!Monitor.Wait(_gate, milliseconds)) milliseconds = 0;
                }
                Waiting--;
                if (_woken)
                {
                    _woken = false;
                    return false;
                }
                if (_rung.Count == 0) return false;
                (bell, address) = _rung.Dequeue();
                return true;
            }
        }

        public void Wake()
        {
            lock (_gate)
            {
                _woken = true;
                Monitor.Pulse(_gate);
            }
        }

        public void Dispose() => Disposals++;
    }
}
