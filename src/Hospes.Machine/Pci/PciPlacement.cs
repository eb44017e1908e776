namespace Hospes.Machine;

/// <summary>
/// Numbers buses and places BARs before the guest runs, as firmware does on a PC: a guest may keep all of it. The window below 4 GiB is
/// filled first, since every guest reaches it; what is 64 bits wide and no longer fits goes to the high one.
/// </summary>
internal sealed class PciPlacement
{
    /// <summary>The granule of a bridge's windows (PCI-to-PCI Bridge 1.2, 3.2.5.8).</summary>
    private const ulong BridgeGranule = 1UL << 20;

    private readonly Cursor _low, _high;
    private int _lastBus;

    private PciPlacement(MachineConfig config)
    {
        _low = new Cursor(config.PciMmioBase, config.PciMmioSize);
        _high = new Cursor(config.PciMmioHighBase, config.PciMmioHighSize);
    }

    /// <summary>Places everything on and behind the root bus.</summary>
    /// <returns>False when the windows are too small.</returns>
    public static bool Place(PciBus root, MachineConfig config) => new PciPlacement(config).PlaceBus(root, 0);

    private bool PlaceBus(PciBus bus, int number)
    {
        foreach ((_, PciFunction function) in bus.Functions)
        {
            // The largest first, so that alignment leaves no holes.
            foreach (PciBar bar in function.Bars.OrderByDescending(static bar => bar.Size))
            {
                if (!PlaceBar(bar)) return false;
            }
            if (function is PciBridge bridge && !PlaceBridge(bridge, number)) return false;
        }
        return true;
    }

    private bool PlaceBridge(PciBridge bridge, int number)
    {
        int secondary = ++_lastBus;
        bridge.Config.Write(PciRegisters.PrimaryBus, 1, (ulong)number);
        bridge.Config.Write(PciRegisters.SecondaryBus, 1, (ulong)secondary);
        List<PciBar> bars = [.. bridge.Below.Functions.SelectMany(static entry => entry.Function.Bars)];
        foreach (bool prefetchable in (ReadOnlySpan<bool>)[false, true])
        {
            List<PciBar> kind = bars.FindAll(bar => bar.IsPrefetchable == prefetchable);
            // A port with nothing behind it gets room for what is plugged in later, if there is any.
            if (kind.Count == 0 && (bars.Count > 0 || !_low.HasRoom(2 * BridgeGranule))) continue;
            // All of a window is in one place; a prefetchable one may be above 4 GiB when all in it is wide.
            Cursor cursor = _low;
            ulong wanted = kind.Aggregate(BridgeGranule, static (sum, bar) => sum + bar.Size);
            if (prefetchable && !_low.HasRoom(wanted) && kind.TrueForAll(static bar => bar.IsWide)) cursor = _high;
            if (!cursor.Align(BridgeGranule)) return false;
            ulong first = cursor.Next;
            foreach (PciBar bar in kind.OrderByDescending(static bar => bar.Size))
            {
                if (!cursor.TryTake(bar.Size, out ulong address)) return false;
                bar.Address = address;
            }
            if (kind.Count == 0) cursor.TryTake(BridgeGranule, out _);
            if (!cursor.Align(BridgeGranule)) return false;
            bridge.SetWindow((first, cursor.Next - 1), prefetchable);
        }
        bridge.Config.Write(PciRegisters.SubordinateBus, 1, (ulong)_lastBus);
        return true;
    }

    private bool PlaceBar(PciBar bar)
    {
        if (!_low.TryTake(bar.Size, out ulong address) && !(bar.IsWide && _high.TryTake(bar.Size, out address))) return false;
        bar.Address = address;
        return true;
    }

    /// <summary>How far a window is filled.</summary>
    private sealed class Cursor(ulong start, ulong size)
    {
        private readonly ulong _end = start + size;

        public ulong Next { get; private set; } = start;

        public bool HasRoom(ulong bytes) => _end - Next >= bytes;

        public bool Align(ulong alignment)
        {
            ulong aligned = (Next + alignment - 1) & ~(alignment - 1);
            if (aligned > _end) return false;
            Next = aligned;
            return true;
        }

        public bool TryTake(ulong bytes, out ulong address)
        {
            address = (Next + bytes - 1) & ~(bytes - 1);
            if (address > _end || _end - address < bytes) return false;
            Next = address + bytes;
            return true;
        }
    }
}
