using System.Diagnostics.Metrics;
using Hospes.Store.Engine;
using Hospes.Store.Quotas;
using Hospes.Store.Wire;

namespace Hospes.Store.Metrics;

/// <summary>
/// What the store counts, as instruments of the meter "Hospes.Store": operations by type, their duration, commits, conflicts, refusals
/// by quota. Counting costs an increment; durations are taken only while somebody listens or asks for hot paths.
/// </summary>
internal sealed class StoreMetrics : IStoreObserver, IDisposable
{
    private readonly Meter _meter = new("Hospes.Store");
    private readonly Histogram<double> _duration;
    private readonly long[] _operations = new long[XsWire.TypeCount + 1];
    private readonly long[] _refusals = new long[QuotaNames.Count];
    private long _commits;
    private long _conflicts;

    public StoreMetrics()
    {
        _duration = _meter.CreateHistogram<double>("store.request.duration", "us", "Time to carry out one request");
        _meter.CreateObservableCounter("store.requests", () => Enumerable.Range(0, XsWire.TypeCount)
            .Where(type => _operations[type] != 0)
            .Select(type => new Measurement<long>(Volatile.Read(ref _operations[type]), new KeyValuePair<string, object?>("type", ((XsMessageType)type).ToString()))), description: "Requests carried out");
        _meter.CreateObservableCounter("store.commits", () => Volatile.Read(ref _commits), description: "Transactions committed");
        _meter.CreateObservableCounter("store.conflicts", () => Volatile.Read(ref _conflicts), description: "Transactions refused for a conflict");
        _meter.CreateObservableCounter("store.refusals", () => Enumerable.Range(0, QuotaNames.Count)
            .Where(item => _refusals[item] != 0)
            .Select(item => new Measurement<long>(Volatile.Read(ref _refusals[item]), new KeyValuePair<string, object?>("quota", QuotaNames.NameOf((QuotaItem)item)))), description: "Requests refused for a quota");
    }

    public HotPaths HotPaths { get; } = new();

    public bool IsTimed => _duration.Enabled || HotPaths.IsOn;

    public long Commits => _commits;

    public long Conflicts => _conflicts;

    public long OperationsOf(uint type) => _operations[type];

    public long RefusalsOf(QuotaItem item) => _refusals[(int)item];

    public void Count(uint type) => _operations[Math.Min(type, XsWire.TypeCount)]++;

    public void Record(uint type, TimeSpan time, ReadOnlySpan<byte> payload)
    {
        Count(type);
        _duration.Record(time.TotalMicroseconds);
        HotPaths.Note(type, payload);
    }

    public void Conflict(ushort domain) => _conflicts++;

    public void Committed(ushort domain) => _commits++;

    public void Refused(ushort domain, QuotaItem item) => _refusals[(int)item]++;

    public void Dispose() => _meter.Dispose();
}
