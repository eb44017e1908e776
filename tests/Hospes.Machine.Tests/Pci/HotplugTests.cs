using Hospes.Hypervisor;
using Hospes.Virtio;
using Hospes.Virtio.Testing;

namespace Hospes.Machine.Tests.Pci;

/// <summary>Root ports whose devices come and go (PCI Express 5.0, 6.7): what the guest is told, and that nothing of a device stays.</summary>
public sealed class HotplugTests : IDisposable
{
    private const ulong Ecam = 0xE0000000, First = Ecam + (1 << 15), Second = Ecam + (2 << 15), BehindFirst = Ecam + (1 << 20), BehindSecond = Ecam + (2 << 20);
    private const ulong LinkStatus = 0x12, SlotCapabilities = 0x14, SlotControl = 0x18, SlotStatus = 0x1A, Bells = 0x3000;

    /// <summary>Slot control: all events on; power indicator on or off; power taken away.</summary>
    private const ulong Events = 0x1039, On = 0x100, Off = 0x700;

    private readonly List<string> _released = [];
    private readonly EntropyDevice _cold = new();
    private readonly Bench _bench;

    public HotplugTests()
    {
        _bench = new Bench(
            new MachineConfig { Memory = 64 << 20 },
            places: [new MachineDevice(null, "p1"), new MachineDevice(null, "p2"), new MachineDevice(_cold, "cold"), new MachineDevice(new EntropyDevice(), "behind", "p2")]);
        _bench.Machine.Released = _released.Add;
    }

    private PvhMachine Machine => _bench.Machine;

    [Fact]
    public void A_slot_says_what_it_can_and_whether_something_is_in_it()
    {
        // Button, power controller, indicators, surprise, hot-plug, no completions; the slot's number.
        Slot(First, SlotCapabilities, 4).ShouldBe(1ul << 19 | 0x4007B);
        Slot(Second, SlotCapabilities, 4).ShouldBe(2ul << 19 | 0x4007B);
        (Slot(First, SlotStatus), Slot(First, SlotControl), Slot(First, LinkStatus) & 0x2000).ShouldBe((0ul, Off, 0ul));
        (Slot(Second, SlotStatus), Slot(Second, SlotControl), Slot(Second, LinkStatus) & 0x2000).ShouldBe((0x40ul, On, 0x2000ul));
        // There is room for what comes.
        _bench.Load(First + 0x24, 2).ShouldBeLessThanOrEqualTo(_bench.Load(First + 0x26, 2));
    }

    [Fact]
    public void A_device_that_comes_is_told_of_and_answers()
    {
        _bench.Load(BehindFirst).ShouldBe(0xFFFFFFFFul);
        Set(First, SlotControl, Events);
        bool before = Line();
        Machine.Plug(new MachineDevice(new EntropyDevice(), "new", "p1")).ShouldBe(PlugResult.Done);
        before.ShouldBeFalse();
        Line().ShouldBeTrue();
        Slot(First, SlotStatus).ShouldBe(0x148ul, "presence and link changed, something is there");
        (Slot(First, LinkStatus) & 0x2000).ShouldBe(0x2000ul);
        _bench.Load(BehindFirst).ShouldBe(0x10441AF4ul);
        // Ones clear events, and nothing else.
        Set(First, SlotStatus, 0x8);
        Slot(First, SlotStatus).ShouldBe(0x140ul);
        Line().ShouldBeTrue();
        Set(First, SlotStatus, 0xFFFF);
        Slot(First, SlotStatus).ShouldBe(0x40ul);
        Line().ShouldBeFalse();
        Machine.ReportPci().Single(static at => at.Slot == 1).Bridge!.Below.Single().Name.ShouldBe("new");
        Entropy(BehindFirst, First);
    }

    [Fact]
    public void A_device_that_is_asked_for_goes_when_the_guest_takes_its_power_away()
    {
        Set(Second, SlotControl, Events | On);
        Machine.RequestUnplug("behind").ShouldBe(PlugResult.Requested);
        Slot(Second, SlotStatus).ShouldBe(0x41ul, "the button was pressed");
        Line().ShouldBeTrue();
        Machine.RequestUnplug("behind").ShouldBe(PlugResult.AlreadyRequested);
        Set(Second, SlotStatus, 1);
        // The power goes first, then the light.
        Set(Second, SlotControl, Events | On | 0x400);
        _released.ShouldBeEmpty();
        Set(Second, SlotControl, Events | Off);
        _released.ShouldBe(["behind"]);
        Machine.Remove("behind").ShouldBe(PlugResult.Done);
        _bench.Load(BehindSecond).ShouldBe(0xFFFFFFFFul);
        Slot(Second, SlotStatus).ShouldBe(0x108ul);
        Machine.Remove("behind").ShouldBe(PlugResult.NotFound);
        // An empty slot lets nothing go.
        Set(Second, SlotControl, Events | On);
        Set(Second, SlotControl, Events | Off);
        _released.Count.ShouldBe(1);
    }

    [Fact]
    public void A_device_in_a_slot_without_power_goes_at_once()
    {
        Machine.Plug(new MachineDevice(new EntropyDevice(), "new", "p1")).ShouldBe(PlugResult.Done);
        Machine.RequestUnplug("new").ShouldBe(PlugResult.Done);
        _bench.Load(BehindFirst).ShouldBe(0xFFFFFFFFul);
    }

    [Fact]
    public void What_cannot_be_done_is_said()
    {
        Machine.Plug(new MachineDevice(new EntropyDevice(), "new", "nope")).ShouldBe(PlugResult.NotFound);
        Machine.Plug(new MachineDevice(new EntropyDevice(), "new", "p2")).ShouldBe(PlugResult.NoRoom);
        Machine.Plug(new MachineDevice(new EntropyDevice(), "any")).ShouldBe(PlugResult.Done);
        Machine.Plug(new MachineDevice(new EntropyDevice(), "more")).ShouldBe(PlugResult.NoRoom);
        Machine.RequestUnplug("cold").ShouldBe(PlugResult.NotHotpluggable);
        Machine.Remove("cold").ShouldBe(PlugResult.NotHotpluggable);
        Machine.RequestUnplug("nope").ShouldBe(PlugResult.NotFound);
    }

    [Fact]
    public void A_device_that_is_pulled_out_touches_the_guest_no_more_and_the_next_one_works_in_its_place()
    {
        Set(First, SlotControl, Events | On);
        for (int i = 0; i < 5; i++)
        {
            var device = new EntropyDevice();
            Machine.Plug(new MachineDevice(device, $"d{i}", "p1")).ShouldBe(PlugResult.Done);
            ulong bar = Entropy(BehindFirst, First);
            Machine.Remove($"d{i}").ShouldBe(PlugResult.Done);
            // A driver that resets what is gone sees a reset, and configuration space says that there is nothing.
            _bench.Load(bar + 0x14, 1).ShouldBe(0ul);
            _bench.Load(BehindFirst).ShouldBe(0xFFFFFFFFul);
            // The bell's trap stays; ringing it without end holds nobody.
            for (int ring = 0; ring < 3 * Trap.BellPackets; ring++) _bench.Engine.Traps.FindMemory(bar + Bells)!.Ring(bar + Bells);
        }
        int bells = 0;
        foreach (Trap trap in _bench.Engine.Traps.Memory) bells += trap.Kind == TrapKind.Bell ? 1 : 0;
        bells.ShouldBe(1);
    }

    [Fact]
    public void Whatever_the_guest_writes_to_a_slot_it_stays_its_own_affair()
    {
        var random = new Random(11);
        int made = 0;
        Machine.Released = name => Task.Run(() => Machine.Remove(name));
        for (int i = 0; i < 3000; i++)
        {
            ulong port = random.Next(2) == 0 ? First : Second;
            _bench.Store(port + Express(port) + (ulong)random.Next(0x10, 0x20), (ulong)random.NextInt64(), 1 << random.Next(3));
            if (random.Next(30) == 0) _bench.Store(port + 4, (ulong)random.Next(8), 2);
            if (random.Next(20) == 0) Machine.Plug(new MachineDevice(new EntropyDevice(), $"n{made++}"));
            if (random.Next(20) == 0) Machine.RequestUnplug($"n{random.Next(made + 1)}");
            if (random.Next(40) == 0) Machine.Remove($"n{random.Next(made + 1)}");
        }
        Machine.Exit.Kind.ShouldBe(MachineExitKind.None);
    }

    public void Dispose() => _bench.Dispose();

    private ulong Express(ulong port)
    {
        ulong at = _bench.Load(port + 0x34, 1);
        while (_bench.Load(port + at, 1) != 0x10) at = _bench.Load(port + at + 1, 1);
        return at;
    }

    private ulong Slot(ulong port, ulong register, int size = 2) => _bench.Load(port + Express(port) + register, size);

    private void Set(ulong port, ulong register, ulong value) => _bench.Store(port + Express(port) + register, value, 2);

    /// <summary>Whether one of the two ports holds its line: the interrupt bit of their status registers.</summary>
    private bool Line() => ((_bench.Load(First + 6, 2) | _bench.Load(Second + 6, 2)) & 8) != 0;

    /// <summary>Places the device as an operating system does, and takes a random number from it.</summary>
    private ulong Entropy(ulong device, ulong port)
    {
        ulong bar = (_bench.Load(port + 0x24, 2) & 0xFFF0) << 16;
        _bench.Store(port + 4, 6, 2);
        _bench.Store(device + 0x10, bar, 8);
        _bench.Store(device + 4, 6, 2);
        _bench.Load(bar + 0x12, 2).ShouldBe(1ul);
        ulong memory = 0x200000, buffer = 0x300000;
        _bench.Memory.TryFill(memory, 0x10000, 0);
        _bench.Store(bar + 0x14, 0, 1);
        _bench.Store(bar + 0x14, 3, 1);
        _bench.Store(bar + 0x08, 1);
        _bench.Store(bar + 0x0C, 1);
        _bench.Store(bar + 0x14, 11, 1);
        _bench.Store(bar + 0x16, 0, 2);
        DriverQueue queue = DriverQueue.Create(_bench.Memory, memory, 16, VirtioFeatures.Version1);
        _bench.Store(bar + 0x20, queue.Descriptors, 8);
        _bench.Store(bar + 0x28, queue.DriverArea, 8);
        _bench.Store(bar + 0x30, queue.DeviceArea, 8);
        _bench.Store(bar + 0x1C, 1, 2);
        _bench.Store(bar + 0x14, 15, 1);
        queue.Add([new DriverBuffer(buffer, 64, true)]);
        // As the engine does: a bell rings, or where there is none the write goes to the register.
        if (_bench.Engine.Traps.FindMemory(bar + Bells) is { Kind: TrapKind.Bell } bell) bell.Ring(bar + Bells);
        else _bench.Store(bar + Bells, 0, 2);
        long end = Environment.TickCount64 + 60_000;
        uint written;
        while (!queue.TryTakeUsed(out _, out written))
        {
            (Environment.TickCount64 < end).ShouldBeTrue("no random number came");
            Thread.Yield();
        }
        written.ShouldBe(64u);
        return bar;
    }
}
