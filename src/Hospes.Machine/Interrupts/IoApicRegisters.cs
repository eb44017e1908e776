namespace Hospes.Machine;

/// <summary>The registers of the I/O APIC (Intel 82093AA, chapter 3; the end-of-interrupt register: Intel ICH9, 13.5.4).</summary>
internal static class IoApicRegisters
{
    /// <summary>Offsets in the window: index, data, end of interrupt.</summary>
    public const ulong Select = 0x00, Data = 0x10, EndOfInterrupt = 0x40;

    /// <summary>Register numbers: id, version, arbitration id, and the first redirection entry's low half.</summary>
    public const byte Id = 0, Version = 1, Arbitration = 2, Redirection = 0x10;

    /// <summary>Bits of the id that are kept: 24 to 27 (82093AA, 3.2.1).</summary>
    public const uint IdMask = 0x0F000000;

    /// <summary>Version 0x20, the first with an end-of-interrupt register.</summary>
    public const uint VersionNumber = 0x20;

    /// <summary>A redirection entry (82093AA, 3.2.4): delivery mode, destination mode, remote IRR, trigger mode, mask, destination.</summary>
    public const ulong VectorMask = 0xFF, DeliveryMode = 7 << 8, Logical = 1 << 11, RemoteIrr = 1 << 14, Level = 1 << 15, Masked = 1 << 16;

    /// <summary>Where the destination is.</summary>
    public const int DestinationShift = 56;

    /// <summary>The bits that the guest may write: all but delivery status, remote IRR and the reserved ones.</summary>
    public const ulong Writable = 0xFF00_0000_0001_AFFF;
}
