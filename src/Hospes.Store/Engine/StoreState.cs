using Hospes.Store.Quotas;
using Hospes.Store.Tree;
using Hospes.Store.Watches;
using Hospes.Store.Wire;

namespace Hospes.Store.Engine;

/// <summary>
/// The store's contents and everyone with a claim on them: tree, watches, domains. Every change of the present tree goes through here,
/// so that it is accounted to its owner, written down, and reported to the watches. Belongs to the store's thread.
/// </summary>
internal sealed partial class StoreState
{
    private readonly Dictionary<ushort, DomainState> _domains = [];

    public StoreState(StoreQuotas quotas, EngineLimits limits, TimeProvider clock, IStoreLog? log, ulong seed)
    {
        Quotas = new QuotaTable(quotas);
        Limits = limits;
        Clock = clock;
        Log = log;
        Tree = new StoreTree(seed);
        Watches = new WatchTable(seed);
        PermissionSet root = Tree.PermissionsOf(StoreTree.Root);
        DomainOf(root.Owner).Add(QuotaItem.Nodes, 1);
    }

    public StoreTree Tree { get; }

    public WatchTable Watches { get; }

    public QuotaTable Quotas { get; }

    public EngineLimits Limits { get; }

    public TimeProvider Clock { get; }

    public IStoreLog? Log { get; set; }

    /// <summary>True while CONTROL log is on: requests and their outcomes are logged.</summary>
    public bool TracesRequests { get; set; }

    public IChangeLog? Changes { get; set; }

    public IStoreObserver? Observer { get; set; }

    public SegmentPool Segments { get; } = new();

    public IReadOnlyDictionary<ushort, DomainState> Domains => _domains;

    public long Now => Clock.GetTimestamp() * 1000 / Clock.TimestampFrequency;

    /// <summary>What is known of a domain; made at the first mention.</summary>
    public DomainState DomainOf(ushort id)
    {
        if (!_domains.TryGetValue(id, out DomainState? domain)) _domains.Add(id, domain = new DomainState(id, Quotas));
        return domain;
    }

    /// <summary>Forgets what is known of a domain that is gone. Its nodes are gone already.</summary>
    public void Forget(DomainState domain) => _domains.Remove(domain.Id);

    /// <summary>The nodes that every store begins with (what the reference daemon makes at start).</summary>
    public void CreateInitialNodes()
    {
        PermissionSet none = Tree.PermissionsOf(StoreTree.Root);
        if (Tree.Locate("/tool/xenstored"u8).Node == 0) CreateMissing("/tool/xenstored"u8, default, none);
        if (Tree.Locate("@introduceDomain"u8).Node == 0) CreateMissing("@introduceDomain"u8, default, none);
        if (Tree.Locate("@releaseDomain"u8).Node == 0)
            CreateMissing("@releaseDomain"u8, default, Tree.Permissions.Intern([new NodePermission(XsWire.ControlDomain, NodeAccess.None), new NodePermission(XsWire.DomainAny, NodeAccess.Read)]));
    }

    /// <summary>True when some client with limits may have events that wait, so that their time must be watched.</summary>
    public bool HasUnreadEvents { get; private set; }

    /// <summary>Drops events that were left unread for too long.</summary>
    public void ExpireEvents(long now)
    {
        HasUnreadEvents = false;
        foreach (DomainState domain in _domains.Values)
        {
            if (domain.Used(QuotaItem.UnreadEvents) == 0) continue;
            HasUnreadEvents = true;
            foreach (Session session in domain.Sessions)
            {
                int dropped = session.Output.DropExpiredEvents(now);
                if (dropped > 0) Log?.Write($"domain {domain.Id} left {dropped} watch events unread; they are dropped");
            }
        }
    }

    public static NodeAccess AccessOf(PermissionSet permissions, NodeRights rights) => permissions.AccessOf(rights.Domain, rights.Target);

    /// <summary>Bytes that a node counts for in its owner's memory.</summary>
    public long CostOf(ref readonly NodeRecord node) => SizeOf(Tree.Permissions[node.Permissions], node.ValueLength, node.ChildrenLength) + node.NameLength;

    /// <summary>The size that the node-size quota is about: fixed part, permissions, value, list of children.</summary>
    public static int SizeOf(PermissionSet permissions, int valueLength, int childrenLength) =>
        16 + 8 * permissions.Entries.Length + valueLength + childrenLength;

    /// <summary>Notes and logs a refusal, at most once a second for each domain and limit.</summary>
    public void Refuse(DomainState domain, QuotaItem item, ReadOnlySpan<byte> path)
    {
        Observer?.Refused(domain.Id, item);
        if (Log is null) return;
        long now = Now;
        if (domain.LastLogged[(int)item] != long.MinValue && now - domain.LastLogged[(int)item] < 1000) return;
        domain.LastLogged[(int)item] = now;
        Log.Write($"domain {domain.Id} refused: {QuotaNames.NameOf(item)} limit {domain.Limits[(int)item]}, path {System.Text.Encoding.ASCII.GetString(path)}");
    }

    /// <summary>Logs once when a domain passes its soft memory limit, and again only after it was below.</summary>
    public void NoteMemory(DomainState domain)
    {
        if (domain.IsPrivileged || domain.SoftMemory == 0) return;
        ref long mark = ref domain.LastLogged[QuotaNames.Count];
        bool above = domain.Used(QuotaItem.Memory) > domain.SoftMemory;
        if (above && mark == long.MinValue)
        {
            mark = 1;
            Log?.Write($"domain {domain.Id} exceeds its soft memory limit of {domain.SoftMemory} bytes");
        }
        else if (!above && mark == 1) mark = long.MinValue;
    }
}
