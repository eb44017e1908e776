using System.Collections.Concurrent;

namespace Hospes.Domains.Lifecycle;

/// <summary>All domains of a host, by UUID, name and id. Thread-safe; looking up waits for nobody.</summary>
internal sealed class DomainRegistry
{
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<Guid, ManagedDomain> _byUuid = new();
    private readonly ConcurrentDictionary<string, ManagedDomain> _byName = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<int, ManagedDomain> _byId = new();
    private int _lastId;

    public IEnumerable<ManagedDomain> All => _byUuid.Values;

    public ManagedDomain? Find(Guid uuid) => _byUuid.TryGetValue(uuid, out ManagedDomain? domain) && domain.Now.Exists ? domain : null;

    public ManagedDomain? Find(string name) => _byName.TryGetValue(name, out ManagedDomain? domain) && domain.Now.Exists ? domain : null;

    public ManagedDomain? Find(int id) => _byId.TryGetValue(id, out ManagedDomain? domain) ? domain : null;

    /// <summary>The domain with that UUID and name, made if there is none. It stays unseen until it exists, and known until it is released, so that nobody makes another one meanwhile.</summary>
    public Outcome<ManagedDomain> Claim(Guid uuid, string name)
    {
        lock (_gate)
        {
            bool known = _byUuid.TryGetValue(uuid, out ManagedDomain? domain);
            if (_byName.TryGetValue(name, out ManagedDomain? namesake) && namesake.Uuid != uuid)
                return new DomainFailure(DomainError.OperationFailed, $"domain '{name}' already exists with uuid {namesake.Uuid}");
            if (known && domain!.Now.Name != name)
                return new DomainFailure(DomainError.OperationFailed, $"domain '{domain.Now.Name}' is already defined with uuid {uuid}");
            if (!known)
            {
                domain = new ManagedDomain(uuid, name);
                _byUuid[uuid] = domain;
                _byName[name] = domain;
            }
            domain!.Claims++;
            return domain;
        }
    }

    /// <summary>Gives a domain's place another name.</summary>
    public DomainFailure? Rename(ManagedDomain domain, string newName)
    {
        lock (_gate)
        {
            if (_byName.TryGetValue(newName, out ManagedDomain? namesake)) return namesake == domain ? null : new DomainFailure(DomainError.OperationFailed, $"domain with name '{newName}' already exists");
            string oldName = domain.Now.Name;
            _byName[newName] = domain;
            domain.Publish(domain.Now with { Name = newName });
            _byName.TryRemove(oldName, out _);
            return null;
        }
    }

    /// <summary>Puts a domain back that was swept while somebody was about to make it exist.</summary>
    public void Ensure(ManagedDomain domain)
    {
        lock (_gate)
        {
            _byUuid[domain.Uuid] = domain;
            _byName[domain.Now.Name] = domain;
        }
    }

    /// <summary>Ends a claim, and forgets the domain if nothing is left of it.</summary>
    public void Release(ManagedDomain domain)
    {
        lock (_gate)
        {
            domain.Claims--;
            Sweep(domain);
        }
    }

    /// <summary>Forgets a domain of which nothing is left.</summary>
    public void Sweep(ManagedDomain domain)
    {
        lock (_gate)
        {
            if (domain.Now.Exists || domain.Claims > 0) return;
            _byUuid.TryRemove(new KeyValuePair<Guid, ManagedDomain>(domain.Uuid, domain));
            _byName.TryRemove(new KeyValuePair<string, ManagedDomain>(domain.Now.Name, domain));
        }
    }

    /// <summary>An id that no domain had since the host began (0 is the host's own).</summary>
    public int NextId() => Interlocked.Increment(ref _lastId);

    /// <summary>Makes an id that an earlier daemon gave away taken.</summary>
    public void ReserveId(int id)
    {
        lock (_gate) _lastId = Math.Max(_lastId, id);
    }

    public void SetId(ManagedDomain domain, int id) => _byId[id] = domain;

    public void ClearId(int id) => _byId.TryRemove(id, out _);
}
