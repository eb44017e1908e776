using Hospes.Domains.Configuration;
using Hospes.Domains.Persistence;

namespace Hospes.Domains.Catalogues;

/// <summary>What a catalogue keeps: a definition with a name and a UUID.</summary>
public interface ICatalogued
{
    /// <summary>The name, unique in the catalogue.</summary>
    string Name { get; }

    /// <summary>The UUID.</summary>
    Guid Uuid { get; }

    /// <summary>The document.</summary>
    string ToXml();
}

/// <summary>One item of a catalogue at one moment.</summary>
/// <typeparam name="T">The type of definitions.</typeparam>
/// <param name="Config">What it is.</param>
/// <param name="IsActive">Whether it is in use.</param>
/// <param name="IsPersistent">Whether it stays when it is no longer in use.</param>
/// <param name="Autostart">Whether it is active from the daemon's start on.</param>
public sealed record CatalogueItem<T>(T Config, bool IsActive, bool IsPersistent, bool Autostart) where T : ICatalogued;

/// <summary>What happened to an item; the numbers of <c>virNetworkEventLifecycleType</c> and <c>virStoragePoolEventLifecycleType</c>.</summary>
public enum CatalogueEvent
{
    /// <summary>It was defined.</summary>
    Defined = 0,

    /// <summary>Its definition was removed.</summary>
    Undefined = 1,

    /// <summary>It was started.</summary>
    Started = 2,

    /// <summary>It was stopped.</summary>
    Stopped = 3,
}

/// <summary>Definitions of one kind, active or not: storage pools, or networks. Thread-safe; definitions outlive the daemon where there is a folder for them.</summary>
/// <typeparam name="T">The type of definitions.</typeparam>
public sealed class Catalogue<T> where T : class, ICatalogued
{
    private readonly Lock _gate = new();
    private readonly DefinitionFolder? _folder;
    private readonly string _noun;
    private readonly DomainError _missing;
    private readonly Dictionary<Guid, CatalogueItem<T>> _items = [];
    private Action<CatalogueEvent, T>[] _watchers = [];

    /// <summary>Opens a catalogue.</summary>
    /// <param name="noun">What its items are called.</param>
    /// <param name="missing">The error of items that are not there.</param>
    /// <param name="folder">Where definitions are kept, or null to forget them with the daemon.</param>
    /// <exception cref="IOException">The folder cannot be used.</exception>
    internal Catalogue(string noun, DomainError missing, string? folder)
    {
        _noun = noun;
        _missing = missing;
        if (folder is not null) _folder = new DefinitionFolder(folder, durable: true, journaled: false, DefinitionFolder.Autostart, DefinitionFolder.Active);
    }

    /// <summary>Whether there was no folder for it before.</summary>
    public bool IsNew => _folder?.IsNew == true;

    /// <summary>All items, by name.</summary>
    public IReadOnlyList<CatalogueItem<T>> List()
    {
        lock (_gate) return [.. _items.Values.OrderBy(static item => item.Config.Name, StringComparer.Ordinal)];
    }

    /// <summary>The item of a name.</summary>
    public Outcome<CatalogueItem<T>> Find(string name)
    {
        lock (_gate) return Named(name) is { } item ? item : new DomainFailure(_missing, $"no {_noun} with matching name '{name}'");
    }

    /// <summary>The item of a UUID.</summary>
    public Outcome<CatalogueItem<T>> Find(Guid uuid)
    {
        lock (_gate) return _items.TryGetValue(uuid, out CatalogueItem<T>? item) ? item : new DomainFailure(_missing, $"no {_noun} with matching uuid '{uuid}'");
    }

    /// <summary>Defines an item, or gives one that is there another definition.</summary>
    public Outcome<CatalogueItem<T>> Define(T config) => Guarded(() =>
    {
        if (Claim(config) is { } taken) return taken;
        _folder?.Write(config.Name, config.ToXml());
        bool before = _items.TryGetValue(config.Uuid, out CatalogueItem<T>? old);
        var item = new CatalogueItem<T>(config, before && old!.IsActive, true, before && old!.Autostart);
        return Take(item, CatalogueEvent.Defined);
    });

    /// <summary>Makes an item active that is gone when it is stopped.</summary>
    /// <param name="config">What it is.</param>
    /// <param name="start">What starting it does.</param>
    public Outcome<CatalogueItem<T>> Create(T config, Func<T, DomainFailure?> start) => Guarded(() =>
    {
        if (Claim(config) is { } taken) return taken;
        bool before = _items.TryGetValue(config.Uuid, out CatalogueItem<T>? old);
        if (before && old!.IsActive) return new DomainFailure(DomainError.OperationFailed, $"{_noun} is already active as '{old.Config.Name}'");
        return start(config) is { } failure ? failure : Take(new CatalogueItem<T>(config, true, before && old!.IsPersistent, before && old!.Autostart), CatalogueEvent.Started);
    });

    /// <summary>Makes an item active.</summary>
    public Outcome<CatalogueItem<T>> Start(Guid uuid, Func<T, DomainFailure?> start) => Change(uuid, item =>
    {
        if (item.IsActive) return new DomainFailure(DomainError.InvalidState, $"{_noun} '{item.Config.Name}' is already active");
        if (start(item.Config) is { } failure) return failure;
        _folder?.Mark(DefinitionFolder.Active, item.Config.Name, true);
        return Take(item with { IsActive = true }, CatalogueEvent.Started);
    });

    /// <summary>Stops an item; a transient one is gone then.</summary>
    public Outcome<CatalogueItem<T>> Stop(Guid uuid) => Change(uuid, item =>
    {
        if (!item.IsActive) return new DomainFailure(DomainError.InvalidState, $"{_noun} '{item.Config.Name}' is not active");
        if (item.IsPersistent) _folder?.Mark(DefinitionFolder.Active, item.Config.Name, false);
        return Take(item with { IsActive = false }, CatalogueEvent.Stopped);
    });

    /// <summary>Removes the definition of an item.</summary>
    /// <param name="uuid">The item.</param>
    /// <param name="evenActive">Whether one that is active may become transient.</param>
    public Outcome<CatalogueItem<T>> Undefine(Guid uuid, bool evenActive) => Change(uuid, item =>
    {
        if (!item.IsPersistent) return new DomainFailure(DomainError.InvalidState, $"{_noun} '{item.Config.Name}' is not persistent");
        if (item.IsActive && !evenActive) return new DomainFailure(DomainError.InvalidState, $"{_noun} '{item.Config.Name}' is still active");
        _folder?.Remove(item.Config.Name);
        return Take(item with { IsPersistent = false, Autostart = false }, CatalogueEvent.Undefined);
    });

    /// <summary>Has an item active from the daemon's start on, or not.</summary>
    public Outcome<CatalogueItem<T>> SetAutostart(Guid uuid, bool autostart) => Change(uuid, item =>
    {
        if (!item.IsPersistent) return new DomainFailure(DomainError.InvalidState, $"{_noun} '{item.Config.Name}' is not persistent");
        _folder?.Mark(DefinitionFolder.Autostart, item.Config.Name, autostart);
        return Take(item with { Autostart = autostart }, null);
    });

    /// <summary>Learns what an earlier daemon left: what was active, or is marked, is started.</summary>
    /// <param name="read">Reads a document.</param>
    /// <param name="start">What starting does.</param>
    /// <returns>What could not be read or started.</returns>
    internal IReadOnlyList<string> Recover(Func<string, Outcome<T>> read, Func<T, DomainFailure?> start)
    {
        var troubles = new List<string>();
        foreach ((string name, string xml) in _folder?.Load() ?? [])
        {
            Outcome<T> config = read(xml);
            if ((config.Failure ?? (config.Value.Name == name ? null : new DomainFailure(DomainError.InvalidXml, $"it is called '{config.Value.Name}'"))) is { } fault)
            {
                troubles.Add($"the definition of the {_noun} {name} cannot be read: {fault.Detail}");
                continue;
            }
            bool autostart = _folder!.IsMarked(DefinitionFolder.Autostart, name), wanted = autostart || _folder.IsMarked(DefinitionFolder.Active, name);
            DomainFailure? failure = wanted ? start(config.Value) : null;
            if (failure is not null) troubles.Add($"the {_noun} {name} cannot be started: {failure.Detail}");
            _items[config.Value.Uuid] = new CatalogueItem<T>(config.Value, wanted && failure is null, true, autostart);
        }
        return troubles;
    }

    /// <summary>Tells of what happens, from now on.</summary>
    /// <param name="watcher">Who is told. Must not block and must not throw.</param>
    /// <returns>What ends it.</returns>
    public IDisposable Watch(Action<CatalogueEvent, T> watcher)
    {
        lock (_gate) _watchers = [.. _watchers, watcher];
        return new Watching(this, watcher);
    }

    /// <summary>The UUID of a document that gives none: what is defined anew under its name keeps its own.</summary>
    internal Guid Identify(string name, Random random)
    {
        lock (_gate) return Named(name)?.Config.Uuid ?? DomainDefaults.NewUuid(random);
    }

    private CatalogueItem<T>? Named(string name) => _items.Values.FirstOrDefault(item => item.Config.Name == name);

    private DomainFailure? Claim(T config)
    {
        if (Named(config.Name) is { } other && other.Config.Uuid != config.Uuid) return new DomainFailure(DomainError.OperationFailed, $"{_noun} '{config.Name}' already exists with uuid {other.Config.Uuid}");
        return _items.TryGetValue(config.Uuid, out CatalogueItem<T>? same) && same.Config.Name != config.Name
            ? new DomainFailure(DomainError.OperationFailed, $"{_noun} '{same.Config.Name}' is already defined with uuid {config.Uuid}")
            : null;
    }

    private Outcome<CatalogueItem<T>> Change(Guid uuid, Func<CatalogueItem<T>, Outcome<CatalogueItem<T>>> change)
        => Guarded(() => _items.TryGetValue(uuid, out CatalogueItem<T>? item) ? change(item) : new DomainFailure(_missing, $"no {_noun} with matching uuid '{uuid}'"));

    private Outcome<CatalogueItem<T>> Take(CatalogueItem<T> item, CatalogueEvent? happened)
    {
        if (item.IsActive || item.IsPersistent) _items[item.Config.Uuid] = item;
        else _items.Remove(item.Config.Uuid);
        if (happened is { } what)
        {
            foreach (Action<CatalogueEvent, T> watcher in _watchers) watcher(what, item.Config);
        }
        return item;
    }

    private Outcome<CatalogueItem<T>> Guarded(Func<Outcome<CatalogueItem<T>>> work)
    {
        lock (_gate)
        {
            try
            {
                return work();
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                return new DomainFailure(DomainError.System, fault.Message.TrimEnd('.'));
            }
        }
    }

    private sealed class Watching(Catalogue<T> catalogue, Action<CatalogueEvent, T> watcher) : IDisposable
    {
        public void Dispose()
        {
            lock (catalogue._gate) catalogue._watchers = [.. catalogue._watchers.Where(other => other != watcher)];
        }
    }
}
