using Hospes.Store.Engine;
using Hospes.Store.Tree;

namespace Hospes.Store.Watches;

/// <summary>
/// All watches, in a tree of their own by path component: a change looks only at the points on its own path, however many watches
/// there are elsewhere. Registering allocates; finding does not.
/// </summary>
internal sealed class WatchTable(ulong seed)
{
    private readonly WatchPoint _root = new() { Parent = null, Name = [], Id = 0 };

    /// <summary>Above the special paths, which have no place in the tree: "/@releaseDomain" is an ordinary path.</summary>
    private readonly WatchPoint _special = new() { Parent = null, Name = [], Id = SpecialId };
    /// <summary>Id of the point above the special paths.</summary>
    public const int SpecialId = 1;

    private readonly List<Watch> _matches = [];
    private readonly Comparison<Watch> _bySequence = static (a, b) => a.Sequence.CompareTo(b.Sequence);
    private WatchPoint?[] _buckets = new WatchPoint?[256];
    private int _points;
    private int _nextId = 2;
    private ulong _nextSequence = 1;

    public int Count { get; private set; }

    /// <summary>Sets a watch; null when the session has it already.</summary>
    public Watch? Add(Session session, ReadOnlySpan<byte> path, ReadOnlySpan<byte> token, int depth, int prefixLength)
    {
        WatchPoint point = PointFor(path);
        var watch = new Watch
        {
            Session = session, Point = point, Token = token.ToArray(), Depth = depth, PrefixLength = prefixLength, Sequence = _nextSequence,
        };
        if (!session.Watches.TryAdd(new WatchKey(point, watch.Token), watch))
        {
            Prune(point);
            return null;
        }
        _nextSequence++;
        point.Watches.Add(watch);
        Count++;
        return watch;
    }

    /// <summary>True when the session has a watch with this path and token.</summary>
    public bool Contains(Session session, ReadOnlySpan<byte> path, ReadOnlySpan<byte> token) =>
        Find(path) is { } point && session.Watches.ContainsKey(new WatchKey(point, token.ToArray()));

    public bool Remove(Session session, ReadOnlySpan<byte> path, ReadOnlySpan<byte> token)
    {
        if (Find(path) is not { } point || !session.Watches.Remove(new WatchKey(point, token.ToArray()), out Watch? watch)) return false;
        Drop(watch);
        return true;
    }

    public void RemoveAll(Session session)
    {
        // One pass over each list, however many of its watches go: a client may have set any number on one path.
        var points = new HashSet<WatchPoint>();
        foreach (Watch watch in session.Watches.Values) points.Add(watch.Point);
        Count -= session.Watches.Count;
        session.Watches.Clear();
        foreach (WatchPoint point in points)
        {
            point.Watches.RemoveAll(watch => watch.Session == session);
            Prune(point);
        }
    }

    /// <summary>
    /// The watches that a change of <paramref name="path"/> concerns, in order of registration. The list is the table's own and
    /// valid until the next call.
    /// </summary>
    /// <param name="path">The changed path.</param>
    /// <param name="exactOnly">Only watches on exactly that path.</param>
    public List<Watch> Match(ReadOnlySpan<byte> path, bool exactOnly)
    {
        _matches.Clear();
        if (Count == 0) return _matches;
        if (path[0] != (byte)'/')
        {
            Collect(Lookup(_special, path), 0, _matches);
            return _matches;
        }
        int levels = path.Length == 1 ? 0 : path.Count((byte)'/');
        WatchPoint? point = _root;
        int at = 1;
        if (!exactOnly || levels == 0) Collect(point, levels, _matches);
        while (at < path.Length)
        {
            ReadOnlySpan<byte> rest = path[at..];
            int length = rest.IndexOf((byte)'/');
            if (length < 0) length = rest.Length;
            point = Lookup(point, rest[..length]);
            if (point is null) break;
            levels--;
            if (!exactOnly || levels == 0) Collect(point, levels, _matches);
            at += length + 1;
        }
        SortIfNeeded();
        return _matches;
    }

    /// <summary>
    /// The watches that a special event concerns: those on "@name/domain", and those on "@name" with a depth that reaches it; without a
    /// domain, those on "@name" that set no depth.
    /// </summary>
    public List<Watch> MatchSpecial(ReadOnlySpan<byte> name, ReadOnlySpan<byte> nameWithDomain)
    {
        _matches.Clear();
        if (nameWithDomain.IsEmpty)
        {
            if (Lookup(_special, name) is { } all)
                foreach (Watch watch in all.Watches)
                    if (watch.Depth < 0) _matches.Add(watch);
            return _matches;
        }
        Collect(Lookup(_special, nameWithDomain), 0, _matches);
        if (Lookup(_special, name) is { } some)
            foreach (Watch watch in some.Watches)
                if (watch.Depth > 0) _matches.Add(watch);
        SortIfNeeded();
        return _matches;
    }

    /// <summary>True when some watch lies at or below the node's path, so that its removal must be looked at node by node.</summary>
    public bool AnyAtOrBelow(ReadOnlySpan<byte> path) => Count != 0 && Find(path) is not null;

    private static void Collect(WatchPoint? point, int levels, List<Watch> matches)
    {
        if (point is null) return;
        List<Watch> watches = point.Watches;
        for (int i = 0; i < watches.Count; i++)
            if ((uint)watches[i].Depth >= (uint)levels) matches.Add(watches[i]);
    }

    private void SortIfNeeded()
    {
        for (int i = 1; i < _matches.Count; i++)
        {
            if (_matches[i].Sequence > _matches[i - 1].Sequence) continue;
            _matches.Sort(_bySequence);
            return;
        }
    }

    private WatchPoint? Find(ReadOnlySpan<byte> path)
    {
        if (path[0] != (byte)'/') return Lookup(_special, path);
        WatchPoint? point = _root;
        for (int at = 1; at < path.Length && point is not null;)
        {
            ReadOnlySpan<byte> rest = path[at..];
            int length = rest.IndexOf((byte)'/');
            if (length < 0) length = rest.Length;
            point = Lookup(point, rest[..length]);
            at += length + 1;
        }
        return point;
    }

    private WatchPoint PointFor(ReadOnlySpan<byte> path)
    {
        if (path[0] != (byte)'/') return Lookup(_special, path) ?? Make(_special, path);
        WatchPoint point = _root;
        for (int at = 1; at < path.Length;)
        {
            ReadOnlySpan<byte> rest = path[at..];
            int length = rest.IndexOf((byte)'/');
            if (length < 0) length = rest.Length;
            point = Lookup(point, rest[..length]) ?? Make(point, rest[..length]);
            at += length + 1;
        }
        return point;
    }

    private WatchPoint? Lookup(WatchPoint parent, ReadOnlySpan<byte> name)
    {
        if (parent.Children == 0) return null;
        uint hash = SeededHash.Of(name, seed ^ (uint)parent.Id);
        for (WatchPoint? point = _buckets[hash & (uint)(_buckets.Length - 1)]; point is not null; point = point.NextInBucket)
            if (point.Hash == hash && ReferenceEquals(point.Parent, parent) && name.SequenceEqual(point.Name)) return point;
        return null;
    }

    private WatchPoint Make(WatchPoint parent, ReadOnlySpan<byte> name)
    {
        var point = new WatchPoint { Parent = parent, Name = name.ToArray(), Id = _nextId++, Hash = SeededHash.Of(name, seed ^ (uint)parent.Id) };
        if (++_points > _buckets.Length) Grow();
        Link(point);
        parent.Children++;
        return point;
    }

    private void Link(WatchPoint point)
    {
        ref WatchPoint? bucket = ref _buckets[point.Hash & (uint)(_buckets.Length - 1)];
        point.NextInBucket = bucket;
        bucket = point;
    }

    private void Grow()
    {
        WatchPoint?[] old = _buckets;
        _buckets = new WatchPoint?[old.Length * 2];
        foreach (WatchPoint? first in old)
        {
            for (WatchPoint? point = first; point is not null;)
            {
                WatchPoint? next = point.NextInBucket;
                Link(point);
                point = next;
            }
        }
    }

    private void Drop(Watch watch)
    {
        List<Watch> watches = watch.Point.Watches;
        int low = 0, high = watches.Count - 1;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (watches[middle].Sequence < watch.Sequence) low = middle + 1;
            else high = middle;
        }
        watches.RemoveAt(low);
        Count--;
        Prune(watch.Point);
    }

    /// <summary>Removes points that have neither watches nor points below them.</summary>
    private void Prune(WatchPoint point)
    {
        while (point.Parent is { } parent && point.Watches.Count == 0 && point.Children == 0)
        {
            ref WatchPoint? bucket = ref _buckets[point.Hash & (uint)(_buckets.Length - 1)];
            if (ReferenceEquals(bucket, point)) bucket = point.NextInBucket;
            else
            {
                WatchPoint before = bucket!;
                while (!ReferenceEquals(before.NextInBucket, point)) before = before.NextInBucket!;
                before.NextInBucket = point.NextInBucket;
            }
            _points--;
            parent.Children--;
            point = parent;
        }
    }
}
