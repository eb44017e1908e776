using System.Buffers.Binary;

namespace Hospes.Virtio;

/// <summary>
/// Where the parts of a virtio function are (virtio 1.2, 4.1): every function has one 64-bit memory BAR with the same layout, so that the page
/// of the bells of any function lies at the same place inside its region. The MSI-X table and its pending bits are in it too.
/// </summary>
public static class VirtioPciLayout
{
    /// <summary>Number of the BAR, and its bytes.</summary>
    public const int Bar = 0, BarSize = 0x8000;

    /// <summary>Parts of the region; each has <see cref="PartSize"/> bytes.</summary>
    public const int CommonConfig = 0x0000, InterruptStatus = 0x1000, DeviceConfig = 0x2000, Bells = 0x3000, MsixTable = 0x4000, MsixPending = 0x5000;

    /// <summary>Bytes of a part.</summary>
    public const int PartSize = 0x1000;

    /// <summary>Bytes from one queue's bell to the next one's.</summary>
    public const int BellStride = 4;

    /// <summary>The most queues that a function has here: what one word of pending bits holds.</summary>
    public const int MaxQueues = 64;

    /// <summary>PCI vendor id, and the number that a device's type is added to for its device id (4.1.2).</summary>
    public const ushort Vendor = 0x1AF4, FirstDevice = 0x1040;

    /// <summary>Revision of functions without the legacy interface (4.1.2.1).</summary>
    public const byte Revision = 1;

    /// <summary>Offsets of the fields of the capability for access through configuration space, from the capability's start (4.1.4.9).</summary>
    public const int AccessBar = 4, AccessOffset = 8, AccessLength = 12, AccessData = 16;

    /// <summary>Registers of the common configuration (4.1.4.3).</summary>
    internal const int DeviceFeatureSelect = 0x00, DeviceFeature = 0x04, DriverFeatureSelect = 0x08, DriverFeature = 0x0C, ConfigVector = 0x10,
        NumberOfQueues = 0x12, StatusRegister = 0x14, ConfigGeneration = 0x15, QueueSelect = 0x16, QueueSize = 0x18, QueueVector = 0x1A, QueueEnable = 0x1C,
        QueueNotifyOffset = 0x1E, QueueDescriptors = 0x20, QueueDriver = 0x28, QueueDevice = 0x30, QueueNotifyData = 0x38, QueueReset = 0x3A,
        CommonEnd = 0x3C;

    /// <summary>No vector (4.1.5.1.1).</summary>
    internal const ushort NoVector = 0xFFFF;

    /// <summary>Bits of the interrupt status (4.1.4.5).</summary>
    internal const uint QueueInterrupt = 1, ConfigInterrupt = 2;

    /// <summary>Capability types (4.1.4).</summary>
    private const byte CommonType = 1, NotifyType = 2, InterruptType = 3, DeviceType = 4, AccessType = 5;

    private const int CapabilitySize = 16;

    /// <summary>The five capabilities without their id and link, in the order of their types; the last is the access window.</summary>
    /// <param name="deviceConfigSize">Bytes of the device's configuration; 0 leaves that capability out.</param>
    public static IReadOnlyList<byte[]> Capabilities(int deviceConfigSize)
    {
        List<byte[]> all =
        [
            Capability(CommonType, CommonConfig, CommonEnd, 0),
            Capability(NotifyType, Bells, PartSize, 4),
            Capability(InterruptType, InterruptStatus, 1, 0),
        ];
        if (deviceConfigSize > 0) all.Add(Capability(DeviceType, DeviceConfig, deviceConfigSize, 0));
        all.Add(Capability(AccessType, 0, 0, 4));
        BinaryPrimitives.WriteUInt32LittleEndian(all[1].AsSpan(CapabilitySize - 2), BellStride);
        return all;
    }

    private static byte[] Capability(byte type, int offset, int length, int more)
    {
        byte[] body = new byte[CapabilitySize - 2 + more];
        body[0] = (byte)(CapabilitySize + more);
        body[1] = type;
        body[2] = Bar;
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(AccessOffset - 2), offset);
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(AccessLength - 2), length);
        return body;
    }
}
