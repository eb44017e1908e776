namespace Hospes.Hypervisor;

/// <summary>A queue of packets that any number of threads wait on: first in, first out, one waiter released per packet (zx_port_wait).</summary>
public sealed class Port : Handle<Port>
{
    private readonly PortQueue _queue;

    /// <summary>Makes an empty port.</summary>
    public Port()
        : this(new PortQueue(), Rights.DefaultPort, new HandleCount())
    {
    }

    private Port(PortQueue queue, Rights rights, HandleCount count)
        : base(rights, count) => _queue = queue;

    /// <summary>Queues a packet of the caller's own.</summary>
    /// <param name="packet">The packet; its kind must be <see cref="PacketKind.User"/>.</param>
    public Status Queue(in Packet packet)
    {
        Status status = Check(Rights.Write);
        if (status != Status.Ok) return status;
        return packet.Kind == PacketKind.User ? _queue.Put(packet, null) : Status.InvalidArgs;
    }

    /// <summary>Takes the oldest packet, waiting for one if there is none.</summary>
    /// <param name="timeout">How long to wait; <see cref="Timeout.InfiniteTimeSpan"/> for ever, zero not at all.</param>
    /// <param name="packet">The packet.</param>
    /// <returns><see cref="Status.TimedOut"/>; <see cref="Status.Canceled"/> when the port's last handle is closed while waiting.</returns>
    public Status Wait(TimeSpan timeout, out Packet packet)
    {
        packet = default;
        Status status = Check(Rights.Read);
        return status == Status.Ok ? _queue.Take(timeout, out packet) : status;
    }

    /// <summary>Queues a bell's packet, after waiting until the bell has fewer than <see cref="Trap.BellPackets"/> unread.</summary>
    internal Status Ring(in Packet packet, Trap bell) => _queue.Put(packet, bell);

    private protected override Port With(Rights rights, HandleCount count) => new(_queue, rights, count);

    private protected override void EndObject() => _queue.Close();
}

/// <summary>The queue behind a port and its duplicates.</summary>
internal sealed class PortQueue
{
    private readonly object _gate = new();
    private readonly Queue<(Packet Packet, Trap? Source)> _packets = new(Trap.BellPackets);
    private bool _closed;

    public Status Put(in Packet packet, Trap? source)
    {
        lock (_gate)
        {
            while (!_closed && source is { Queued: >= Trap.BellPackets }) Monitor.Wait(_gate);
            if (_closed) return Status.BadState;
            if (source is not null) source.Queued++;
            _packets.Enqueue((packet, source));
            Monitor.PulseAll(_gate);
            return Status.Ok;
        }
    }

    public Status Take(TimeSpan timeout, out Packet packet)
    {
        long end = timeout < TimeSpan.Zero ? long.MaxValue : Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        lock (_gate)
        {
            while (_packets.Count == 0)
            {
                packet = default;
                if (_closed) return Status.Canceled;
                if (timeout < TimeSpan.Zero)
                {
                    Monitor.Wait(_gate);
                    continue;
                }
                long left = end - Environment.TickCount64;
                if (left <= 0) return Status.TimedOut;
                Monitor.Wait(_gate, (int)Math.Min(left, int.MaxValue));
            }
            (packet, Trap? source) = _packets.Dequeue();
            if (source is not null) source.Queued--;
            Monitor.PulseAll(_gate);
            return Status.Ok;
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }
    }
}
