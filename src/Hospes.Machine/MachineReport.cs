using Hospes.Hypervisor;

namespace Hospes.Machine;

/// <summary>A stretch of an address space and what answers in it.</summary>
/// <param name="First">Its first address.</param>
/// <param name="Last">Its last address.</param>
/// <param name="Name">What it is.</param>
/// <param name="IsRam">Whether it is memory; else a device answers.</param>
/// <param name="Depth">How many stretches before it in the list it lies in.</param>
public sealed record MachineRegion(ulong First, ulong Last, string Name, bool IsRam, int Depth);

/// <summary>Looks at the address spaces of a machine while it runs.</summary>
internal static class MachineReport
{
    private static readonly (ushort First, int Count, string Name)[] s_ports =
    [
        (PortMap.PicMaster, 2, "pic"), (PortMap.Timer, 4, "pit"), (PortMap.SystemControlB, 1, "pcspk"), (PortMap.KeyboardCommand, 1, "reset"),
        (PortMap.Clock, 2, "rtc"), (PortMap.SystemControlA, 1, "port92"), (PortMap.PicSlave, 2, "pic"), (PortMap.Serial, 8, "serial"),
        (PortMap.PicEdgeLevel, 2, "elcr"), (PortMap.PanicNotice, 1, "pvpanic"), (PortMap.SleepControl, 2, "acpi-sleep"), (PortMap.PciAddress, 4, "pci-conf-idx"),
        (PortMap.PciData, 4, "pci-conf-data"),
    ];

    /// <summary>Guest-physical memory.</summary>
    /// <param name="config">The machine's configuration.</param>
    /// <param name="memory">The guest's memory.</param>
    /// <param name="functions">The functions on its root bus.</param>
    public static IReadOnlyList<MachineRegion> Memory(MachineConfig config, GuestMemory memory, IReadOnlyList<PciFunctionReport> functions)
    {
        List<MachineRegion> top =
        [
            Of(config.RamLowBase, config.LowMemory, "ram-low", isRam: true),
            Of(MachineLayout.IoApicBase, MachineLayout.IoApicSize, "ioapic"),
            Of(MachineLayout.LocalApicBase, MachineLayout.LocalApicSize, "apic-msi"),
        ];
        if (config.MostVcpus > config.Vcpus) top.Add(Of(MachineLayout.ProcessorPlugBase, MachineLayout.ProcessorPlugSize, "acpi-cpu-hotplug"));
        if (config.HighMemory != 0) top.Add(Of(config.RamHighBase, config.HighMemory, "ram-high", isRam: true));
        top.AddRange(memory.Ranges.Where(static range => range.BlockSize != 0).Select(static range => Of(range.Address, range.Size, "virtio-mem", isRam: true)));
        if (config.TestDevice) top.Add(Of(MachineLayout.TestMemoryBase, MachineLayout.TestMemorySize, "test-memory", isRam: true));
        if (config.HasPci)
        {
            top.Add(Of(config.PciEcamBase, config.PciEcamSize, "pcie-ecam"));
            top.Add(Of(config.PciMmioBase, config.PciMmioSize, "pcie-mmio"));
            if (config.PciMmioHighSize != 0) top.Add(Of(config.PciMmioHighBase, config.PciMmioHighSize, "pcie-mmio-high"));
        }
        MachineRegion[] bars = [.. Bars(functions).OrderBy(static bar => bar.First)];
        var all = new List<MachineRegion>();
        foreach (MachineRegion region in top.OrderBy(static region => region.First))
        {
            all.Add(region);
            all.AddRange(bars.Where(bar => bar.First >= region.First && bar.Last <= region.Last));
        }
        return all;
    }

    /// <summary>The I/O ports.</summary>
    /// <param name="config">The machine's configuration.</param>
    public static IReadOnlyList<MachineRegion> Ports(MachineConfig config)
    {
        var ports = s_ports.Select(static at => Of(at.First, (ulong)at.Count, at.Name)).ToList();
        if (config.HasWatchdog) ports.Add(Of(PortMap.Watchdog, 16, "wdat"));
        if (config.DebugExitPort is { } port) ports.Add(Of(port, DebugExit.PortCount, "isa-debug-exit"));
        if (config.TestDevice)
        {
            ports.Add(Of(PortMap.TestStorage, TestDevice.StoragePorts, "test-storage"));
            ports.Add(Of(PortMap.TestLines, IoApic.Pins, "test-lines"));
            ports.Add(Of(PortMap.FirmwareConfig, 2, "fwcfg"));
        }
        return [.. ports.OrderBy(static port => port.First)];
    }

    private static IEnumerable<MachineRegion> Bars(IEnumerable<PciFunctionReport> functions) => functions.SelectMany(static function =>
        function.Regions.Where(static bar => bar.Address is not null)
            .Select(bar => Of(bar.Address!.Value, bar.Size, $"{function.Bus:x2}:{function.Slot:x2}.0 bar {bar.Bar}", depth: 1))
            .Concat(Bars(function.Bridge?.Below ?? [])));

    private static MachineRegion Of(ulong first, ulong size, string name, bool isRam = false, int depth = 0) => new(first, first + size - 1, name, isRam, depth);
}
