using System.Buffers.Binary;
using System.Text;
using Hospes.Virtio.Testing;

namespace Hospes.Virtio.Tests.Devices;

/// <summary>The block device (virtio 1.2, 5.2) behind a driver, over split and packed rings.</summary>
public sealed class BlockDeviceTests : IDisposable
{
    private const int Size = 1 << 20, Sector = 512;
    private const uint In = 0, Out = 1, Flush = 4, GetId = 8, Discard = 11, WriteZeroes = 13;
    private const byte Ok = 0, Error = 1, Unsupported = 2;
    private const ulong Split = VirtioFeatures.Version1 | 0xFFFFFF, Packed = ulong.MaxValue;

    private readonly List<DeviceBench> _benches = [];
    private readonly MemoryDisk _disk = new(Size);

    [Theory]
    [InlineData(Split)]
    [InlineData(Packed)]
    public void What_is_written_is_read(ulong features)
    {
        DeviceBench bench = Make(features);
        var random = new Random(1);
        for (int i = 0; i < 100; i++)
        {
            byte[] data = new byte[Sector * random.Next(1, 300)];
            random.NextBytes(data);
            uint sector = (uint)random.Next(Size / Sector - data.Length / Sector + 1);
            Request(bench, Out, sector, data, 0).Status.ShouldBe(Ok);
            _disk.Bytes.AsSpan((int)sector * Sector, data.Length).SequenceEqual(data).ShouldBeTrue();
            (byte status, byte[] read, uint written) = Request(bench, In, sector, [], (uint)data.Length);
            status.ShouldBe(Ok);
            written.ShouldBe((uint)data.Length + 1);
            read.AsSpan().SequenceEqual(data).ShouldBeTrue();
            if (i % 10 == 9) bench.Driver.Bring(features);
        }
    }

    [Fact]
    public void The_configuration_says_what_the_disk_is()
    {
        DeviceBench bench = Make(Packed, new BlockSettings { Queues = 4 });
        Config(bench, 0, 8).ShouldBe((ulong)Size / Sector);
        Config(bench, 12, 4).ShouldBe(254ul);
        Config(bench, 20, 4).ShouldBe(512ul);
        Config(bench, 34, 2).ShouldBe(4ul);
        bench.Transport.Device.QueueCount.ShouldBe(4);
        (bench.Device.Features & 1 << 5).ShouldBe(0ul);
    }

    [Fact]
    public void The_serial_is_given()
    {
        DeviceBench bench = Make(Split, new BlockSettings { Serial = "SER-0123456789" });
        (byte status, byte[] read, _) = Request(bench, GetId, 0, [], 20);
        status.ShouldBe(Ok);
        Encoding.ASCII.GetString(read).TrimEnd('\0').ShouldBe("SER-0123456789");
        Encoding.ASCII.GetString(Request(bench, GetId, 0, [], 3).Data).ShouldBe("SER");
    }

    [Theory]
    [InlineData((ulong)Size / Sector, 512u)]
    [InlineData((ulong)Size / Sector - 1, 1024u)]
    [InlineData(ulong.MaxValue, 512u)]
    [InlineData(ulong.MaxValue / 512, 512u)]
    [InlineData(0ul, 100u)]
    public void What_lies_outside_or_is_no_sector_is_an_error(ulong sector, uint length)
    {
        DeviceBench bench = Make(Split);
        Request(bench, In, sector, [], length).Status.ShouldBe(Error);
        Request(bench, Out, sector, new byte[length], 0).Status.ShouldBe(Error);
        bench.Driver.Status.HasFlag(VirtioStatus.NeedsReset).ShouldBeFalse();
        _disk.Bytes.ShouldAllBe(static value => value == 0);
    }

    [Theory]
    [InlineData(BlockResult.Failed, Error)]
    [InlineData(BlockResult.Unsupported, Unsupported)]
    public void The_disks_errors_reach_the_guest_and_the_device_lives(BlockResult answer, byte expected)
    {
        DeviceBench bench = Make(Split);
        _disk.Answer = answer;
        foreach (uint type in (uint[])[In, Out, Flush])
        {
            Request(bench, type, 0, type == Out ? new byte[512] : [], type == In ? 512u : 0).Status.ShouldBe(expected);
        }
        Request(bench, WriteZeroes, 0, Range(0, 8, 0), 0).Status.ShouldBe(expected);
        _disk.Answer = BlockResult.Ok;
        Request(bench, Flush, 0, [], 0).Status.ShouldBe(Ok);
        Request(bench, 99, 0, [], 0).Status.ShouldBe(Unsupported);
    }

    [Fact]
    public void A_read_only_disk_takes_no_change()
    {
        DeviceBench bench = Make(Packed, new BlockSettings { IsReadOnly = true });
        (bench.Device.Features & (1 << 5 | 1 << 13 | 1 << 14)).ShouldBe(1ul << 5);
        Request(bench, Out, 0, new byte[512], 0).Status.ShouldBe(Error);
        Request(bench, Discard, 0, Range(0, 8, 0), 0).Status.ShouldBe(Error);
        Request(bench, In, 0, [], 512).Status.ShouldBe(Ok);
    }

    [Fact]
    public void Discards_and_zeroes_arrive_as_ranges()
    {
        DeviceBench bench = Make(Split);
        _disk.Bytes.AsSpan().Fill(7);
        Request(bench, Discard, 0, [.. Range(8, 8, 0), .. Range(32, 16, 0)], 0).Status.ShouldBe(Ok);
        Request(bench, WriteZeroes, 0, Range(64, 2, 1), 0).Status.ShouldBe(Ok);
        Request(bench, WriteZeroes, 0, Range(64, 2, 0), 0).Status.ShouldBe(Ok);
        _disk.Ranges.ShouldBe([(8 * 512, 8 * 512, null), (32 * 512, 16 * 512, null), (64 * 512, 1024, true), (64 * 512, 1024, false)]);
        Request(bench, Discard, 0, Range(8, 8, 1), 0).Status.ShouldBe(Unsupported, "no unmap flag in a discard");
        Request(bench, WriteZeroes, 0, Range(8, 8, 2), 0).Status.ShouldBe(Unsupported);
        Request(bench, Discard, 0, Range((ulong)Size / Sector, 1, 0), 0).Status.ShouldBe(Error);
        Request(bench, Discard, 0, Range(ulong.MaxValue, uint.MaxValue, 0), 0).Status.ShouldBe(Error);
        Request(bench, Discard, 0, new byte[15], 0).Status.ShouldBe(Error);
        Request(bench, Discard, 0, [], 0).Status.ShouldBe(Error);
        Request(bench, Discard, 0, [.. Enumerable.Range(0, 17).SelectMany(static _ => Range(0, 1, 0))], 0).Status.ShouldBe(Error);
        _disk.Ranges.Count.ShouldBe(4);
    }

    [Fact]
    public void Without_the_flush_feature_every_write_is_flushed()
    {
        DeviceBench bench = Make(VirtioFeatures.Version1);
        Request(bench, Out, 0, new byte[512], 0).Status.ShouldBe(Ok);
        _disk.Flushes.ShouldBe(1);
        bench.Driver.Bring(Split);
        Request(bench, Out, 0, new byte[512], 0).Status.ShouldBe(Ok);
        _disk.Flushes.ShouldBe(1);
        Request(bench, Flush, 0, [], 0).Status.ShouldBe(Ok);
        _disk.Flushes.ShouldBe(2);
    }

    [Fact]
    public void A_disk_that_grows_tells_the_guest()
    {
        DeviceBench bench = Make(Split);
        ulong generation = bench.Transport.Read(0x15, 1);
        bench.Transport.Write(0x10, 2, 0);
        bench.Host.Messages.Clear();
        _disk.Resize(2 * Size);
        ((BlockDevice)bench.Device).CapacityChanged();
        bench.Host.Messages.ShouldBe([0]);
        Config(bench, 0, 8).ShouldBe(2ul * Size / Sector);
        bench.Transport.Read(0x15, 1).ShouldNotBe(generation);
        Request(bench, Out, (ulong)Size / Sector, new byte[512], 0).Status.ShouldBe(Ok);
    }

    [Theory]
    [InlineData(Split)]
    [InlineData(Packed)]
    public void Requests_overtake_a_slow_one_and_a_reset_waits_for_it(ulong features)
    {
        DeviceBench bench = Make(features);
        _disk.Gate.Reset();
        for (int i = 0; i < 4; i++) Send(bench, In, (ulong)i, 512);
        bench.Driver.Ring(0);
        DeviceBench.Until(() => Volatile.Read(ref _disk.Reading) >= 2);
        bench.Transport.Write(0x14, 1, 0);
        bench.Driver.Status.ShouldNotBe(VirtioStatus.None, "requests are still in flight");
        _disk.Gate.Set();
        DeviceBench.Until(() => bench.Driver.Status == VirtioStatus.None);
        Volatile.Read(ref _disk.Reading).ShouldBe(0);
        bench.Driver.Bring(features);
        Request(bench, In, 0, [], 512).Status.ShouldBe(Ok);
    }

    [Fact]
    public void More_requests_than_may_be_in_flight_are_all_done()
    {
        DeviceBench bench = Make(Packed);
        var sent = new HashSet<int>();
        for (int round = 0; round < 20; round++)
        {
            for (int i = 0; i < 64; i++) sent.Add(Send(bench, In, (ulong)i, 512));
            bench.Driver.Ring(0);
            while (sent.Count > 0) sent.Remove(bench.Driver.Await(0, DeviceBench.Patience).ShouldNotBeNull().Token).ShouldBeTrue();
        }
    }

    [Fact]
    public void A_request_without_a_status_or_header_breaks_the_device_only()
    {
        DeviceBench bench = Make(Split);
        bench.Driver.Send(0, bench.Driver.Fill(Header(In, 0)));
        DeviceBench.Until(() => bench.Driver.Status.HasFlag(VirtioStatus.NeedsReset));
        bench.Driver.Bring(Split);
        bench.Driver.Send(0, bench.Driver.Fill([1, 2, 3]), bench.Driver.Room(1));
        DeviceBench.Until(() => bench.Driver.Status.HasFlag(VirtioStatus.NeedsReset));
        bench.Driver.Bring(Split);
        bench.Driver.Send(0, bench.Driver.Fill(Header(In, 0)), new DriverBuffer(1UL << 45, 512, true), bench.Driver.Room(1));
        DeviceBench.Until(() => bench.Driver.Status.HasFlag(VirtioStatus.NeedsReset));
        bench.Driver.Bring(Split);
        Request(bench, In, 0, [], 512).Status.ShouldBe(Ok);
    }

    [Fact]
    public void Requests_allocate_nothing_once_the_device_is_warm()
    {
        DeviceBench bench = Make(Split);
        // The fake bus keeps messages, which takes memory; lines it does not count.
        bench.Host.MessagesEnabled = false;
        DriverBuffer header = bench.Driver.Fill(Header(In, 1)), data = bench.Driver.Room(4096), status = bench.Driver.Room(1);
        Round(50);
        // Requests that come alone are done on the worker's thread.
        long before = _disk.Allocated;
        Round(500);
        (_disk.Allocated - before).ShouldBe(0);

        void Round(int times)
        {
            for (int i = 0; i < times; i++)
            {
                bench.Driver.Send(0, header, data, status);
                while (!bench.Driver[0].TryTakeUsed(out _, out _)) Thread.Yield();
            }
        }
    }

    [Fact]
    public void Random_requests_never_harm_the_host()
    {
        DeviceBench bench = Make(Split);
        var random = new Random(4);
        byte[] noise = new byte[64];
        ulong place = bench.Driver.Take(4096, 4096);
        for (int i = 0; i < 400; i++)
        {
            random.NextBytes(noise);
            noise[0] = (byte)random.Next(16);
            noise.AsSpan(1, 7).Clear();
            if (random.Next(2) == 0) noise.AsSpan(9, 7).Clear();
            bench.Memory.TryWrite(place, noise);
            DriverBuffer[] parts =
            [
                new(place, (uint)random.Next(40), false),
                new(place + 64, (uint)random.Next(3) * 512, random.Next(2) == 0),
                new(place + 2048, (uint)random.Next(3), true),
            ];
            bench.Driver.Send(0, parts);
            DeviceBench.Until(() => bench.Driver[0].TryTakeUsed(out _, out _) || bench.Driver.Status.HasFlag(VirtioStatus.NeedsReset));
            if (bench.Driver.Status.HasFlag(VirtioStatus.NeedsReset)) Bring();
        }

        void Bring()
        {
            // The driver's stretch would be used up: the queue goes where it was.
            bench.Dispose();
            _benches.Remove(bench);
            bench = Make(Split);
            place = bench.Driver.Take(4096, 4096);
        }
    }

    public void Dispose()
    {
        _disk.Gate.Set();
        foreach (DeviceBench bench in _benches) bench.Dispose();
    }

    private DeviceBench Make(ulong features, BlockSettings? settings = null)
    {
        var bench = new DeviceBench(new BlockDevice(_disk, settings ?? new BlockSettings()));
        _benches.Add(bench);
        bench.Driver.Bring(features);
        return bench;
    }

    private static byte[] Header(uint type, ulong sector)
    {
        byte[] header = new byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(header, type);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(8), sector);
        return header;
    }

    private static byte[] Range(ulong sector, uint count, uint flags)
    {
        byte[] range = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(range, sector);
        BinaryPrimitives.WriteUInt32LittleEndian(range.AsSpan(8), count);
        BinaryPrimitives.WriteUInt32LittleEndian(range.AsSpan(12), flags);
        return range;
    }

    private static ulong Config(DeviceBench bench, int offset, int size) => bench.Transport.Read(0x2000 + (ulong)offset, size);

    private static int Send(DeviceBench bench, uint type, ulong sector, uint room) =>
        bench.Driver[0].Add([bench.Driver.Fill(Header(type, sector)), bench.Driver.Room(room), bench.Driver.Room(1)]);

    private static (byte Status, byte[] Data, uint Written) Request(DeviceBench bench, uint type, ulong sector, byte[] sent, uint room)
    {
        // Two parts where there is something to cut: the device must not care.
        List<DriverBuffer> parts = [bench.Driver.Fill(Header(type, sector))];
        if (sent.Length > 1)
        {
            DriverBuffer whole = bench.Driver.Fill(sent);
            uint cut = whole.Length / 3;
            parts.Add(whole with { Length = cut });
            parts.Add(new DriverBuffer(whole.Address + cut, whole.Length - cut, false));
        }
        else if (sent.Length == 1)
        {
            parts.Add(bench.Driver.Fill(sent));
        }
        DriverBuffer data = bench.Driver.Room(room), status = bench.Driver.Room(1);
        if (room > 0) parts.Add(data);
        parts.Add(status);
        bench.Memory.TryWrite(status.Address, (byte)0xEE);
        uint written = bench.Exchange(0, [.. parts]);
        return (bench.Driver.Read(status)[0], bench.Driver.Read(data), written);
    }
}
