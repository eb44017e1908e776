using System.Runtime.CompilerServices;

namespace Hospes.Store.Tree;

/// <summary>A node's contents as of some moment.</summary>
internal readonly ref struct NodeView
{
    public required ReadOnlySpan<byte> Value { get; init; }

    public required PermissionSet Permissions { get; init; }
}

/// <summary>Where a path led.</summary>
/// <param name="Node">The node, or 0 when it does not exist.</param>
/// <param name="Deepest">The node itself, or the deepest of its ancestors that exists.</param>
/// <param name="Rest">Where in the path the first missing component begins; the path's length when the node exists.</param>
internal readonly record struct Located(int Node, int Deepest, int Rest);

/// <summary>
/// The tree, in versions. A reader sees one moment of it: the present, or the moment its snapshot was taken. What a reader can reach
/// never changes under it: a change replaces a node's version, and the old version is kept for the snapshots that can see it, and only
/// for those. Where no snapshot can see a version (always, when no transaction is open) its memory is used again on the spot; so a write
/// allocates nothing and touches nothing but the node. The one thing that moves is <see cref="Generation"/>, the root of every view.
///
/// Who sees what, with base B of a snapshot and g of a version:
///   the newest version with g at most B is what the snapshot sees; no such version: the node was not there at B;
///   a version must be kept when replaced exactly if the newest open snapshot has B at least g (bases grow, so no older one matters);
///   a removed node stays in its place, marked, while a snapshot sees one of its versions; then it is freed.
/// Kept versions are freed in the order in which they were replaced, as the oldest snapshot moves on.
/// </summary>
internal sealed partial class StoreTree
{
    /// <summary>The root's id.</summary>
    public const int Root = 1;

    private readonly NodeTable _nodes;

    public StoreTree(ulong seed)
    {
        _nodes = new NodeTable(Arena, seed);
        Ahead = new LookupAhead(_nodes);
        int root = _nodes.Add(0, default, default);
        Permissions = new PermissionTable();
        _nodes[root].Permissions = Hold(Permissions.Intern([new NodePermission(Wire.XsWire.ControlDomain, NodeAccess.None)]));
    }

    public ByteArena Arena { get; } = new();

    /// <summary>Prepares lookups that are about to come.</summary>
    public LookupAhead Ahead { get; }

    public PermissionTable Permissions { get; }

    public SnapshotList Snapshots { get; } = new();

    /// <summary>Counts changes; every change takes the next number.</summary>
    public ulong Generation { get; private set; } = 1;

    /// <summary>Nodes that exist now.</summary>
    public int Count { get; private set; } = 1;

    public int IdLimit => _nodes.IdLimit;

    public long MemoryCapacity => _nodes.Capacity + Arena.Capacity;

    public ref NodeRecord this[int id]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref _nodes[id];
    }

    public ReadOnlySpan<byte> NameOf(int id) => _nodes.NameOf(ref _nodes[id]);

    public ReadOnlySpan<byte> ValueOf(int id) => _nodes.ValueOf(ref _nodes[id]);

    public PermissionSet PermissionsOf(int id) => Permissions[_nodes[id].Permissions];

    /// <summary>True for an id whose record is a node that exists now. Any number below <see cref="IdLimit"/> may be asked about.</summary>
    public bool Exists(int id) => id == Root || (id > 0 && _nodes[id].NameLength > 0 && !_nodes[id].IsRemoved);

    /// <summary>Follows an absolute path, or the name of a special node, in the present.</summary>
    public Located Locate(ReadOnlySpan<byte> path)
    {
        if (path[0] != (byte)'/')
        {
            int special = _nodes.Find(0, path);
            return new Located(special, special, special != 0 ? path.Length : 0);
        }
        int node = Root;
        int at = 1;
        while (at < path.Length)
        {
            ReadOnlySpan<byte> rest = path[at..];
            int length = rest.IndexOf((byte)'/');
            if (length < 0) length = rest.Length;
            int child = _nodes.Find(node, rest[..length]);
            if (child == 0) return new Located(0, node, at);
            node = child;
            at += length + 1;
        }
        return new Located(node, node, path.Length);
    }

    /// <summary>Follows a path as of a snapshot's moment.</summary>
    public Located LocateAt(ReadOnlySpan<byte> path, ulong moment)
    {
        if (moment == Generation) return Locate(path);
        if (path[0] != (byte)'/')
        {
            int special = FindAt(0, path, moment);
            return new Located(special, special, special != 0 ? path.Length : 0);
        }
        int node = Root;
        int at = 1;
        while (at < path.Length)
        {
            ReadOnlySpan<byte> rest = path[at..];
            int length = rest.IndexOf((byte)'/');
            if (length < 0) length = rest.Length;
            int child = FindAt(node, rest[..length], moment);
            if (child == 0) return new Located(0, node, at);
            node = child;
            at += length + 1;
        }
        return new Located(node, node, path.Length);
    }

    public int FindChild(int parent, ReadOnlySpan<byte> name) => _nodes.Find(parent, name);

    /// <summary>A child by name as of a snapshot's moment; 0 for none.</summary>
    public int LocateChildAt(int parent, ReadOnlySpan<byte> name, ulong moment) =>
        moment == Generation ? _nodes.Find(parent, name) : FindAt(parent, name, moment);

    private int FindAt(int parent, ReadOnlySpan<byte> name, ulong moment)
    {
        for (int id = _nodes.FindNext(parent, name, 0); id != 0; id = _nodes.FindNext(parent, name, id))
            if (IsVisibleAt(id, moment)) return id;
        return 0;
    }

    public bool IsVisibleAt(int id, ulong moment)
    {
        ref NodeRecord node = ref _nodes[id];
        return node.Generation <= moment ? !node.IsRemoved : VersionAt(ref node, moment) != 0;
    }

    /// <summary>A node's contents as of a moment at which it is visible.</summary>
    public NodeView ViewAt(int id, ulong moment)
    {
        ref NodeRecord node = ref _nodes[id];
        if (node.Generation <= moment) return new NodeView { Value = _nodes.ValueOf(ref node), Permissions = Permissions[node.Permissions] };
        ref NodeVersion version = ref _versions[VersionAt(ref node, moment)];
        return new NodeView
        {
            Value = Arena.Span(version.Block, version.NameLength + version.ValueLength)[version.NameLength..],
            Permissions = Permissions[version.Permissions],
        };
    }

    /// <summary>The next child of a node in creation order, starting with <paramref name="child"/> itself, that exists now; 0 at the end.</summary>
    public int SkipRemoved(int child)
    {
        while (child != 0 && _nodes[child].IsRemoved) child = _nodes[child].NextSibling;
        return child;
    }

    /// <summary>Writes the names of a node's children in the order of their creation, a nul after each; their length is the node's.</summary>
    public void CopyChildNames(int node, Span<byte> names)
    {
        for (int child = _nodes[node].FirstChild; child != 0; child = _nodes[child].NextSibling)
        {
            if (_nodes[child].IsRemoved) continue;
            ReadOnlySpan<byte> name = NameOf(child);
            name.CopyTo(names);
            names[name.Length] = 0;
            names = names[(name.Length + 1)..];
        }
    }

    /// <summary>The absolute path of a node, written to the end of <paramref name="buffer"/>.</summary>
    public ReadOnlySpan<byte> PathOf(int id, Span<byte> buffer)
    {
        if (id == Root)
        {
            buffer[^1] = (byte)'/';
            return buffer[^1..];
        }
        int at = buffer.Length;
        for (; id != Root && id != 0; id = _nodes[id].Parent)
        {
            ReadOnlySpan<byte> name = NameOf(id);
            at -= name.Length;
            name.CopyTo(buffer[at..]);
            if (_nodes[id].Parent == 0) break;
            buffer[--at] = (byte)'/';
        }
        return buffer[at..];
    }

    private int Hold(PermissionSet set)
    {
        set.References++;
        return set.Id;
    }
}
