namespace Hospes.Machine;

/// <summary>The functions on one bus. That behind a root port may be plugged in and taken out while the guest runs; look-ups need no lock.</summary>
/// <param name="upstream">The bridge above it; null for the root bus.</param>
internal sealed class PciBus(PciBridge? upstream)
{
    /// <summary>How many devices a bus has room for.</summary>
    public const int Slots = 32;

    private readonly PciFunction?[] _functions = new PciFunction?[Slots];
    private int _slot;

    /// <summary>The bridge above; null for the root bus.</summary>
    public PciBridge? Bridge => upstream;

    /// <summary>The functions with their slots. Every device here has one function, number 0.</summary>
    public IEnumerable<(int Slot, PciFunction Function)> Functions
    {
        get
        {
            for (int slot = 0; slot < Slots; slot++)
            {
                if (_functions[slot] is { } function) yield return (slot, function);
            }
        }
    }

    /// <summary>Puts a device into the first free slot.</summary>
    /// <returns>The slot, or -1 when the bus is full.</returns>
    public int Add(PciFunction function)
    {
        // A link has one device, at number 0 (PCI Express 5.0, 7.3.1).
        int room = upstream is null ? Slots : 1;
        if (_slot == room) return -1;
        Volatile.Write(ref _functions[_slot], function);
        if (function is PciBridge bridge) bridge.Place = (this, _slot);
        return _slot++;
    }

    /// <summary>Takes the device behind a root port out.</summary>
    public void RemoveBelow()
    {
        Volatile.Write(ref _functions[0], null);
        _slot = 0;
    }

    /// <summary>Finds a function on this bus or behind its bridges, by the numbers that the guest gave the buses.</summary>
    /// <param name="bus">The number that is looked for, 0 to 255.</param>
    /// <param name="slot">0 to 31.</param>
    /// <param name="number">This bus' own number.</param>
    public PciFunction? Find(int bus, int slot, int number)
    {
        if (bus == number) return _functions[slot];
        foreach (PciFunction? function in _functions)
        {
            if (function is PciBridge bridge && bus >= bridge.Secondary && bus <= bridge.Subordinate && bridge.Secondary > number)
            {
                return bridge.Below.Find(bus, slot, bridge.Secondary);
            }
        }
        return null;
    }

    /// <summary>The interrupt of a device's pin: neighbours get different lines, and each bridge turns them by its own slot (PCI-to-PCI
    /// Bridge 1.2, table 9-1).</summary>
    /// <param name="slot">0 to 31.</param>
    /// <param name="pin">0 for INTA# to 3.</param>
    public int GsiOf(int slot, int pin)
    {
        int turned = (slot + pin) % PciHostBridge.InterruptLines;
        return upstream is null ? PciHostBridge.FirstGsi + turned : upstream.Place.Bus.GsiOf(upstream.Place.Slot, turned);
    }
}
