namespace Hospes.Virtio;

/// <summary>
/// Requests of a block device that a gate does not let begin yet: those that read and those that write each wait in their order. For the
/// device's worker thread, but for the timer, which has it called.
/// </summary>
internal sealed class HeldRequests : IDisposable
{
    private readonly RequestGate _gate;
    private readonly Action _wake;
    private readonly ITimer _timer;
    private readonly Queue<BlockRequest>[] _held = [new(BlockDevice.MostInFlight), new(BlockDevice.MostInFlight)];

    public HeldRequests(RequestGate gate, Action wake)
    {
        _gate = gate;
        _wake = wake;
        _timer = gate.Time.CreateTimer(static held => ((HeldRequests)held!)._wake(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        gate.Changed += _wake;
    }

    /// <summary>Whether a request is held back.</summary>
    /// <param name="request">A request that has its chain.</param>
    public bool Holds(BlockRequest request)
    {
        if (request.Measure(out bool isWrite, out ulong bytes) is false) return false;
        Queue<BlockRequest> before = _held[isWrite ? 1 : 0];
        if (before.Count == 0 && MayBegin(isWrite, bytes)) return false;
        before.Enqueue(request);
        return true;
    }

    /// <summary>Takes one that may begin now.</summary>
    public BlockRequest? Take()
    {
        foreach (Queue<BlockRequest> queue in _held)
        {
            if (!queue.TryPeek(out BlockRequest? request)) continue;
            request.Measure(out bool isWrite, out ulong bytes);
            if (MayBegin(isWrite, bytes)) return queue.Dequeue();
        }
        return null;
    }

    /// <summary>Takes one that will never begin, since its queue is reset.</summary>
    /// <param name="queue">The queue; null for any.</param>
    public BlockRequest? Drop(int? queue)
    {
        foreach (Queue<BlockRequest> held in _held)
        {
            for (int left = held.Count; left > 0; left--)
            {
                BlockRequest request = held.Dequeue();
                if (queue is null || request.Index == queue) return request;
                held.Enqueue(request);
            }
        }
        return null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _gate.Changed -= _wake;
        _timer.Dispose();
    }

    private bool MayBegin(bool isWrite, ulong bytes)
    {
        TimeSpan wait = _gate.TryBegin(isWrite, bytes);
        if (wait > TimeSpan.Zero) _timer.Change(wait, Timeout.InfiniteTimeSpan);
        return wait == TimeSpan.Zero;
    }
}
