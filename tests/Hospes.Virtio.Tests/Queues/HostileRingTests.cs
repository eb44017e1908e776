using Hospes.Virtio.Testing;

namespace Hospes.Virtio.Tests.Queues;

/// <summary>A driver that does what virtio 1.2 forbids breaks its queue, and nothing else.</summary>
public sealed class HostileRingTests : IDisposable
{
    private const ulong Area = 0x10000, Data = 0x100000, Table = 0x80000, Outside = 1UL << 40;
    private const ushort Next = 1, Write = 2, Indirect = 4;

    private readonly GuestBench _bench = new();
    private readonly List<QueueFault> _faults = [];

    [Fact]
    public void Split_loop() => Split(queue =>
    {
        Descriptor(queue.Descriptors, 0, Data, 4, Next, 1);
        Descriptor(queue.Descriptors, 1, Data, 4, Next, 0);
    }).ShouldBe(QueueFault.ChainTooLong);

    [Fact]
    public void Split_next_beyond_the_queue() => Split(queue => Descriptor(queue.Descriptors, 0, Data, 4, Next, 8)).ShouldBe(QueueFault.BadDescriptor);

    [Fact]
    public void Split_head_beyond_the_queue() => Split(queue => Store(queue.DriverArea + 4, (ushort)9)).ShouldBe(QueueFault.BadDescriptor);

    [Fact]
    public void Split_index_jump() => Split(queue => Store(queue.DriverArea + 2, (ushort)9)).ShouldBe(QueueFault.IndexJump);

    [Fact]
    public void Split_index_runs_back()
    {
        (DriverQueue driver, VirtQueue device) = Make(8, 0);
        for (int i = 0; i < 3; i++) driver.Add([new(Data, 4, false)]);
        while (device.TryTake(out _))
        {
        }
        Store(driver.DriverArea + 2, (ushort)1);
        device.HasMore.ShouldBeTrue("there is a fault to find");
        device.TryTake(out _).ShouldBeFalse();
        device.Fault.ShouldBe(QueueFault.IndexJump);
    }

    [Fact]
    public void Split_more_in_flight_than_the_queue_holds()
    {
        (DriverQueue driver, VirtQueue device) = Make(4, 0);
        Descriptor(driver.Descriptors, 0, Data, 4, 0, 0);
        for (ushort index = 1; index <= 4; index++)
        {
            Store(driver.DriverArea + 2, index);
            device.TryTake(out _).ShouldBeTrue();
        }
        Store(driver.DriverArea + 2, (ushort)5);
        device.TryTake(out _).ShouldBeFalse();
        device.Fault.ShouldBe(QueueFault.IndexJump);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(VirtioFeatures.PackedRing)]
    public void A_readable_part_behind_a_writable_one(ulong features)
    {
        (DriverQueue driver, VirtQueue device) = Make(8, features);
        driver.Add([new(Data, 4, true), new(Data, 4, false)]);
        device.TryTake(out _).ShouldBeFalse();
        device.Fault.ShouldBe(QueueFault.WritableBeforeReadable);
        _faults.ShouldBe([QueueFault.WritableBeforeReadable]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(VirtioFeatures.PackedRing)]
    public void A_buffer_outside_memory(ulong features)
    {
        (DriverQueue driver, VirtQueue device) = Make(8, features);
        driver.Add([new(Outside, 4, false), new(Outside, 4, true)]);
        device.TryTake(out DescriptorChain? chain).ShouldBeTrue();
        chain!.Read(0, new byte[4]).ShouldBeFalse();
        chain.Write(0, new byte[4]).ShouldBeFalse();
        device.Fault.ShouldBe(QueueFault.BadAddress);
        device.Complete(chain, 4);
        device.WantsInterrupt().ShouldBeFalse();
        driver.TryTakeUsed(out _, out _).ShouldBeFalse("a broken queue gives nothing back");
        _faults.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(VirtioFeatures.PackedRing)]
    public void A_buffer_that_wraps_around_the_address_space(ulong features)
    {
        (DriverQueue driver, VirtQueue device) = Make(8, features);
        driver.Add([new(ulong.MaxValue - 2, 8, false)]);
        device.TryTake(out _).ShouldBeFalse();
        device.Fault.ShouldBe(QueueFault.BadAddress);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(VirtioFeatures.PackedRing)]
    public void More_than_4_GiB_in_a_chain(ulong features)
    {
        (DriverQueue driver, VirtQueue device) = Make(8, features);
        driver.Add([new(Data, uint.MaxValue, false), new(Data, 1, true)]);
        device.TryTake(out _).ShouldBeFalse();
        device.Fault.ShouldBe(QueueFault.ChainTooLarge);
    }

    [Theory]
    [InlineData(0, 0u, (ushort)Indirect)]
    [InlineData(0, 24u, (ushort)Indirect)]
    [InlineData(0, 16u * 1025, (ushort)Indirect)]
    [InlineData(0, 16u, (ushort)(Indirect | Next))]
    [InlineData(VirtioFeatures.PackedRing, 0u, (ushort)Indirect)]
    [InlineData(VirtioFeatures.PackedRing, 24u, (ushort)Indirect)]
    [InlineData(VirtioFeatures.PackedRing, 16u * 1025, (ushort)Indirect)]
    [InlineData(VirtioFeatures.PackedRing, 16u, (ushort)(Indirect | Next))]
    public void Bad_tables(ulong features, uint length, ushort flags)
    {
        (DriverQueue driver, VirtQueue device) = Make(8, features | VirtioFeatures.IndirectDescriptors);
        driver.Add([new(Data, 4, false)]);
        if (features == 0) Descriptor(driver.Descriptors, 0, Table, length, flags, 0);
        else Store(driver.Descriptors + 8, length | (ulong)(flags | 1 << 7) << 48);
        device.TryTake(out _).ShouldBeFalse();
        device.Fault.ShouldBe(QueueFault.BadIndirect);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(VirtioFeatures.PackedRing)]
    public void A_table_without_the_feature_or_inside_a_table(ulong features)
    {
        foreach (ulong agreed in (ulong[])[features, features | VirtioFeatures.IndirectDescriptors])
        {
            (DriverQueue driver, VirtQueue device) = Make(8, agreed);
            driver.Add([new(Data, 4, false)], Table);
            int flagsAt = features == 0 ? 12 : 14;
            Store(Table + (ulong)flagsAt, Indirect);
            device.TryTake(out _).ShouldBeFalse();
            device.Fault.ShouldBe(QueueFault.BadIndirect);
        }
    }

    [Fact]
    public void Packed_chain_without_end()
    {
        (DriverQueue driver, VirtQueue device) = Make(4, VirtioFeatures.PackedRing);
        for (int i = 0; i < 4; i++)
        {
            Store(driver.Descriptors + (ulong)i * 16, Data);
            Store(driver.Descriptors + (ulong)i * 16 + 8, 4 | (ulong)(Next | 1 << 7) << 48);
        }
        device.TryTake(out _).ShouldBeFalse();
        device.Fault.ShouldBe(QueueFault.ChainTooLong);
    }

    [Theory]
    [InlineData(0, 0ul, QueueFault.BadSize)]
    [InlineData(2048, 0ul, QueueFault.BadSize)]
    [InlineData(6, 0ul, QueueFault.BadSize)]
    [InlineData(6, VirtioFeatures.PackedRing, QueueFault.None)]
    public void Bad_sizes(int size, ulong features, QueueFault expected)
    {
        VirtQueue.TryCreate(_bench.Memory, new QueueSetup(size, Area, Area + 0x8000, Area + 0x10000, features), static _ => { }, out QueueFault fault);
        fault.ShouldBe(expected);
    }

    [Theory]
    [InlineData(8, 0, 0, 0ul)]
    [InlineData(0, 1, 0, 0ul)]
    [InlineData(0, 0, 2, 0ul)]
    [InlineData(0, 2, 0, VirtioFeatures.PackedRing)]
    public void Misaligned_parts(int descriptors, int driver, int device, ulong features)
    {
        var setup = new QueueSetup(8, Area + (ulong)descriptors, Area + 0x8000 + (ulong)driver, Area + 0x10000 + (ulong)device, features);
        VirtQueue.TryCreate(_bench.Memory, setup, static _ => { }, out QueueFault fault).ShouldBeNull();
        fault.ShouldBe(QueueFault.Misaligned);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(VirtioFeatures.EventIndex)]
    [InlineData(VirtioFeatures.PackedRing)]
    [InlineData(VirtioFeatures.PackedRing | VirtioFeatures.EventIndex)]
    public void A_queue_outside_memory_breaks_at_first_use(ulong features)
    {
        foreach (Action<VirtQueue> use in (Action<VirtQueue>[])[q => q.TryTake(out _), q => q.StartNotifications(), q => _ = q.HasMore && q.TryTake(out _), q => q.WantsInterrupt()])
        {
            VirtQueue device = VirtQueue.TryCreate(_bench.Memory, new QueueSetup(8, Outside, Outside + 4096, Outside + 8192, features), static _ => { }, out _)!;
            use(device);
            device.Fault.ShouldBe(QueueFault.BadAddress);
        }
    }

    [Fact]
    public void Random_rings_never_throw()
    {
        var random = new Random(11);
        byte[] noise = new byte[2048], some = new byte[64];
        for (int round = 0; round < 5_000; round++)
        {
            ulong features = (random.Next(2) == 0 ? VirtioFeatures.PackedRing : 0) | (random.Next(2) == 0 ? VirtioFeatures.EventIndex : 0)
                | (random.Next(2) == 0 ? VirtioFeatures.IndirectDescriptors : 0);
            random.NextBytes(noise);
            // Half of the bytes are small, so that addresses, numbers and lengths are often good.
            for (int i = 0; i < noise.Length; i++) noise[i] = i % 8 is 2 or 4 or 5 or 6 or 7 && random.Next(4) != 0 ? (byte)0 : random.Next(3) == 0 ? noise[i] : (byte)(noise[i] & 7);
            _bench.Memory.TryWrite(0, noise);
            var setup = new QueueSetup(8, 0, 0x80, 0x100, features);
            VirtQueue? device = VirtQueue.TryCreate(_bench.Memory, setup, static _ => { }, out _);
            for (int i = 0; i < 20 && device!.TryTake(out DescriptorChain? chain); i++)
            {
                int count = (int)Math.Min(64, Math.Min(chain.ReadableBytes, chain.WritableBytes));
                chain.Read(0, some.AsSpan(0, count));
                chain.Write(0, some.AsSpan(0, count));
                device.Complete(chain, (uint)count);
                device.WantsInterrupt();
                device.StartNotifications();
            }
        }
    }

    public void Dispose() => _bench.Dispose();

    private QueueFault Split(Action<DriverQueue> harm)
    {
        (DriverQueue driver, VirtQueue device) = Make(8, 0);
        driver.Add([new(Data, 4, false)]);
        harm(driver);
        device.TryTake(out _).ShouldBeFalse();
        device.TryTake(out _).ShouldBeFalse("once broken, always broken");
        _faults.Count.ShouldBe(1);
        return device.Fault;
    }

    private (DriverQueue Driver, VirtQueue Device) Make(int size, ulong features)
    {
        _bench.Memory.TryFill(Area, DriverQueue.Bytes(size), 0).ShouldBeTrue();
        var driver = DriverQueue.Create(_bench.Memory, Area, size, features);
        var setup = new QueueSetup(size, driver.Descriptors, driver.DriverArea, driver.DeviceArea, features);
        return (driver, VirtQueue.TryCreate(_bench.Memory, setup, _faults.Add, out _)!);
    }

    private void Descriptor(ulong table, int index, ulong address, uint length, ushort flags, ushort next)
    {
        Store(table + (ulong)index * 16, address);
        Store(table + (ulong)index * 16 + 8, length | (ulong)flags << 32 | (ulong)next << 48);
    }

    private void Store<T>(ulong address, T value)
        where T : unmanaged => _bench.Memory.TryWrite(address, value).ShouldBeTrue();
}
