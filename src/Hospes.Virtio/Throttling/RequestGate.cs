namespace Hospes.Virtio;

/// <summary>What may be done in a second: bytes and operations, of both directions together and of each. An operation is a disk's request or a network
/// card's frame; what a guest receives it reads, what it sends it writes.</summary>
public sealed record RequestLimits
{
    /// <summary>Makes limits of those that <see cref="All"/> lists.</summary>
    /// <param name="all">Six limits, in that order.</param>
    /// <param name="operationSize"><see cref="OperationSize"/>.</param>
    public static RequestLimits Of(ReadOnlySpan<RateLimit> all, ulong operationSize) => new()
    {
        Bytes = all[0],
        ReadBytes = all[1],
        WriteBytes = all[2],
        Operations = all[3],
        ReadOperations = all[4],
        WriteOperations = all[5],
        OperationSize = operationSize,
    };

    /// <summary>Bytes of both directions.</summary>
    public RateLimit Bytes { get; init; }

    /// <summary>Bytes that the guest reads.</summary>
    public RateLimit ReadBytes { get; init; }

    /// <summary>Bytes that the guest writes.</summary>
    public RateLimit WriteBytes { get; init; }

    /// <summary>Operations of both directions.</summary>
    public RateLimit Operations { get; init; }

    /// <summary>Operations that read.</summary>
    public RateLimit ReadOperations { get; init; }

    /// <summary>Operations that write.</summary>
    public RateLimit WriteOperations { get; init; }

    /// <summary>Of how many bytes an operation is: a longer one counts as several; 0 for any size.</summary>
    public ulong OperationSize { get; init; }

    /// <summary>All limits: bytes, then operations; of both directions, then those that read, then those that write.</summary>
    public IReadOnlyList<RateLimit> All => [Bytes, ReadBytes, WriteBytes, Operations, ReadOperations, WriteOperations];

    /// <summary>Whether anything is limited.</summary>
    public bool IsLimited => (Bytes.Rate | ReadBytes.Rate | WriteBytes.Rate | Operations.Rate | ReadOperations.Rate | WriteOperations.Rate) != 0;
}

/// <summary>
/// Lets requests begin as fast as limits allow. The limits can be changed at any time, which empties the buckets. Thread-safe; allocates nothing
/// while the limits stay.
/// </summary>
public sealed class RequestGate
{
    private const int Total = 0, OneWay = 1, Kinds = 2;

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly TokenBucket[] _buckets = new TokenBucket[6];
    private RequestLimits _limits = new();
    private long _last;
    private volatile bool _isLimited;

    /// <summary>Makes a gate that is open.</summary>
    /// <param name="time">Where time comes from.</param>
    public RequestGate(TimeProvider time) => _time = time;

    /// <summary>Told that the limits changed, on whatever thread changed them.</summary>
    public event Action? Changed;

    /// <summary>Where time comes from.</summary>
    public TimeProvider Time => _time;

    /// <summary>The limits.</summary>
    public RequestLimits Limits
    {
        get
        {
            lock (_lock) return _limits;
        }
        set
        {
            lock (_lock)
            {
                _limits = value;
                _isLimited = value.IsLimited;
                _last = _time.GetTimestamp();
                IReadOnlyList<RateLimit> all = value.All;
                for (int i = 0; i < _buckets.Length; i++) _buckets[i] = new TokenBucket(all[i]);
            }
            Changed?.Invoke();
        }
    }

    /// <summary>Asks whether a request may begin; if so, it counts.</summary>
    /// <param name="isWrite">Whether it writes.</param>
    /// <param name="bytes">How many bytes it is for.</param>
    /// <returns>Zero when it may; else how long to wait before asking again.</returns>
    public TimeSpan TryBegin(bool isWrite, ulong bytes)
    {
        if (!_isLimited) return TimeSpan.Zero;
        lock (_lock)
        {
            TimeSpan wait = Leak(isWrite);
            if (wait == TimeSpan.Zero) Add(isWrite, bytes);
            return wait;
        }
    }

    /// <summary>Asks whether a request may begin whose size is not known yet. Once it is, and the request begins, <see cref="Count"/> is to be told.</summary>
    /// <param name="isWrite">Whether it writes.</param>
    /// <returns>Zero when it may; else how long to wait before asking again.</returns>
    public TimeSpan Ask(bool isWrite)
    {
        if (!_isLimited) return TimeSpan.Zero;
        lock (_lock) return Leak(isWrite);
    }

    /// <summary>Counts a request that begins.</summary>
    /// <param name="isWrite">Whether it writes.</param>
    /// <param name="bytes">How many bytes it is for.</param>
    public void Count(bool isWrite, ulong bytes)
    {
        if (!_isLimited) return;
        lock (_lock) Add(isWrite, bytes);
    }

    /// <summary>Lets the time pass that has passed.</summary>
    /// <returns>How long a request has to wait.</returns>
    private TimeSpan Leak(bool isWrite)
    {
        long now = _time.GetTimestamp();
        double passed = _time.GetElapsedTime(_last, now).TotalSeconds;
        _last = now;
        for (int i = 0; i < _buckets.Length; i++) _buckets[i].Leak(Math.Max(0, passed));
        int way = OneWay + (isWrite ? 1 : 0);
        double wait = 0;
        for (int kind = 0; kind < Kinds; kind++) wait = Math.Max(wait, Math.Max(_buckets[3 * kind + Total].Wait, _buckets[3 * kind + way].Wait));
        // A clock's step is not waited for over and over; nor is a wait longer than anybody's patience with a change of limits.
        return wait > 0 ? TimeSpan.FromSeconds(Math.Clamp(wait, 0.0005, 3600)) : TimeSpan.Zero;
    }

    private void Add(bool isWrite, ulong bytes)
    {
        int way = OneWay + (isWrite ? 1 : 0);
        double operations = _limits.OperationSize == 0 ? 1 : Math.Max(1, (double)bytes / _limits.OperationSize);
        _buckets[Total].Add(bytes);
        _buckets[way].Add(bytes);
        _buckets[3 + Total].Add(operations);
        _buckets[3 + way].Add(operations);
    }
}
