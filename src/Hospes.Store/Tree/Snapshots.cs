namespace Hospes.Store.Tree;

/// <summary>A moment of the tree that stays readable while the snapshot is open.</summary>
internal class Snapshot
{
    internal Snapshot? Older;
    internal Snapshot? Newer;

    /// <summary>The tree's generation at that moment.</summary>
    public ulong Base { get; internal set; }

    public bool IsOpen { get; internal set; }
}

/// <summary>The open snapshots, oldest first. Bases never fall along the list, because they are taken from a growing counter.</summary>
internal sealed class SnapshotList
{
    private Snapshot? _oldest;
    private Snapshot? _newest;

    public int Count { get; private set; }

    public Snapshot? Oldest => _oldest;

    /// <summary>True when some snapshot sees what was written at <paramref name="generation"/> and has not been changed since.</summary>
    public bool Sees(ulong generation) => _newest is not null && _newest.Base >= generation;

    public ulong OldestBase => _oldest?.Base ?? ulong.MaxValue;

    public void Open(Snapshot snapshot, ulong generation)
    {
        snapshot.Base = generation;
        snapshot.IsOpen = true;
        snapshot.Older = _newest;
        snapshot.Newer = null;
        if (_newest is null) _oldest = snapshot;
        else _newest.Newer = snapshot;
        _newest = snapshot;
        Count++;
    }

    public void Close(Snapshot snapshot)
    {
        if (!snapshot.IsOpen) return;
        if (snapshot.Older is null) _oldest = snapshot.Newer;
        else snapshot.Older.Newer = snapshot.Newer;
        if (snapshot.Newer is null) _newest = snapshot.Older;
        else snapshot.Newer.Older = snapshot.Older;
        snapshot.Older = snapshot.Newer = null;
        snapshot.IsOpen = false;
        Count--;
    }
}
