namespace Hospes.Machine;

/// <summary>
/// A generic PCI Express host bridge with the ids of QEMU's GPEX: a configuration window (ECAM, PCI Express 5.0, 7.2.2) in which only the
/// bridge itself, 00:00.0, answers. Thread-safe.
/// </summary>
internal sealed class PciHostBridge : IMmioDevice
{
    /// <summary>The global system interrupt of the first of the four INTx lines; QEMU's <c>xenpvh</c> has them from here too.</summary>
    public const int FirstGsi = 16;

    /// <summary>How many INTx lines there are.</summary>
    public const int InterruptLines = 4;

    /// <summary>How many devices bus 0 has room for.</summary>
    public const int Slots = 32;

    private readonly PciConfigSpace _bridge = new();

    public PciHostBridge()
    {
        _bridge.Set(PciConfigSpace.VendorId, 0x1B36);
        _bridge.Set(PciConfigSpace.DeviceId, 0x0008);
        _bridge.Set(PciConfigSpace.ClassCode, 0x0600);
        _bridge.Set(PciConfigSpace.SubsystemVendorId, 0x1AF4);
        _bridge.Set(PciConfigSpace.SubsystemId, 0x1100);
        _bridge.Allow(PciConfigSpace.Command, PciConfigSpace.CommandMask);
        _bridge.Allow(PciConfigSpace.CacheLineSize, 0x00FF);
        _bridge.Allow(PciConfigSpace.InterruptLine, 0x00FF);
    }

    /// <summary>The interrupt of a device's pin: neighbours get different lines (PCI 3.0, 2.2.6).</summary>
    /// <param name="slot">0 to 31.</param>
    /// <param name="pin">0 for INTA# to 3.</param>
    public static int GsiOf(int slot, int pin) => FirstGsi + (slot + pin) % InterruptLines;

    /// <inheritdoc/>
    public ulong Read(ulong offset, int size) => offset < PciConfigSpace.Size ? _bridge.Read((int)offset, size) : ulong.MaxValue;

    /// <inheritdoc/>
    public void Write(ulong offset, int size, ulong value)
    {
        if (offset < PciConfigSpace.Size) _bridge.Write((int)offset, size, value);
    }
}
