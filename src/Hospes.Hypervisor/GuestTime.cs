namespace Hospes.Hypervisor;

/// <summary>
/// A guest's time: the time stamps of a host's clock without the stretches in which the guest was stopped, so that a guest that runs on
/// finds no jump in its counters. Its timers and <see cref="GetUtcNow"/> are the host's own and go on: they are for what shows the time of
/// day. Thread-safe.
/// </summary>
public sealed class GuestTime : TimeProvider
{
    private readonly Lock _gate = new();
    private long _offset;
    private long _stoppedAt;
    private bool _isStopped;

    /// <summary>Odd while a change is under way: a reader that met one reads again.</summary>
    private int _version;

    /// <summary>Makes a time that runs.</summary>
    /// <param name="host">The clock below.</param>
    public GuestTime(TimeProvider host) => Host = host;

    /// <summary>Told, on the thread that calls <see cref="Stop"/> or <see cref="Resume"/>, that the time now stands or goes on.</summary>
    public event Action? Changed;

    /// <summary>The clock below.</summary>
    public TimeProvider Host { get; }

    /// <summary>Whether the time stands.</summary>
    public bool IsStopped => Volatile.Read(ref _isStopped);

    /// <inheritdoc/>
    public override long TimestampFrequency => Host.TimestampFrequency;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => Host.LocalTimeZone;

    /// <inheritdoc/>
    public override long GetTimestamp()
    {
        while (true)
        {
            int version = Volatile.Read(ref _version);
            long stamp = _isStopped ? _stoppedAt : Host.GetTimestamp() - _offset;
            Interlocked.MemoryBarrier();
            if ((version & 1) == 0 && version == Volatile.Read(ref _version)) return stamp;
        }
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => Host.GetUtcNow();

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => Host.CreateTimer(callback, state, dueTime, period);

    /// <summary>Makes the time stand. Does nothing when it does already.</summary>
    public void Stop() => Change(stop: true);

    /// <summary>Lets the time go on from where it stood. Does nothing when it goes.</summary>
    public void Resume() => Change(stop: false);

    private void Change(bool stop)
    {
        lock (_gate)
        {
            if (_isStopped == stop) return;
            Interlocked.Increment(ref _version);
            long now = Host.GetTimestamp();
            if (stop) _stoppedAt = now - _offset;
            else _offset = now - _stoppedAt;
            Volatile.Write(ref _isStopped, stop);
            Interlocked.Increment(ref _version);
        }
        Changed?.Invoke();
    }
}
