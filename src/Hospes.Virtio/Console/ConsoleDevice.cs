using System.Buffers.Binary;
using System.Text;

namespace Hospes.Virtio;

/// <summary>
/// The console device with several ports (virtio 1.2, 5.3). Ports without a name are consoles: the first is <c>hvc0</c> in Linux. A driver that
/// does not know several ports sees the first one.
/// </summary>
public sealed class ConsoleDevice : VirtioDevice
{
    /// <summary>The most ports that a device has: each takes two queues, and control takes two.</summary>
    public const int MostPorts = VirtioPciLayout.MaxQueues / 2 - 1;

    /// <summary>Feature bits (5.3.3): a size is given; several ports.</summary>
    public const ulong FeatureSize = 1 << 0, FeatureMultiport = 1 << 1;

    /// <summary>PCI class: simple communication controller, other.</summary>
    private const uint ClassCommunication = 0x078000;

    /// <summary>Fields of the configuration (5.3.4).</summary>
    private const int Columns = 0, MaxPorts = 4, ConfigBytes = 12;

    /// <summary>Control queues; port 0 has queues 0 and 1, port n has 2n + 2 and 2n + 3 (5.3.2).</summary>
    private const int ControlReceive = 2, ControlTransmit = 3;

    private const int ControlSize = 8, ChunkSize = 4096;

    private readonly ConsolePort?[] _ports;
    private readonly Queue<byte[]> _control = new();
    private readonly byte[] _chunk = new byte[ChunkSize];
    private readonly bool[] _ready;
    private bool _multiport;

    /// <summary>Makes the device.</summary>
    /// <param name="ports">Its ports by number, 1 to <see cref="MostPorts"/>, with null for a number that has none; number 0 has to be a console.</param>
    public ConsoleDevice(params IReadOnlyList<ConsolePort?> ports)
        : base(VirtioKind.Console, ClassCommunication, 2 + 2 * ports.Count, ConfigBytes)
    {
        _ports = [.. ports];
        _ready = new bool[_ports.Length];
        SetConfig(MaxPorts, (ulong)_ports.Length, 4);
        for (int i = 0; i < _ports.Length; i++)
        {
            int queue = ReceiveQueue(i);
            if (_ports[i] is { } port) port.InputCame = () => RequestService(queue);
        }
    }

    /// <inheritdoc/>
    public override ulong Features => FeatureSize | FeatureMultiport;

    /// <summary>Tells the guest how large the terminal of its first console is.</summary>
    /// <param name="columns">Characters in a line.</param>
    /// <param name="rows">Lines.</param>
    public void Resize(ushort columns, ushort rows)
    {
        SetConfig(Columns, columns | (uint)rows << 16, 4);
        NotifyConfig();
    }

    /// <inheritdoc/>
    public override int QueueSize(int queue) => 128;

    /// <inheritdoc/>
    protected internal override void Started(ulong features) => _multiport = (features & FeatureMultiport) != 0;

    /// <inheritdoc/>
    protected internal override void Stopped()
    {
        _control.Clear();
        Array.Clear(_ready);
        foreach (ConsolePort? port in _ports)
        {
            if (port is not null) port.IsOpen = false;
        }
    }

    /// <inheritdoc/>
    protected internal override void Serve(int queue)
    {
        if (Queue(queue) is not { } buffers) return;
        switch (queue)
        {
            case ControlReceive:
                SendControl();
                return;
            case ControlTransmit:
                Drain(queue, buffers, port: -1);
                SendControl();
                return;
        }
        int port = queue < ControlReceive ? 0 : queue / 2 - 1;
        if (queue % 2 != 0) Drain(queue, buffers, port);
        else if (_ports[port] is { } typed) SendInput(queue, buffers, typed);
    }

    private static int ReceiveQueue(int port) => port == 0 ? 0 : 2 * port + 2;

    /// <summary>Moves what people typed into the guest's buffers.</summary>
    private void SendInput(int queue, VirtQueue buffers, ConsolePort port)
    {
        buffers.StopNotifications();
        bool sent = false;
        // Waiting for buffers means waiting for the driver's bell; waiting for input does not.
        while (port.HasInput)
        {
            if (!buffers.TryTake(out DescriptorChain? chain))
            {
                if (buffers.StartNotifications()) continue;
                break;
            }
            int count = port.Take(_chunk.AsSpan(0, (int)Math.Min(chain.WritableBytes, ChunkSize)));
            buffers.Complete(chain, chain.Write(0, _chunk.AsSpan(0, count)) ? (uint)count : 0);
            sent = true;
        }
        if (sent) Signal(queue, buffers);
    }

    /// <summary>Takes what the guest wrote: to a port, or (-1) to the control queue.</summary>
    private void Drain(int queue, VirtQueue buffers, int port)
    {
        do
        {
            buffers.StopNotifications();
            while (buffers.TryTake(out DescriptorChain? chain))
            {
                if (port < 0)
                {
                    TakeControl(chain);
                }
                else
                {
                    for (uint at = 0; at < chain.ReadableBytes;)
                    {
                        Span<byte> part = _chunk.AsSpan(0, (int)Math.Min(chain.ReadableBytes - at, ChunkSize));
                        if (!chain.Read(at, part)) break;
                        _ports[port]?.Backend.Write(part);
                        at += (uint)part.Length;
                    }
                }
                buffers.Complete(chain, 0);
                Signal(queue, buffers);
            }
        }
        while (buffers.StartNotifications());
    }

    private void TakeControl(DescriptorChain chain)
    {
        Span<byte> message = stackalloc byte[ControlSize];
        if (chain.ReadableBytes < ControlSize || !chain.Read(0, message) || !_multiport) return;
        uint id = BinaryPrimitives.ReadUInt32LittleEndian(message);
        var kind = (ControlEvent)BinaryPrimitives.ReadUInt16LittleEndian(message[4..]);
        bool value = BinaryPrimitives.ReadUInt16LittleEndian(message[6..]) != 0;
        if (kind == ControlEvent.DeviceReady)
        {
            // Asked again, it starts over; what waited before is of no use then.
            _control.Clear();
            for (uint port = 0; value && port < _ports.Length; port++)
            {
                if (_ports[port] is not null) QueueControl(port, ControlEvent.PortAdd, 1);
            }
        }
        else if (id >= _ports.Length || _ports[id] is not { } port)
        {
            return;
        }
        else if (kind == ControlEvent.PortReady && value && !_ready[id])
        {
            _ready[id] = true;
            if (port.IsConsole) QueueControl(id, ControlEvent.ConsolePort, 1);
            if (port.Name is { } name) QueueControl(id, ControlEvent.PortName, 1, name);
            QueueControl(id, ControlEvent.PortOpen, 1);
        }
        else if (kind == ControlEvent.PortOpen)
        {
            port.IsOpen = value;
        }
    }

    private void QueueControl(uint port, ControlEvent kind, ushort value, string text = "")
    {
        byte[] message = new byte[ControlSize + Encoding.UTF8.GetByteCount(text)];
        BinaryPrimitives.WriteUInt32LittleEndian(message, port);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(4), (ushort)kind);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(6), value);
        Encoding.UTF8.GetBytes(text, message.AsSpan(ControlSize));
        _control.Enqueue(message);
    }

    private void SendControl()
    {
        if (Queue(ControlReceive) is not { } buffers) return;
        bool sent = false;
        while (_control.TryPeek(out byte[]? message))
        {
            if (!buffers.TryTake(out DescriptorChain? chain))
            {
                if (buffers.StartNotifications()) continue;
                break;
            }
            _control.Dequeue();
            uint count = Math.Min((uint)message.Length, chain.WritableBytes);
            buffers.Complete(chain, chain.Write(0, message.AsSpan(0, (int)count)) ? count : 0);
            sent = true;
        }
        if (sent) Signal(ControlReceive, buffers);
    }

    /// <summary>Control events (5.3.6.2).</summary>
    private enum ControlEvent : ushort
    {
        DeviceReady = 0,
        PortAdd = 1,
        PortReady = 3,
        ConsolePort = 4,
        PortOpen = 6,
        PortName = 7,
    }
}
