using System.Numerics;
using Hospes.Hypervisor;

namespace Hospes.Virtio;

using static VirtioPciLayout;

/// <summary>The device's worker thread: bells and requests come in through a port, one thread does them all.</summary>
public sealed partial class VirtioPci
{
    /// <summary>No bells: the address of a function whose memory is not decoded.</summary>
    private const ulong Nowhere = ulong.MaxValue;

    private static readonly TimeSpan s_workerPatience = TimeSpan.FromMilliseconds(100);

    private readonly Port _port = new();
    private readonly Thread _worker;
    private ulong _pending;
    private int _wakeQueued;
    private ulong _bells = Nowhere;
    private bool _isRunning;
    private ManualResetEventSlim? _retiring;

    // Guarded by the transport's lock.
    private bool _resetWanted, _startWanted;
    private ulong _queueResets;

    /// <summary>Where bells are to be delivered: give it to <see cref="Guest.SetTrap"/>.</summary>
    public Port Port => _port;

    /// <summary>Tells where in guest-physical memory the bells are, so that a bell's address gives its queue.</summary>
    /// <param name="address">The first bell's address; null for nowhere.</param>
    public void PlaceBells(ulong? address) => Volatile.Write(ref _bells, address ?? Nowhere);

    /// <inheritdoc/>
    void ITransport.RequestService(int queue) => RequestService(queue);

    /// <inheritdoc/>
    void ITransport.Fail(Exception fault) => Fail(fault);

    /// <summary>Ends the worker; the device touches the guest no more.</summary>
    public void Dispose()
    {
        _port.Dispose();
        if (_worker.IsAlive) _worker.Join();
        Device.Transport = null;
    }

    /// <summary>Takes the device off while the guest runs: when this returns, it touches the guest no more. Bells that others' registers are at by now
    /// are still passed on, until <see cref="Dispose"/>.</summary>
    public void Retire()
    {
        using var done = new ManualResetEventSlim();
        Volatile.Write(ref _retiring, done);
        Wake();
        // A worker that met a fault of ours is gone.
        while (!done.Wait(s_workerPatience) && _worker.IsAlive)
        {
        }
        Device.Transport = null;
    }

    private void RequestService(int queue)
    {
        if (queue >= _queues.Length) return;
        Interlocked.Or(ref _pending, 1UL << queue);
        Wake();
    }

    private void RequestStart()
    {
        _startWanted = true;
        Wake();
    }

    private void RequestReset()
    {
        _resetWanted = true;
        Wake();
    }

    private void ResetQueue(QueueState queue)
    {
        queue.IsResetting = true;
        _queueResets |= 1UL << Array.IndexOf(_queues, queue);
        Wake();
    }

    /// <summary>At most one packet of ours waits, however often the guest asks.</summary>
    private void Wake()
    {
        if (Interlocked.Exchange(ref _wakeQueued, 1) == 0) _port.Queue(new Packet { Kind = PacketKind.User });
    }

    private void Work()
    {
        try
        {
            while (_port.Wait(Timeout.InfiniteTimeSpan, out Packet packet) == Hypervisor.Status.Ok)
            {
                // What came meanwhile is taken too, but not for ever: a guest may ring faster than bells are taken.
                int taken = 0;
                do Note(packet);
                while (++taken < Trap.BellPackets && _port.Wait(TimeSpan.Zero, out packet) == Hypervisor.Status.Ok);
                Interlocked.Exchange(ref _wakeQueued, 0);
                Control();
                ServePending();
            }
            if (_isRunning) Stop();
        }
#pragma warning disable CA1031 // A fault of a device ends its guest, not the process beside it.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            Fail(fault);
        }
    }

    private void Note(in Packet packet)
    {
        if (packet.Kind != PacketKind.Bell) return;
        ulong queue = (packet.Address - Volatile.Read(ref _bells)) / BellStride;
        if (queue < (ulong)_queues.Length) Interlocked.Or(ref _pending, 1UL << (int)queue);
        else _host?.ForwardBell(packet.Address);
    }

    private void ServePending()
    {
        ulong pending = Interlocked.Exchange(ref _pending, 0);
        for (; pending != 0 && _isRunning; pending &= pending - 1)
        {
            int queue = BitOperations.TrailingZeroCount(pending);
            if (RunningQueue(queue) is not null) Device.Serve(queue);
        }
    }

    private void Control()
    {
        bool reset, start;
        ulong queues;
        lock (_gate)
        {
            reset = _resetWanted;
            start = _startWanted && !reset;
            queues = _queueResets;
            _startWanted = false;
            _queueResets = 0;
        }
        for (; queues != 0; queues &= queues - 1)
        {
            int queue = BitOperations.TrailingZeroCount(queues);
            Volatile.Write(ref _queues[queue].Queue, null);
            Device.QueueStopped(queue);
            lock (_gate) _queues[queue].Reset();
        }
        if (reset)
        {
            if (_isRunning) Stop();
            lock (_gate)
            {
                ResetRegisters();
                _resetWanted = false;
            }
        }
        if (start) Start();
        if (Interlocked.Exchange(ref _retiring, null) is not { } retiring) return;
        if (_isRunning) Stop();
        PlaceBells(null);
        retiring.Set();
    }

    private void Start()
    {
        Volatile.Write(ref _isRunning, true);
        ulong features;
        lock (_gate) features = _accepted;
        Device.Started(features);
        // Buffers may have been there before the driver was ready.
        Interlocked.Or(ref _pending, _queues.Length == MaxQueues ? ulong.MaxValue : (1UL << _queues.Length) - 1);
    }

    private void Stop()
    {
        Volatile.Write(ref _isRunning, false);
        Device.Stopped();
    }

    private void Fail(Exception fault)
    {
        NeedReset();
        _host?.DeviceFailed(fault);
    }
}
