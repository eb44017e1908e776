namespace Hospes.Machine;

/// <summary>
/// A generic PCI Express host bridge with the ids of QEMU's GPEX: a configuration window (ECAM, PCI Express 5.0, 7.2.2) over the root bus
/// and the buses behind its bridges, and the two memory windows in which BARs answer. Thread-safe; devices are added before the guest runs.
/// </summary>
internal sealed class PciHostBridge : IMmioDevice
{
    /// <summary>The global system interrupt of the first of the four INTx lines; QEMU's <c>xenpvh</c> has them from here too.</summary>
    public const int FirstGsi = 16;

    /// <summary>How many INTx lines there are.</summary>
    public const int InterruptLines = 4;

    private const int PinA = 0;

    private readonly MachineConfig _config;
    private readonly InterruptRouter _router;

    public PciHostBridge(MachineConfig config, InterruptRouter router)
    {
        _config = config;
        _router = router;
        Memory = new PciMemory(Root, config);
        Root.Add(new HostBridgeFunction());
    }

    /// <summary>Bus 0.</summary>
    public PciBus Root { get; } = new(null);

    /// <summary>What answers in the memory windows.</summary>
    public PciMemory Memory { get; }

    /// <summary>Adds a function to a bus and wires its interrupt.</summary>
    /// <returns>False when the bus is full.</returns>
    public bool Add(PciBus bus, PciFunction function)
    {
        int slot = bus.Add(function);
        if (slot < 0) return false;
        function.MappingChanged = Memory.Rebuild;
        function.Connect(_router.Line(bus.GsiOf(slot, PinA)));
        return true;
    }

    /// <summary>Numbers the buses and places all BARs, as firmware would.</summary>
    /// <returns>False when the windows are too small for them.</returns>
    public bool Place() => PciPlacement.Place(Root, _config);

    /// <inheritdoc/>
    public ulong Read(ulong offset, int size) => Find(offset) is { } function ? function.ReadConfig((int)offset % PciConfigSpace.Size, size) : ulong.MaxValue;

    /// <inheritdoc/>
    public void Write(ulong offset, int size, ulong value) => Find(offset)?.WriteConfig((int)offset % PciConfigSpace.Size, size, value);

    /// <summary>An offset in the window is bus (8 bits), device (5), function (3) and register (12).</summary>
    private PciFunction? Find(ulong offset) =>
        (offset >> 12 & 7) == 0 ? Root.Find((int)(offset >> 20 & 0xFF), (int)(offset >> 15 & 0x1F), number: 0) : null;

    /// <summary>The bridge's own function, 00:00.0.</summary>
    private sealed class HostBridgeFunction : PciFunction
    {
        private const ushort GenericBridge = 0x0008, SubsystemVendor = 0x1AF4, Subsystem = 0x1100;
        private const uint ClassHostBridge = 0x060000;

        public HostBridgeFunction()
            : base(new PciIdentity(PciRegisters.BridgeVendor, GenericBridge, ClassHostBridge))
        {
            Config.Set(PciRegisters.SubsystemVendorId, SubsystemVendor);
            Config.Set(PciRegisters.SubsystemId, Subsystem);
        }
    }
}
