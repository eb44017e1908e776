using System.Globalization;
using Hospes.Domains.Configuration;

namespace Hospes.Domains.Events;

/// <summary>
/// All events of a host, in one order. Thread-safe. Who subscribes with a token gets what happened since, then what happens, with nothing missing and nothing twice.
/// The newest <see cref="Retained"/> are kept, in a journal too where there is one, so that tokens outlive the daemon.
/// </summary>
public sealed class EventLog : IDisposable
{
    /// <summary>How many events a token may lie behind.</summary>
    public const int Retained = 16384;

    private readonly Lock _gate = new();
    private readonly EventJournal? _journal;
    private readonly TimeProvider _clock;
    private readonly DomainEvent?[] _ring = new DomainEvent?[Retained];
    private readonly string _epoch;
    private IEventSink[] _sinks = [];
    private long _last;

    /// <summary>Opens a log.</summary>
    /// <param name="clock">The time of events.</param>
    /// <param name="journal">Where events are kept, or null to keep them in memory only; it belongs to the log from now on.</param>
    public EventLog(TimeProvider clock, EventJournal? journal = null)
    {
        _clock = clock;
        _journal = journal;
        _epoch = journal?.Epoch ?? EventJournal.NewEpoch();
        foreach (DomainEvent old in journal?.Load() ?? [])
        {
            _ring[old.Sequence % Retained] = old;
            _last = old.Sequence;
        }
    }

    /// <summary>The point in time that is now: whoever subscribes with it later misses nothing.</summary>
    public string Token
    {
        get { lock (_gate) return TokenOf(_last); }
    }

    /// <summary>The token of the moment after an event.</summary>
    public string TokenAfter(DomainEvent happened) => TokenOf(happened.Sequence);

    /// <summary>Tells everybody.</summary>
    public DomainEvent Append(DomainEventKind kind, string name, Guid uuid, int id, int number = 0, int detail = 0, ulong value = 0, string? text = null, ValueList<string>? texts = null)
    {
        lock (_gate)
        {
            var happened = new DomainEvent(_last + 1, _clock.GetUtcNow(), kind, name, uuid, id, number, detail, value, text) { Texts = texts ?? [] };
            _journal?.Append(happened);
            _last = happened.Sequence;
            _ring[_last % Retained] = happened;
            foreach (IEventSink sink in _sinks) sink.Take(happened);
            return happened;
        }
    }

    /// <summary>Tells a sink of all events from now on, or since a token.</summary>
    /// <param name="sink">Who is told.</param>
    /// <param name="since">A token of this host, or null for now.</param>
    /// <returns>What ends the subscription, or <see cref="DomainError.InvalidArgument"/> for a token that is none, is of another host, or lies too far back.</returns>
    public Outcome<IDisposable> Subscribe(IEventSink sink, string? since = null)
    {
        lock (_gate)
        {
            long from = _last;
            if (since is not null)
            {
                if (!TryToken(since, out from)) return new DomainFailure(DomainError.InvalidArgument, $"'{since}' is no event token of this host");
                if (from < _last && _ring[(from + 1) % Retained]?.Sequence != from + 1) return new DomainFailure(DomainError.InvalidArgument, $"more than {Retained} events happened since '{since}'");
            }
            for (long number = from + 1; number <= _last; number++) sink.Take(_ring[number % Retained]!);
            _sinks = [.. _sinks, sink];
            return new Subscription(this, sink);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _journal?.Dispose();

    private string TokenOf(long sequence) => string.Create(CultureInfo.InvariantCulture, $"{_epoch}-{sequence}");

    private bool TryToken(string token, out long sequence)
    {
        sequence = 0;
        int dash = token.LastIndexOf('-');
        return dash > 0 && token.AsSpan(0, dash).SequenceEqual(_epoch)
            && long.TryParse(token.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out sequence) && sequence <= _last;
    }

    private sealed class Subscription(EventLog log, IEventSink sink) : IDisposable
    {
        public void Dispose()
        {
            lock (log._gate)
            {
                int index = Array.IndexOf(log._sinks, sink);
                if (index >= 0) log._sinks = [.. log._sinks[..index], .. log._sinks[(index + 1)..]];
            }
        }
    }
}
