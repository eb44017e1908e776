using Hospes.Hypervisor;

namespace Hospes.Machine;

/// <summary>
/// What a machine is made of. Immutable. The address windows carry the names and the meaning of the properties of QEMU's <c>xenpvh</c>
/// machine; <see cref="MachineProperties"/> knows them by those names. Check a configuration with <see cref="MachineConfigCheck"/>.
/// </summary>
public sealed record MachineConfig
{
    private const ulong MiB = 1UL << 20, GiB = 1UL << 30;

    /// <summary>Bytes of guest RAM: a multiple of 4096, at least <see cref="MachineConfigCheck.SmallestMemory"/>. RAM fills the low window
    /// first, what is left goes to the high one.</summary>
    public required ulong Memory { get; init; }

    /// <summary>How many virtual processors the machine has: 1 to 255.</summary>
    public int Vcpus { get; init; } = 1;

    /// <summary>How many virtual processors there may be once further ones were plugged in: up to 255; 0 for <see cref="Vcpus"/>.</summary>
    public int MaxVcpus { get; init; }

    /// <summary>The larger one of <see cref="Vcpus"/> and <see cref="MaxVcpus"/>.</summary>
    public int MostVcpus => Math.Max(Vcpus, MaxVcpus);

    /// <summary>The generation id (Microsoft's Virtual Machine Generation ID): another one for every copy of the domain; null for a machine without.</summary>
    public Guid? GenerationId { get; init; }

    /// <summary>Whether there is a watchdog that ACPI describes (WDAT).</summary>
    public bool HasWatchdog { get; init; }

    /// <summary>How far the guest's clock is ahead of the host's UTC until the guest sets it.</summary>
    public TimeSpan ClockOffset { get; init; }

    /// <summary><c>ram-low-base</c>: where the low RAM window starts. Processors start in it, so only 0 is allowed.</summary>
    public ulong RamLowBase { get; init; }

    /// <summary><c>ram-low-size</c>: how many bytes of RAM the low window holds at most.</summary>
    public ulong RamLowSize { get; init; } = 2 * GiB;

    /// <summary><c>ram-high-base</c>: where RAM goes on that does not fit into the low window.</summary>
    public ulong RamHighBase { get; init; } = 0xC0_0000_0000;

    /// <summary><c>ram-high-size</c>: how many bytes of RAM the high window holds at most; 0 for no high window.</summary>
    public ulong RamHighSize { get; init; } = 256 * GiB;

    /// <summary><c>pci-ecam-base</c>: where PCI Express configuration space is.</summary>
    public ulong PciEcamBase { get; init; } = 0xE000_0000;

    /// <summary><c>pci-ecam-size</c>: 256 MiB (256 buses), or 0 for a machine without PCI.</summary>
    public ulong PciEcamSize { get; init; } = 256 * MiB;

    /// <summary><c>pci-mmio-base</c>: the window for 32-bit memory BARs.</summary>
    public ulong PciMmioBase { get; init; } = 0xC000_0000;

    /// <summary><c>pci-mmio-size</c>: bytes of the window for 32-bit memory BARs.</summary>
    public ulong PciMmioSize { get; init; } = 512 * MiB;

    /// <summary><c>pci-mmio-high-base</c>: the window for 64-bit memory BARs.</summary>
    public ulong PciMmioHighBase { get; init; } = 0x80_0000_0000;

    /// <summary><c>pci-mmio-high-size</c>: bytes of the window for 64-bit memory BARs; 0 for none.</summary>
    public ulong PciMmioHighSize { get; init; } = 256 * GiB;

    /// <summary>How many PCI Express root ports bus 0 has: 0 to 30. Devices are put behind them first, one behind each.</summary>
    public int PciRootPorts { get; init; }

    /// <summary>The port at which a guest ends its run with a number (<see cref="MachineExitKind.DebugExit"/>); null for none. Four ports are
    /// taken from here on.</summary>
    public ushort? DebugExitPort { get; init; } = 0xF4;

    /// <summary>Whether the machine has the ports and the memory that the kvm-unit-tests kernels ask for.</summary>
    public bool TestDevice { get; init; }

    /// <summary>Whether RAM comes from the host's pool of huge pages.</summary>
    public HugePages HugePages { get; init; }

    /// <summary>Bytes of RAM in the low window.</summary>
    public ulong LowMemory => Math.Min(Memory, RamLowSize);

    /// <summary>Bytes of RAM in the high window.</summary>
    public ulong HighMemory => Memory - LowMemory;

    /// <summary>Whether the machine has a PCI Express host bridge.</summary>
    public bool HasPci => PciEcamSize != 0;
}
