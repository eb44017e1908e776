using System.Net.NetworkInformation;
using Hospes.Virtio.Testing;

namespace Hospes.Virtio.Tests.Throttling;

/// <summary>A network device whose frames wait for a permit, over simulated time.</summary>
public sealed class LimitedNetTests : IDisposable
{
    private const ulong Features = VirtioFeatures.Version1 | VirtioFeatures.RingReset | VirtioFeatures.EventIndex | 0xFFFFFF;
    private const int In = 0, Out = 1, Control = 2;

    private static readonly RateLimit s_one = new(1);

    private readonly ManualClock _time = new();
    private readonly FakeNet _net = new();
    private readonly RequestGate _gate;
    private readonly DeviceBench _bench;

    public LimitedNetTests()
    {
        _gate = new RequestGate(_time);
        _bench = new DeviceBench(new NetDevice(_net, new NetSettings { Mac = new PhysicalAddress([0x52, 0x54, 0, 1, 2, 3]), Gate = _gate }));
        Bring();
    }

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Frames_go_out_one_by_one_in_their_order()
    {
        _gate.Limits = new RequestLimits { WriteOperations = s_one };
        for (int i = 0; i < 4; i++) Send((byte)i);
        for (int i = 0; i < 4; i++)
        {
            DeviceBench.Until(() => _net.Sent.Count == i + 1 && _time.IsAwaited);
            _bench.Driver.Await(Out, DeviceBench.Patience).ShouldNotBeNull();
            _bench.Driver[Out].TryTakeUsed(out _, out _).ShouldBeFalse("the others stay in the ring");
            _time.Advance(TimeSpan.FromSeconds(1));
        }
        _net.Sent.Select(static packet => packet[NetHeader.Size]).ShouldBe([0, 1, 2, 3]);
        GiveRoom();
        Receive().ShouldBeTrue("the other direction has no limit");
    }

    [Fact]
    public void Bytes_are_those_of_the_frame()
    {
        _gate.Limits = new RequestLimits { WriteBytes = new RateLimit(100) };
        // One of 60 bytes is over the tenth of a second that may go at once; it is paid for after half a second.
        Send(1);
        DeviceBench.Until(() => _net.Sent.Count == 1 && _time.IsAwaited);
        Send(2);
        _time.Advance(TimeSpan.FromSeconds(0.49));
        _gate.Ask(isWrite: true).TotalSeconds.ShouldBe(0.01, 0.001);
        _time.Advance(TimeSpan.FromSeconds(0.02));
        DeviceBench.Until(() => _net.Sent.Count == 2);
    }

    [Fact]
    public void A_receiver_waits_for_a_permit()
    {
        _gate.Limits = new RequestLimits { ReadOperations = s_one };
        GiveRoom();
        Receive().ShouldBeTrue();
        Receive().ShouldBeFalse();
        Thread receiver = ReceiveInTheEnd();
        _time.Advance(TimeSpan.FromSeconds(1));
        receiver.Join(DeviceBench.Patience).ShouldBeTrue();
    }

    [Fact]
    public void A_frame_without_room_costs_nothing()
    {
        _gate.Limits = new RequestLimits { ReadOperations = s_one, ReadBytes = s_one };
        for (int i = 0; i < 100; i++) Receive().ShouldBeFalse();
        _time.IsAwaited.ShouldBeFalse();
        GiveRoom();
        Receive().ShouldBeTrue();
    }

    [Fact]
    public void Both_directions_share_a_limit_of_both()
    {
        _gate.Limits = new RequestLimits { Operations = s_one };
        GiveRoom();
        Send(1);
        DeviceBench.Until(() => _net.Sent.Count == 1);
        Receive().ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(1));
        Receive().ShouldBeTrue();
    }

    [Fact]
    public void Other_limits_count_while_frames_wait()
    {
        _gate.Limits = new RequestLimits { Bytes = s_one };
        GiveRoom();
        for (int i = 0; i < 10; i++) Send((byte)i);
        DeviceBench.Until(() => _net.Sent.Count == 1 && _time.IsAwaited);
        Thread receiver = ReceiveInTheEnd();
        _gate.Limits = new RequestLimits();
        DeviceBench.Until(() => _net.Sent.Count == 10);
        receiver.Join(DeviceBench.Patience).ShouldBeTrue();
    }

    [Fact]
    public void Commands_and_resets_do_not_wait()
    {
        _gate.Limits = new RequestLimits { Bytes = s_one };
        for (int i = 0; i < 10; i++) Send((byte)i);
        DeviceBench.Until(() => _net.Sent.Count == 1 && _time.IsAwaited);
        DriverBuffer answer = _bench.Driver.Room(1);
        _bench.Exchange(Control, _bench.Driver.Fill([0, 0, 1]), answer).ShouldBe(1u);
        _bench.Driver.ResetQueue(Out);
        _bench.Driver.SetUpQueue(Out, 0, 2);
        Bring();
        _time.Advance(TimeSpan.FromHours(2));
        _net.Sent.Count.ShouldBe(1, "what was in the ring is gone");
        Send(77);
        DeviceBench.Until(() => _net.Sent.Count == 2);
        _net.Sent.Last()[NetHeader.Size].ShouldBe((byte)77);
    }

    private void Bring()
    {
        _bench.Driver.Bring(Features);
        DeviceBench.Until(() => _net.Sink is not null);
    }

    private void Send(byte mark) => _bench.Driver.Send(Out, _bench.Driver.Fill(Packet(mark)));

    private void GiveRoom()
    {
        for (int i = 0; i < 8; i++) _bench.Driver.Send(In, _bench.Driver.Room(2048));
    }

    private bool Receive() => _net.Sink!.TryReceive(Packet(9));

    private Thread ReceiveInTheEnd()
    {
        var receiver = new Thread(() =>
        {
            while (!Receive()) _net.Sink!.WaitForRoom(DeviceBench.Patience);
        });
        receiver.Start();
        return receiver;
    }

    private static byte[] Packet(byte mark) => [.. new byte[NetHeader.Size], mark, .. new byte[59]];
}
