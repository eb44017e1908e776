using Hospes.Hypervisor;

namespace Hospes.Machine.Tests.Config;

public sealed class MachineConfigTests
{
    private const ulong MiB = 1UL << 20, GiB = 1UL << 30;

    private static readonly MachineConfig s_good = new() { Memory = 512 * MiB };

    public static TheoryData<MachineError, MachineConfig, string> Bad => new()
    {
        { MachineError.NoMemory, s_good with { Memory = 0 }, "512M" },
        { MachineError.MemoryTooSmall, s_good with { Memory = 4096 }, "2 MiB" },
        { MachineError.MemoryTooSmall, s_good with { RamLowSize = MiB }, "ram-low-size" },
        { MachineError.MemoryNotWholePages, s_good with { Memory = 512 * MiB + 1 }, "4 KiB" },
        { MachineError.MemoryNotWholePages, s_good with { Memory = 511 * MiB, HugePages = HugePages.Size2M }, "huge pages of 2 MiB" },
        { MachineError.MemoryNotWholePages, s_good with { HugePages = HugePages.Size1G }, "huge pages of 1 GiB" },
        { MachineError.MemoryBeyondHost, s_good with { Memory = 128 * GiB }, "64 GiB" },
        { MachineError.MemoryBeyondHost, s_good with { Memory = ulong.MaxValue & ~4095UL }, "host" },
        { MachineError.MemoryBeyondWindows, s_good with { Memory = 4 * GiB, RamHighSize = GiB }, "ram-high-size" },
        { MachineError.VcpuCount, s_good with { Vcpus = 0 }, "0 vCPUs" },
        { MachineError.VcpuCount, s_good with { Vcpus = 256 }, "255" },
        { MachineError.LowRamNotAtZero, s_good with { RamLowBase = MiB }, "ram-low-base" },
        { MachineError.EcamSize, s_good with { PciEcamSize = MiB }, "pci-ecam-size" },
        { MachineError.NoPciMmio, s_good with { PciMmioSize = 0 }, "pci-mmio-size" },
        { MachineError.WindowMisaligned, s_good with { PciEcamBase = 0xE0001000 }, "pci-ecam" },
        { MachineError.WindowMisaligned, s_good with { PciMmioSize = 123 }, "pci-mmio" },
        { MachineError.WindowOutOfRange, s_good with { RamLowSize = 8 * GiB }, "ram-low" },
        { MachineError.WindowOutOfRange, s_good with { PciMmioBase = 4 * GiB }, "pci-mmio" },
        { MachineError.WindowOutOfRange, s_good with { PciMmioHighBase = ulong.MaxValue & ~4095UL }, "pci-mmio-high" },
        { MachineError.WindowOutOfRange, s_good with { RamHighBase = 1UL << 52 }, "ram-high" },
        { MachineError.WindowsOverlap, s_good with { RamLowSize = 0xD0000000 }, "ram-low" },
        { MachineError.WindowsOverlap, s_good with { PciMmioHighBase = 0xC000000000 }, "overlap" },
        { MachineError.WindowsOverlap, s_good with { PciMmioBase = 0xFE000000, PciMmioSize = 0x1000000 }, "the I/O APIC" },
        { MachineError.WindowsOverlap, s_good with { PciMmioBase = 0xFF000000, PciMmioSize = 0x1000000, TestDevice = true }, "test device" },
        { MachineError.DebugExitPortTaken, s_good with { DebugExitPort = 0x3F6 }, "0x3F6" },
        { MachineError.DebugExitPortTaken, s_good with { DebugExitPort = 0xFFFE }, "0xFFFE" },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void What_is_wrong_is_named(MachineError expected, MachineConfig config, string part)
    {
        MachineConfigCheck.Check(config, 64 * GiB, out string message).ShouldBe(expected);
        message.ShouldContain(part);
        message.ShouldContain(expected == MachineError.WindowsOverlap ? "move or shrink" : expected == MachineError.LowRamNotAtZero ? "leave" : "give");
        message.ShouldNotContain("\n");
    }

    [Fact]
    public void Every_error_of_a_configuration_is_reached()
    {
        MachineError[] reached = [.. Bad.Select(row => (MachineError)row[0]).Distinct().Order()];
        MachineError[] others = [MachineError.None, MachineError.PciRoom, MachineError.HostRefusedMemory, MachineError.GuestNotEmpty];
        reached.ShouldBe(Enum.GetValues<MachineError>().Except(others).Order());
    }

    [Fact]
    public void Defaults_are_good()
    {
        foreach (MachineConfig config in new[]
        {
            s_good, s_good with { Memory = 8 * GiB, TestDevice = true }, s_good with { PciEcamSize = 0, PciMmioSize = 0, PciMmioHighSize = 0 },
            s_good with { Memory = 2 * MiB, RamHighSize = 0 }, s_good with { DebugExitPort = null, Vcpus = 255 },
        })
        {
            MachineConfigCheck.Check(config, 64 * GiB, out string message).ShouldBe(MachineError.None, message);
            message.ShouldBeEmpty();
        }
    }

    [Theory]
    [InlineData(512 * MiB, 512 * MiB, 0)]
    [InlineData(2 * GiB, 2 * GiB, 0)]
    [InlineData(5 * GiB, 2 * GiB, 3 * GiB)]
    public void Memory_fills_the_low_window_first(ulong memory, ulong low, ulong high)
    {
        MachineConfig config = s_good with { Memory = memory };
        config.LowMemory.ShouldBe(low);
        config.HighMemory.ShouldBe(high);
    }

    [Fact]
    public void Properties_are_known_by_their_names()
    {
        var seen = new HashSet<MachineConfig> { s_good };
        foreach (string name in MachineProperties.Names) seen.Add(MachineProperties.With(s_good, name, 0x123000).ShouldNotBeNull()).ShouldBeTrue(name);
        MachineProperties.With(s_good, "pci-ecam-base", 0x10000000)!.PciEcamBase.ShouldBe(0x10000000ul);
        MachineProperties.With(s_good, "ram-middle-size", 0).ShouldBeNull();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Whatever_is_accepted_has_a_map_without_overlaps(int seed)
    {
        var random = new Random(seed);
        int accepted = 0;
        for (int i = 0; i < 100_000; i++)
        {
            MachineConfig config = s_good;
            if (random.Next(4) == 0) config = config with { Memory = Number() };
            for (int changes = random.Next(3); changes >= 0; changes--)
            {
                config = MachineProperties.With(config, MachineProperties.Names[random.Next(MachineProperties.Names.Count)], Number())!;
            }
            MachineError error = MachineConfigCheck.Check(config, 1UL << 40, out string message);
            (message.Length == 0).ShouldBe(error == MachineError.None);
            if (error != MachineError.None) continue;
            accepted++;
            MemoryMapEntry[] map = PvhMachine.BuildMemoryMap(config);
            for (int at = 1; at < map.Length; at++)
            {
                map[at].Address.ShouldBeGreaterThanOrEqualTo(map[at - 1].Address + map[at - 1].Size, $"seed {seed}, case {i}");
            }
        }
        accepted.ShouldBeGreaterThan(100);

        ulong Number() => random.Next(6) switch
        {
            0 => 0,
            1 => 1UL << random.Next(64),
            2 => (ulong)random.NextInt64() & ~4095UL,
            3 => (ulong)random.Next(4096) << 20,
            4 => ulong.MaxValue - (ulong)random.Next(8192),
            _ => (ulong)random.Next(1024) << 30,
        };
    }

    [Fact]
    public void Host_has_memory() => HostMemory.Total.ShouldBeGreaterThan(16 * MiB);
}
