using Hospes.Hypervisor;

namespace Hospes.Machine.Tests;

public sealed class MachineTests
{
    [Fact]
    public void Sleep_control_with_type_5_powers_off()
    {
        using var bench = new Bench();
        bench.Out(0x600, 5 << 2).ShouldBeTrue("the enable bit is missing");
        bench.Out(0x600, 3 << 2 | 0x20).ShouldBeTrue("S3 does not exist");
        bench.Machine.Exit.ShouldBe(default);
        bench.Out(0x600, 5 << 2 | 0x20).ShouldBeFalse();
        bench.Machine.Exit.ShouldBe(new MachineExit(MachineExitKind.PowerOff));
        bench.Machine.Completion.IsCompletedSuccessfully.ShouldBeTrue();
    }

    [Theory]
    [InlineData(0xCF9, 0x06)]
    [InlineData(0x64, 0xFE)]
    [InlineData(0x92, 0x01)]
    public void Each_way_to_reset_resets(int port, uint value)
    {
        using var bench = new Bench();
        bench.Out(port, value).ShouldBeFalse();
        bench.Machine.Exit.Kind.ShouldBe(MachineExitKind.Reset);
    }

    [Theory]
    [InlineData(0xCF9, 0x02)]
    [InlineData(0x64, 0xFF)]
    [InlineData(0x64, 0x60)]
    [InlineData(0x92, 0x02)]
    public void What_is_no_reset_does_not_reset(int port, uint value)
    {
        using var bench = new Bench();
        bench.Out(port, value).ShouldBeTrue();
    }

    [Fact]
    public void Debug_exit_ends_with_the_number()
    {
        using var bench = new Bench();
        bench.Out(0xF4, 0x1234, 4).ShouldBeFalse();
        bench.Machine.Exit.ShouldBe(new MachineExit(MachineExitKind.DebugExit, 0x1234));
    }

    [Fact]
    public void First_end_counts_and_every_processor_stops()
    {
        using var bench = new Bench();
        bench.Handle(new Packet { Kind = PacketKind.Shutdown }).ShouldBeFalse();
        bench.Out(0xF4, 1).ShouldBeFalse();
        bench.In(0x80).ShouldBe(0xFFu);
        bench.Machine.Exit.Kind.ShouldBe(MachineExitKind.TripleFault);
    }

    [Fact]
    public void Panic_notice_ends_the_run_unless_a_crash_kernel_follows()
    {
        using var bench = new Bench();
        bench.In(0x505).ShouldBe(3u);
        bench.Out(0x505, 2).ShouldBeTrue();
        bench.Out(0x505, 1).ShouldBeFalse();
        bench.Machine.Exit.Kind.ShouldBe(MachineExitKind.GuestPanic);
    }

    [Theory]
    [InlineData(0x80, 1, 0xFFu)]
    [InlineData(0x300, 2, 0xFFFFu)]
    [InlineData(0x300, 4, 0xFFFFFFFFu)]
    [InlineData(0xFFFF, 4, 0xFFFFFFFFu)]
    public void Ports_that_nobody_has_read_as_ones(int port, int size, uint expected)
    {
        using var bench = new Bench();
        bench.Out(port, 0, size).ShouldBeTrue();
        bench.In(port, size).ShouldBe(expected);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public void Memory_that_nobody_has_reads_as_ones(int size)
    {
        using var bench = new Bench();
        bench.Store(0xFD000000, 0, size).ShouldBeTrue();
        bench.Load(0xFD000000, size).ShouldBe(ulong.MaxValue >> (64 - size * 8));
    }

    [Fact]
    public void Wide_access_reaches_neighbouring_byte_ports_one_by_one()
    {
        using var bench = new Bench();
        bench.Out(0x3FB, 0x03, 1);
        bench.Out(0x3FF, 0x5A, 1);
        bench.In(0x3FE, 4).ShouldBe(0xFFFF5AB0u); // modem status, scratch, and two ports behind the device
    }

    [Fact]
    public void Memory_map_covers_memory_without_overlap()
    {
        using var bench = new Bench(new MachineConfig { Memory = 3UL << 30 });
        IReadOnlyList<MemoryMapEntry> map = bench.Machine.MemoryMap;
        for (int i = 1; i < map.Count; i++) map[i].Address.ShouldBeGreaterThanOrEqualTo(map[i - 1].Address + map[i - 1].Size);
        map[0].ShouldBe(new MemoryMapEntry(0, 0xA0000, MemoryKind.Ram));
        map[^1].ShouldBe(new MemoryMapEntry(0xC000000000, 1UL << 30, MemoryKind.Ram));
        map.ShouldContain(new MemoryMapEntry(0x100000, (2UL << 30) - 0x100000, MemoryKind.Ram));
        map.ShouldContain(new MemoryMapEntry(0xE0000000, 256UL << 20, MemoryKind.Reserved));
        ulong described = map.Where(entry => entry.Kind == MemoryKind.Ram).Aggregate(0UL, (sum, entry) => sum + entry.Size);
        described.ShouldBe((3UL << 30) - 0x60000);
    }

    [Fact]
    public void Root_pointer_is_where_the_machine_says()
    {
        using var bench = new Bench();
        var signature = new byte[8];
        bench.Memory.TryRead(bench.Machine.RsdpAddress, signature).ShouldBeTrue();
        signature.ShouldBe("RSD PTR "u8.ToArray());
        MemoryMapEntry place = bench.Machine.MemoryMap.Single(entry => entry.Address <= 0xE0000 && 0xE0000 < entry.Address + entry.Size);
        place.Kind.ShouldBe(MemoryKind.Acpi);
    }

    [Fact]
    public void A_guest_that_has_memory_is_refused()
    {
        using var bench = new Bench();
        PvhMachine.Create(bench.Guest, bench.Machine.Config, bench.Sink, Bench.HostMemory, out PvhMachine? second, out string message)
            .ShouldBe(MachineError.GuestNotEmpty);
        second.ShouldBeNull();
        message.ShouldContain("already has memory");
    }

    [Fact]
    public void A_bad_configuration_is_refused_before_anything_is_mapped()
    {
        using var bench = new Bench();
        PvhMachine.Create(bench.Guest, new MachineConfig { Memory = 0 }, bench.Sink, Bench.HostMemory, out _, out string message)
            .ShouldBe(MachineError.NoMemory);
        message.ShouldContain("512M");
    }

    [Fact]
    public void Dispatch_allocates_nothing()
    {
        using var bench = new Bench();
        bench.Out(0x3FC, 0x0B);
        bench.Out(0x3F9, 0x07);
        bench.Engine.AcceptMessages = false;
        Packet[] packets =
        [
            bench.Io(0x3FD, 1, false, 0), bench.Io(0x3F8, 1, true, 'x'), bench.Io(0x3FA, 1, false, 0), bench.Io(0x80, 1, true, 0),
            bench.Io(0x70, 1, true, 0), bench.Io(0x71, 1, false, 0), bench.Io(0xCF8, 4, true, 0x80000000), bench.Io(0xCFC, 4, false, 0),
            bench.Mmio(0xFEC00000, 4, true, 0x18), bench.Mmio(0xFEC00010, 4, true, 0x31), bench.Mmio(0xE0000000, 4, false, 0),
            bench.Io(0x2004, 1, true, 1), bench.Io(0x2004, 1, true, 0), new Packet { Kind = PacketKind.EndOfInterrupt, Address = 0x31 },
        ];
        for (int i = 0; i < 100; i++) All();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) All();
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);

        void All()
        {
            foreach (ref readonly Packet packet in packets.AsSpan()) bench.Handle(packet);
        }
    }
}
