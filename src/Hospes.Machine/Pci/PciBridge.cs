namespace Hospes.Machine;

using static PciRegisters;

/// <summary>A PCI Express root port: a bridge with one slot below it (PCI-to-PCI Bridge 1.2; PCI Express 5.0, 7.5.1.3).</summary>
internal sealed class PciBridge : PciFunction
{
    private const byte Type1 = 1;
    private const ushort RootPortDevice = 0x000C;
    private const uint ClassBridge = 0x060400;

    /// <summary>Both windows have 1 MiB granules; the low four bits of the prefetchable one say that it is 64 bits wide (3.2.5.9).</summary>
    private const ulong Granule = 1UL << 20;

    private const ushort WideWindow = 1;

    /// <summary>Bridge control that a guest may change: parity, SERR#, secondary bus reset (3.2.5.18).</summary>
    private const ushort BridgeControlMask = 0x0043;

    /// <param name="port">The number of its link and slot, from 1.</param>
    public PciBridge(byte port)
        : base(new PciIdentity(BridgeVendor, RootPortDevice, ClassBridge), Type1)
    {
        Below = new PciBus(this);
        Config.Allow(PrimaryBus, 0xFFFFFF, 3);
        Config.Allow(MemoryBase, 0xFFF0_FFF0, 4);
        Config.Set(PrefetchBase, WideWindow << 16 | WideWindow, 4);
        Config.Allow(PrefetchBase, 0xFFF0_FFF0, 4);
        Config.Allow(PrefetchBaseHigh, ulong.MaxValue, 8);
        Config.Allow(BridgeControl, BridgeControlMask);
        SetWindow(null, prefetchable: false);
        SetWindow(null, prefetchable: true);
        int at = AddCapability(PciRegisters.ExpressCapability, Machine.ExpressCapability.Build(Machine.ExpressCapability.RootPort, port));
        Machine.ExpressCapability.Allow(Config, at, Machine.ExpressCapability.RootPort);
        Slot = new PciSlot(Config, at, SetLine);
    }

    /// <summary>The port's name; null for none.</summary>
    public string? Name { get; init; }

    /// <summary>The hot-plug controller of its slot.</summary>
    public PciSlot Slot { get; }

    /// <summary>The bus below.</summary>
    public PciBus Below { get; }

    /// <summary>Where the bridge itself is.</summary>
    public (PciBus Bus, int Slot) Place { get; set; }

    /// <summary>The number of the bus below.</summary>
    public int Secondary => (int)Config.Read(SecondaryBus, 1);

    /// <summary>The highest number of a bus below.</summary>
    public int Subordinate => (int)Config.Read(SubordinateBus, 1);

    /// <inheritdoc/>
    public override void WriteConfig(int offset, int size, ulong value)
    {
        Slot.Write(offset, size, value, () => base.WriteConfig(offset, size, value));
        if (offset < PrefetchLimitHigh + 4 && MemoryBase < offset + size) MappingChanged();
    }

    /// <summary>Whether the bridge passes a region on to the bus below.</summary>
    public bool Forwards(ulong address, ulong size)
    {
        return DecodesMemory && (IsIn(Window(prefetchable: false)) || IsIn(Window(prefetchable: true)));

        bool IsIn((ulong First, ulong Last) window) => address >= window.First && address + size - 1 <= window.Last;
    }

    /// <summary>The first and the last byte of a window as the guest has set it; the first lies above the last when it is closed.</summary>
    public (ulong First, ulong Last) Window(bool prefetchable) => prefetchable
        ? (Config.Read(PrefetchBaseHigh, 4) << 32 | Bits(PrefetchBase) << 16, Config.Read(PrefetchLimitHigh, 4) << 32 | Bits(PrefetchLimit) << 16 | Granule - 1)
        : (Bits(MemoryBase) << 16, Bits(MemoryLimit) << 16 | Granule - 1);

    /// <summary>Sets a window as firmware would; null closes it (its base lies above its limit then).</summary>
    public void SetWindow((ulong First, ulong Last)? window, bool prefetchable)
    {
        (ulong first, ulong last) = window ?? (0xFFF0_0000, 0);
        Config.Write(prefetchable ? PrefetchBase : MemoryBase, 4, (first >> 16 & 0xFFF0) | (last >> 16 & 0xFFF0) << 16);
        if (prefetchable) Config.Write(PrefetchBaseHigh, 8, first >> 32 | last >> 32 << 32);
    }

    private ulong Bits(int register) => Config.Read(register, 2) & 0xFFF0;
}
