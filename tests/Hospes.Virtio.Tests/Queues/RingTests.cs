using System.Buffers.Binary;
using Hospes.Virtio.Testing;

namespace Hospes.Virtio.Tests.Queues;

/// <summary>Both layouts, with and without event indexes: what a driver puts in comes out, in order and once (virtio 1.2, 2.7 and 2.8).</summary>
public sealed class RingTests : IDisposable
{
    private const ulong Area = 0x10000, Data = 0x100000, Table = 0x80000;

    private readonly GuestBench _bench = new();

    public static TheoryData<ulong> Layouts => new(
        0,
        VirtioFeatures.EventIndex,
        VirtioFeatures.PackedRing,
        VirtioFeatures.PackedRing | VirtioFeatures.EventIndex);

    [Theory]
    [MemberData(nameof(Layouts))]
    public void What_goes_in_comes_out(ulong features)
    {
        (DriverQueue driver, VirtQueue device) = Make(features, 8);
        for (int round = 0; round < 100; round++)
        {
            byte[] bytes = [.. Enumerable.Range(round, 40).Select(static i => (byte)i)];
            _bench.Memory.TryWrite(Data, bytes).ShouldBeTrue();
            int token = driver.Add([new(Data, 10, false), new(Data + 10, 30, false), new(Data + 4096, 5, true), new(Data + 8192, 7, true)]);
            token.ShouldBeGreaterThanOrEqualTo(0);
            device.HasMore.ShouldBeTrue();
            device.TryTake(out DescriptorChain? chain).ShouldBeTrue();
            device.HasMore.ShouldBeFalse();
            (chain!.ReadableBytes, chain.WritableBytes).ShouldBe((40u, 12u));
            byte[] read = new byte[25];
            chain.Read(8, read).ShouldBeTrue();
            read.ShouldBe(bytes[8..33]);
            chain.Write(3, [1, 2, 3, 4, (byte)round]).ShouldBeTrue();
            device.Complete(chain, 12);
            driver.TryTakeUsed(out int used, out uint written).ShouldBeTrue();
            (used, written).ShouldBe((token, 12u));
            byte[] back = new byte[3];
            _bench.Memory.TryRead(Data + 8192, back).ShouldBeTrue();
            back.ShouldBe([3, 4, (byte)round]);
            driver.TryTakeUsed(out _, out _).ShouldBeFalse();
        }
        device.Fault.ShouldBe(QueueFault.None);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Buffers_may_come_back_in_any_order_over_many_rounds(ulong features)
    {
        (DriverQueue driver, VirtQueue device) = Make(features, 16);
        var random = new Random(7);
        var held = new List<DescriptorChain>();
        var sent = new Dictionary<int, uint>();
        uint stamp = 0;
        for (int step = 0; step < 5000; step++)
        {
            int parts = random.Next(1, 4);
            DriverBuffer[] buffer = [.. Enumerable.Range(0, parts).Select(i => new DriverBuffer(Data + stamp % 1000 * 16 + (ulong)i * 4, 4, i > 0))];
            int token = driver.Add(buffer);
            if (token >= 0)
            {
                _bench.Memory.TryWrite(buffer[0].Address, ++stamp);
                sent.ContainsKey(token).ShouldBeFalse("a number in use twice");
                sent[token] = (uint)parts;
            }
            if (random.Next(2) == 0 && device.TryTake(out DescriptorChain? taken)) held.Add(taken);
            if (held.Count > 0 && random.Next(2) == 0)
            {
                DescriptorChain chain = held[random.Next(held.Count)];
                held.Remove(chain);
                device.Complete(chain, chain.WritableBytes);
            }
            while (driver.TryTakeUsed(out int used, out uint written))
            {
                sent.Remove(used, out uint expected).ShouldBeTrue();
                written.ShouldBe((expected - 1) * 4);
            }
        }
        device.Fault.ShouldBe(QueueFault.None);
        stamp.ShouldBeGreaterThan(500u);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Indirect_tables_are_followed(ulong features)
    {
        (DriverQueue driver, VirtQueue device) = Make(features | VirtioFeatures.IndirectDescriptors, 4);
        DriverBuffer[] parts = [.. Enumerable.Range(0, 64).Select(static i => new DriverBuffer(Data + (ulong)i * 8, 8, i >= 32))];
        for (int round = 0; round < 20; round++)
        {
            int token = driver.Add(parts, Table);
            device.TryTake(out DescriptorChain? chain).ShouldBeTrue();
            (chain!.ReadableBytes, chain.WritableBytes).ShouldBe((256u, 256u));
            chain.Write(248, [1, 2, 3, 4, 5, 6, 7, 8]).ShouldBeTrue();
            device.Complete(chain, 256);
            driver.TryTakeUsed(out int used, out uint written).ShouldBeTrue();
            (used, written).ShouldBe((token, 256u));
        }
        _bench.Memory.TryRead(Data + 63 * 8, out ulong last).ShouldBeTrue();
        last.ShouldBe(BinaryPrimitives.ReadUInt64LittleEndian([1, 2, 3, 4, 5, 6, 7, 8]));
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void A_returned_buffer_is_taken_again(ulong features)
    {
        (DriverQueue driver, VirtQueue device) = Make(features, 3 + 1);
        for (int round = 0; round < 9; round++)
        {
            driver.Add([new(Data, 4, false), new(Data + 8, (uint)round + 1, true)]);
            device.TryTake(out DescriptorChain? chain).ShouldBeTrue();
            device.Return(chain!);
            device.TryTake(out chain).ShouldBeTrue();
            chain!.WritableBytes.ShouldBe((uint)round + 1);
            device.Complete(chain, 1);
            driver.TryTakeUsed(out _, out _).ShouldBeTrue();
        }
        device.Fault.ShouldBe(QueueFault.None);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Interrupts_and_notifications_come_when_they_are_wanted(ulong features)
    {
        (DriverQueue driver, VirtQueue device) = Make(features, 8);
        bool events = (features & VirtioFeatures.EventIndex) != 0;
        for (int round = 0; round < 30; round++)
        {
            driver.SetInterrupts(true);
            device.StartNotifications().ShouldBeFalse();
            driver.Add([new(Data, 4, true)]);
            driver.NeedsNotification().ShouldBeTrue($"round {round}");
            device.StopNotifications();
            driver.Add([new(Data, 4, true)]);
            driver.NeedsNotification().ShouldBeFalse($"round {round}");
            device.StartNotifications().ShouldBeTrue("two came meanwhile");
            device.WantsInterrupt().ShouldBeFalse("nothing was given back");
            for (int i = 0; i < 2; i++)
            {
                device.TryTake(out DescriptorChain? chain).ShouldBeTrue();
                device.Complete(chain!, 4);
                // With an event index only the first one is waited for.
                device.WantsInterrupt().ShouldBe(i == 0 || !events, $"round {round}, buffer {i}");
            }
            driver.SetInterrupts(false);
            while (driver.TryTakeUsed(out _, out _))
            {
            }
            driver.Add([new(Data, 4, true)]);
            device.TryTake(out DescriptorChain? quiet).ShouldBeTrue();
            device.Complete(quiet!, 4);
            device.WantsInterrupt().ShouldBeFalse($"round {round}: the driver wants none");
            driver.TryTakeUsed(out _, out _).ShouldBeTrue();
        }
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void A_request_allocates_nothing(ulong features)
    {
        (DriverQueue driver, VirtQueue device) = Make(features, 8);
        byte[] bytes = new byte[64];
        // What the runtime allocates once, as it compiles a method again, falls into one of the rounds; what a request allocates, into all.
        long least = long.MaxValue;
        for (int round = 0; round < 5 && least != 0; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Round(1000);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        least.ShouldBe(0);

        void Round(int times)
        {
            for (int i = 0; i < times; i++)
            {
                driver.Add([new(Data, 64, false), new(Data + 64, 64, true)]);
                device.StopNotifications();
                if (!device.TryTake(out DescriptorChain? chain)) throw new InvalidOperationException();
                chain.Read(0, bytes);
                chain.Write(0, bytes);
                device.Complete(chain, 64);
                device.WantsInterrupt();
                device.StartNotifications();
                driver.TryTakeUsed(out _, out _);
            }
        }
    }

    public void Dispose() => _bench.Dispose();

    private (DriverQueue Driver, VirtQueue Device) Make(ulong features, int size)
    {
        var driver = DriverQueue.Create(_bench.Memory, Area, size, features);
        var setup = new QueueSetup(size, driver.Descriptors, driver.DriverArea, driver.DeviceArea, features);
        VirtQueue? device = VirtQueue.TryCreate(_bench.Memory, setup, static _ => { }, out QueueFault fault);
        fault.ShouldBe(QueueFault.None);
        return (driver, device!);
    }
}
