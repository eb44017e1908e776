using System.Buffers.Binary;
using Hospes.Virtio.Testing;

namespace Hospes.Virtio.Tests.Devices;

using static BalloonLayout;

/// <summary>The memory balloon (virtio 1.2, 5.5) behind a driver.</summary>
public sealed class BalloonDeviceTests : IDisposable
{
    private const ulong Common = VirtioFeatures.Version1 | StatisticsQueue | DeflateOnOom, Filled = 64 << 20;

    private readonly BalloonDevice _device = new(new BalloonSettings(ReportsFreePages: true, DeflatesOnOom: true));
    private readonly DeviceBench _bench;

    public BalloonDeviceTests()
    {
        _bench = new DeviceBench(_device);
        _bench.Memory.TryFill(Filled, 32 << 20, 0xAA).ShouldBeTrue();
    }

    private VirtioDriver Driver => _bench.Driver;

    [Theory]
    [InlineData(VirtioFeatures.Version1)]
    [InlineData(VirtioFeatures.Version1 | VirtioFeatures.PackedRing)]
    public void Pages_that_are_given_lose_their_memory_and_no_others_do(ulong features)
    {
        Driver.Bring(features);
        uint first = (uint)(Filled >> PageShift);
        Exchange(Inflate, first + 7, first + 2, first + 3, first + 1, first + 3);
        Page(0).ShouldBe(0xAA);
        for (uint page = 1; page <= 3; page++) Page(page).ShouldBe(0);
        Page(4).ShouldBe(0xAA);
        Page(7).ShouldBe(0);
        Exchange(Deflate, first + 7, first + 2, first + 3, first + 1);
    }

    [Fact]
    public void Numbers_that_are_no_memory_are_passed_over()
    {
        Driver.Bring(Common);
        Exchange(Inflate, uint.MaxValue, uint.MaxValue - 1, (uint)(GuestBench.MemorySize >> PageShift), (uint)(Filled >> PageShift), (uint)(GuestBench.MemorySize >> PageShift) - 1);
        Page(0).ShouldBe(0);
        Page(1).ShouldBe(0xAA);
        // Taking back what was never given is no matter either.
        Exchange(Deflate, uint.MaxValue, 0, 1, 2);
        Driver.Status.HasFlag(VirtioStatus.NeedsReset).ShouldBeFalse();
    }

    [Fact]
    public void A_buffer_of_odd_length_or_outside_memory_is_contained()
    {
        Driver.Bring(Common);
        _bench.Exchange(Inflate, Driver.Fill([1, 2, 3])).ShouldBe(0u);
        _bench.Exchange(Inflate, Driver.Room(64)).ShouldBe(0u);
        Driver.Send(Inflate, new DriverBuffer(GuestBench.MemorySize + 4096, 1024, IsWritable: false));
        DeviceBench.Until(() => Driver.Status.HasFlag(VirtioStatus.NeedsReset));
        Driver.Bring(Common);
        Exchange(Inflate, (uint)(Filled >> PageShift));
        Page(0).ShouldBe(0);
    }

    [Theory]
    [InlineData(Reporting, true)]
    [InlineData(Statistics + 1, true)]
    [InlineData(Statistics, false)]
    public void Reported_pages_lose_their_memory_however_the_driver_numbers_its_queues(int queue, bool hasStatistics)
    {
        BringReporting(queue, hasStatistics);
        // Two parts; of the second only whole pages count.
        _bench.Exchange(queue, new DriverBuffer(Filled, 4096 * 4, true), new DriverBuffer(Filled + 4096 * 8 - 100, 4096 * 2, true)).ShouldBe(0u);
        for (uint page = 0; page < 4; page++) Page(page).ShouldBe(0);
        for (uint page = 4; page < 8; page++) Page(page).ShouldBe(0xAA);
        Page(8).ShouldBe(0);
        Page(9).ShouldBe(0xAA);
    }

    [Fact]
    public void Reports_outside_memory_do_nothing()
    {
        BringReporting(Reporting, hasStatistics: true);
        _bench.Exchange(
            Reporting, new DriverBuffer(ulong.MaxValue - 8, 8, true), new DriverBuffer(GuestBench.MemorySize, 1 << 20, true), new DriverBuffer(Filled + (32 << 20), 4096, true),
            new DriverBuffer(GuestBench.MemorySize - 4096, 8192, true));
        _bench.Exchange(Reporting, new DriverBuffer(GuestBench.MemorySize, uint.MaxValue, true)).ShouldBe(0u);
        Page(0).ShouldBe(0xAA);
        Driver.Status.HasFlag(VirtioStatus.NeedsReset).ShouldBeFalse();
    }

    [Fact]
    public void Reported_pages_keep_what_the_driver_wants_to_find_in_them()
    {
        Driver.Reset();
        Driver.Negotiate(Common | PageReporting | PagePoison).ShouldBeTrue();
        WriteConfig(PoisonValue, 0xAAAAAAAA);
        for (int queue = 0; queue < Queues; queue++) Driver.SetUpQueue(queue, 0, (ushort)(queue + 1));
        Driver.Start();
        _bench.Exchange(Reporting, new DriverBuffer(Filled, 4096, true));
        Page(0).ShouldBe(0xAA);
    }

    [Fact]
    public void The_target_reaches_the_driver_and_what_it_gives_is_told()
    {
        var told = new List<uint>();
        _device.ActualChanged = told.Add;
        Driver.Bring(Common);
        int before = _bench.Host.Messages.Count;
        _device.SetTarget(1234);
        DeviceBench.Until(() => _bench.Transport.Read(VirtioPciLayout.DeviceConfig + TargetPages, 4) == 1234);
        // A device that runs for certain.
        Exchange(Deflate, 1);
        WriteConfig(ActualPages, 1000);
        WriteConfig(ActualPages, 1000);
        WriteConfig(ActualPages, uint.MaxValue);
        _device.Actual.ShouldBe(uint.MaxValue);
        // What is not a whole field, or not the driver's, is passed over.
        _bench.Transport.Write(VirtioPciLayout.DeviceConfig + ActualPages, 2, 7);
        _bench.Transport.Write(VirtioPciLayout.DeviceConfig + ActualPages + 1, 4, 7);
        WriteConfig(TargetPages, 7);
        _bench.Transport.Read(VirtioPciLayout.DeviceConfig + TargetPages, 4).ShouldBe(1234u);
        Driver.Reset();
        string.Join(' ', told).ShouldBe($"1000 {uint.MaxValue} 0");
    }

    [Fact]
    public void Statistics_come_when_they_are_asked_for()
    {
        Driver.Bring(Common);
        ulong[] seen = new ulong[10];
        int token = Driver.Send(Statistics, Tell((4, 100), (5, 200), (9, 300), (999, 1)));
        DeviceBench.Until(() => Seen(4) == 100);
        (Seen(0), Seen(5), Seen(9)).ShouldBe((ulong.MaxValue, 200u, 300u));
        Driver[Statistics].TryTakeUsed(out _, out _).ShouldBeFalse();
        _device.RequestStatistics();
        Driver.Await(Statistics, DeviceBench.Patience).ShouldBe((token, 0u));
        Driver.Send(Statistics, Tell((0, 5)));
        DeviceBench.Until(() => Seen(0) == 5);
        Seen(4).ShouldBe(ulong.MaxValue);
        // A driver that sends unasked gets the earlier buffer back.
        Driver.Send(Statistics, Tell((1, 6)));
        Driver.Await(Statistics, DeviceBench.Patience).ShouldNotBeNull();
        _device.RequestStatistics();
        Driver.Await(Statistics, DeviceBench.Patience).ShouldNotBeNull();
        Seen(1).ShouldBe(6u);
        Driver.Reset();
        _device.RequestStatistics();

        ulong Seen(int tag)
        {
            _device.ReadStatistics(seen);
            return seen[tag];
        }
    }

    [Fact]
    public void A_driver_that_writes_whatever_it_likes_stays_in_its_guest()
    {
        var random = new Random(5);
        for (int round = 0; round < 60; round++)
        {
            Driver.Bring(Common | PageReporting | (round % 2 == 0 ? VirtioFeatures.PackedRing : 0), 64);
            for (int i = 0; i < 30; i++)
            {
                byte[] bytes = new byte[random.Next(2000)];
                random.NextBytes(bytes);
                var part = random.Next(4) == 0 ? new DriverBuffer((ulong)random.NextInt64() >> random.Next(60), (uint)random.Next(), random.Next(2) == 0) : Driver.Fill(bytes);
                if (part.Length != 0) Driver.Send(random.Next(Queues), part);
                WriteConfig(random.Next(ConfigBytes), (uint)random.Next());
                if (random.Next(5) == 0) _device.RequestStatistics();
            }
        }
    }

    public void Dispose() => _bench.Dispose();

    private void BringReporting(int queue, bool hasStatistics)
    {
        Driver.Reset();
        Driver.Negotiate((hasStatistics ? Common : VirtioFeatures.Version1) | PageReporting).ShouldBeTrue();
        foreach (int at in hasStatistics ? [Inflate, Deflate, Statistics, queue] : (int[])[Inflate, Deflate, queue]) Driver.SetUpQueue(at, 0, (ushort)(at + 1));
        Driver.Start();
    }

    private void Exchange(int queue, params uint[] pages)
    {
        byte[] bytes = new byte[pages.Length * 4];
        for (int i = 0; i < pages.Length; i++) BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(i * 4), pages[i]);
        _bench.Exchange(queue, Driver.Fill(bytes)).ShouldBe(0u);
    }

    private int Page(uint number)
    {
        _bench.Memory.TryRead(Filled + number * 4096 + 17, out byte value).ShouldBeTrue();
        return value;
    }

    private DriverBuffer Tell(params (ushort Tag, ulong Value)[] statistics)
    {
        byte[] bytes = new byte[statistics.Length * StatisticSize];
        for (int i = 0; i < statistics.Length; i++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(i * StatisticSize), statistics[i].Tag);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(i * StatisticSize + 2), statistics[i].Value);
        }
        return Driver.Fill(bytes);
    }

    private void WriteConfig(int offset, uint value) => _bench.Transport.Write(VirtioPciLayout.DeviceConfig + (ulong)offset, 4, value);
}
