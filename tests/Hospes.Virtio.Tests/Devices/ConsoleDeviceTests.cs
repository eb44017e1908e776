using System.Buffers.Binary;
using System.Text;
using Hospes.Virtio.Testing;

namespace Hospes.Virtio.Tests.Devices;

/// <summary>The console device (virtio 1.2, 5.3) behind a driver.</summary>
public sealed class ConsoleDeviceTests : IDisposable
{
    private const ulong Features = VirtioFeatures.Version1 | VirtioFeatures.PackedRing | 3;

    private readonly Sink _console = new(), _channel = new();
    private readonly ConsolePort _first, _second;
    private readonly ConsoleDevice _device;
    private readonly DeviceBench _bench;

    public ConsoleDeviceTests()
    {
        _first = new ConsolePort(_console);
        _second = new ConsolePort(_channel, "org.hospes.test");
        _device = new ConsoleDevice(_first, _second);
        _bench = new DeviceBench(_device);
        _bench.Driver.Bring(Features);
    }

    private VirtioDriver Driver => _bench.Driver;

    [Fact]
    public void Output_of_each_port_goes_to_its_own_sink()
    {
        byte[] text = [.. Enumerable.Range(0, 10_000).Select(static i => (byte)i)];
        _bench.Exchange(1, Driver.Fill(text));
        _bench.Exchange(5, Driver.Fill("channel"u8));
        _console.Bytes.ShouldBe(text);
        _channel.Text.ShouldBe("channel");
    }

    [Fact]
    public void Input_waits_for_buffers_and_asks_for_more()
    {
        int wanted = 0;
        _first.InputWanted = () => Interlocked.Increment(ref wanted);
        byte[] text = [.. Enumerable.Range(0, 2 * ConsolePort.Capacity).Select(static i => (byte)(i / 3))];
        _first.Offer(text).ShouldBe(ConsolePort.Capacity);
        var got = new List<byte>();
        while (got.Count < ConsolePort.Capacity)
        {
            DriverBuffer room = Driver.Room(100);
            int written = (int)_bench.Exchange(0, room);
            got.AddRange(Driver.Read(room)[..written]);
        }
        got.SequenceEqual(text[..ConsolePort.Capacity]).ShouldBeTrue();
        wanted.ShouldBe(1);
    }

    [Fact]
    public void Ports_are_announced_named_and_opened()
    {
        for (int i = 0; i < 8; i++) Driver.Send(2, Driver.Room(64));
        Control(0, 0, 1);
        Next().ShouldBe((0u, 1, 1, ""));
        Next().ShouldBe((1u, 1, 1, ""));
        Control(0, 3, 1);
        Next().ShouldBe((0u, 4, 1, ""));
        Next().ShouldBe((0u, 6, 1, ""));
        Control(1, 3, 1);
        Next().ShouldBe((1u, 7, 1, "org.hospes.test"));
        Next().ShouldBe((1u, 6, 1, ""));
        Control(1, 6, 1);
        DeviceBench.Until(() => _second.IsOpen);
        Control(1, 6, 0);
        DeviceBench.Until(() => !_second.IsOpen);
        Control(9, 3, 1);
        Control(1, 99, 1);
        _bench.Exchange(3, Driver.Fill([1, 2]));
        Driver.Status.HasFlag(VirtioStatus.NeedsReset).ShouldBeFalse();
        Driver[2].TryTakeUsed(out _, out _).ShouldBeFalse();
    }

    [Fact]
    public void The_size_of_the_terminal_is_told()
    {
        _bench.Transport.Write(0x10, 2, 0);
        _device.Resize(132, 43);
        _bench.Transport.Read(0x2000, 4).ShouldBe(132ul | 43 << 16);
        _bench.Transport.Read(0x2004, 4).ShouldBe(2ul);
        DeviceBench.Until(() => _bench.Host.Messages.Contains(0));
    }

    public void Dispose() => _bench.Dispose();

    private void Control(uint port, ushort kind, ushort value)
    {
        byte[] message = new byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(message, port);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(4), kind);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(6), value);
        _bench.Exchange(3, Driver.Fill(message));
    }

    private int _seen;

    private (uint Port, int Kind, int Value, string Text) Next()
    {
        (int _, uint written) = Driver.Await(2, DeviceBench.Patience).ShouldNotBeNull();
        byte[] message = new byte[written];
        _bench.Memory.TryRead(RoomOf(_seen++), message).ShouldBeTrue();
        return (BinaryPrimitives.ReadUInt32LittleEndian(message), message[4], message[6], Encoding.UTF8.GetString(message.AsSpan(8)));
    }

    /// <summary>Reads where a descriptor of the packed ring pointed before it was used: the device leaves addresses alone.</summary>
    private ulong RoomOf(int index)
    {
        _bench.Memory.TryRead(Driver[2].Descriptors + (ulong)index * 16, out ulong address).ShouldBeTrue();
        return address;
    }

    private sealed class Sink : IConsoleBackend
    {
        private readonly Lock _gate = new();
        private readonly List<byte> _bytes = [];

        public byte[] Bytes
        {
            get
            {
                lock (_gate) return [.. _bytes];
            }
        }

        public string Text => Encoding.UTF8.GetString(Bytes);

        public void Write(ReadOnlySpan<byte> bytes)
        {
            lock (_gate) _bytes.AddRange(bytes);
        }
    }
}
