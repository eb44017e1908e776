namespace Hospes.Machine;

/// <summary>Registers, bits and ids of PCI configuration space: the one home of their numbers (PCI 3.0, chapter 6; PCI Express 5.0, chapter 7).</summary>
internal static class PciRegisters
{
    /// <summary>Registers that all headers have (PCI 3.0, 6.1).</summary>
    public const int VendorId = 0x00, DeviceId = 0x02, Command = 0x04, StatusRegister = 0x06, Revision = 0x08, ProgrammingInterface = 0x09, ClassCode = 0x0A,
        CacheLineSize = 0x0C, HeaderType = 0x0E, FirstBar = 0x10, CapabilityPointer = 0x34, LineRegister = 0x3C, PinRegister = 0x3D;

    /// <summary>Registers of a type 0 header (PCI 3.0, 6.1).</summary>
    public const int SubsystemVendorId = 0x2C, SubsystemId = 0x2E;

    /// <summary>Registers of a type 1 header (PCI-to-PCI Bridge 1.2, 3.2).</summary>
    public const int PrimaryBus = 0x18, SecondaryBus = 0x19, SubordinateBus = 0x1A, IoBase = 0x1C, IoLimit = 0x1D, MemoryBase = 0x20, MemoryLimit = 0x22,
        PrefetchBase = 0x24, PrefetchLimit = 0x26, PrefetchBaseHigh = 0x28, PrefetchLimitHigh = 0x2C, BridgeControl = 0x3E;

    /// <summary>Where the first capability goes: behind the header.</summary>
    public const int FirstCapability = 0x40;

    /// <summary>Where the capabilities end and the extended ones start.</summary>
    public const int ExtendedSpace = 0x100;

    /// <summary>Command register: I/O, memory, bus master, parity errors, SERR#, interrupt disable (PCI 3.0, 6.2.2).</summary>
    public const ushort CommandMask = 0x0547, CommandMemory = 0x0002, CommandInterruptDisable = 0x0400;

    /// <summary>Status register: an INTx interrupt is pending; there is a capability list (PCI 3.0, 6.2.3).</summary>
    public const ushort StatusInterrupt = 0x0008, StatusCapabilities = 0x0010;

    /// <summary>Bits of a memory BAR: 64 bits wide, prefetchable (PCI 3.0, 6.2.5.1).</summary>
    public const uint BarWide = 4, BarPrefetchable = 8, BarFlags = 0xF;

    /// <summary>Capability ids (PCI Code and ID Assignment 1.11, chapter 2).</summary>
    public const byte VendorCapability = 0x09, ExpressCapability = 0x10, MsixCapability = 0x11;

    /// <summary>Red Hat's vendor ids: of its PCI bridges, and of virtio.</summary>
    public const ushort BridgeVendor = 0x1B36, VirtioVendor = 0x1AF4;
}
