using Hospes.Store.Engine;

namespace Hospes.Store.Watches;

/// <summary>One watch of one session.</summary>
internal sealed class Watch
{
    public required Session Session { get; init; }

    public required WatchPoint Point { get; init; }

    public required byte[] Token { get; init; }

    /// <summary>Levels below the watched path that count; -1 for all.</summary>
    public required int Depth { get; init; }

    /// <summary>Bytes to cut off an event's path, because the client gave the watch's path relative to its own base.</summary>
    public required int PrefixLength { get; init; }

    /// <summary>Order of registration, over all sessions: the order of delivery.</summary>
    public required ulong Sequence { get; init; }
}

/// <summary>A path that has watches, or that has such paths below it.</summary>
internal sealed class WatchPoint
{
    public required WatchPoint? Parent { get; init; }

    /// <summary>The path's last component; empty for the root, the whole name for a special path's point.</summary>
    public required byte[] Name { get; init; }

    public required int Id { get; init; }

    public uint Hash { get; init; }

    public WatchPoint? NextInBucket { get; set; }

    public int Children { get; set; }

    /// <summary>The watches on exactly this path, in order of registration.</summary>
    public List<Watch> Watches { get; } = [];
}

/// <summary>A watch as its session knows it: path and token.</summary>
internal readonly record struct WatchKey(WatchPoint Point, byte[] Token);

internal sealed class WatchKeyComparer : IEqualityComparer<WatchKey>
{
    public static WatchKeyComparer Instance { get; } = new();

    public bool Equals(WatchKey x, WatchKey y) => ReferenceEquals(x.Point, y.Point) && x.Token.AsSpan().SequenceEqual(y.Token);

    public int GetHashCode(WatchKey obj)
    {
        var hash = new HashCode();
        hash.Add(obj.Point.Id);
        hash.AddBytes(obj.Token);
        return hash.ToHashCode();
    }
}
