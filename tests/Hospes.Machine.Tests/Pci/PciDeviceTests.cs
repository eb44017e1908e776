using Hospes.Hypervisor;
using Hospes.Virtio;
using Hospes.Virtio.Testing;

namespace Hospes.Machine.Tests.Pci;

/// <summary>Virtio functions on the bus: configuration space, BARs that move, MSI-X and lines, root ports.</summary>
public sealed class PciDeviceTests : IDisposable
{
    private const ulong Ecam = 0xE0000000, Low = 0xC0000000, High = 0x80_0000_0000;
    private const ulong Function = Ecam + (1 << 15);
    private const ulong MsixTable = 0x4000, MsixPending = 0x5000, Bells = 0x3000;

    private readonly Bench _bench = new(devices: [new EntropyDevice()]);
    private readonly List<Bench> _others = [];

    [Fact]
    public void The_function_says_what_it_is()
    {
        _bench.Load(Function).ShouldBe(0x10441AF4ul);
        _bench.Load(Function + 8).ShouldBe(0x00FF0001ul);
        _bench.Load(Function + 0x2C).ShouldBe(0x11001AF4ul);
        _bench.Load(Function + 0x3C, 2).ShouldBe(0x0100ul | 17);
        (_bench.Load(Function + 6, 2) & 0x10).ShouldBe(0x10ul);
        _bench.Load(Function + 0x1000).ShouldBe(0xFFFFFFFFul, "one function a device");
    }

    [Fact]
    public void Capabilities_are_a_list_without_loop()
    {
        List<(ulong Id, ulong At)> found = Capabilities(_bench, Function);
        found.Select(static one => one.Id).ShouldBe([9ul, 9, 9, 9, 0x11, 0x10]);
        ulong[] types = [.. found.Where(static one => one.Id == 9).Select(one => _bench.Load(Function + one.At + 3, 1))];
        types.ShouldBe([1ul, 2, 3, 5]);
        foreach ((ulong id, ulong at) in found.Where(static one => one.Id == 9)) (_bench.Load(Function + at + 2, 1) % 4).ShouldBe(0ul);
    }

    [Fact]
    public void A_bar_is_sized_as_the_specification_has_it()
    {
        _bench.Load(Function + 0x10).ShouldBe(Low | 0xC, "placed, 64 bits, prefetchable");
        _bench.Store(Function + 0x10, 0xFFFFFFFF);
        _bench.Store(Function + 0x14, 0xFFFFFFFF);
        _bench.Load(Function + 0x10).ShouldBe(0xFFFF800Cul);
        _bench.Load(Function + 0x14).ShouldBe(0xFFFFFFFFul);
        for (ulong register = 0x18; register < 0x28; register += 4)
        {
            _bench.Store(Function + register, 0xFFFFFFFF);
            _bench.Load(Function + register).ShouldBe(0ul);
        }
    }

    [Theory]
    [InlineData(Low)]
    [InlineData(Low + (511UL << 20))]
    [InlineData(High)]
    [InlineData(High + (255UL << 30))]
    public void The_region_answers_where_the_guest_puts_it(ulong address)
    {
        Move(address);
        _bench.Load(address + 0x12, 2).ShouldBe(0xFFFFul, "not decoded yet");
        Enable();
        _bench.Load(address + 0x12, 2).ShouldBe(1ul);
        _bench.Store(Function + 4, 0, 2);
        _bench.Load(address + 0x12, 2).ShouldBe(0xFFFFul);
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(0x1000000UL)]
    [InlineData(0xFEC00000UL)]
    [InlineData(0xBFFF8000UL + 0x1_0000_0000)]
    [InlineData(0xFFFF_FFFF_FFFF_8000UL)]
    public void Outside_the_windows_it_answers_nowhere(ulong address)
    {
        Move(address);
        Enable();
        _bench.Load(address + 0x12, 2).ShouldNotBe(1ul);
    }

    [Fact]
    public void Bells_are_where_the_region_is_and_their_number_is_bounded()
    {
        Enable();
        _bench.Engine.Traps.FindMemory(Low + Bells)!.Kind.ShouldBe(TrapKind.Bell);
        for (ulong i = 0; i < 1000; i++) Move(Low + i * 0x8000);
        int bells = 0;
        foreach (Trap trap in _bench.Engine.Traps.Memory) bells += trap.Kind == TrapKind.Bell ? 1 : 0;
        bells.ShouldBe(16);
    }

    [Fact]
    public void A_driver_works_wherever_the_region_is()
    {
        Enable();
        for (ulong i = 0; i < 20; i++)
        {
            ulong address = (i & 1) == 0 ? Low + i * 0x10000 : High + i * 0x10000;
            Move(address);
            Entropy(address);
        }
    }

    [Fact]
    public void Messages_wait_while_masked()
    {
        Enable();
        ulong msix = Capabilities(_bench, Function).Single(static one => one.Id == 0x11).At;
        _bench.Load(Function + msix + 2, 2).ShouldBe(1ul, "two vectors");
        _bench.Load(Low + MsixTable + 12).ShouldBe(1ul, "masked out of reset");
        _bench.Store(Low + MsixTable + 16, 0xFEE01000, 8);
        _bench.Store(Low + MsixTable + 24, 0x4041);
        _bench.Store(Function + msix + 2, 0x8000, 2);
        Entropy(Low);
        Until(() => _bench.Load(Low + MsixPending, 8) == 2);
        _bench.Engine.Messages.ShouldBeEmpty();
        _bench.Store(Low + MsixTable + 28, 0);
        _bench.Engine.Messages.ShouldBe([(0xFEE01000ul, 0x4041u)]);
        _bench.Load(Low + MsixPending, 8).ShouldBe(0ul);
        _bench.Store(Function + msix + 2, 0xC000, 2);
        Entropy(Low);
        Until(() => _bench.Load(Low + MsixPending, 8) == 2);
        _bench.Store(Function + msix + 2, 0x8000, 2);
        _bench.Engine.Messages.Count.ShouldBe(2);
        _bench.Load(Function + 6, 2).ShouldBe(0x10ul, "no line beside messages");
    }

    [Fact]
    public void Without_messages_the_line_interrupts_through_the_io_apic()
    {
        Enable();
        // Device 1, pin A: GSI 17. The entry: vector 0x51, level, unmasked.
        _bench.Store(0xFEC00000, 0x10 + 17 * 2);
        _bench.Store(0xFEC00010, 0x8051);
        Entropy(Low);
        Until(() => _bench.Engine.Messages.Count == 1);
        _bench.Engine.Messages[0].Data.ShouldBe(0xC051u);
        (_bench.Load(Function + 6, 2) & 8).ShouldBe(8ul);
        _bench.Load(Low + 0x1000, 1).ShouldBe(1ul);
        (_bench.Load(Function + 6, 2) & 8).ShouldBe(0ul);
        _bench.Handle(new Packet { Kind = PacketKind.EndOfInterrupt, Address = 0x51 });
        _bench.Engine.Messages.Count.ShouldBe(1);
        _bench.Store(Function + 4, 0x402, 2);
        Entropy(Low);
        Until(() => (_bench.Load(Function + 6, 2) & 8) != 0);
        _bench.Engine.Messages.Count.ShouldBe(1, "the command register holds the line off");
        _bench.Store(Function + 4, 0x002, 2);
        _bench.Engine.Messages.Count.ShouldBe(2);
    }

    [Fact]
    public void The_region_can_be_reached_through_configuration_space()
    {
        ulong window = Capabilities(_bench, Function).Last(static one => one.Id == 9).At + Function;
        _bench.Store(window + 8, 0x12);
        _bench.Store(window + 12, 2);
        _bench.Load(window + 16).ShouldBe(1ul);
        _bench.Store(window + 8, 0x14);
        _bench.Store(window + 12, 1);
        _bench.Store(window + 16, 3, 1);
        _bench.Load(window + 16, 1).ShouldBe(3ul);
        foreach ((ulong bar, ulong offset, ulong length) in ((ulong, ulong, ulong)[])[(1, 0x14, 1), (0, 0x8000, 1), (0, 0x13, 2), (0, 0x14, 3), (0, 0x14, 0), (0, 0xFFFFFFFF, 0xFFFFFFFF)])
        {
            _bench.Store(window + 4, bar, 1);
            _bench.Store(window + 8, offset);
            _bench.Store(window + 12, length);
            _bench.Store(window + 16, 0x5A);
            _bench.Load(window + 16);
        }
        _bench.Machine.Exit.Kind.ShouldBe(MachineExitKind.None);
    }

    [Fact]
    public void Behind_a_root_port_a_device_answers_when_the_bridge_lets_it()
    {
        Bench bench = Make(new MachineConfig { Memory = 64 << 20, PciRootPorts = 2 }, new EntropyDevice());
        ulong port = Ecam + (1 << 15), device = Ecam + (1 << 20);
        bench.Load(port + 8).ShouldBe(0x06040000ul);
        bench.Load(port + 0x0E, 1).ShouldBe(1ul);
        bench.Load(port + 0x18).ShouldBe(0x00010100ul, "buses 0, 1, 1");
        bench.Load(Ecam + (2 << 15) + 0x18).ShouldBe(0x00020200ul);
        bench.Load(device).ShouldBe(0x10441AF4ul);
        bench.Load(device + (1 << 15)).ShouldBe(0xFFFFFFFFul, "a link has one device");
        ulong bar = bench.Load(device + 0x10, 8) & ~0xFul;
        (bar & 0xFFFFF).ShouldBe(0ul);
        bench.Store(device + 4, 2, 2);
        bench.Load(bar + 0x12, 2).ShouldBe(0xFFFFul, "the bridge does not forward");
        bench.Store(port + 4, 2, 2);
        bench.Load(bar + 0x12, 2).ShouldBe(1ul);
        bench.Store(port + 0x24, 0x0000FFF0);
        bench.Load(bar + 0x12, 2).ShouldBe(0xFFFFul, "the window was closed");
        // Renumbered, the device moves with its bus.
        bench.Store(port + 0x19, 0x0505, 2);
        bench.Load(device).ShouldBe(0xFFFFFFFFul);
        bench.Load(Ecam + (5 << 20)).ShouldBe(0x10441AF4ul);
        // Pin A of device 0 behind the port in slot 1 comes out as the port's line.
        bench.Load(Ecam + (5 << 20) + 0x3C, 1).ShouldBe(17ul);
        Capabilities(bench, port).Select(static one => one.Id).ShouldBe([0x10ul]);
    }

    [Fact]
    public void A_bridge_that_claims_its_own_bus_ends_no_look_up()
    {
        Bench bench = Make(new MachineConfig { Memory = 64 << 20, PciRootPorts = 2 }, new EntropyDevice());
        foreach (ulong numbers in (ulong[])[0xFF0000, 0xFF0100, 0xFF0101, 0x00FF00])
        {
            bench.Store(Ecam + (1 << 15) + 0x18, numbers);
            bench.Store(Ecam + (2 << 15) + 0x18, numbers);
            for (ulong bus = 0; bus < 256; bus++) bench.Load(Ecam + (bus << 20));
        }
    }

    [Fact]
    public void Devices_that_do_not_fit_are_refused()
    {
        VirtioDevice[] many = [.. Enumerable.Range(0, 32).Select(static _ => new EntropyDevice())];
        Refused(new MachineConfig { Memory = 64 << 20 }, many);
        Refused(new MachineConfig { Memory = 64 << 20, PciEcamSize = 0 }, many[..1]);
        Refused(new MachineConfig { Memory = 64 << 20, PciRootPorts = 32 }, []);
        Refused(new MachineConfig { Memory = 64 << 20, PciMmioSize = 0x8000, PciMmioHighSize = 0 }, many[..2]);
        Make(new MachineConfig { Memory = 64 << 20, PciMmioSize = 0x8000 }, many[..2]).Load(Ecam + (2 << 15) + 0x14).ShouldBe(0x80ul, "the second one is in the high window");

        static void Refused(MachineConfig config, VirtioDevice[] devices) =>
            Should.Throw<ShouldAssertException>(() => new Bench(config, devices)).Message.ShouldContain("fit");
    }

    [Fact]
    public void Random_accesses_never_throw()
    {
        Bench bench = Make(new MachineConfig { Memory = 64 << 20, PciRootPorts = 1 }, new EntropyDevice(), new EntropyDevice());
        var random = new Random(3);
        int[] sizes = [1, 2, 4, 8];
        for (int i = 0; i < 100_000; i++)
        {
            ulong place = random.Next(3) == 0 ? Low + (ulong)random.Next(0x200000) : Ecam + ((ulong)random.Next(2) << 20) + ((ulong)random.Next(4) << 15) + (ulong)random.Next(0x110);
            int size = sizes[random.Next(4)];
            if (random.Next(2) == 0) bench.Load(place, size);
            else bench.Store(place, (ulong)random.NextInt64() & (ulong.MaxValue >> (64 - size * 8)), size);
        }
        bench.Machine.Exit.Kind.ShouldBe(MachineExitKind.None);
    }

    public void Dispose()
    {
        _bench.Dispose();
        foreach (Bench bench in _others) bench.Dispose();
    }

    private static List<(ulong Id, ulong At)> Capabilities(Bench bench, ulong function)
    {
        var found = new List<(ulong, ulong)>();
        for (ulong at = bench.Load(function + 0x34, 1); at != 0; at = bench.Load(function + at + 1, 1))
        {
            found.Add((bench.Load(function + at, 1), at));
            found.Count.ShouldBeLessThan(48);
        }
        return found;
    }

    private static void Until(Func<bool> isSo)
    {
        long end = Environment.TickCount64 + 60_000;
        while (!isSo())
        {
            (Environment.TickCount64 < end).ShouldBeTrue();
            Thread.Yield();
        }
    }

    private Bench Make(MachineConfig config, params VirtioDevice[] devices)
    {
        var bench = new Bench(config, devices);
        _others.Add(bench);
        return bench;
    }

    private void Enable() => _bench.Store(Function + 4, 2, 2);

    private void Move(ulong address)
    {
        _bench.Store(Function + 0x10, address & 0xFFFFFFFF);
        _bench.Store(Function + 0x14, address >> 32);
    }

    /// <summary>Has the device at an address fill a buffer: a whole driver, by hand.</summary>
    private void Entropy(ulong at)
    {
        const ulong Queue = 0x100000, Data = 0x200000;
        _bench.Store(at + 0x14, 0, 1);
        Until(() => _bench.Load(at + 0x14, 1) == 0);
        _bench.Store(at + 0x14, 3, 1);
        _bench.Store(at + 0x08, 1);
        _bench.Store(at + 0x0C, 1);
        _bench.Store(at + 0x14, 11, 1);
        _bench.Memory.TryFill(Queue, 4096, 0).ShouldBeTrue();
        var queue = DriverQueue.Create(_bench.Memory, Queue, 8, VirtioFeatures.Version1);
        _bench.Store(at + 0x18, 8, 2);
        _bench.Store(at + 0x1A, 1, 2);
        _bench.Store(at + 0x20, queue.Descriptors, 8);
        _bench.Store(at + 0x28, queue.DriverArea, 8);
        _bench.Store(at + 0x30, queue.DeviceArea, 8);
        _bench.Store(at + 0x1C, 1, 2);
        _bench.Store(at + 0x14, 15, 1);
        queue.Add([new DriverBuffer(Data, 16, true)]);
        // As an engine does it: a write to a bell's page rings it, another one is a packet.
        if (_bench.Engine.Traps.FindMemory(at + Bells) is { Kind: TrapKind.Bell } bell) bell.Ring(at + Bells);
        else _bench.Store(at + Bells, 0, 2);
        Until(() => queue.TryTakeUsed(out _, out _));
    }
}
