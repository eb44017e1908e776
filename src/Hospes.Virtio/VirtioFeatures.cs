namespace Hospes.Virtio;

/// <summary>Feature bits that every device may have (virtio 1.2, 6 "Reserved Feature Bits").</summary>
public static class VirtioFeatures
{
    /// <summary>A descriptor may point to a table of descriptors.</summary>
    public const ulong IndirectDescriptors = 1UL << 28;

    /// <summary>Driver and device say at which index they want to be told.</summary>
    public const ulong EventIndex = 1UL << 29;

    /// <summary>The device follows virtio 1.0 or later; without it nothing works here.</summary>
    public const ulong Version1 = 1UL << 32;

    /// <summary>Rings have the packed layout (2.8).</summary>
    public const ulong PackedRing = 1UL << 34;

    /// <summary>A single queue can be reset (2.6.1).</summary>
    public const ulong RingReset = 1UL << 40;

    /// <summary>What the transport and the queues offer for every device.</summary>
    public const ulong Common = IndirectDescriptors | EventIndex | Version1 | PackedRing | RingReset;
}

/// <summary>The device status field (virtio 1.2, 2.1).</summary>
[Flags]
public enum VirtioStatus : byte
{
    /// <summary>Reset.</summary>
    None = 0,

    /// <summary>The guest found the device.</summary>
    Acknowledge = 1,

    /// <summary>The guest has a driver for it.</summary>
    Driver = 2,

    /// <summary>The driver works.</summary>
    DriverOk = 4,

    /// <summary>Features are agreed on.</summary>
    FeaturesOk = 8,

    /// <summary>The device met something from which only a reset leads on.</summary>
    NeedsReset = 64,

    /// <summary>The driver gave up.</summary>
    Failed = 128,
}

/// <summary>Device types (virtio 1.2, 5).</summary>
public enum VirtioKind : ushort
{
    /// <summary>Network card (5.1).</summary>
    Network = 1,

    /// <summary>Block device (5.2).</summary>
    Block = 2,

    /// <summary>Console (5.3).</summary>
    Console = 3,

    /// <summary>Entropy source (5.4).</summary>
    Entropy = 4,

    /// <summary>Memory balloon (5.5).</summary>
    Balloon = 5,

    /// <summary>SCSI host (5.6).</summary>
    Scsi = 8,

    /// <summary>Graphics adapter (5.7).</summary>
    Gpu = 16,

    /// <summary>Input device (5.8).</summary>
    Input = 18,

    /// <summary>Sockets between guest and host (5.10).</summary>
    Socket = 19,

    /// <summary>Memory that comes and goes in blocks (5.15).</summary>
    Memory = 24,

    /// <summary>Folders of the host (5.11).</summary>
    FileSystem = 26,
}
