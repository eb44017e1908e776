using Hospes.Domains.Drivers.ControlGroups;
using Hospes.Domains.Networks;
using Hospes.Domains.Storage;

namespace Hospes.Domains.Drivers;

/// <summary>How processes of machines are started.</summary>
public sealed record VmmDriverOptions
{
    /// <summary>The program with its first arguments: <c>hospes vmm</c>.</summary>
    public required IReadOnlyList<string> Program { get; init; }

    /// <summary>Where each domain gets a folder for its sockets; short, since paths of sockets are.</summary>
    public required string Folder { get; init; }

    /// <summary>What the host can give.</summary>
    public required HostProfile Profile { get; init; }

    /// <summary>Images of disks.</summary>
    public required IDiskImages Images { get; init; }

    /// <summary>What finds a kernel on a domain's disks; null if domains need one beside them.</summary>
    public IBootFinder? Boot { get; init; }

    /// <summary>Networks in user mode; null if machines serve their own, which they cannot while they are confined.</summary>
    public IUserNetwork? UserNetwork { get; init; }

    /// <summary>Says where threads of machines run; null if nothing can.</summary>
    public IThreadPlacement? Threads { get; init; }

    /// <summary>Control groups; null if machines are to have none.</summary>
    public ControlGroupHost? Groups { get; init; }

    /// <summary>Makes a named pipe that only this user can open, and says why not, or null; null if nothing can.</summary>
    public Func<string, string?>? MakePipe { get; init; }

    /// <summary>The folders of disks that may come while a confined machine runs.</summary>
    public Func<IEnumerable<string>> DiskFolders { get; init; } = static () => [];

    /// <summary>The time.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>How long a process may take until its monitor answers.</summary>
    public TimeSpan StartPatience { get; init; } = TimeSpan.FromMinutes(2);
}
