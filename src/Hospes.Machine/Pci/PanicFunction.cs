namespace Hospes.Machine;

/// <summary>The panic notice as a PCI function with the ids of QEMU's <c>pvpanic-pci</c>: one byte, which says what can be told and takes it.</summary>
internal sealed class PanicFunction : PciFunction
{
    private const ushort Device = 0x0011, SubsystemVendor = 0x1AF4, Subsystem = 0x1100;
    private const uint ClassSystem = 0x088000;
    private const byte Revision = 1, Panicked = 1;
    private const ulong Size = 0x1000;

    private readonly Action _panicked;

    /// <param name="panicked">Told that the guest's kernel panicked, on a vCPU's thread.</param>
    public PanicFunction(Action panicked)
        : base(new PciIdentity(PciRegisters.BridgeVendor, Device, ClassSystem, Revision))
    {
        _panicked = panicked;
        Config.Set(PciRegisters.SubsystemVendorId, SubsystemVendor);
        Config.Set(PciRegisters.SubsystemId, Subsystem);
        AddBar(0, Size, isWide: false, isPrefetchable: false);
    }

    /// <inheritdoc/>
    public override ulong ReadBar(PciBar bar, ulong offset, int size) => offset == 0 ? Panicked : 0u;

    /// <inheritdoc/>
    public override void WriteBar(PciBar bar, ulong offset, int size, ulong value)
    {
        if (offset == 0 && (value & Panicked) != 0) _panicked();
    }
}
