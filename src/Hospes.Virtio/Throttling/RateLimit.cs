namespace Hospes.Virtio;

/// <summary>How much of something may be done.</summary>
/// <param name="Rate">How much a second in the long run; 0 for any amount.</param>
/// <param name="Burst">How much a second for a while; 0 for a tenth of a second's worth at once.</param>
/// <param name="BurstSeconds">For how long <see cref="Burst"/> may last, at least 1.</param>
public readonly record struct RateLimit(ulong Rate, ulong Burst = 0, ulong BurstSeconds = 1)
{
    /// <summary>The highest rate and burst that are taken, as with QEMU: every sum then fits.</summary>
    public const ulong Most = 1_000_000_000_000_000;
}

/// <summary>
/// A bucket that runs out at a limit's rate. What is done goes in when it is done; while the bucket is over its brim, nothing further may begin:
/// so a single large thing is never refused, it is paid for afterwards. With a burst there is a second bucket, which runs out at the burst's rate
/// and holds a tenth of a second of it, so that the burst has a rate too. For one thread at a time.
/// </summary>
internal struct TokenBucket(RateLimit limit)
{
    /// <summary>The part of a second whose worth may be done at once.</summary>
    private const double AtOnce = 0.1;

    private double _level, _burstLevel;

    /// <summary>How long nothing may begin, in seconds; 0 or less when something may.</summary>
    public readonly double Wait
    {
        get
        {
            if (limit.Rate == 0) return 0;
            double wait = (_level - Brim) / limit.Rate;
            return limit.Burst == 0 || limit.BurstSeconds <= 1 ? wait : Math.Max(wait, (_burstLevel - limit.Burst * AtOnce) / limit.Burst);
        }
    }

    private readonly double Brim => limit.Burst == 0 ? limit.Rate * AtOnce : (double)limit.Burst * Math.Max(1, limit.BurstSeconds);

    /// <summary>Time went by.</summary>
    public void Leak(double seconds)
    {
        _level = Math.Max(0, _level - seconds * limit.Rate);
        _burstLevel = Math.Max(0, _burstLevel - seconds * limit.Burst);
    }

    /// <summary>Something was begun.</summary>
    public void Add(double amount)
    {
        if (limit.Rate == 0) return;
        _level += amount;
        _burstLevel += amount;
    }
}
