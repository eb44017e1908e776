using System.Text;
using Hospes.Machine;

namespace Hospes.Vmm.Qmp;

/// <summary>The PCI bus as QEMU's monitor for people shows it.</summary>
internal static class HumanPci
{
    /// <summary>Describes the bus as it is now.</summary>
    public static string Describe(PciCommands pci)
    {
        var text = new StringBuilder();
        foreach (PciFunctionReport function in pci.Report()) Describe(function, text);
        return text.ToString();
    }

    private static void Describe(PciFunctionReport function, StringBuilder text)
    {
        Put($"  Bus {function.Bus,2}, device {function.Slot,3}, function 0:");
        Put($"    {PciCommands.ClassName(function) ?? $"Class {function.Class:D4}"}: PCI device {function.Vendor:x4}:{function.Device:x4}");
        if (function.Bridge is null) Put($"      PCI subsystem {function.SubsystemVendor:x4}:{function.Subsystem:x4}");
        if (function.Pin != 0) Put($"      IRQ {function.Line}, pin {(char)('A' + function.Pin - 1)}");
        if (function.Bridge is { } bridge)
        {
            Put($"      BUS {bridge.Primary}.");
            Put($"      secondary bus {bridge.Secondary}.");
            Put($"      subordinate bus {bridge.Subordinate}.");
            Put("      IO range [0x0000, 0x0fff]");
            Put($"      memory range [0x{bridge.Memory.First:x8}, 0x{bridge.Memory.Last:x8}]");
            Put($"      prefetchable memory range [0x{bridge.Prefetchable.First:x8}, 0x{bridge.Prefetchable.Last:x8}]");
        }
        foreach (PciRegionReport region in function.Regions)
        {
            ulong address = region.Address ?? ulong.MaxValue;
            Put($"      BAR{region.Bar}: {(region.IsWide ? 64 : 32)} bit {(region.IsPrefetchable ? "prefetchable " : "")}memory at 0x{address:x16} [0x{address + region.Size - 1:x8}].");
        }
        Put($"      id \"{PciCommands.Id(function)}\"");
        if (function.Bridge is not { Secondary: not 0 } parent) return;
        foreach (PciFunctionReport below in parent.Below) Describe(below, text);

        void Put(string line) => text.Append(line).Append("\r\n");
    }
}
