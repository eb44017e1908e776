namespace Hospes.Hypervisor.Soft.Interrupts;

/// <summary>
/// The timers of one guest: as many as it has vCPUs, so a list that is searched serves. On the system's clock a thread of its own waits with the
/// precision that the host has; on a clock of the caller's own (tests) that clock's timers are used. While a <see cref="GuestTime"/> stands, nothing
/// is due and nothing waits for a moment.
/// </summary>
internal sealed class TimerWheel : IDisposable
{
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly GuestTime? _guestTime;
    private readonly List<(IClockTimer Timer, long Due)> _armed = [];
    private readonly Native.PreciseWaiter? _waiter;
    private readonly ITimer? _foreign;
    private long _waitingFor = long.MaxValue;
    private bool _ended;

    public TimerWheel(TimeProvider time)
    {
        _time = time;
        _guestTime = time as GuestTime;
        if (ReferenceEquals(_guestTime?.Host ?? time, TimeProvider.System))
        {
            _waiter = new Native.PreciseWaiter();
            new Thread(Loop) { IsBackground = true, Name = "guest timers" }.Start();
        }
        else
        {
            _foreign = time.CreateTimer(_ => FireDue(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
        if (_guestTime is not null) _guestTime.Changed += TimeChanged;
    }

    /// <summary>Sets a timer to a time stamp of the clock.</summary>
    public void Arm(IClockTimer timer, long due)
    {
        bool sooner;
        lock (_gate)
        {
            Remove(timer);
            _armed.Add((timer, due));
            sooner = due < _waitingFor;
            if (sooner) _waitingFor = due;
        }
        if (sooner) WakeAt(due);
    }

    /// <summary>Takes a timer back.</summary>
    public void Disarm(IClockTimer timer)
    {
        lock (_gate) Remove(timer);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_ended) return;
            _ended = true;
        }
        if (_guestTime is not null) _guestTime.Changed -= TimeChanged;
        _waiter?.Wake();
        _foreign?.Dispose();
    }

    private bool IsStopped => _guestTime is { IsStopped: true };

    private void TimeChanged()
    {
        if (_waiter is not null) _waiter.Wake();
        else if (!IsStopped) FireDue();
    }

    private void Remove(IClockTimer timer)
    {
        for (int i = 0; i < _armed.Count; i++)
        {
            if (ReferenceEquals(_armed[i].Timer, timer))
            {
                _armed[i] = _armed[^1];
                _armed.RemoveAt(_armed.Count - 1);
                return;
            }
        }
    }

    private void WakeAt(long due)
    {
        if (_waiter is not null) _waiter.Wake();
        else if (!IsStopped) _foreign!.Change(_time.GetElapsedTime(Math.Min(_time.GetTimestamp(), due), due), Timeout.InfiniteTimeSpan);
    }

    private void Loop()
    {
        while (true)
        {
            long next = FireDue();
            lock (_gate)
            {
                if (_ended) break;
            }
            long ticks = next == long.MaxValue || IsStopped ? -1 : Math.Max(0, next - _time.GetTimestamp());
            _waiter!.Wait(ticks < 0 ? -1 : (long)((Int128)ticks * 1_000_000_000 / _time.TimestampFrequency));
        }
        _waiter!.Dispose();
    }

    private long FireDue()
    {
        while (true)
        {
            IClockTimer? due = null;
            long next = long.MaxValue;
            lock (_gate)
            {
                long now = _time.GetTimestamp();
                for (int i = 0; i < _armed.Count; i++)
                {
                    if (_armed[i].Due <= now)
                    {
                        due = _armed[i].Timer;
                        Remove(due);
                        break;
                    }
                    next = Math.Min(next, _armed[i].Due);
                }
                if (due is null) _waitingFor = next;
            }
            if (due is null)
            {
                if (_foreign is not null && next != long.MaxValue) WakeAt(next);
                return next;
            }
            due.Fire();
        }
    }
}
