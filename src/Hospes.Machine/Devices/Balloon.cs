using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>What a guest told of its memory.</summary>
/// <param name="Values">By <see cref="BalloonStatistic"/>; all ones for what it did not tell.</param>
/// <param name="Updated">When it told; the epoch's start for never.</param>
public sealed record BalloonReport(IReadOnlyList<ulong> Values, DateTimeOffset Updated);

/// <summary>The memory balloon over all lives of the domain: what the host wants, and what the guest says. Thread-safe.</summary>
public sealed class Balloon : IDisposable
{
    private const int StatisticsCount = (int)BalloonStatistic.HugePagesFailed + 1;

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly ITimer _poll;
    private BalloonDevice? _device;
    private BalloonReport _report = new(Unknown(), DateTimeOffset.UnixEpoch);
    private uint _target;
    private TimeSpan _interval;

    internal Balloon(BalloonOptions options, TimeProvider time)
    {
        Options = options;
        _time = time;
        _poll = time.CreateTimer(static balloon => ((Balloon)balloon!).Poll(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        PollingInterval = options.PollingInterval;
    }

    /// <summary>What the device is made of.</summary>
    public BalloonOptions Options { get; }

    /// <summary>Told how many bytes the guest gave, when that changes; on a vCPU's thread. It must not block.</summary>
    public Action<ulong>? Changed { get; set; }

    /// <summary>How many bytes the guest says that it gave. It may say anything.</summary>
    public ulong Given => (ulong)(Volatile.Read(ref _device)?.Actual ?? 0) << BalloonLayout.PageShift;

    /// <summary>What the guest told last.</summary>
    public BalloonReport Report
    {
        get
        {
            lock (_gate) return _report;
        }
    }

    /// <summary>How often the guest is asked for statistics; zero for never. Setting it asks at once.</summary>
    public TimeSpan PollingInterval
    {
        get
        {
            lock (_gate) return _interval;
        }
        set
        {
            lock (_gate) _interval = value;
            _poll.Change(value == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : TimeSpan.Zero, value == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : value);
        }
    }

    /// <summary>Asks the guest for memory, or gives it back. It stays wanted over all lives.</summary>
    /// <param name="bytes">How many bytes the guest is to give in all; whole pages count.</param>
    public void Request(ulong bytes)
    {
        lock (_gate)
        {
            _target = (uint)Math.Min(bytes >> BalloonLayout.PageShift, uint.MaxValue);
            _device?.SetTarget(_target);
        }
    }

    /// <summary>Ends the polling.</summary>
    public void Dispose() => _poll.Dispose();

    /// <summary>Makes the device for a life.</summary>
    internal BalloonDevice MakeDevice()
    {
        var device = new BalloonDevice(new BalloonSettings(Options.ReportsFreePages, Options.DeflatesOnOom))
        {
            ActualChanged = pages => Changed?.Invoke((ulong)pages << BalloonLayout.PageShift),
        };
        device.StatisticsCame = () => Take(device);
        lock (_gate)
        {
            _device = device;
            _report = new BalloonReport(Unknown(), DateTimeOffset.UnixEpoch);
            if (_target != 0) device.SetTarget(_target);
        }
        return device;
    }

    private static ulong[] Unknown()
    {
        ulong[] values = new ulong[StatisticsCount];
        Array.Fill(values, ulong.MaxValue);
        return values;
    }

    private void Take(BalloonDevice device)
    {
        ulong[] values = new ulong[StatisticsCount];
        device.ReadStatistics(values);
        lock (_gate)
        {
            if (device == _device) _report = new BalloonReport(values, _time.GetUtcNow());
        }
    }

    private void Poll()
    {
        BalloonDevice? device;
        lock (_gate) device = _device;
        device?.RequestStatistics();
    }
}
