namespace Hospes.Hypervisor;

/// <summary>
/// The queue behind a port and its duplicates. Once an engine feeds the port from the kernel, waiters wait there (<see cref="IBellSource"/>), and who
/// queues a packet wakes one of them; a waiter that leaves packets behind wakes the next.
/// </summary>
internal sealed class PortQueue
{
    private readonly object _gate = new();
    private readonly Queue<(Packet Packet, Trap? Bell)> _packets = new(Trap.BellPackets);
    private IBellSource? _source;
    private int _inKernel, _count;
    private bool _closed;
    private PollWindow _poll;

    public Status Put(in Packet packet, Trap? bell)
    {
        lock (_gate)
        {
            while (!_closed && bell is { Queued: >= Trap.BellPackets }) Monitor.Wait(_gate);
            if (_closed) return Status.BadState;
            if (bell is not null) bell.Queued++;
            _packets.Enqueue((packet, bell));
            Volatile.Write(ref _count, _packets.Count);
            WakeOne();
            return Status.Ok;
        }
    }

    public Status Take(TimeSpan timeout, out Packet packet)
    {
        packet = default;
        long end = timeout < TimeSpan.Zero ? long.MaxValue : Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        long since = timeout == TimeSpan.Zero ? 0 : PollWindow.Now;
        while (true)
        {
            while (since != 0 && Volatile.Read(ref _count) == 0 && _source is null && _poll.LooksAgain(since))
            {
            }
            IBellSource? source;
            int wait;
            lock (_gate)
            {
                if (TryDequeue(out packet))
                {
                    if (since != 0) _poll.Ended(since);
                    return Status.Ok;
                }
                if (_closed) return Status.Canceled;
                wait = end == long.MaxValue ? Timeout.Infinite : (int)Math.Clamp(end - Environment.TickCount64, 0, int.MaxValue);
                source = _source;
                if (source is null)
                {
                    if (wait == 0) return Status.TimedOut;
                    Monitor.Wait(_gate, wait);
                    continue;
                }
                _inKernel++;
            }
            bool rang = source.Wait(wait, out Trap? bell, out ulong address);
            lock (_gate)
            {
                _inKernel--;
                if (_closed)
                {
                    EndSource();
                    return Status.Canceled;
                }
                if (rang && bell is not null)
                {
                    if (_packets.Count > 0) WakeOne();
                    packet = bell.Packet(address);
                    return Status.Ok;
                }
                if (wait == 0 && _packets.Count == 0) return Status.TimedOut;
            }
        }
    }

    /// <summary>What feeds the queue from the kernel: made at the first call; null when it cannot be made or the port has ended.</summary>
    public IBellSource? Source(Func<IBellSource?> make)
    {
        lock (_gate)
        {
            if (_closed) return null;
            if (_source is null && make() is { } made)
            {
                _source = made;
                // Waiters of before go to wait there.
                Monitor.PulseAll(_gate);
            }
            return _source;
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
            EndSource();
        }
    }

    private bool TryDequeue(out Packet packet)
    {
        if (!_packets.TryDequeue(out (Packet Packet, Trap? Bell) oldest))
        {
            packet = default;
            return false;
        }
        Volatile.Write(ref _count, _packets.Count);
        packet = oldest.Packet;
        if (oldest.Bell is not null) oldest.Bell.Queued--;
        Monitor.PulseAll(_gate);
        if (_packets.Count > 0) WakeOne();
        return true;
    }

    private void WakeOne()
    {
        Monitor.PulseAll(_gate);
        if (_inKernel > 0) _source?.Wake();
    }

    /// <summary>After the closing: wakes the next that waits in the kernel; the last one out ends the source.</summary>
    private void EndSource()
    {
        if (_inKernel > 0)
        {
            _source?.Wake();
            return;
        }
        _source?.Dispose();
        _source = null;
    }
}
