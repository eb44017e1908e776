using System.Globalization;

namespace Hospes.Domains.Drivers.ControlGroups;

/// <summary>
/// The control groups of a host, as far as this process may make some below its own: one per domain. Where the kernel has them in one hierarchy (version 2), processes are in
/// leaves only, so that this process moves into one of its own first; it must be alone in its group for that, as it is where the group was delegated to it. Thread-safe.
/// </summary>
public sealed class ControlGroupHost
{
    /// <summary>What names of groups begin with.</summary>
    private const string Prefix = "hospes-";

    /// <summary>The leaf in which the daemon itself is, with version 2.</summary>
    private const string DaemonLeaf = Prefix + "daemon";

    private readonly IControlFiles _files;
    private readonly IReadOnlyList<ControlHierarchy> _hierarchies;
    private readonly Lock _gate = new();
    private bool _prepared;
    private string? _obstacle;

    /// <summary>Looks at the hierarchies that there are, and changes nothing.</summary>
    public ControlGroupHost(IControlFiles files)
    {
        _files = files;
        // A daemon whose group is the leaf was started by one.
        _hierarchies = [.. ControlHierarchy.Find(files).Select(static hierarchy => hierarchy.IsUnified && Path.GetFileName(hierarchy.Folder) == DaemonLeaf
            ? hierarchy with { Folder = Path.GetDirectoryName(hierarchy.Folder)! }
            : hierarchy)];
        if (Cpu is null) _obstacle = "no mounted hierarchy has the controller cpu";
    }

    /// <summary>The hierarchy that schedules; null if there is none.</summary>
    private ControlHierarchy? Cpu => _hierarchies.FirstOrDefault(static hierarchy => hierarchy.Controllers.Contains("cpu"));

    /// <summary>The hierarchies, for people.</summary>
    public string Words => Cpu is { } cpu ? ControlGroup.Describe(cpu.IsUnified, _hierarchies.SelectMany(static hierarchy => hierarchy.Controllers)) : "no control groups";

    /// <summary>Tries whether a domain would get a group, by making one and removing it.</summary>
    /// <returns>Why not, or null.</returns>
    public string? Try()
    {
        if (Cpu is not { } cpu) return _obstacle;
        string folder = Path.Combine(cpu.Folder, $"{Prefix}check-{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}");
        string? refusal = _files.Make(folder);
        if (refusal is null) _files.Remove(folder);
        return refusal;
    }

    /// <summary>Makes the groups of a domain and puts its process there.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="process">The number of its process.</param>
    /// <param name="remember">Keeps what will be made, before it is: who comes later is to find it.</param>
    /// <returns>The groups, or why there are none.</returns>
    internal Outcome<ControlGroup> Join(Guid domain, int process, Action<string> remember)
    {
        if (Prepare() is { } obstacle) return Failure(obstacle);
        var group = new ControlGroup(_files, [.. _hierarchies.Select(hierarchy => hierarchy with { Folder = Path.Combine(hierarchy.Folder, $"{Prefix}{domain:N}") })]);
        remember(group.ToText());
        if (group.Make(process) is not { } refusal) return group;
        group.TryRemove();
        remember("");
        return Failure(refusal);
    }

    /// <summary>The groups that an earlier daemon made.</summary>
    /// <param name="text">What was remembered of them.</param>
    internal ControlGroup? Find(string text) => ControlGroup.Parse(_files, text);

    internal static DomainFailure Failure(string reason) => new(DomainError.InvalidState, $"cgroup CPU controller is not mounted ({reason})");

    /// <summary>Sees to it that groups below this process's own have controllers.</summary>
    private string? Prepare()
    {
        lock (_gate)
        {
            if (_prepared || _obstacle is not null) return _obstacle;
            foreach (ControlHierarchy hierarchy in _hierarchies)
            {
                if (hierarchy.IsUnified && _obstacle is null) _obstacle = Share(hierarchy);
            }
            _prepared = _obstacle is null;
            return _obstacle;
        }
    }

    /// <summary>cgroups(7): "no internal processes" — a group that gives controllers on has processes in its leaves only; the root is exempt.</summary>
    private string? Share(ControlHierarchy hierarchy)
    {
        string share = Path.Combine(hierarchy.Folder, "cgroup.subtree_control"), own = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        string[] shared = (_files.Read(share) ?? "").Split((char[])[' ', '\n']);
        string missing = string.Join(' ', hierarchy.Controllers.Where(controller => !shared.Contains(controller)).Select(static controller => $"+{controller}"));
        if (missing.Length == 0) return null;
        bool root = _files.Read(Path.Combine(hierarchy.Folder, "cgroup.type")) is null;
        string leaf = Path.Combine(hierarchy.Folder, DaemonLeaf);
        if (!root && (_files.Make(leaf) ?? _files.Write(Path.Combine(leaf, ControlGroup.Processes), own)) is { } refusal) return refusal;
        if (_files.Write(share, missing) is not { } busy) return null;
        if (root) return busy;
        _files.Write(Path.Combine(hierarchy.Folder, ControlGroup.Processes), own);
        _files.Remove(leaf);
        return $"{busy}: the group is not this daemon's alone; start it as a service or scope of its own, with Delegate=yes";
    }
}
