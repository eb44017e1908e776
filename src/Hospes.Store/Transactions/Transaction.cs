using Hospes.Store.Engine;
using Hospes.Store.Tree;

namespace Hospes.Store.Transactions;

/// <summary>What a transaction did to a path.</summary>
[Flags]
internal enum Touch : ushort
{
    None = 0,

    /// <summary>Value, permissions or absence were seen, or the path was written: any change by others is a conflict.</summary>
    Content = 1,

    /// <summary>The list of children was seen: a child that others create or remove is a conflict.</summary>
    Children = 2,

    /// <summary>The value was written.</summary>
    Value = 4,

    /// <summary>The permissions were replaced.</summary>
    Permissions = 8,

    /// <summary>The path was created; it was not there, or was removed before in this transaction.</summary>
    Created = 16,

    /// <summary>What was there when the transaction began is removed, with all below it.</summary>
    BaseRemoved = 32,

    /// <summary>The path is not there now, as the transaction sees it.</summary>
    Gone = 64,

    /// <summary>A watch event is due at commit.</summary>
    Event = 128,

    /// <summary>Something was created or removed directly below, so that the list of children differs from the snapshot's.</summary>
    ChildrenChanged = 256,
}

/// <summary>One path that a transaction touched.</summary>
internal struct TouchedPath
{
    public uint Hash;
    public int NextInBucket;
    public int PathAt;
    public int PathLength;

    /// <summary>The node as of the snapshot; 0 when there was none.</summary>
    public int BaseNode;

    public Touch Touch;
    public ushort ValueLength;
    public int ValueAt;

    /// <summary>Permissions that the transaction gave; null while they are the snapshot's.</summary>
    public PermissionSet? Permissions;

    /// <summary>Children created in this transaction, in order.</summary>
    public int FirstCreated;
    public int LastCreated;
    public int NextCreated;

    /// <summary>The list of modified paths, in the order in which the changes are carried out.</summary>
    public int NextModified;
    public int PreviousModified;

    public readonly bool IsModified => (Touch & (Touch.Value | Touch.Permissions | Touch.Created | Touch.BaseRemoved)) != 0;
}

/// <summary>
/// A transaction: a snapshot, and the changes on top of it, by path. Nothing of it is visible to others until it commits.
/// Index 0 of the paths is unused, so that 0 means none.
/// </summary>
internal sealed class Transaction : Snapshot
{
    // Nothing is held before the first path: a flood of empty transactions costs little.
    private TouchedPath[] _paths = [];
    private int[] _buckets = [];
    private byte[] _bytes = [];
    private int _byteCount;

    public uint Id { get; private set; }

    public Session Owner { get; private set; } = null!;

    /// <summary>Paths touched.</summary>
    public int Count { get; private set; }

    /// <summary>A limit was met; the commit will fail with ENOMEM, as the reference daemon's does.</summary>
    public bool HasFailed { get; set; }

    /// <summary>A conflict is certain already; the commit will fail with EAGAIN.</summary>
    public bool IsDoomed { get; set; }

    public int FirstModified { get; private set; }

    public int LastModified { get; private set; }

    /// <summary>Bytes charged to the owner's domain.</summary>
    public long Charged { get; set; }

    public int ByteCount => _byteCount;

    public ref TouchedPath this[int index] => ref _paths[index];

    public void Begin(uint id, Session owner)
    {
        Id = id;
        Owner = owner;
    }

    public ReadOnlySpan<byte> PathOf(int index) => _bytes.AsSpan(_paths[index].PathAt, _paths[index].PathLength);

    public ReadOnlySpan<byte> ValueOf(int index) => _bytes.AsSpan(_paths[index].ValueAt, _paths[index].ValueLength);

    public int Find(ReadOnlySpan<byte> path)
    {
        if (Count == 0) return 0;
        uint hash = SeededHash.Of(path, 0);
        for (int index = _buckets[hash & (uint)(_buckets.Length - 1)]; index != 0; index = _paths[index].NextInBucket)
            if (_paths[index].Hash == hash && PathOf(index).SequenceEqual(path)) return index;
        return 0;
    }

    public int Add(ReadOnlySpan<byte> path, int baseNode)
    {
        int index = ++Count;
        if (index >= _paths.Length) Grow();
        uint hash = SeededHash.Of(path, 0);
        ref int bucket = ref _buckets[hash & (uint)(_buckets.Length - 1)];
        _paths[index] = new TouchedPath { Hash = hash, NextInBucket = bucket, PathAt = Store(path), PathLength = path.Length, BaseNode = baseNode };
        bucket = index;
        return index;
    }

    public void SetValue(int index, ReadOnlySpan<byte> value)
    {
        ref TouchedPath path = ref _paths[index];
        if (value.Length <= path.ValueLength) value.CopyTo(_bytes.AsSpan(path.ValueAt));
        else path.ValueAt = Store(value);
        _paths[index].ValueLength = (ushort)value.Length;
    }

    public void SetPermissions(int index, PermissionSet permissions, PermissionTable table)
    {
        permissions.References++;
        if (_paths[index].Permissions is { } old) table.Release(old.Id);
        _paths[index].Permissions = permissions;
    }

    /// <summary>Puts a path at the end of the order of changes.</summary>
    public void MarkModified(int index)
    {
        ref TouchedPath path = ref _paths[index];
        if (FirstModified == index || path.PreviousModified != 0) UnlinkModified(index);
        path.PreviousModified = LastModified;
        path.NextModified = 0;
        if (LastModified == 0) FirstModified = index;
        else _paths[LastModified].NextModified = index;
        LastModified = index;
    }

    public void LinkCreated(int parent, int child)
    {
        ref TouchedPath above = ref _paths[parent];
        _paths[child].NextCreated = 0;
        if (above.LastCreated == 0) above.FirstCreated = child;
        else _paths[above.LastCreated].NextCreated = child;
        above.LastCreated = child;
    }

    public void UnlinkCreated(int parent, int child)
    {
        ref TouchedPath above = ref _paths[parent];
        int before = 0;
        for (int index = above.FirstCreated; index != 0; before = index, index = _paths[index].NextCreated)
        {
            if (index != child) continue;
            if (before == 0) above.FirstCreated = _paths[child].NextCreated;
            else _paths[before].NextCreated = _paths[child].NextCreated;
            if (above.LastCreated == child) above.LastCreated = before;
            _paths[child].NextCreated = 0;
            return;
        }
    }

    /// <summary>Forgets everything, so that the object can serve again.</summary>
    public void Reset(PermissionTable table)
    {
        for (int index = 1; index <= Count; index++)
        {
            if (_paths[index].Permissions is { } permissions) table.Release(permissions.Id);
            _paths[index].Permissions = null;
        }
        Array.Clear(_buckets);
        Count = 0;
        _byteCount = 0;
        FirstModified = LastModified = 0;
        HasFailed = IsDoomed = false;
        Charged = 0;
    }

    /// <summary>True when the arrays grew so much that keeping the object for later would keep too much memory.</summary>
    public bool IsLarge => _bytes.Length > 64 * 1024 || _paths.Length > 1024;

    private void UnlinkModified(int index)
    {
        ref TouchedPath path = ref _paths[index];
        if (path.PreviousModified == 0) FirstModified = path.NextModified;
        else _paths[path.PreviousModified].NextModified = path.NextModified;
        if (path.NextModified == 0) LastModified = path.PreviousModified;
        else _paths[path.NextModified].PreviousModified = path.PreviousModified;
    }

    private int Store(ReadOnlySpan<byte> bytes)
    {
        if (_byteCount + bytes.Length > _bytes.Length) Array.Resize(ref _bytes, Math.Max(Math.Max(512, _bytes.Length * 2), _byteCount + bytes.Length));
        int at = _byteCount;
        bytes.CopyTo(_bytes.AsSpan(at));
        _byteCount += bytes.Length;
        return at;
    }

    private void Grow()
    {
        Array.Resize(ref _paths, Math.Max(16, _paths.Length * 2));
        _buckets = new int[_paths.Length];
        for (int index = 1; index < Count; index++)
        {
            ref int bucket = ref _buckets[_paths[index].Hash & (uint)(_buckets.Length - 1)];
            _paths[index].NextInBucket = bucket;
            bucket = index;
        }
    }
}
