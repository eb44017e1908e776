using System.Net.NetworkInformation;

namespace Hospes.Virtio;

using static NetLayout;

/// <summary>What a network device is made of.</summary>
public sealed record NetSettings
{
    /// <summary>Its MAC address.</summary>
    public required PhysicalAddress Mac { get; init; }

    /// <summary>The largest frame's payload in bytes, 68 to 65535; null when the guest is not told.</summary>
    public int? Mtu { get; init; }

    /// <summary>How many pairs of queues it has, 1 to 16.</summary>
    public int Pairs { get; init; } = 1;

    /// <summary>What lets frames pass; null for no limits. Not owned.</summary>
    public RequestGate? Gate { get; init; }
}

/// <summary>
/// The network device (virtio 1.2, 5.1). Packets to the backend go out on the worker thread; packets from it are put into the guest's buffers on
/// the backend's thread.
/// </summary>
public sealed partial class NetDevice : VirtioDevice, INetSink
{
    /// <summary>The longest packet: header, Ethernet header with a VLAN tag, 64 KiB.</summary>
    internal const int LongestPacket = NetHeader.Size + 18 + 65535;

    /// <summary>PCI class: Ethernet controller.</summary>
    private const uint ClassEthernet = 0x020000;

    private const int MacSize = 6;

    private readonly INetBackend _backend;
    private readonly NetSettings _settings;
    private readonly byte[] _outgoing = new byte[LongestPacket];
    private readonly object _receiveGate = new();
    private readonly DescriptorChain[] _merged = new DescriptorChain[VirtQueue.LargestSize];
    private readonly uint[] _mergedLengths = new uint[VirtQueue.LargestSize];
    private readonly GateWay? _wayIn, _wayOut;
    private ulong _agreed;
    private int _pairs = 1;
    private bool _isReceiving, _hasRoom;

    /// <summary>Makes the device; the link is up.</summary>
    /// <param name="backend">Where packets go; not owned.</param>
    /// <param name="settings">What it is made of.</param>
    public NetDevice(INetBackend backend, NetSettings settings)
        : base(VirtioKind.Network, ClassEthernet, Check(settings).Pairs * 2 + 1, ConfigBytes)
    {
        _backend = backend;
        _settings = settings;
        byte[] mac = settings.Mac.GetAddressBytes();
        for (int i = 0; i < mac.Length; i++) SetConfig(MacField + i, mac[i], 1);
        SetConfig(StatusField, LinkUp, 2);
        SetConfig(PairsField, (ulong)settings.Pairs, 2);
        SetConfig(MtuField, (ulong)(settings.Mtu ?? 0), 2);
        if (settings.Gate is not { } gate) return;
        _wayIn = new GateWay(gate, isWrite: false, RoomCame);
        _wayOut = new GateWay(gate, isWrite: true, SendHeld);
    }

    /// <inheritdoc/>
    public override ulong Features => Mac | LinkStatus | MergeableBuffers | ControlQueue | ControlReceive | ControlMac | Checksum
        | (_settings.Mtu is null ? 0 : Mtu) | (_settings.Pairs > 1 ? MultiQueue : 0)
        | (_backend.TakesHeaders || _backend.DeliversGoodChecksums ? GuestChecksum : 0)
        | (_backend.TakesHeaders ? GuestTso4 | GuestTso6 | GuestEcn | HostTso4 | HostTso6 | HostEcn : 0);

    /// <summary>Whether the guest reads that the link is up.</summary>
    public bool IsLinkUp => (ReadConfig(StatusField, 2) & LinkUp) != 0;

    /// <inheritdoc/>
    public override int QueueSize(int queue) => queue == _settings.Pairs * 2 ? 64 : 256;

    /// <inheritdoc/>
    public void SetLink(bool isUp)
    {
        SetConfig(StatusField, isUp ? LinkUp : 0, 2);
        NotifyConfig();
    }

    /// <summary>Without several queues the control queue has number 2 (5.1.2).</summary>
    private int ControlIndex => (_agreed & MultiQueue) != 0 ? _settings.Pairs * 2 : 2;

    /// <inheritdoc/>
    protected internal override void Started(ulong features)
    {
        _agreed = features;
        _pairs = 1;
        lock (_receiveGate) _isReceiving = true;
        _backend.Start(this, features);
    }

    /// <inheritdoc/>
    protected internal override void Stopped()
    {
        _backend.Stop();
        lock (_receiveGate)
        {
            _isReceiving = false;
            Monitor.PulseAll(_receiveGate);
        }
    }

    /// <inheritdoc/>
    protected internal override void QueueStopped(int queue)
    {
        // Whoever fills a buffer of it holds the lock.
        lock (_receiveGate)
        {
        }
    }

    /// <inheritdoc/>
    protected internal override void Serve(int queue)
    {
        if (queue == ControlIndex) ServeControl(queue);
        else if (queue % 2 != 0) Transmit(queue);
        else RoomCame();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _wayIn?.Dispose();
        _wayOut?.Dispose();
    }

    private static NetSettings Check(NetSettings settings)
    {
        if (settings.Pairs is < 1 or > 16) throw new ArgumentOutOfRangeException(nameof(settings), "a network device has 1 to 16 pairs of queues");
        if (settings.Mtu is < 68 or > 65535) throw new ArgumentOutOfRangeException(nameof(settings), "an MTU is 68 to 65535");
        if (settings.Mac.GetAddressBytes().Length != MacSize) throw new ArgumentOutOfRangeException(nameof(settings), "a MAC address has 6 bytes");
        return settings;
    }

    private void Transmit(int queue)
    {
        if (Queue(queue) is not { } packets) return;
        do
        {
            packets.StopNotifications();
            while (true)
            {
                // What may not go out yet stays in the ring, and the driver need not ring until then.
                if (_wayOut?.Ask() == false) return;
                if (!packets.TryTake(out DescriptorChain? chain)) break;
                Span<byte> packet = _outgoing.AsSpan(0, (int)Math.Min(chain.ReadableBytes, LongestPacket));
                bool isWhole = chain.ReadableBytes is > NetHeader.Size and <= LongestPacket;
                if (isWhole && chain.Read(0, packet) && Prepare(packet))
                {
                    _wayOut?.Count((ulong)packet.Length - NetHeader.Size);
                    _backend.Send(packet);
                }
                packets.Complete(chain, 0);
                Signal(queue, packets);
            }
        }
        while (packets.StartNotifications());
    }

    /// <summary>Frames may go out again.</summary>
    private void SendHeld()
    {
        for (int pair = 0; pair < _settings.Pairs; pair++) RequestService(pair * 2 + 1);
    }

    /// <summary>Does what the header asks for where the backend does not. Answers whether the packet is to be sent.</summary>
    private bool Prepare(Span<byte> packet)
    {
        if (_backend.TakesHeaders) return true;
        if (packet[NetHeader.SegmentationField] != 0) return false;
        return (packet[NetHeader.FlagsField] & NetHeader.NeedsChecksum) == 0 || NetHeader.FillChecksum(packet);
    }
}
