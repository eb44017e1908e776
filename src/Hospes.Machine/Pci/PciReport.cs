namespace Hospes.Machine;

using static PciRegisters;

/// <summary>A region of memory that a PCI function answers in.</summary>
/// <param name="Bar">The number of its base address register.</param>
/// <param name="Address">Where it is; null while the function does not answer.</param>
/// <param name="Size">Its bytes.</param>
/// <param name="IsWide">Whether the register has 64 bits.</param>
/// <param name="IsPrefetchable">Whether reading it changes nothing.</param>
public sealed record PciRegionReport(int Bar, ulong? Address, ulong Size, bool IsWide, bool IsPrefetchable);

/// <summary>What a PCI bridge passes on to the bus below, as the guest has set it.</summary>
/// <param name="Primary">The number of the bus above.</param>
/// <param name="Secondary">The number of the bus below.</param>
/// <param name="Subordinate">The highest number of a bus below.</param>
/// <param name="Memory">First and last byte of its memory window; closed when the first lies above the last.</param>
/// <param name="Prefetchable">First and last byte of its prefetchable window.</param>
/// <param name="Below">The functions on the bus below.</param>
public sealed record PciBridgeReport(
    int Primary, int Secondary, int Subordinate, (ulong First, ulong Last) Memory, (ulong First, ulong Last) Prefetchable, IReadOnlyList<PciFunctionReport> Below);

/// <summary>A PCI function as it is set up now.</summary>
/// <param name="Bus">The number of its bus.</param>
/// <param name="Slot">Its number on the bus.</param>
/// <param name="Class">Base class and subclass, as in 0x0200.</param>
/// <param name="Vendor">Its vendor's id.</param>
/// <param name="Device">Its id.</param>
/// <param name="SubsystemVendor">Its subsystem's vendor; 0 for none.</param>
/// <param name="Subsystem">Its subsystem; 0 for none.</param>
/// <param name="Pin">Its interrupt pin, 1 for INTA#; 0 for none.</param>
/// <param name="Line">What the guest wrote as its interrupt line.</param>
/// <param name="Regions">Where it answers.</param>
/// <param name="Bridge">What is behind it, when it is a bridge.</param>
/// <param name="Name">The name that the device was given; null for none.</param>
public sealed record PciFunctionReport(
    int Bus, int Slot, ushort Class, ushort Vendor, ushort Device, ushort SubsystemVendor, ushort Subsystem, int Pin, int Line, IReadOnlyList<PciRegionReport> Regions,
    PciBridgeReport? Bridge, string? Name);

/// <summary>Looks at the PCI side of a machine while it runs.</summary>
internal static class PciReport
{
    /// <summary>Reports a bus with all below.</summary>
    /// <param name="bus">The bus.</param>
    /// <param name="number">Its number.</param>
    /// <param name="nameOf">The name of a function's device, or null.</param>
    public static PciFunctionReport[] Of(PciBus bus, int number, Func<PciFunction, string?> nameOf) =>
        [.. bus.Functions.Select(at => Of(at.Function, number, at.Slot, nameOf))];

    private static PciFunctionReport Of(PciFunction function, int bus, int slot, Func<PciFunction, string?> nameOf)
    {
        PciConfigSpace config = function.Config;
        var bridge = function as PciBridge;
        return new PciFunctionReport(
            bus,
            slot,
            Word(config, ClassCode),
            Word(config, VendorId),
            Word(config, DeviceId),
            bridge is null ? Word(config, SubsystemVendorId) : (ushort)0,
            bridge is null ? Word(config, SubsystemId) : (ushort)0,
            (int)config.Read(PinRegister, 1),
            (int)config.Read(LineRegister, 1),
            [.. function.Bars.Select(bar => new PciRegionReport(bar.Index, function.DecodesMemory ? bar.Address : null, bar.Size, bar.IsWide, bar.IsPrefetchable))],
            bridge is null ? null : Of(bridge, nameOf),
            nameOf(function));
    }

    private static PciBridgeReport Of(PciBridge bridge, Func<PciFunction, string?> nameOf) => new(
        (int)bridge.Config.Read(PrimaryBus, 1),
        bridge.Secondary,
        bridge.Subordinate,
        bridge.Window(prefetchable: false),
        bridge.Window(prefetchable: true),
        Of(bridge.Below, bridge.Secondary, nameOf));

    private static ushort Word(PciConfigSpace config, int register) => (ushort)config.Read(register, 2);
}
