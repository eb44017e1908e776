namespace Hospes.Machine;

/// <summary>A count of the guest's time that ends once unless it is begun again. A guest that is stopped has time. Thread-safe.</summary>
internal sealed class Countdown : IDisposable
{
    /// <summary>How long is waited at least before looking again, where the guest's time stood meanwhile.</summary>
    private static readonly TimeSpan s_least = TimeSpan.FromMilliseconds(20);

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly Action _ended;
    private readonly ITimer _timer;
    private long _begun;
    private TimeSpan _span;
    private bool _runs;

    /// <param name="time">The guest's time.</param>
    /// <param name="ended">Told that it ended, on a timer's thread. It must not block.</param>
    public Countdown(TimeProvider time, Action ended)
    {
        _time = time;
        _ended = ended;
        _timer = time.CreateTimer(static countdown => ((Countdown)countdown!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Whether it counts.</summary>
    public bool Runs
    {
        get
        {
            lock (_gate) return _runs;
        }
    }

    /// <summary>What is left; nothing when it does not count.</summary>
    public TimeSpan Left
    {
        get
        {
            lock (_gate) return _runs ? Rest() : TimeSpan.Zero;
        }
    }

    /// <summary>Begins, or begins again.</summary>
    /// <param name="span">How long it counts.</param>
    public void Begin(TimeSpan span)
    {
        lock (_gate)
        {
            (_begun, _span, _runs) = (_time.GetTimestamp(), span, true);
            _timer.Change(span, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Stops it.</summary>
    public void Stop()
    {
        lock (_gate) _runs = false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop();
        _timer.Dispose();
    }

    private TimeSpan Rest()
    {
        TimeSpan rest = _span - _time.GetElapsedTime(_begun);
        return rest > TimeSpan.Zero ? rest : TimeSpan.Zero;
    }

    private void Look()
    {
        lock (_gate)
        {
            if (!_runs) return;
            TimeSpan rest = Rest();
            if (rest > TimeSpan.Zero)
            {
                _timer.Change(rest > s_least ? rest : s_least, Timeout.InfiniteTimeSpan);
                return;
            }
            _runs = false;
        }
        _ended();
    }
}
