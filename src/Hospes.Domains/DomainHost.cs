using Hospes.Domains.Configuration;
using Hospes.Domains.Drivers;
using Hospes.Domains.Events;
using Hospes.Domains.Lifecycle;
using Hospes.Domains.Networks;
using Hospes.Domains.Operations;
using Hospes.Domains.Persistence;

namespace Hospes.Domains;

/// <summary>How a host is run.</summary>
public sealed record DomainHostOptions
{
    /// <summary>How machines are made.</summary>
    public required IDomainDriver Driver { get; init; }

    /// <summary>Where definitions and states are kept.</summary>
    public IDomainStore Store { get; init; } = new NoStore();

    /// <summary>The networks to which cards are connected by name.</summary>
    public VirtualNetworks Networks { get; init; } = new();

    /// <summary>The time.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>What happened. It belongs to the host.</summary>
    public required EventLog Events { get; init; }

    /// <summary>Where UUIDs and addresses come from.</summary>
    public Random Random { get; init; } = Random.Shared;

    /// <summary>How many machines are made at a time; further starts wait.</summary>
    public int ParallelStarts { get; init; } = 16;

    /// <summary>Programs that are run at moments of domains' lives, or null.</summary>
    public IDomainHooks? Hooks { get; init; }

    /// <summary>Where dumps of crashed domains go; null to make none.</summary>
    public string? DumpFolder { get; init; }

    /// <summary>Is told of steps, or null.</summary>
    public IStepObserver? Observer { get; init; }
}

/// <summary>
/// The domains of one host. Thread-safe. Looking up and listing never wait; what changes a domain is done by that domain's worker, one thing after the other, different
/// domains at the same time. Expected failures are values.
/// </summary>
public sealed partial class DomainHost : IDisposable
{
    private readonly DomainHostOptions _options;
    private readonly DomainRegistry _registry = new();
    private readonly OperationRunner _runner;
    private readonly SemaphoreSlim _starts;
    private readonly BackgroundWork _background = new();

    /// <summary>Makes a host. It knows nobody before <see cref="RecoverAsync()"/>.</summary>
    public DomainHost(DomainHostOptions options)
    {
        _options = options;
        _runner = new OperationRunner(options.Store, options.Clock, options.Observer);
        _starts = new SemaphoreSlim(options.ParallelStarts, options.ParallelStarts);
    }

    /// <summary>What happened and happens.</summary>
    public EventLog Events => _options.Events;

    /// <summary>The networks to which cards are connected by name.</summary>
    public VirtualNetworks Networks => _options.Networks;

    /// <summary>What the host can give.</summary>
    public HostProfile Profile => _options.Driver.Profile;

    /// <summary>The time.</summary>
    public TimeProvider Clock => _options.Clock;

    private IDomainDriver Driver => _options.Driver;

    private IDomainStore Store => _options.Store;

    /// <summary>The domain with that UUID.</summary>
    public Outcome<ManagedDomain> Find(Guid uuid) => _registry.Find(uuid) is { } domain ? domain : new DomainFailure(DomainError.NoDomain, $"no domain with matching uuid '{uuid}'");

    /// <summary>The domain with that name.</summary>
    public Outcome<ManagedDomain> Find(string name) => _registry.Find(name) is { } domain ? domain : new DomainFailure(DomainError.NoDomain, $"no domain with matching name '{name}'");

    /// <summary>The running domain with that id.</summary>
    public Outcome<ManagedDomain> Find(int id) => _registry.Find(id) is { } domain ? domain : new DomainFailure(DomainError.NoDomain, $"no domain with matching id {id}");

    /// <summary>All domains that exist, in no order, as they are at some moment during the enumeration.</summary>
    public IEnumerable<ManagedDomain> List()
    {
        foreach (ManagedDomain domain in _registry.All)
        {
            if (domain.Now.Exists) yield return domain;
        }
    }

    /// <summary>Waits until nothing is under way that a machine, rather than a caller, set off.</summary>
    public Task WhenIdleAsync() => _background.WhenIdleAsync();

    /// <summary>Lets go of everything; machines go on.</summary>
    public void Dispose()
    {
        _background.Dispose();
        _options.Events.Dispose();
        _starts.Dispose();
    }

    /// <summary>Whether a card can be connected, before it is.</summary>
    private ValueTask<DomainFailure?> PrepareCardAsync(InterfaceConfig card, CancellationToken cancellation)
        => card.Network is { } network && Networks.Check(network) is { } failure ? ValueTask.FromResult<DomainFailure?>(failure) : Driver.PrepareInterfaceAsync(card, cancellation);

    private static DomainFailure Gone(ManagedDomain domain) => new(DomainError.NoDomain, $"no domain with matching uuid '{domain.Uuid}' ({domain.Now.Name})");

    /// <summary>Does something as the domain's worker, if it still exists.</summary>
    private ValueTask<Outcome<T>> WithAsync<T>(ManagedDomain domain, Func<DomainSnapshot, ValueTask<Outcome<T>>> work)
        => domain.Worker.DoAsync(() => domain.Now.Exists ? work(domain.Now) : ValueTask.FromResult<Outcome<T>>(Gone(domain)));

    /// <summary>Does something with a running domain's machine as the domain's worker.</summary>
    private ValueTask<Outcome<Done>> WithMachineAsync(ManagedDomain domain, Func<DomainSnapshot, IMachine, ValueTask<DomainFailure?>> work)
        => WithAsync<Done>(domain, async now =>
        {
            if (domain.Machine is not { } machine) return NotRunning;
            return await work(now, machine).ConfigureAwait(false) is { } failure ? failure : default(Done);
        });

    private static DomainFailure NotRunning { get; } = new(DomainError.InvalidState, "domain is not running");

    private void Publish(ManagedDomain domain, DomainSnapshot next)
    {
        bool appears = !domain.Now.Exists && next.Exists;
        int oldId = domain.Now.Id;
        domain.Publish(next);
        if (appears) _registry.Ensure(domain);
        if (oldId == next.Id) return;
        if (oldId > 0) _registry.ClearId(oldId);
        if (next.Id > 0) _registry.SetId(domain, next.Id);
    }

    private void Tell(ManagedDomain domain, LifecycleEvent what, int detail, int id = 0)
        => Events.Append(DomainEventKind.Lifecycle, domain.Now.Name, domain.Uuid, id == 0 ? domain.Now.Id : id, (int)what, detail);

    /// <summary>From a document to a configuration that this host accepts: parse, default, validate.</summary>
    private Outcome<DomainConfig> Understand(string xml, bool strict)
    {
        Outcome<Xml.ParsedDomain> parsed = Xml.DomainXmlReader.Read(xml, strict);
        if (parsed.Failure is { } fault) return fault;
        DomainConfig config = DomainDefaults.Apply(parsed.Value.Config, Profile, _options.Random);
        return DomainValidator.Check(config, Profile) is { } refusal ? refusal : config;
    }
}
