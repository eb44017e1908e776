namespace Hospes.Hypervisor.Soft.Interrupts;

/// <summary>The time stamp counter and the timers of one guest, on the clock that its creator passed in. Thread-safe.</summary>
internal sealed class GuestClock : IDisposable
{
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly long _tscPerSecond;
    private readonly TimerWheel _timers;

    public GuestClock(TimeProvider time, long tscHz)
    {
        _time = time;
        _tscPerSecond = tscHz;
        _start = time.GetTimestamp();
        _timers = new TimerWheel(time);
    }

    /// <summary>The counter's value, the same on all processors before their offsets.</summary>
    public ulong Tsc => ToTsc(_time.GetTimestamp() - _start);

    /// <summary>Fires <paramref name="timer"/> once the counter has reached a value; replaces what was set before.</summary>
    public void Arm(IClockTimer timer, ulong tsc) => _timers.Arm(timer, _start + FromTsc(tsc));

    /// <summary>Takes a timer back. It may fire once more if it is firing right now.</summary>
    public void Disarm(IClockTimer timer) => _timers.Disarm(timer);

    public void Dispose() => _timers.Dispose();

    private ulong ToTsc(long ticks) => (ulong)((Int128)ticks * _tscPerSecond / _time.TimestampFrequency);

    private long FromTsc(ulong tsc)
    {
        UInt128 ticks = ((UInt128)tsc * (ulong)_time.TimestampFrequency + (ulong)_tscPerSecond - 1) / (ulong)_tscPerSecond;
        return ticks > long.MaxValue / 2 ? long.MaxValue / 2 : (long)ticks;
    }
}

/// <summary>Told when its time has come, on the timer thread.</summary>
internal interface IClockTimer
{
    /// <summary>The time that was set has come.</summary>
    void Fire();
}
