using System.Buffers.Binary;

namespace Hospes.Machine;

/// <summary>The PCI Express capability structure, version 2 (PCI Express 5.0, 7.5.3).</summary>
internal static class ExpressCapability
{
    /// <summary>Device/port types (7.5.3.2).</summary>
    public const ushort Endpoint = 0, RootPort = 4, RootComplexEndpoint = 9;

    /// <summary>Offsets from the capability's start.</summary>
    public const int DeviceControl = 0x08, LinkControl = 0x10, SlotControl = 0x18, RootControl = 0x1C, LinkControl2 = 0x30;

    /// <summary>Bits of those registers that a guest may change: error reporting, payload and read request sizes; ASPM, common clock and
    /// extended synch; slot interrupts; system errors and PME; target speed.</summary>
    public const ushort DeviceControlMask = 0x78FF, LinkControlMask = 0x00C3, SlotControlMask = 0x1FFF, RootControlMask = 0x001F, LinkControl2Mask = 0x000F;

    private const int Length = 0x3C;
    private const ushort Version2 = 2, SlotImplemented = 1 << 8;
    private const uint RoleBasedErrors = 1 << 15;

    /// <summary>A link of one lane at 2.5 GT/s, its data link layer reporting whether it is active (7.5.3.6).</summary>
    private const uint Speed2500 = 1, OneLane = 1 << 4, ReportsActive = 1 << 20;

    /// <summary>The capability without its id and link.</summary>
    /// <param name="type">The device/port type.</param>
    /// <param name="port">The number of a root port's link and slot.</param>
    public static byte[] Build(ushort type, byte port = 0)
    {
        byte[] all = new byte[Length];
        bool hasSlot = type == RootPort;
        BinaryPrimitives.WriteUInt16LittleEndian(all.AsSpan(0x02), (ushort)(Version2 | type << 4 | (hasSlot ? SlotImplemented : 0)));
        BinaryPrimitives.WriteUInt32LittleEndian(all.AsSpan(0x04), RoleBasedErrors);
        if (type != RootComplexEndpoint)
        {
            // A root complex' own endpoints have no link (7.5.3.6).
            BinaryPrimitives.WriteUInt32LittleEndian(all.AsSpan(0x0C), Speed2500 | OneLane | (hasSlot ? ReportsActive : 0) | (uint)port << 24);
            BinaryPrimitives.WriteUInt16LittleEndian(all.AsSpan(0x12), (ushort)(Speed2500 | OneLane));
            BinaryPrimitives.WriteUInt32LittleEndian(all.AsSpan(0x2C), Speed2500 << 1);
            BinaryPrimitives.WriteUInt16LittleEndian(all.AsSpan(0x30), (ushort)Speed2500);
        }
        if (hasSlot) BinaryPrimitives.WriteUInt32LittleEndian(all.AsSpan(0x14), (uint)port << 19);
        return all[2..];
    }

    /// <summary>Lets the guest change the control registers that the type has.</summary>
    public static void Allow(PciConfigSpace config, int at, ushort type)
    {
        config.Allow(at + DeviceControl, DeviceControlMask);
        if (type == RootComplexEndpoint) return;
        config.Allow(at + LinkControl, LinkControlMask);
        config.Allow(at + LinkControl2, LinkControl2Mask);
        if (type != RootPort) return;
        config.Allow(at + SlotControl, SlotControlMask);
        config.Allow(at + RootControl, RootControlMask);
    }
}
