using Hospes.Store.Quotas;
using Hospes.Store.Tree;

namespace Hospes.Store.Engine;

/// <summary>Where the store's log lines go.</summary>
public interface IStoreLog
{
    /// <summary>Takes one line, without a line end.</summary>
    /// <param name="line">The line.</param>
    void Write(string line);
}

/// <summary>Told of every change of the present tree, so that it can be written down. A group of changes is one unit: all or nothing.</summary>
internal interface IChangeLog
{
    void BeginGroup();

    void EndGroup();

    void Written(ReadOnlySpan<byte> path, ReadOnlySpan<byte> value);

    void Created(ReadOnlySpan<byte> path, ReadOnlySpan<byte> value, PermissionSet permissions);

    void Removed(ReadOnlySpan<byte> path);

    void PermissionsSet(ReadOnlySpan<byte> path, PermissionSet permissions);

    void DomainForgotten(ushort domain);
}

/// <summary>Counts what the engine does. One implementation feeds the metrics meter; the default counts nothing.</summary>
internal interface IStoreObserver
{
    void Conflict(ushort domain);

    void Committed(ushort domain);

    void Refused(ushort domain, QuotaItem item);
}

/// <summary>Limits that protect the server itself, whoever the client is.</summary>
internal sealed record EngineLimits
{
    /// <summary>Bytes that may wait for a client of the control domain before it is disconnected.</summary>
    public long PrivilegedOutputMax { get; init; } = 64L * 1024 * 1024;

    /// <summary>Versions kept for old snapshots before the oldest transaction is moved to the present.</summary>
    public int KeptVersionsMax { get; init; } = 256 * 1024;

    /// <summary>Conflicts in a row after which a connection's next attempt is given its turn.</summary>
    public int StarvingAfter { get; init; } = 4;

    /// <summary>How long others are held back at most for one starving transaction.</summary>
    public TimeSpan TurnTime { get; init; } = TimeSpan.FromMilliseconds(250);
}
