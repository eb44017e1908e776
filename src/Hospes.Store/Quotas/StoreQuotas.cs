namespace Hospes.Store.Quotas;

/// <summary>Resources of a domain that the store limits. The names on the wire are those of <see cref="QuotaNames"/>.</summary>
public enum QuotaItem
{
    /// <summary>Nodes that the domain owns.</summary>
    Nodes,
    /// <summary>Watches that the domain has set.</summary>
    Watches,
    /// <summary>Requests whose reply the domain has not taken yet.</summary>
    Outstanding,
    /// <summary>Bytes that the domain makes the store hold: nodes, watches, pending changes, unread messages.</summary>
    Memory,
    /// <summary>Open transactions.</summary>
    Transactions,
    /// <summary>Nodes touched in one transaction.</summary>
    TransactionNodes,
    /// <summary>Permission entries of one node.</summary>
    NodePermissions,
    /// <summary>Bytes of a path (what follows /local/domain/N/).</summary>
    PathLength,
    /// <summary>Bytes of one node: fixed part, permissions, value and list of children.</summary>
    NodeSize,
    /// <summary>Watch events that wait for the domain to read them.</summary>
    UnreadEvents,
}

/// <summary>Names and explanations of the quotas, as CONTROL, GET_QUOTA and SET_QUOTA use them.</summary>
public static class QuotaNames
{
    /// <summary>Number of quotas.</summary>
    public const int Count = (int)QuotaItem.UnreadEvents + 1;

    /// <summary>Put before a name to mean the limit that is only reported.</summary>
    public const string SoftPrefix = "soft-";

    private static readonly string[] Names =
        ["nodes", "watches", "outstanding", "memory", "transactions", "transaction-nodes", "node-permissions", "path-max", "node-size", "unread-events"];

    private static readonly string[] Texts =
    [
        "Nodes owned by a domain", "Watches set by a domain", "Replies a domain has not read", "Bytes held for a domain",
        "Open transactions of a domain", "Nodes touched in a transaction", "Permission entries of a node", "Bytes of a path",
        "Bytes of a node", "Watch events a domain has not read",
    ];

    /// <summary>The quota's name on the wire.</summary>
    /// <param name="item">The quota.</param>
    public static string NameOf(QuotaItem item) => Names[(int)item];

    /// <summary>A short explanation of the quota.</summary>
    /// <param name="item">The quota.</param>
    public static string TextOf(QuotaItem item) => Texts[(int)item];

    /// <summary>Finds a quota by its name.</summary>
    /// <param name="name">The name, without the prefix for soft quotas.</param>
    /// <param name="item">The quota found.</param>
    /// <returns>False when there is none of that name.</returns>
    public static bool TryParse(string name, out QuotaItem item)
    {
        int index = Array.IndexOf(Names, name);
        item = (QuotaItem)Math.Max(index, 0);
        return index >= 0;
    }
}

/// <summary>Limits for a domain other than the control domain; 0 turns a limit off. The control domain has none.</summary>
public sealed record StoreQuotas
{
    /// <summary>The defaults of Xen's C daemon.</summary>
    public static StoreQuotas Reference { get; } = new();

    /// <summary>The defaults of Xen's OCaml daemon (oxenstored.conf).</summary>
    public static StoreQuotas OCaml { get; } = new()
    {
        Watches = 100,
        Outstanding = 1024,
        TransactionNodes = 1024,
        PathLength = 1024,
        UnreadEvents = 1024,
    };

    /// <summary>Nodes owned.</summary>
    public uint Nodes { get; init; } = 1000;

    /// <summary>Watches set.</summary>
    public uint Watches { get; init; } = 128;

    /// <summary>Replies not read.</summary>
    public uint Outstanding { get; init; } = 20;

    /// <summary>Bytes held at most; beyond it requests that need memory fail with ENOMEM and the domain's ring is not read.</summary>
    public uint Memory { get; init; } = 2560 * 1024;

    /// <summary>Bytes held above which a warning is logged.</summary>
    public uint SoftMemory { get; init; } = 2048 * 1024;

    /// <summary>Open transactions.</summary>
    public uint Transactions { get; init; } = 10;

    /// <summary>Nodes touched in one transaction.</summary>
    public uint TransactionNodes { get; init; } = 1024;

    /// <summary>Permission entries of one node.</summary>
    public uint NodePermissions { get; init; } = 5;

    /// <summary>Bytes of a path.</summary>
    public uint PathLength { get; init; } = Wire.XsWire.RelativePathMax;

    /// <summary>Bytes of one node.</summary>
    public uint NodeSize { get; init; } = 2048;

    /// <summary>Watch events not read; more are not kept.</summary>
    public uint UnreadEvents { get; init; } = 1024;

    /// <summary>How long a domain may leave a watch event unread before it is dropped.</summary>
    public TimeSpan UnreadEventTime { get; init; } = TimeSpan.FromSeconds(20);

    internal uint[] ToArray() =>
        [Nodes, Watches, Outstanding, Memory, Transactions, TransactionNodes, NodePermissions, PathLength, NodeSize, UnreadEvents];
}
