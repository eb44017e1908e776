namespace Hospes.Virtio;

/// <summary>
/// Requests to a disk that a gate does not let begin yet: those that read and those that write each wait in their order. For the
/// device's worker thread, but for the timer, which has it called.
/// </summary>
internal sealed class HeldRequests : IDisposable
{
    private readonly Direction[] _directions;

    public HeldRequests(RequestGate gate, Action wake) => _directions = [new(gate, isWrite: false, wake), new(gate, isWrite: true, wake)];

    /// <summary>Whether a request is held back.</summary>
    /// <param name="request">A request that has its chain.</param>
    public bool Holds(DeviceRequest request)
    {
        if (!request.Measure(out bool isWrite, out ulong bytes)) return false;
        Direction direction = _directions[isWrite ? 1 : 0];
        if (direction.Held.Count == 0 && direction.Way.TryBegin(bytes)) return false;
        direction.Held.Enqueue(request);
        return true;
    }

    /// <summary>Takes one that may begin now.</summary>
    public DeviceRequest? Take()
    {
        foreach (Direction direction in _directions)
        {
            if (!direction.Held.TryPeek(out DeviceRequest? request)) continue;
            request.Measure(out _, out ulong bytes);
            if (direction.Way.TryBegin(bytes)) return direction.Held.Dequeue();
        }
        return null;
    }

    /// <summary>Takes one out of turn.</summary>
    /// <param name="wanted">Whether that is one.</param>
    public DeviceRequest? Drop(Func<DeviceRequest, bool> wanted)
    {
        foreach (Direction direction in _directions)
        {
            Queue<DeviceRequest> held = direction.Held;
            DeviceRequest? found = null;
            // Once around, so that the others keep their order.
            for (int left = held.Count; left > 0; left--)
            {
                DeviceRequest request = held.Dequeue();
                if (found is null && wanted(request)) found = request;
                else held.Enqueue(request);
            }
            if (found is not null) return found;
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

        public Queue<DeviceRequest> Held { get; } = new(RequestDevice.MostInFlight);
    }
}
