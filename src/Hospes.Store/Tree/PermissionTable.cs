using Hospes.Store.Wire;

namespace Hospes.Store.Tree;

/// <summary>A list of permission entries that any number of nodes share. Its entries change only when a domain goes away.</summary>
internal sealed class PermissionSet
{
    public required int Id { get; init; }

    public required NodePermission[] Entries { get; set; }

    public ulong Hash { get; set; }

    /// <summary>Nodes, node versions and pending changes that use the set.</summary>
    public int References { get; set; }

    public ushort Owner => Entries[0].Domain;

    /// <summary>
    /// What a domain may do: everything for the control domain and for the owner (or whom it acts for); else its own entry, which an
    /// ignored entry is not; else what the first entry grants to all.
    /// </summary>
    public NodeAccess AccessOf(ushort domain, int target)
    {
        NodePermission[] entries = Entries;
        if (domain == XsWire.ControlDomain || Names(entries[0].Domain, domain, target)) return NodeAccess.Both | NodeAccess.Owner;
        for (int i = 1; i < entries.Length; i++)
            if (!entries[i].Ignored && (Names(entries[i].Domain, domain, target) || entries[i].Domain == XsWire.DomainAny)) return entries[i].Access;
        return entries[0].Access;
    }

    private static bool Names(ushort entry, ushort domain, int target) => entry == domain || entry == target;
}

/// <summary>Interns permission lists: a node holds a 32-bit id, and a million nodes with the same permissions hold one list.</summary>
internal sealed class PermissionTable
{
    private readonly Dictionary<ulong, List<PermissionSet>> _byHash = [];
    private readonly List<PermissionSet?> _byId = [];
    private readonly Stack<int> _freeIds = [];

    public PermissionSet this[int id] => _byId[id]!;

    public int Count => _byId.Count - _freeIds.Count;

    public IEnumerable<PermissionSet> All => _byId.Where(set => set is not null)!;

    /// <summary>Finds or makes the set with these entries. The caller adds its own reference.</summary>
    public PermissionSet Intern(ReadOnlySpan<NodePermission> entries)
    {
        ulong hash = HashOf(entries);
        if (_byHash.TryGetValue(hash, out List<PermissionSet>? sets))
        {
            foreach (PermissionSet set in sets)
                if (entries.SequenceEqual(set.Entries)) return set;
        }
        if (!_freeIds.TryPop(out int id))
        {
            id = _byId.Count;
            _byId.Add(null);
        }
        var created = new PermissionSet { Id = id, Entries = entries.ToArray(), Hash = hash };
        _byId[id] = created;
        Index(created);
        return created;
    }

    /// <summary>The parent's entries with another owner (what a domain creates belongs to it, XSA-115's inheritance included).</summary>
    public PermissionSet WithOwner(PermissionSet parent, ushort owner)
    {
        if (parent.Owner == owner) return parent;
        Span<NodePermission> entries = stackalloc NodePermission[32];
        entries = parent.Entries.Length <= entries.Length ? entries[..parent.Entries.Length] : new NodePermission[parent.Entries.Length];
        parent.Entries.CopyTo(entries);
        entries[0] = entries[0] with { Domain = owner };
        return Intern(entries);
    }

    public void AddReference(int id) => _byId[id]!.References++;

    public void Release(int id)
    {
        PermissionSet set = _byId[id]!;
        if (--set.References > 0) return;
        Unindex(set);
        _byId[id] = null;
        _freeIds.Push(id);
    }

    /// <summary>
    /// Takes a domain that went away out of every list in one step, so that a later domain with the same id inherits nothing (XSA-322).
    /// What it owned and is still there falls to the control domain.
    /// </summary>
    public void Forget(ushort domain)
    {
        foreach (PermissionSet set in All)
        {
            if (!set.Entries.Any(entry => entry.Domain == domain)) continue;
            Unindex(set);
            NodePermission first = set.Entries[0];
            set.Entries = [first.Domain == domain ? first with { Domain = XsWire.ControlDomain } : first, .. set.Entries.Skip(1).Where(entry => entry.Domain != domain)];
            set.Hash = HashOf(set.Entries);
            Index(set);
        }
    }

    private void Index(PermissionSet set)
    {
        if (!_byHash.TryGetValue(set.Hash, out List<PermissionSet>? sets)) _byHash.Add(set.Hash, sets = []);
        sets.Add(set);
    }

    private void Unindex(PermissionSet set)
    {
        List<PermissionSet> sets = _byHash[set.Hash];
        sets.Remove(set);
        if (sets.Count == 0) _byHash.Remove(set.Hash);
    }

    private static ulong HashOf(ReadOnlySpan<NodePermission> entries)
    {
        ulong hash = 14695981039346656037;
        foreach (NodePermission entry in entries)
            hash = (hash ^ (uint)(entry.Domain | ((uint)entry.Access << 16) | (entry.Ignored ? 1u << 24 : 0))) * 1099511628211;
        return hash;
    }
}
