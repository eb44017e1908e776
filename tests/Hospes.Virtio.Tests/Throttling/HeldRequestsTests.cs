using System.Buffers.Binary;
using Hospes.Virtio.Testing;

namespace Hospes.Virtio.Tests.Throttling;

/// <summary>A block device whose requests wait for a permit.</summary>
public sealed class HeldRequestsTests : IDisposable
{
    private const ulong Features = VirtioFeatures.Version1 | VirtioFeatures.RingReset;
    private const uint In = 0, Out = 1;

    private readonly ManualClock _time = new();
    private readonly MemoryDisk _disk = new(1 << 20);
    private readonly RequestGate _gate;
    private readonly DeviceBench _bench;

    public HeldRequestsTests()
    {
        _gate = new RequestGate(_time) { Limits = new RequestLimits { WriteOperations = new RateLimit(1) } };
        _bench = new DeviceBench(new BlockDevice(_disk, new BlockSettings { Gate = _gate, Queues = 2 }));
        _bench.Driver.Bring(Features, 64);
    }

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Writes_wait_and_reads_pass_them()
    {
        int[] writes = [.. Enumerable.Range(0, 4).Select(i => Send(Out, i))];
        Await(0).ShouldBe(writes[0]);
        DeviceBench.Until(() => _time.IsAwaited);
        int read = Send(In, 0);
        Await(0).ShouldBe(read);
        for (int i = 1; i < writes.Length; i++)
        {
            DeviceBench.Until(() => _time.IsAwaited);
            _time.Advance(TimeSpan.FromSeconds(1.2));
            Await(0).ShouldBe(writes[i], "in their order");
        }
    }

    [Fact]
    public void Limits_that_are_taken_away_let_all_begin()
    {
        for (int i = 0; i < 10; i++) Send(Out, i);
        Await(0);
        DeviceBench.Until(() => _time.IsAwaited);
        _gate.Limits = new RequestLimits();
        for (int i = 1; i < 10; i++) Await(0);
    }

    [Fact]
    public void A_reset_waits_for_no_permit()
    {
        for (int i = 0; i < 50; i++) Send(Out, i);
        Await(0);
        DeviceBench.Until(() => _time.IsAwaited);
        _bench.Driver.ResetQueue(0);
        _bench.Driver.SetUpQueue(0, 64, 1);
        _bench.Driver.Bring(Features, 64);
        _gate.Limits = new RequestLimits();
        int read = Send(In, 3);
        Await(0).ShouldBe(read);
    }

    [Fact]
    public void Reads_do_not_wait_as_long_as_writes()
    {
        _gate.Limits = new RequestLimits { WriteBytes = new RateLimit(1), ReadOperations = new RateLimit(1) };
        int written = Send(Out, 0);
        Await(0).ShouldBe(written);
        Send(Out, 1);
        int[] reads = [Send(In, 0), Send(In, 1), Send(In, 2)];
        Await(0).ShouldBe(reads[0]);
        foreach (int read in reads[1..])
        {
            DeviceBench.Until(() => _time.Awaited == 2);
            _time.Advance(TimeSpan.FromSeconds(1.2));
            Await(0).ShouldBe(read);
        }
    }

    private int Send(uint type, int sector)
    {
        byte[] header = new byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(header, type);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(8), (ulong)sector);
        return type == Out
            ? _bench.Driver.Send(0, _bench.Driver.Fill(header), _bench.Driver.Fill(new byte[512]), _bench.Driver.Room(1))
            : _bench.Driver.Send(0, _bench.Driver.Fill(header), _bench.Driver.Room(513));
    }

    private int Await(int queue) => _bench.Driver.Await(queue, DeviceBench.Patience).ShouldNotBeNull().Token;
}
