namespace Hospes.Virtio;

/// <summary>
/// Requests of a block device that a gate does not let begin yet: those that read and those that write each wait in their order. For the
/// device's worker thread, but for the timer, which has it called.
/// </summary>
internal sealed class HeldRequests : IDisposable
{
    private readonly Direction[] _directions;

    public HeldRequests(RequestGate gate, Action wake) => _directions = [new(gate, isWrite: false, wake), new(gate, isWrite: true, wake)];

    /// <summary>Whether a request is held back.</summary>
    /// <param name="request">A request that has its chain.</param>
    public bool Holds(BlockRequest request)
    {
        if (!request.Measure(out bool isWrite, out ulong bytes)) return false;
        Direction direction = _directions[isWrite ? 1 : 0];
        if (direction.Held.Count == 0 && direction.Way.TryBegin(bytes)) return false;
        direction.Held.Enqueue(request);
        return true;
    }

    /// <summary>Takes one that may begin now.</summary>
    public BlockRequest? Take()
    {
        foreach (Direction direction in _directions)
        {
            if (!direction.Held.TryPeek(out BlockRequest? request)) continue;
            request.Measure(out _, out ulong bytes);
            if (direction.Way.TryBegin(bytes)) return direction.Held.Dequeue();
        }
        return null;
    }

    /// <summary>Takes one that will never begin, since its queue is reset.</summary>
    /// <param name="queue">The queue; null for any.</param>
    public BlockRequest? Drop(int? queue)
    {
        foreach (Queue<BlockRequest> held in _directions.Select(static direction => direction.Held))
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
        foreach (Direction direction in _directions) direction.Way.Dispose();
    }

    /// <summary>Those that read, or those that write: each has a timer of its own, so that neither waits for the other's turn.</summary>
    private sealed class Direction(RequestGate gate, bool isWrite, Action wake)
    {
        public GateWay Way { get; } = new(gate, isWrite, wake);

        public Queue<BlockRequest> Held { get; } = new(BlockDevice.MostInFlight);
    }
}
