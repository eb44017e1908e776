using System.Diagnostics.CodeAnalysis;

namespace Hospes.Virtio;

/// <summary>
/// The socket device (virtio 1.2, 5.10): streams between the guest and channels of the host. A guest that sends more than there is room for
/// loses the connection; one that takes no answers is heard no further until it does.
/// </summary>
public sealed partial class VsockDevice : VirtioDevice
{
    /// <summary>The host's address, and the lowest that a guest can have (5.10.4).</summary>
    public const ulong HostCid = 2, FirstGuestCid = 3;

    /// <summary>How many connections there are at most.</summary>
    public const int MostConnections = 256;

    /// <summary>PCI class: simple communication controller, other; as QEMU has it.</summary>
    private const uint ClassCommunication = 0x078000;

    /// <summary>Feature bit (5.10.3): streams.</summary>
    private const ulong FeatureStream = 1;

    private const int Receive = 0, Transmit = 1, QueueTotal = 3, ConfigBytes = 8, MostAnswers = 1024, LargestPacket = 64 << 10;

    /// <summary>The first port of the host's ends of connections that the host asked for.</summary>
    private const uint FirstHostPort = 1 << 30;

    private readonly object _gate = new();
    private readonly IVsockBackend _backend;
    private readonly ulong _guestCid;
    private readonly Dictionary<(uint Host, uint Guest), VsockConnection> _connections = [];
    private readonly Queue<Answer> _answers = new();
    private readonly Queue<VsockConnection> _ready = new();
    private readonly byte[] _packet = new byte[VsockHeader.Size + LargestPacket];
    private uint _nextPort = FirstHostPort;
    private readonly HashSet<VsockConnection> _draining = [];
    private bool _isRunning;

    /// <summary>Makes the device.</summary>
    /// <param name="guestCid">The guest's address, from <see cref="FirstGuestCid"/> to 2^32 - 2.</param>
    /// <param name="backend">Where the guest's connections lead; not owned.</param>
    public VsockDevice(ulong guestCid, IVsockBackend backend)
        : base(VirtioKind.Socket, ClassCommunication, QueueTotal, ConfigBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(guestCid, FirstGuestCid);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(guestCid, uint.MaxValue);
        _guestCid = guestCid;
        _backend = backend;
        SetConfig(0, guestCid, ConfigBytes);
    }

    /// <inheritdoc/>
    public override ulong Features => FeatureStream;

    /// <summary>How many connections there are, those that are being made or drained too.</summary>
    public int Connections
    {
        get
        {
            lock (_gate) return _connections.Count + _draining.Count;
        }
    }

    /// <summary>How many connections stand in the row of those with data for the guest.</summary>
    internal int Offered
    {
        get
        {
            lock (_gate) return _ready.Count;
        }
    }

    /// <summary>Asks the guest for a connection. Any thread.</summary>
    /// <param name="port">The guest's port.</param>
    /// <param name="channel">The host's end; the device's from now on if the answer is true. It first gets <c>OK</c>, a blank, the number of the
    /// host's port and a line feed once the guest has accepted, and is disposed if it does not.</param>
    /// <returns>False while no driver listens, or when there are too many connections.</returns>
    public bool TryConnect(uint port, IVsockChannel channel)
    {
        lock (_gate)
        {
            if (!_isRunning || _connections.Count + _draining.Count >= MostConnections) return false;
            while (_connections.ContainsKey((_nextPort, port))) _nextPort = Math.Max(FirstHostPort, _nextPort + 1);
            var connection = new VsockConnection(_nextPort, port) { State = VsockState.Asked, Channel = channel };
            _nextPort = Math.Max(FirstHostPort, _nextPort + 1);
            _connections.Add((connection.HostPort, port), connection);
            Reply(connection, VsockOperation.Request);
        }
        return true;
    }

    /// <inheritdoc/>
    protected internal override void Started(ulong features)
    {
        lock (_gate) _isRunning = true;
    }

    /// <inheritdoc/>
    protected internal override void Stopped()
    {
        lock (_gate)
        {
            _isRunning = false;
            foreach (VsockConnection connection in _connections.Values) Close(connection);
            _connections.Clear();
            _answers.Clear();
            _ready.Clear();
        }
    }

    /// <inheritdoc/>
    protected internal override void Serve(int queue)
    {
        if (queue == Receive) Deliver();
        else if (queue == Transmit) Take();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        lock (_gate)
        {
            foreach (VsockConnection connection in (VsockConnection[])[.. _draining]) Close(connection);
        }
    }

    /// <summary>Takes packets from the guest.</summary>
    private void Take()
    {
        if (Queue(Transmit) is not { } packets) return;
        do
        {
            packets.StopNotifications();
            while (!IsFull() && packets.TryTake(out DescriptorChain? chain))
            {
                uint length = chain.ReadableBytes;
                if (length is >= VsockHeader.Size and <= VsockHeader.Size + LargestPacket && chain.Read(0, _packet.AsSpan(0, (int)length)))
                {
                    lock (_gate) Handle(VsockHeader.Read(_packet), _packet.AsSpan(VsockHeader.Size, (int)length - VsockHeader.Size));
                }
                packets.Complete(chain, 0);
                Signal(Transmit, packets);
            }
            // Who does not take answers is heard no further; taking them has this called again.
            if (IsFull()) return;
        }
        while (packets.StartNotifications());
    }

    private bool IsFull()
    {
        lock (_gate) return _answers.Count >= MostAnswers;
    }

    /// <summary>Sends answers and data to the guest, as far as it has buffers.</summary>
    private void Deliver()
    {
        if (Queue(Receive) is not { } buffers) return;
        buffers.StopNotifications();
        bool sent = false, wasFull = IsFull();
        while (HasPacket())
        {
            if (!buffers.TryTake(out DescriptorChain? chain))
            {
                if (buffers.StartNotifications()) continue;
                break;
            }
            if (chain.WritableBytes < VsockHeader.Size)
            {
                buffers.Break(QueueFault.BadRequest);
                return;
            }
            int length;
            lock (_gate) length = Next((int)Math.Min(chain.WritableBytes - VsockHeader.Size, LargestPacket));
            buffers.Complete(chain, chain.Write(0, _packet.AsSpan(0, length)) ? (uint)length : 0);
            sent = true;
        }
        if (sent) Signal(Receive, buffers);
        if (wasFull && !IsFull()) RequestService(Transmit);
    }

    private bool HasPacket()
    {
        lock (_gate)
        {
            while (_ready.TryPeek(out VsockConnection? connection) && !connection.HasData) _ready.Dequeue().IsOffered = false;
            return _answers.Count > 0 || _ready.Count > 0;
        }
    }

    /// <summary>Writes the next packet for the guest; there is one.</summary>
    /// <param name="room">How many bytes of data it may have.</param>
    /// <returns>Its bytes.</returns>
    private int Next(int room)
    {
        if (_answers.TryDequeue(out Answer answer))
        {
            (uint allocated, uint forwarded) = answer.Connection?.Account() ?? (0, 0);
            new VsockHeader(HostCid, _guestCid, answer.HostPort, answer.GuestPort, 0, VsockHeader.Stream, answer.Operation, answer.Flags, allocated, forwarded).Write(_packet);
            return VsockHeader.Size;
        }
        // A device that was stopped meanwhile has nothing ready.
        if (!_ready.TryDequeue(out VsockConnection? connection)) return 0;
        int length = (int)Math.Min((uint)Math.Min(room, connection.Pending.Length), connection.Credit);
        (uint room0, uint taken) = connection.Account();
        new VsockHeader(HostCid, _guestCid, connection.HostPort, connection.GuestPort, (uint)length, VsockHeader.Stream, VsockOperation.Data, 0, room0, taken).Write(_packet);
        connection.Incoming.AsSpan(connection.Pending.Start, length).CopyTo(_packet.AsSpan(VsockHeader.Size));
        connection.Sent(length);
        connection.IsOffered = connection.HasData;
        if (connection.IsOffered) _ready.Enqueue(connection);
        return VsockHeader.Size + length;
    }

    private bool TryFind(in VsockHeader header, [NotNullWhen(true)] out VsockConnection? connection) =>
        _connections.TryGetValue((header.DestinationPort, header.SourcePort), out connection);

    /// <summary>Queues an answer that belongs to a connection.</summary>
    private void Reply(VsockConnection connection, VsockOperation operation, uint flags = 0)
    {
        _answers.Enqueue(new Answer(connection.HostPort, connection.GuestPort, operation, flags, connection));
        RequestService(Receive);
    }

    private readonly record struct Answer(uint HostPort, uint GuestPort, VsockOperation Operation, uint Flags, VsockConnection? Connection);
}
