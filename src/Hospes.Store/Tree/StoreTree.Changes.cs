namespace Hospes.Store.Tree;

/// <content>Changes to the present, and the versions kept for snapshots.</content>
internal sealed partial class StoreTree
{
    private readonly record struct Replaced(int Node, ulong At, bool Removed);

    private readonly Queue<Replaced> _replaced = new();
    private NodeVersion[] _versions = new NodeVersion[64];
    private int _nextVersion = 1;
    private int _freeVersion;

    /// <summary>Versions and removed nodes that are kept for snapshots.</summary>
    public int KeptVersions => _replaced.Count;

    /// <summary>Replaces a node's value.</summary>
    public void SetValue(int id, ReadOnlySpan<byte> value)
    {
        ref NodeRecord node = ref _nodes[id];
        int nameLength = node.NameLength;
        int oldLength = node.BlockLength;
        int newLength = nameLength + value.Length;
        if (Keep(id, ref node, Generation + 1) || !ByteArena.SameClass(oldLength, newLength))
        {
            uint old = node.Block;
            uint block = Arena.Allocate(newLength);
            Arena.Span(old, nameLength).CopyTo(Arena.Span(block, nameLength));
            if (!IsKept(ref node, old)) Arena.Free(old, oldLength);
            node.Block = block;
        }
        if (!value.IsEmpty) value.CopyTo(Arena.Span(node.Block, newLength)[nameLength..]);
        node.ValueLength = (ushort)value.Length;
        node.Generation = ++Generation;
    }

    /// <summary>Replaces a node's permissions.</summary>
    public void SetPermissions(int id, PermissionSet permissions)
    {
        ref NodeRecord node = ref _nodes[id];
        if (Keep(id, ref node, Generation + 1)) CopyBlock(ref node, node.BlockLength);
        permissions.References++;
        Permissions.Release(node.Permissions);
        node.Permissions = permissions.Id;
        node.Generation = ++Generation;
    }

    /// <summary>Makes a node below <paramref name="parent"/> (0 for a special node); it must not exist.</summary>
    public int Create(int parent, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, PermissionSet permissions)
    {
        int id = _nodes.Add(parent, name, value);
        ref NodeRecord node = ref _nodes[id];
        node.Permissions = Hold(permissions);
        node.Generation = ++Generation;
        Count++;
        if (parent == 0) return id;
        ref NodeRecord above = ref _nodes[parent];
        node.PreviousSibling = above.LastChild;
        if (above.LastChild == 0) above.FirstChild = id;
        else _nodes[above.LastChild].NextSibling = id;
        above.LastChild = id;
        above.ChildrenLength += name.Length + 1;
        above.ChildGeneration = Generation;
        return id;
    }

    /// <summary>Removes a node that has no children left.</summary>
    public void Remove(int id)
    {
        ref NodeRecord node = ref _nodes[id];
        ref NodeRecord above = ref _nodes[node.Parent];
        above.ChildrenLength -= node.NameLength + 1;
        above.ChildGeneration = ++Generation;
        Count--;
        bool kept = Keep(id, ref node, Generation);
        if (!kept && node.OlderVersion == 0)
        {
            Unlink(id);
            return;
        }
        if (kept) CopyBlock(ref node, node.NameLength);
        else
        {
            uint old = node.Block;
            int oldLength = node.BlockLength;
            CopyBlock(ref node, node.NameLength);
            Arena.Free(old, oldLength);
        }
        node.ValueLength = 0;
        node.NameAndFlags |= NodeRecord.RemovedFlag;
        node.Generation = Generation;
        _replaced.Enqueue(new Replaced(id, Generation, true));
    }

    /// <summary>Frees what no open snapshot can see any more. To be called when a snapshot was closed.</summary>
    public void Reclaim()
    {
        ulong oldest = Snapshots.OldestBase;
        while (_replaced.TryPeek(out Replaced first) && first.At <= oldest)
        {
            _replaced.Dequeue();
            ref NodeRecord node = ref _nodes[first.Node];
            DropVersions(ref node, oldest);
            if (first.Removed) Unlink(first.Node);
        }
    }

    /// <summary>True when a snapshot can see the present version, which is then kept with its block and a reference to its permissions.</summary>
    private bool Keep(int id, ref NodeRecord node, ulong replacedAt)
    {
        if (!Snapshots.Sees(node.Generation)) return false;
        int index = _freeVersion;
        if (index != 0) _freeVersion = _versions[index].Older;
        else
        {
            if (_nextVersion == _versions.Length) Array.Resize(ref _versions, _nextVersion * 2);
            index = _nextVersion++;
        }
        _versions[index] = new NodeVersion
        {
            Generation = node.Generation,
            Block = node.Block,
            NameLength = (ushort)node.NameLength,
            ValueLength = node.ValueLength,
            Permissions = node.Permissions,
            Older = node.OlderVersion,
        };
        Permissions.AddReference(node.Permissions);
        node.OlderVersion = index;
        _replaced.Enqueue(new Replaced(id, replacedAt, false));
        return true;
    }

    private bool IsKept(ref NodeRecord node, uint block) => node.OlderVersion != 0 && block != 0 && _versions[node.OlderVersion].Block == block;

    private void CopyBlock(ref NodeRecord node, int length)
    {
        uint block = Arena.Allocate(length);
        Arena.Span(node.Block, length).CopyTo(Arena.Span(block, length));
        node.Block = block;
    }

    private int VersionAt(ref readonly NodeRecord node, ulong moment)
    {
        int version = node.OlderVersion;
        while (version != 0 && _versions[version].Generation > moment) version = _versions[version].Older;
        return version;
    }

    /// <summary>Frees the versions that were replaced at or before <paramref name="oldest"/>, the oldest moment still visible.</summary>
    private void DropVersions(ref NodeRecord node, ulong oldest)
    {
        ref int link = ref node.OlderVersion;
        if (node.Generation > oldest)
        {
            while (link != 0 && _versions[link].Generation > oldest) link = ref _versions[link].Older;
            if (link != 0) link = ref _versions[link].Older;
        }
        int version = link;
        link = 0;
        while (version != 0)
        {
            ref NodeVersion gone = ref _versions[version];
            Arena.Free(gone.Block, gone.NameLength + gone.ValueLength);
            Permissions.Release(gone.Permissions);
            int older = gone.Older;
            gone = default;
            gone.Older = _freeVersion;
            _freeVersion = version;
            version = older;
        }
    }

    private void Unlink(int id)
    {
        ref NodeRecord node = ref _nodes[id];
        if (node.Parent != 0)
        {
            ref NodeRecord above = ref _nodes[node.Parent];
            if (node.PreviousSibling == 0) above.FirstChild = node.NextSibling;
            else _nodes[node.PreviousSibling].NextSibling = node.NextSibling;
            if (node.NextSibling == 0) above.LastChild = node.PreviousSibling;
            else _nodes[node.NextSibling].PreviousSibling = node.PreviousSibling;
        }
        Permissions.Release(node.Permissions);
        _nodes.Free(id);
    }
}
