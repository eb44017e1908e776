using System.Collections.Concurrent;
using Hospes.Domains.Configuration;
using Hospes.Domains.Drivers;
using Hospes.Domains.Operations;

namespace Hospes.Domains.Lifecycle;

/// <summary>What a domain is at one moment: immutable, so that readers never wait.</summary>
public sealed record DomainSnapshot
{
    /// <summary>The name.</summary>
    public required string Name { get; init; }

    /// <summary>The id while it runs, from 1 on; -1 while it does not.</summary>
    public int Id { get; init; } = -1;

    /// <summary>The state, and why.</summary>
    public DomainStatus Status { get; init; } = DomainStatus.Shutoff(ShutoffReason.Unknown);

    /// <summary>What it will be at its next start; null when it is transient.</summary>
    public DomainConfig? Definition { get; init; }

    /// <summary>What it is now; null when it does not run.</summary>
    public DomainConfig? Live { get; init; }

    /// <summary>Whether it starts with the daemon.</summary>
    public bool Autostart { get; init; }

    /// <summary>Whether it ends with whoever started it.</summary>
    public bool AutoDestroy { get; init; }

    /// <summary>Whether it runs, held or not.</summary>
    public bool IsActive => Id > 0;

    /// <summary>Whether it has a definition.</summary>
    public bool IsPersistent => Definition is not null;

    /// <summary>Whether there is anything of it: it is being made, or it is gone, otherwise.</summary>
    public bool Exists => IsActive || IsPersistent;

    /// <summary>What it is, or else will be.</summary>
    /// <exception cref="InvalidOperationException">It does not exist.</exception>
    public DomainConfig Config => Live ?? Definition ?? throw new InvalidOperationException("a domain that does not exist has no configuration");
}

/// <summary>A domain: defined, running, or both. Reading <see cref="Now"/> is thread-safe and never waits; changes are its worker's.</summary>
public sealed class ManagedDomain
{
    private volatile DomainSnapshot _now;
    private ConcurrentDictionary<string, TaskCompletionSource>? _departures;
    private volatile OperationProgress? _progress;

    internal ManagedDomain(Guid uuid, string name)
    {
        Uuid = uuid;
        _now = new DomainSnapshot { Name = name };
    }

    /// <summary>The UUID, which never changes.</summary>
    public Guid Uuid { get; }

    /// <summary>What it is now.</summary>
    public DomainSnapshot Now => _now;

    /// <summary>The operation under way, or null.</summary>
    public OperationProgress? Progress => _progress;

    /// <summary>What long thing is being done to it, or null.</summary>
    public DomainJob? Job { get; internal set; }

    internal DomainWorker Worker { get; } = new();

    /// <summary>The machine while it runs. Worker only.</summary>
    internal IMachine? Machine { get; set; }

    /// <summary>How many are about to make it exist. The registry's.</summary>
    internal int Claims { get; set; }

    /// <summary>Who waits for devices to go, by the devices' names.</summary>
    internal ConcurrentDictionary<string, TaskCompletionSource> Departures => LazyInitializer.EnsureInitialized(ref _departures);

    /// <summary>The names of devices that are to go as a whole: of others, only the medium goes. Worker only.</summary>
    internal HashSet<string> Leaving => field ??= [];

    /// <summary>When it was restarted after crashes lately. Worker only.</summary>
    internal Queue<DateTimeOffset> CrashRestarts => field ??= new();

    internal void Publish(DomainSnapshot now) => _now = now;

    internal void Report(OperationProgress? progress) => _progress = progress;
}

/// <summary>One domain's worker: what is asked of a domain is done one after the other, in the order it was asked.</summary>
internal sealed class DomainWorker
{
    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>Does something when its turn has come; at once and on this thread if nothing else is under way.</summary>
    public async ValueTask<T> DoAsync<T>(Func<ValueTask<T>> work)
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            return await work().ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }
}
