namespace Hospes.Virtio;

/// <summary>The network device's numbers (virtio 1.2, 5.1).</summary>
public static class NetLayout
{
    /// <summary>Feature bits (5.1.3): the device fills checksums in; the driver takes packets without one; an MTU and a MAC address are given; the
    /// driver takes large segments; the device does; buffers may be merged; the link's status is told; there is a control queue.</summary>
    public const ulong Checksum = 1 << 0, GuestChecksum = 1 << 1, Mtu = 1 << 3, Mac = 1 << 5, GuestTso4 = 1 << 7, GuestTso6 = 1 << 8, GuestEcn = 1 << 9,
        HostTso4 = 1 << 11, HostTso6 = 1 << 12, HostEcn = 1 << 13, MergeableBuffers = 1 << 15, LinkStatus = 1 << 16, ControlQueue = 1 << 17,
        ControlReceive = 1 << 18, MultiQueue = 1 << 22, ControlMac = 1 << 23;

    /// <summary>Fields of the configuration (5.1.4).</summary>
    internal const int MacField = 0, StatusField = 6, PairsField = 8, MtuField = 10, ConfigBytes = 12;

    /// <summary>Bit of the status: the link is up.</summary>
    internal const ulong LinkUp = 1;

    /// <summary>Classes of control commands, and the commands that are known in them (5.1.6.5).</summary>
    internal const byte ClassReceive = 0, ClassMac = 1, ClassMultiQueue = 4, MacTableSet = 0, MacAddressSet = 1, PairsSet = 0, ReceiveLast = 5;

    /// <summary>Answers to control commands.</summary>
    internal const byte AnswerOk = 0, AnswerError = 1;
}
