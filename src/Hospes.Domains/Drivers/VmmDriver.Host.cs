using Hospes.Domains.Configuration;
using Hospes.Domains.Drivers.ControlGroups;

namespace Hospes.Domains.Drivers;

// What machines get of the host beside their process.
public sealed partial class VmmDriver
{
    /// <summary>The file in a domain's folder that names its control groups.</summary>
    private const string GroupsName = "cgroups";

    /// <summary>Has threads run on some processors only, all of which the host must have.</summary>
    internal DomainFailure? Place(IReadOnlyList<int> threads, ProcessorSet processors)
    {
        if (options.Threads is not { } placement) return new DomainFailure(DomainError.UnsupportedOperation, "cannot set CPU affinity on this host");
        ProcessorSet there = ProcessorSet.OfHost;
        if (processors.FirstBeyond(there) is { } missing) return new DomainFailure(DomainError.InvalidArgument, $"the host has no processor {missing}: there are {there}");
        foreach (int thread in threads)
        {
            if (placement.Place(thread, processors) is { } reason) return new DomainFailure(DomainError.System, $"cannot set CPU affinity of thread {thread} to {processors}: {reason}");
        }
        return null;
    }

    /// <summary>Makes a named pipe.</summary>
    internal DomainFailure? MakePipe(string path) => options.MakePipe is not { } make ? new DomainFailure(DomainError.UnsupportedOperation, "there are no named pipes on this host")
        : make(path) is { } refusal ? new DomainFailure(DomainError.System, $"cannot make the pipe '{path}': {refusal}")
        : null;

    /// <summary>Puts the process of a machine into control groups of its own.</summary>
    internal Outcome<ControlGroup> JoinGroups(Guid domain, int process, string folder) => options.Groups is { } groups
        ? groups.Join(domain, process, text => File.WriteAllText(Path.Combine(folder, GroupsName), text))
        : ControlGroupHost.Failure("machines are started without");

    /// <summary>The control groups of the machine in a folder; null if it has none.</summary>
    internal ControlGroup? FindGroups(string folder)
    {
        string path = Path.Combine(folder, GroupsName);
        return options.Groups is { } groups && File.Exists(path) ? groups.Find(File.ReadAllText(path)) : null;
    }
}
