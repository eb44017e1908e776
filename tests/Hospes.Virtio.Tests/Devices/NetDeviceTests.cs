using System.Net.NetworkInformation;
using Hospes.Virtio.Testing;

namespace Hospes.Virtio.Tests.Devices;

/// <summary>The network device (virtio 1.2, 5.1) behind a driver.</summary>
public sealed class NetDeviceTests : IDisposable
{
    private const ulong Split = VirtioFeatures.Version1 | VirtioFeatures.EventIndex | 0xFFFFFF, Packed = Split | VirtioFeatures.PackedRing | 1 << 23;
    private const ulong Merge = 1 << 15;

    private static readonly NetSettings s_settings = new() { Mac = new PhysicalAddress([0x52, 0x54, 0, 1, 2, 3]), Mtu = 9000 };

    private readonly List<DeviceBench> _benches = [];

    [Fact]
    public void The_configuration_says_what_the_card_is()
    {
        (DeviceBench bench, _) = Make(Split, s_settings with { Pairs = 3 });
        byte[] config = [.. Enumerable.Range(0, 12).Select(i => (byte)bench.Transport.Read(0x2000 + (ulong)i, 1))];
        config.ShouldBe([0x52, 0x54, 0, 1, 2, 3, 1, 0, 3, 0, 0x28, 0x23]);
        bench.Host.Messages.Clear();
        bench.Transport.Write(0x10, 2, 0);
        ((NetDevice)bench.Device).SetLink(false);
        bench.Transport.Read(0x2006, 2).ShouldBe(0ul);
        bench.Host.Messages.ShouldBe([0]);
    }

    [Theory]
    [InlineData(Split)]
    [InlineData(Packed)]
    public void Frames_go_out(ulong features)
    {
        (DeviceBench bench, FakeNet net) = Make(features);
        for (int i = 0; i < 200; i++)
        {
            byte[] frame = Frame(60 + i * 7, (byte)i);
            bench.Exchange(1, bench.Driver.Fill(new byte[12]), bench.Driver.Fill(frame)).ShouldBe(0u);
            net.Sent.TryDequeue(out byte[]? sent).ShouldBeTrue();
            sent!.AsSpan(12).SequenceEqual(frame).ShouldBeTrue();
        }
    }

    [Theory]
    [InlineData(Split)]
    [InlineData(Packed)]
    [InlineData(Split & ~Merge)]
    public void Frames_come_in(ulong features)
    {
        (DeviceBench bench, FakeNet net) = Make(features);
        for (int i = 0; i < 100; i++)
        {
            DriverBuffer room = bench.Driver.Room(2048);
            bench.Driver.Send(0, room);
            byte[] frame = Frame(60 + i, (byte)i);
            net.Sink!.TryReceive([.. new byte[12], .. frame]).ShouldBeTrue();
            bench.Driver.Await(0, DeviceBench.Patience).ShouldNotBeNull().Written.ShouldBe(12u + (uint)frame.Length);
            byte[] got = bench.Driver.Read(room);
            got[..12].ShouldBe([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
            got.AsSpan(12, frame.Length).SequenceEqual(frame).ShouldBeTrue();
        }
    }

    [Theory]
    [InlineData(Split)]
    [InlineData(Packed)]
    public void A_large_frame_takes_several_buffers_or_none(ulong features)
    {
        (DeviceBench bench, FakeNet net) = Make(features);
        DriverBuffer[] rooms = [.. Enumerable.Range(0, 5).Select(_ => bench.Driver.Room(1500))];
        byte[] packet = [.. new byte[12], .. Frame(7000, 9)];
        for (int i = 0; i < 4; i++) bench.Driver.Send(0, rooms[i]);
        net.Sink!.TryReceive(packet).ShouldBeFalse("four are too few");
        bench.Driver[0].TryTakeUsed(out _, out _).ShouldBeFalse();
        bench.Driver.Send(0, rooms[4]);
        net.Sink.TryReceive(packet).ShouldBeTrue();
        uint total = 0;
        for (int i = 0; i < 5; i++) total += bench.Driver.Await(0, DeviceBench.Patience).ShouldNotBeNull().Written;
        total.ShouldBe((uint)packet.Length);
        byte[] got = [.. rooms.SelectMany(bench.Driver.Read)];
        got[10].ShouldBe((byte)5);
        got.AsSpan(12, 7000).SequenceEqual(packet.AsSpan(12)).ShouldBeTrue();
    }

    [Fact]
    public void A_receiver_waits_until_there_is_room()
    {
        (DeviceBench bench, FakeNet net) = Make(Split);
        var receiver = new Thread(() =>
        {
            while (!net.Sink!.TryReceive([.. new byte[12], .. Frame(100, 1)])) net.Sink.WaitForRoom(TimeSpan.FromSeconds(30));
        });
        receiver.Start();
        bench.Driver.Send(0, bench.Driver.Room(2048));
        bench.Driver.Await(0, DeviceBench.Patience).ShouldNotBeNull();
        receiver.Join();
    }

    [Theory]
    [InlineData(20)]
    [InlineData(21)]
    [InlineData(1499)]
    [InlineData(64001)]
    public void Checksums_are_filled_in(int length)
    {
        (DeviceBench bench, FakeNet net) = Make(Split);
        byte[] frame = Frame(34 + length, 3);
        byte[] header = [1, 0, 0, 0, 0, 0, 34, 0, 16, 0, 0, 0];
        frame[50] = frame[51] = 0;
        bench.Exchange(1, bench.Driver.Fill(header), bench.Driver.Fill(frame));
        net.Sent.TryDequeue(out byte[]? sent).ShouldBeTrue();
        sent![..12].ShouldBe(new byte[12]);
        // The sum over all 16-bit words with the right checksum among them is all ones.
        uint sum = 0;
        for (int i = 34; i < frame.Length; i += 2) sum += (uint)(sent[12 + i] << 8 | (i + 1 < frame.Length ? sent[13 + i] : 0));
        while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
        sum.ShouldBe(0xFFFFu);
    }

    [Theory]
    [InlineData(new byte[] { 1, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 1, 0, 0, 0, 0, 0, 10, 0, 0xFF, 0xFF, 0, 0 })]
    [InlineData(new byte[] { 1, 0, 0, 0, 0, 0, 99, 0, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 })]
    public void Frames_whose_header_can_not_be_met_are_dropped(byte[] header)
    {
        (DeviceBench bench, FakeNet net) = Make(Split);
        bench.Exchange(1, bench.Driver.Fill(header), bench.Driver.Fill(Frame(100, 1)));
        bench.Exchange(1, bench.Driver.Fill([1, 2, 3]));
        bench.Exchange(1, bench.Driver.Fill(new byte[12]), bench.Driver.Fill(new byte[70000]));
        net.Sent.ShouldBeEmpty();
        bench.Exchange(1, bench.Driver.Fill(new byte[12]), bench.Driver.Fill(Frame(60, 1)));
        net.Sent.Count.ShouldBe(1);
    }

    [Fact]
    public void A_backend_with_headers_gets_and_gives_them()
    {
        var net = new FakeNet { TakesHeaders = true };
        DeviceBench bench = Make(net, Split, s_settings);
        (net.Features & (1 << 7 | 1 << 11)).ShouldBe(1ul << 7 | 1 << 11);
        byte[] header = [1, 1, 54, 0, 0xB4, 5, 34, 0, 16, 0, 0, 0];
        bench.Exchange(1, bench.Driver.Fill(header), bench.Driver.Fill(Frame(3000, 1)));
        net.Sent.TryDequeue(out byte[]? sent).ShouldBeTrue();
        sent![..12].ShouldBe(header);
        DriverBuffer room = bench.Driver.Room(4096);
        bench.Driver.Send(0, room);
        net.Sink!.TryReceive([.. header, .. Frame(3000, 2)]).ShouldBeTrue();
        bench.Driver.Await(0, DeviceBench.Patience).ShouldNotBeNull();
        bench.Driver.Read(room)[..10].ShouldBe(header[..10]);
    }

    [Fact]
    public void Good_checksums_are_told()
    {
        var net = new FakeNet { DeliversGoodChecksums = true };
        DeviceBench bench = Make(net, Split, s_settings);
        DriverBuffer room = bench.Driver.Room(2048);
        bench.Driver.Send(0, room);
        net.Sink!.TryReceive([.. new byte[12], .. Frame(100, 2)]).ShouldBeTrue();
        bench.Driver.Await(0, DeviceBench.Patience).ShouldNotBeNull();
        bench.Driver.Read(room)[0].ShouldBe((byte)2);
    }

    [Fact]
    public void The_control_queue_obeys_and_refuses()
    {
        (DeviceBench bench, FakeNet net) = Make(Packed, s_settings with { Pairs = 4 });
        Command(0, 0, 1).ShouldBe((byte)0);
        Command(1, 0, [0, 0, 0, 0, 0, 0, 0, 0]).ShouldBe((byte)0);
        Command(1, 1, 2, 4, 6, 8, 10, 12).ShouldBe((byte)0);
        bench.Transport.Read(0x2000, 4).ShouldBe(0x08060402ul);
        Command(1, 1, 2, 4).ShouldBe((byte)1);
        Command(4, 0, 4, 0).ShouldBe((byte)0);
        Command(4, 0, 5, 0).ShouldBe((byte)1);
        Command(4, 0, 0, 0).ShouldBe((byte)1);
        Command(77, 0, 0).ShouldBe((byte)1);
        // With four pairs, flows are spread over them, and each stays with its own.
        for (int queue = 0; queue < 8; queue += 2)
        {
            for (int i = 0; i < 64; i++) bench.Driver.Send(queue, bench.Driver.Room(128));
        }
        for (int flow = 0; flow < 64; flow++)
        {
            byte[] frame = Frame(80, 0);
            (frame[12], frame[13], frame[34], frame[35]) = (8, 0, 1, (byte)(flow / 2));
            net.Sink!.TryReceive([.. new byte[12], .. frame]).ShouldBeTrue();
        }
        int[] counts = [.. Enumerable.Range(0, 4).Select(pair =>
        {
            int count = 0;
            while (bench.Driver[pair * 2].TryTakeUsed(out _, out _)) count++;
            return count;
        })];
        counts.Sum().ShouldBe(64);
        counts.ShouldAllBe(static count => count % 2 == 0 && count > 0);

        byte Command(byte kind, byte command, params byte[] data)
        {
            DriverBuffer answer = bench.Driver.Room(1);
            bench.Exchange(8, bench.Driver.Fill([kind, command, .. data]), answer);
            return bench.Driver.Read(answer)[0];
        }
    }

    [Fact]
    public void Without_several_queues_control_has_number_2()
    {
        (DeviceBench bench, _) = Make(Split & ~(1UL << 22), s_settings with { Pairs = 2 });
        DriverBuffer answer = bench.Driver.Room(1);
        bench.Memory.TryWrite(answer.Address, (byte)9);
        bench.Exchange(2, bench.Driver.Fill([0, 0, 1]), answer);
        bench.Driver.Read(answer)[0].ShouldBe((byte)0);
    }

    [Fact]
    public void A_command_without_room_for_an_answer_breaks_the_device()
    {
        (DeviceBench bench, _) = Make(Split);
        bench.Driver.Send(2, bench.Driver.Fill([0, 0, 1]));
        DeviceBench.Until(() => bench.Driver.Status.HasFlag(VirtioStatus.NeedsReset));
    }

    [Fact]
    public void After_a_reset_nothing_is_received_until_the_driver_is_back()
    {
        (DeviceBench bench, FakeNet net) = Make(Split);
        bench.Driver.Send(0, bench.Driver.Room(2048));
        INetSink sink = net.Sink!;
        bench.Driver.Reset();
        net.Sink.ShouldBeNull();
        sink.TryReceive([.. new byte[12], .. Frame(60, 1)]).ShouldBeFalse();
        bench.Driver.Bring(Split);
        bench.Driver.Send(0, bench.Driver.Room(2048));
        DeviceBench.Until(() => net.Sink is not null);
        net.Sink!.TryReceive([.. new byte[12], .. Frame(60, 1)]).ShouldBeTrue();
    }

    public void Dispose()
    {
        foreach (DeviceBench bench in _benches) bench.Dispose();
    }

    private (DeviceBench Bench, FakeNet Net) Make(ulong features, NetSettings? settings = null)
    {
        var net = new FakeNet();
        return (Make(net, features, settings ?? s_settings), net);
    }

    private DeviceBench Make(FakeNet net, ulong features, NetSettings settings)
    {
        var bench = new DeviceBench(new NetDevice(net, settings));
        _benches.Add(bench);
        bench.Driver.Bring(features);
        DeviceBench.Until(() => net.Sink is not null);
        return bench;
    }

    private static byte[] Frame(int length, byte seed)
    {
        byte[] frame = new byte[length];
        for (int i = 0; i < length; i++) frame[i] = (byte)(i * 31 + seed);
        return frame;
    }
}
