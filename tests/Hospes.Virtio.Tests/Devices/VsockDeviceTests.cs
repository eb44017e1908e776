using System.Collections.Concurrent;
using System.Text;
using System.Threading.Channels;
using Hospes.Virtio.Testing;

namespace Hospes.Virtio.Tests.Devices;

/// <summary>The socket device (virtio 1.2, 5.10) behind a driver that does as it likes.</summary>
public sealed class VsockDeviceTests : IDisposable
{
    private const int Rx = 0, Tx = 1;
    private const uint Guest = 5, Room = 64 << 10;

    private readonly Backend _backend = new();
    private readonly VsockDevice _device;
    private readonly DeviceBench _bench;
    private readonly Dictionary<int, DriverBuffer> _posted = [];

    public VsockDeviceTests()
    {
        _device = new VsockDevice(Guest, _backend);
        _bench = new DeviceBench(_device);
        _bench.Driver.Bring(VirtioFeatures.Version1 | 1);
        for (int i = 0; i < 32; i++) Post();
    }

    private VirtioDriver Driver => _bench.Driver;

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void The_guest_has_an_address() => _bench.Transport.Read(VirtioPciLayout.DeviceConfig, 8).ShouldBe(Guest);

    [Fact]
    public void A_guest_connects_sends_hears_and_closes()
    {
        Channel channel = Open(7, 1000);
        Send(Packet(VsockOperation.Data, 7, 1000), "hello host"u8);
        channel.Await("hello host");
        channel.Say("hello guest"u8);
        (VsockHeader header, byte[] data) = Next();
        (header.Operation, header.SourcePort, header.DestinationPort, Encoding.ASCII.GetString(data)).ShouldBe((VsockOperation.Data, 7u, 1000u, "hello guest"));
        // Closed by the guest: what it sent before still arrives.
        Send(Packet(VsockOperation.Data, 7, 1000), "bye"u8);
        Send(Packet(VsockOperation.Shutdown, 7, 1000) with { Flags = 3 });
        Next().Header.Operation.ShouldBe(VsockOperation.Reset);
        channel.Await("hello hostbye");
        DeviceBench.Until(() => channel.IsDisposed && _device.Connections == 0);
    }

    [Fact]
    public void Either_side_can_end_its_half()
    {
        Channel channel = Open(7, 1);
        Send(Packet(VsockOperation.Shutdown, 7, 1) with { Flags = VsockHeader.SendsNoMore });
        DeviceBench.Until(() => channel.HasEnded);
        channel.Say("still here"u8);
        Encoding.ASCII.GetString(Next().Data).ShouldBe("still here");
        channel.Finish();
        VsockHeader header = Next().Header;
        (header.Operation, header.Flags).ShouldBe((VsockOperation.Shutdown, VsockHeader.SendsNoMore));
        Send(Packet(VsockOperation.Reset, 7, 1));
        DeviceBench.Until(() => channel.IsDisposed);
    }

    [Fact]
    public void Nobody_there_is_a_reset()
    {
        _backend.Refuses = true;
        Send(Packet(VsockOperation.Request, 9, 2));
        VsockHeader header = Next().Header;
        (header.Operation, header.SourcePort, header.DestinationPort).ShouldBe((VsockOperation.Reset, 9u, 2u));
        Send(Packet(VsockOperation.Data, 9, 2), "x"u8);
        Next().Header.Operation.ShouldBe(VsockOperation.Reset);
        Send(Packet(VsockOperation.Request, 9, 2) with { Type = 2 });
        Next().Header.Operation.ShouldBe(VsockOperation.Reset);
        _device.Connections.ShouldBe(0);
    }

    [Fact]
    public void The_host_connects_to_the_guest()
    {
        var channel = new Channel();
        DeviceBench.Until(() => _device.TryConnect(22, channel));
        VsockHeader asked = Next().Header;
        (asked.Operation, asked.SourceCid, asked.DestinationCid, asked.DestinationPort).ShouldBe((VsockOperation.Request, 2ul, (ulong)Guest, 22u));
        Send(Packet(VsockOperation.Response, asked.SourcePort, 22));
        channel.Await($"OK {asked.SourcePort}\n");
        Send(Packet(VsockOperation.Data, asked.SourcePort, 22), "from the guest"u8);
        channel.Await($"OK {asked.SourcePort}\nfrom the guest");
        // The line of the host's own is in no account.
        Send(Packet(VsockOperation.CreditRequest, asked.SourcePort, 22));
        VsockHeader told = Next().Header;
        (told.Operation, told.Allocated, told.Forwarded).ShouldBe((VsockOperation.CreditUpdate, Room, 14u));
        var refused = new Channel();
        _device.TryConnect(23, refused).ShouldBeTrue();
        asked = Next().Header;
        Send(Packet(VsockOperation.Reset, asked.SourcePort, 23));
        DeviceBench.Until(() => refused.IsDisposed);
    }

    [Fact]
    public void The_host_sends_no_more_than_the_guest_has_room_for()
    {
        Send(Packet(VsockOperation.Request, 7, 1) with { Allocated = 10 });
        Next().Header.Operation.ShouldBe(VsockOperation.Response);
        Channel channel = _backend.Made.Single();
        channel.Say("0123456789abcdef"u8);
        Encoding.ASCII.GetString(Next().Data).ShouldBe("0123456789");
        Send(Packet(VsockOperation.CreditUpdate, 7, 1) with { Allocated = 10, Forwarded = 4 });
        Encoding.ASCII.GetString(Next().Data).ShouldBe("abcd");
        Send(Packet(VsockOperation.CreditUpdate, 7, 1) with { Allocated = 10, Forwarded = 14 });
        Encoding.ASCII.GetString(Next().Data).ShouldBe("ef");
    }

    [Fact]
    public void Data_is_split_to_the_buffers_of_the_guest()
    {
        Channel channel = Open(7, 1);
        byte[] all = [.. Enumerable.Range(0, 40_000).Select(static i => (byte)(i * 7))];
        channel.Say(all);
        var got = new List<byte>();
        while (got.Count < all.Length) got.AddRange(Next().Data);
        got.ShouldBe(all);
    }

    [Fact]
    public void A_guest_that_sends_more_than_there_is_room_for_loses_the_connection()
    {
        Channel channel = Open(7, 1);
        channel.IsStuck = true;
        byte[] bytes = new byte[16 << 10];
        for (int i = 0; i < 6; i++) Send(Packet(VsockOperation.Data, 7, 1), bytes);
        Next().Header.Operation.ShouldBe(VsockOperation.Reset);
        DeviceBench.Until(() => channel.IsDisposed && _device.Connections == 0);
    }

    [Fact]
    public void The_guest_hears_of_room_that_came_free()
    {
        Channel channel = Open(7, 1);
        byte[] bytes = new byte[16 << 10];
        uint taken = 0;
        for (int i = 0; i < 20; i++)
        {
            Send(Packet(VsockOperation.Data, 7, 1), bytes);
            uint sent = (uint)((i + 1) * bytes.Length);
            while (sent - taken > Room - (uint)bytes.Length)
            {
                VsockHeader header = Next().Header;
                header.Operation.ShouldBe(VsockOperation.CreditUpdate);
                taken = header.Forwarded;
            }
        }
        DeviceBench.Until(() => channel.Count == 20 * bytes.Length);
    }

    [Fact]
    public void There_are_only_so_many_connections()
    {
        for (uint port = 0; port < VsockDevice.MostConnections + 10; port++) Send(Packet(VsockOperation.Request, 7, port));
        int granted = 0, refused = 0;
        while (granted + refused < VsockDevice.MostConnections + 10)
        {
            if (Next().Header.Operation == VsockOperation.Response) granted++;
            else refused++;
        }
        (granted, refused).ShouldBe((VsockDevice.MostConnections, 10));
        _device.TryConnect(1, new Channel()).ShouldBeFalse();
        Driver.Reset();
        DeviceBench.Until(() => _device.Connections == 0 && _backend.Made.All(static channel => channel.IsDisposed));
        _device.TryConnect(1, new Channel()).ShouldBeFalse();
    }

    [Fact]
    public void A_flood_without_taking_answers_is_heard_no_further()
    {
        _backend.Refuses = true;
        Driver.Bring(VirtioFeatures.Version1 | 1);
        _posted.Clear();
        int taken = 0;
        uint port = 0;
        long quiet = Environment.TickCount64;
        while (Environment.TickCount64 - quiet < 300)
        {
            if (Driver[Tx].Add([Driver.Fill(Bytes(Packet(VsockOperation.Request, 7, port++), []))]) >= 0) Driver.Ring(Tx);
            while (Driver[Tx].TryTakeUsed(out _, out _))
            {
                taken++;
                quiet = Environment.TickCount64;
            }
            if (taken > 5000) break;
        }
        taken.ShouldBeLessThan(1400);
        // Buffers for answers, and all goes on.
        for (int i = 0; i < 100; i++) Post();
        for (int i = 0; i < 1200; i++) Next();
    }

    [Fact]
    public void A_flood_of_accounts_holds_no_more_than_one_place_for_data_that_is_not_taken()
    {
        Channel channel = Open(7, 1);
        // More than there are buffers for.
        channel.Say(new byte[1 << 19]);
        for (int i = 0; i < 500; i++) Send(Packet(VsockOperation.CreditUpdate, 7, 1));
        DeviceBench.Until(() => _device.Offered == 1);
        Next().Data.Length.ShouldBe(4096);
    }

    [Fact]
    public void Whatever_a_driver_sends_stays_in_its_guest()
    {
        var random = new Random(9);
        for (int round = 0; round < 20; round++)
        {
            Driver.Bring(VirtioFeatures.Version1 | 1 | (round % 2 == 0 ? VirtioFeatures.PackedRing : 0));
            for (int i = 0; i < 100; i++)
            {
                byte[] data = new byte[random.Next(3000)];
                random.NextBytes(data);
                var header = new VsockHeader(
                    random.Next(8) == 0 ? (ulong)random.NextInt64() : Guest, random.Next(8) == 0 ? 0u : 2u, (uint)random.Next(4), (uint)random.Next(4),
                    random.Next(8) == 0 ? (uint)random.Next() : (uint)data.Length, (ushort)(random.Next(8) == 0 ? 2 : 1), (VsockOperation)random.Next(9), (uint)random.Next(4),
                    (uint)random.Next(1 << 20), (uint)random.Next());
                byte[] bytes = Bytes(header, data);
                Driver.Send(Tx, Driver.Fill(random.Next(10) == 0 ? bytes[..random.Next(1, 60)] : bytes));
                if (random.Next(2) == 0) Driver.Send(Rx, Driver.Room((uint)random.Next(44, 500)));
                if (random.Next(4) == 0) _device.TryConnect((uint)random.Next(4), new Channel());
                foreach (Channel channel in _backend.Made.TakeLast(4)) channel.Say(data);
                while (Driver[Tx].TryTakeUsed(out _, out _) || Driver[Rx].TryTakeUsed(out _, out _))
                {
                }
            }
        }
    }

    private static byte[] Bytes(VsockHeader header, ReadOnlySpan<byte> data)
    {
        byte[] bytes = new byte[VsockHeader.Size + data.Length];
        header.Write(bytes);
        data.CopyTo(bytes.AsSpan(VsockHeader.Size));
        return bytes;
    }

    private static VsockHeader Packet(VsockOperation operation, uint hostPort, uint guestPort) =>
        new(Guest, VsockDevice.HostCid, guestPort, hostPort, 0, VsockHeader.Stream, operation, 0, 1 << 20, 0);

    private Channel Open(uint hostPort, uint guestPort)
    {
        Send(Packet(VsockOperation.Request, hostPort, guestPort));
        VsockHeader header = Next().Header;
        (header.Operation, header.Allocated).ShouldBe((VsockOperation.Response, Room));
        return _backend.Made.Last();
    }

    private void Send(VsockHeader header, ReadOnlySpan<byte> data = default) =>
        _bench.Exchange(Tx, Driver.Fill(Bytes(header with { Length = (uint)data.Length }, data))).ShouldBe(0u);

    private void Post()
    {
        DriverBuffer room = Driver.Room(VsockHeader.Size + 4096);
        _posted[Driver.Send(Rx, room)] = room;
    }

    private (VsockHeader Header, byte[] Data) Next()
    {
        (int token, uint written) = Driver.Await(Rx, DeviceBench.Patience).ShouldNotBeNull();
        byte[] bytes = Driver.Read(_posted[token]);
        Post();
        return (VsockHeader.Read(bytes), bytes[VsockHeader.Size..(int)written]);
    }

    private sealed class Backend : IVsockBackend
    {
        public ConcurrentQueue<Channel> Made { get; } = new();

        public bool Refuses { get; set; }

        public ValueTask<IVsockChannel?> ConnectAsync(uint port)
        {
            if (Refuses) return new((IVsockChannel?)null);
            var channel = new Channel();
            Made.Enqueue(channel);
            return new(channel);
        }
    }

    private sealed class Channel : IVsockChannel
    {
        private readonly Channel<byte[]> _incoming = System.Threading.Channels.Channel.CreateUnbounded<byte[]>();
        private readonly List<byte> _got = [];
        private readonly TaskCompletionSource _end = new();
        private byte[] _rest = [];

        public bool IsDisposed { get; private set; }

        public bool HasEnded { get; private set; }

        public bool IsStuck { get; set; }

        public int Count
        {
            get
            {
                lock (_got) return _got.Count;
            }
        }

        public void Say(ReadOnlySpan<byte> bytes) => _incoming.Writer.TryWrite(bytes.ToArray());

        public void Finish() => _incoming.Writer.TryComplete();

        public void Await(string text) => DeviceBench.Until(() =>
        {
            lock (_got) return Encoding.ASCII.GetString([.. _got]) == text;
        });

        public async ValueTask<int> ReadAsync(Memory<byte> destination)
        {
            if (_rest.Length == 0)
            {
                if (!await _incoming.Reader.WaitToReadAsync() || !_incoming.Reader.TryRead(out byte[]? next)) return IsDisposed ? throw new IOException() : 0;
                _rest = next;
            }
            int count = Math.Min(_rest.Length, destination.Length);
            _rest.AsSpan(0, count).CopyTo(destination.Span);
            _rest = _rest[count..];
            return count;
        }

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> source)
        {
            if (IsStuck) await _end.Task;
            if (IsDisposed) throw new IOException();
            lock (_got) _got.AddRange(source.Span);
        }

        public void EndWriting() => HasEnded = true;

        public void Dispose()
        {
            IsDisposed = true;
            _incoming.Writer.TryComplete();
            _end.TrySetResult();
        }
    }
}
