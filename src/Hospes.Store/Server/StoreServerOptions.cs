using Hospes.Store.Engine;
using Hospes.Store.Quotas;

namespace Hospes.Store.Server;

/// <summary>When a change must be on disk.</summary>
public enum SyncPolicy
{
    /// <summary>Before its reply is sent: nothing acknowledged is ever lost.</summary>
    Always,
    /// <summary>At most one second after its reply: a crash of the machine may lose a second, a crash of the process nothing.</summary>
    EverySecond,
    /// <summary>When the system likes: a crash of the machine may lose more, a crash of the process nothing.</summary>
    Never,
}

/// <summary>How a store server is set up.</summary>
public sealed record StoreServerOptions
{
    /// <summary>Path of the read-write Unix socket; its clients are the control domain's. Null for none.</summary>
    public string? SocketPath { get; init; }

    /// <summary>Path of a Unix socket whose clients may not change anything. Null for none.</summary>
    public string? ReadOnlySocketPath { get; init; }

    /// <summary>Unix sockets whose clients are taken for the given domain: its rights, quotas and relative paths.</summary>
    public IReadOnlyDictionary<ushort, string> GuestSocketPaths { get; init; } = new Dictionary<ushort, string>();

    /// <summary>Limits of domains.</summary>
    public StoreQuotas Quotas { get; init; } = StoreQuotas.Reference;

    /// <summary>Directory that keeps the tree; null to keep it in memory only.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>When changes must be on disk; of no meaning without <see cref="DataDirectory"/>.</summary>
    public SyncPolicy Sync { get; init; } = SyncPolicy.EverySecond;

    /// <summary>Where log lines go; null for nowhere.</summary>
    public IStoreLog? Log { get; init; }

    /// <summary>The clock that times are taken from.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>
    /// Carry out each usual request on a private store before the sockets are opened, so that the first clients need not wait for code that is looked up and compiled at its
    /// first use. Takes some hundredths of a second; of use to a process that is only a server.
    /// </summary>
    public bool Rehearses { get; init; }

    internal EngineLimits Limits { get; init; } = new();

    /// <summary>Seed of the indexes' hash; null for a random one.</summary>
    internal ulong? Seed { get; init; }
}
