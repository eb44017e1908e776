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

    /// <summary>What feeds the port past its queue: made at the first call; null when it cannot be made or the port has ended.</summary>
    internal IBellSource? Source(Func<IBellSource?> make) => _queue.Source(make);

    private protected override Port With(Rights rights, HandleCount count) => new(_queue, rights, count);

    private protected override void EndObject() => _queue.Close();
}
