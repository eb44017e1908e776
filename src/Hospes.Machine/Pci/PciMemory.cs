namespace Hospes.Machine;

/// <summary>
/// Which function answers at an address in the memory windows. Rebuilt whenever a guest moves a BAR or a bridge's window, or turns decoding on
/// or off; look-ups are lock-free. What lies outside the windows never reaches a function, whatever a guest writes into a BAR.
/// </summary>
/// <param name="root">The root bus.</param>
/// <param name="config">Where the windows are.</param>
internal sealed class PciMemory(PciBus root, MachineConfig config)
{
    private readonly Lock _gate = new();
    private Region[] _regions = [];
    private Region[] _left = [];

    /// <summary>Answers a read at a guest-physical address.</summary>
    public ulong Read(ulong address, int size)
    {
        if (TryFind(Volatile.Read(ref _regions), address, out Region region)) return region.Function.ReadBar(region.Bar, address - region.Address, size);
        return TryFind(Volatile.Read(ref _left), address, out _) ? 0 : ulong.MaxValue;
    }

    /// <summary>Takes a write at a guest-physical address.</summary>
    public void Write(ulong address, int size, ulong value)
    {
        if (TryFind(Volatile.Read(ref _regions), address, out Region region)) region.Function.WriteBar(region.Bar, address - region.Address, size, value);
    }

    /// <summary>
    /// A function was pulled out: where it answered, reads give zero until <see cref="Forget"/>. On a bus they would give all ones, but virtio's
    /// drivers in Linux reset a device that is gone, and wait for a status of zero for ever.
    /// </summary>
    public void Leave(PciFunction function)
    {
        lock (_gate) Volatile.Write(ref _left, [.. _left, .. _regions.Where(region => region.Function == function)]);
    }

    /// <summary>Another function comes to where one was pulled out.</summary>
    public void Forget(PciFunction function)
    {
        lock (_gate) Volatile.Write(ref _left, [.. _left.Where(region => region.Function != function)]);
    }

    /// <summary>Reads anew where everything is.</summary>
    public void Rebuild()
    {
        lock (_gate)
        {
            var regions = new List<Region>();
            Collect(root, regions);
            Region[] before = _regions;
            Volatile.Write(ref _regions, [.. regions]);
            foreach (Region region in before)
            {
                if (!regions.Exists(other => other.Bar == region.Bar)) region.Function.Mapped(region.Bar, null);
            }
            foreach (Region region in regions)
            {
                if (!Array.Exists(before, other => other == region)) region.Function.Mapped(region.Bar, region.Address);
            }
        }
    }

    private void Collect(PciBus bus, List<Region> regions)
    {
        foreach ((_, PciFunction function) in bus.Functions)
        {
            if (function.DecodesMemory)
            {
                foreach (PciBar bar in function.Bars)
                {
                    ulong address = bar.Address;
                    if (IsInWindow(address, bar.Size) && IsForwarded(bus, address, bar.Size)) regions.Add(new Region(address, function, bar));
                }
            }
            if (function is PciBridge bridge) Collect(bridge.Below, regions);
        }
    }

    private bool IsInWindow(ulong address, ulong size) =>
        Contains(config.PciMmioBase, config.PciMmioSize, address, size) || Contains(config.PciMmioHighBase, config.PciMmioHighSize, address, size);

    private static bool Contains(ulong start, ulong length, ulong address, ulong size) =>
        address >= start && size <= length && address - start <= length - size;

    private static bool IsForwarded(PciBus bus, ulong address, ulong size)
    {
        while (bus.Bridge is { } bridge)
        {
            if (!bridge.Forwards(address, size)) return false;
            bus = bridge.Place.Bus;
        }
        return true;
    }

    private static bool TryFind(Region[] regions, ulong address, out Region region)
    {
        foreach (Region candidate in regions)
        {
            if (address - candidate.Address >= candidate.Bar.Size) continue;
            region = candidate;
            return true;
        }
        region = default;
        return false;
    }

    private readonly record struct Region(ulong Address, PciFunction Function, PciBar Bar);
}
