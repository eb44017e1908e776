using System.Diagnostics.CodeAnalysis;
using Hospes.Virtio.FileSystem.Native;

namespace Hospes.Virtio.FileSystem;

/// <summary>
/// The files that the guest knows of. A descriptor is kept only for those that were used last: for the others it is opened anew from the
/// folder, one name at a time with no symbolic link followed, and what is there then counts only if it is the same file. So there is no moment
/// between a check and a use in which a path could come to mean something else. For one thread.
/// </summary>
internal sealed class NodeTable(int root, in HostStat rootStat, ShareLimits limits) : IDisposable
{
    /// <summary>How deep a file may lie for its descriptor to be opened: as deep as a path of single letters can be.</summary>
    private const int MostDepth = 2048;

    private readonly Dictionary<ulong, Node> _byId = [];
    private readonly Dictionary<HostIdentity, Node> _byIdentity = [];
    private readonly List<Node> _way = [];
    private Node? _newest, _oldest;
    private ulong _next = FuseLayout.Root + 1;
    private int _kept;

    /// <summary>The shared folder.</summary>
    public Node Root { get; } = new(FuseLayout.Root, rootStat.Identity, rootStat.Kind) { Descriptor = root };

    /// <summary>How many files the guest knows of, beside the root.</summary>
    public int Count => _byIdentity.Count;

    /// <summary>How many descriptors are kept, beside the root's.</summary>
    public int Kept => _kept;

    /// <summary>Finds the file of a number.</summary>
    public bool TryFind(ulong id, [NotNullWhen(true)] out Node? node)
    {
        node = Root;
        return id == FuseLayout.Root || _byId.TryGetValue(id, out node);
    }

    /// <summary>Finds a file.</summary>
    public Node? Find(in HostIdentity identity) => identity == Root.Identity ? Root : _byIdentity.GetValueOrDefault(identity);

    /// <summary>Gives a file that the guest is told of a number, and counts that it was told.</summary>
    /// <param name="parent">The folder in which it was seen.</param>
    /// <param name="name">Its name there.</param>
    /// <param name="stat">What the host told of it.</param>
    /// <returns>Null when there are too many.</returns>
    public Node? Enter(Node parent, ReadOnlySpan<byte> name, in HostStat stat)
    {
        HostIdentity identity = stat.Identity;
        // A folder can be mounted inside itself.
        if (identity == Root.Identity) return Root;
        if (!_byIdentity.TryGetValue(identity, out Node? node))
        {
            if (_byIdentity.Count >= limits.Nodes) return null;
            node = new Node(_next++, identity, stat.Kind);
            _byIdentity.Add(identity, node);
            _byId.Add(node.Id, node);
        }
        node.Lookups++;
        Place(node, parent, name);
        return node;
    }

    /// <summary>Notes where a file lies.</summary>
    public void Place(Node node, Node parent, ReadOnlySpan<byte> name)
    {
        if (node == Root) return;
        if (!name.SequenceEqual(node.Name)) node.Name = name.ToArray();
        if (node.Parent == parent) return;
        Node? before = node.Parent;
        node.Parent = parent;
        parent.Children++;
        if (before is null) return;
        before.Children--;
        Release(before);
    }

    /// <summary>The guest forgot that it was told of a file.</summary>
    /// <param name="id">The file's number; any.</param>
    /// <param name="times">How often it was told; more than that counts as that.</param>
    public void Forget(ulong id, ulong times)
    {
        if (!_byId.TryGetValue(id, out Node? node)) return;
        node.Lookups -= Math.Min(times, node.Lookups);
        Release(node);
    }

    /// <summary>Lets go of a file that nobody refers to any more, and then of its folder if that is so for it too.</summary>
    public void Release(Node? node)
    {
        while (node is { Lookups: 0, Children: 0, FirstHandle: null } && node != Root)
        {
            Drop(node);
            _byId.Remove(node.Id);
            _byIdentity.Remove(node.Identity);
            node = node.Parent;
            if (node is not null) node.Children--;
        }
    }

    /// <summary>A descriptor of a file, good until the next request; it need not give access.</summary>
    /// <returns>A negative error number when there is none, ESTALE when the file is no longer where it was.</returns>
    public int DescriptorOf(Node node)
    {
        if (node.Descriptor >= 0)
        {
            if (node != Root && node != _newest)
            {
                Unlink(node);
                LinkFirst(node);
            }
            return node.Descriptor;
        }
        if (node.FirstHandle is { } handle) return handle.File;
        int file = Open(node);
        if (file < 0) return file;
        node.Descriptor = file;
        LinkFirst(node);
        _kept++;
        // What this request used stands at the front.
        while (_kept > limits.Descriptors) Drop(_oldest!);
        return file;
    }

    /// <summary>Tells of a file.</summary>
    public int Stat(Node node, out HostStat stat)
    {
        if (node.Descriptor >= 0 || node.FirstHandle is not null || node.Parent is null) return HostCalls.Stat(DescriptorOf(node), out stat);
        int folder = DescriptorOf(node.Parent);
        stat = default;
        if (folder < 0) return folder;
        int result = HostCalls.StatChild(folder, node.Name, out stat);
        if (result == -Errno.NoEntry) return -Errno.Stale;
        return result < 0 ? result : stat.Identity == node.Identity ? 0 : -Errno.Stale;
    }

    /// <summary>Forgets all files; no handle is left.</summary>
    public void Clear()
    {
        while (_oldest is { } node) Drop(node);
        _byId.Clear();
        _byIdentity.Clear();
        Root.Children = 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Clear();
        HostCalls.Close(Root.Descriptor);
    }

    /// <summary>Opens a file from the nearest folder above it that has a descriptor.</summary>
    private int Open(Node node)
    {
        _way.Clear();
        Node? at = node;
        while (at is { Descriptor: < 0, FirstHandle: null })
        {
            // Places that were noted at different times can make a ring.
            if (_way.Count == MostDepth) return -Errno.Stale;
            _way.Add(at);
            at = at.Parent;
        }
        if (at is null) return -Errno.Stale;
        int file = DescriptorOf(at);
        bool isOurs = false;
        for (int i = _way.Count - 1; i >= 0; i--)
        {
            int next = OpenChild(file, _way[i]);
            if (isOurs) HostCalls.Close(file);
            if (next < 0) return next;
            (file, isOurs) = (next, true);
        }
        return file;
    }

    private static int OpenChild(int folder, Node node)
    {
        int file = HostCalls.OpenChild(folder, node.Name, HostCalls.Path);
        if (file < 0) return file is -Errno.NoEntry or -Errno.NotFolder or -Errno.Loop ? -Errno.Stale : file;
        if (HostCalls.Stat(file, out HostStat stat) == 0 && stat.Identity == node.Identity) return file;
        HostCalls.Close(file);
        return -Errno.Stale;
    }

    /// <summary>Closes the descriptor that is kept for a file.</summary>
    private void Drop(Node node)
    {
        if (node.Descriptor < 0) return;
        Unlink(node);
        HostCalls.Close(node.Descriptor);
        node.Descriptor = -1;
        _kept--;
    }

    private void LinkFirst(Node node)
    {
        (node.Newer, node.Older) = (null, _newest);
        if (_newest is { } second) second.Newer = node;
        else _oldest = node;
        _newest = node;
    }

    private void Unlink(Node node)
    {
        if (node.Newer is { } newer) newer.Older = node.Older;
        else _newest = node.Older;
        if (node.Older is { } older) older.Newer = node.Newer;
        else _oldest = node.Newer;
        node.Newer = node.Older = null;
    }
}
