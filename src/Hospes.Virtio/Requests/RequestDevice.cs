using System.Numerics;

namespace Hospes.Virtio;

/// <summary>
/// A device whose requests go to disks. The worker takes requests; where more than one waits, all but the last are done by the runtime's thread
/// pool, so that a slow one holds up none. One that comes alone is done at once, which saves it two changes of threads.
/// </summary>
public abstract class RequestDevice : VirtioDevice
{
    /// <summary>How many requests of a disk are in flight at most; the others wait in the ring.</summary>
    internal const int MostInFlight = 32;

    private readonly object _gate = new();
    private readonly Stack<DeviceRequest> _idle = new();
    private readonly List<HeldRequests> _held = [];
    private readonly int _mostInFlight;
    private int _inFlight;
    private ulong _waiting;

    private protected RequestDevice(VirtioKind kind, uint pciClass, int queues, int configSize, int disks)
        : base(kind, pciClass, queues, configSize) => _mostInFlight = MostInFlight * disks;

    /// <inheritdoc/>
    protected internal override void Stopped() => Drain(null);

    /// <inheritdoc/>
    protected internal override void QueueStopped(int queue) => Drain(queue);

    /// <inheritdoc/>
    protected internal override void Serve(int queue)
    {
        foreach (HeldRequests held in _held)
        {
            while (held.Take() is { } freed) ThreadPool.UnsafeQueueUserWorkItem(freed, preferLocal: false);
        }
        if (Queue(queue) is not { } requests) return;
        do
        {
            requests.StopNotifications();
            while (TryBegin(queue) is { } request)
            {
                if (!requests.TryTake(out DescriptorChain? chain))
                {
                    End(request);
                    break;
                }
                request.Begin(queue, requests, chain);
                if (request.Held?.Holds(request) == true) continue;
                if (requests.HasMore) ThreadPool.UnsafeQueueUserWorkItem(request, preferLocal: false);
                else request.Execute();
            }
            // With as many in flight as may be, the end of one calls again; until then the driver need not ring.
            if (IsWaiting(queue)) return;
        }
        while (requests.StartNotifications());
    }

    /// <summary>A request was given back.</summary>
    internal void Done(DeviceRequest request, int index, VirtQueue queue)
    {
        Signal(index, queue);
        End(request);
    }

    internal void Failed(Exception fault) => Fail(fault);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        foreach (HeldRequests held in _held) held.Dispose();
    }

    private protected abstract DeviceRequest MakeRequest();

    /// <summary>Makes the place where requests wait for a gate; null for no gate.</summary>
    private protected HeldRequests? Hold(RequestGate? gate)
    {
        if (gate is null) return null;
        // Requests of any queue wait there, and any queue's service lets them go, whichever queues the driver enabled.
        var held = new HeldRequests(gate, () =>
        {
            for (int queue = 0; queue < QueueCount; queue++) RequestService(queue);
        });
        _held.Add(held);
        return held;
    }

    /// <summary>Waits until no request is in flight. What is held back for want of a permit never begins.</summary>
    /// <param name="queue">The queue that is reset; null for all.</param>
    private void Drain(int? queue)
    {
        foreach (HeldRequests held in _held)
        {
            while (held.Drop(request => queue is null || request.Index == queue) is { } dropped) End(dropped);
            // What others hold back begins, so that it ends: a reset is not to wait for a permit.
            while (held.Drop(static _ => true) is { } early) ThreadPool.UnsafeQueueUserWorkItem(early, preferLocal: false);
        }
        lock (_gate)
        {
            _waiting = 0;
            while (_inFlight > 0) Monitor.Wait(_gate);
        }
    }

    /// <summary>A request object, or null while too many are in flight; the queue is remembered then.</summary>
    private DeviceRequest? TryBegin(int queue)
    {
        lock (_gate)
        {
            if (_inFlight == _mostInFlight)
            {
                _waiting |= 1UL << queue;
                return null;
            }
            _inFlight++;
            return _idle.Count > 0 ? _idle.Pop() : MakeRequest();
        }
    }

    private bool IsWaiting(int queue)
    {
        lock (_gate) return (_waiting & 1UL << queue) != 0;
    }

    private void End(DeviceRequest request)
    {
        ulong waiting;
        request.Ended();
        lock (_gate)
        {
            _idle.Push(request);
            _inFlight--;
            waiting = _waiting;
            _waiting = 0;
            if (_inFlight == 0) Monitor.PulseAll(_gate);
        }
        for (; waiting != 0; waiting &= waiting - 1) RequestService(BitOperations.TrailingZeroCount(waiting));
    }
}
