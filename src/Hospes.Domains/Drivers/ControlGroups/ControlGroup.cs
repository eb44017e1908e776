using System.Globalization;
using System.Text;
using Hospes.Domains.Configuration;

namespace Hospes.Domains.Drivers.ControlGroups;

/// <summary>
/// The control groups of one domain: a group in each hierarchy. Below that which schedules, virtual processors and the other threads have groups of their own from when their time is limited on.
/// </summary>
internal sealed class ControlGroup(IControlFiles files, IReadOnlyList<ControlHierarchy> groups)
{
    /// <summary>The file with the processes of a group.</summary>
    public const string Processes = "cgroup.procs";

    /// <summary>The weights of a group of which nothing is said, of both versions (Linux, Documentation/admin-guide): shares become weights in this ratio.</summary>
    public const ulong DefaultShares = 1024, DefaultWeight = 100;

    /// <summary>The range of <c>cpu.weight</c>.</summary>
    private const ulong LeastWeight = 1, MostWeight = 10000;

    private const string EmulatorName = "emulator";

    /// <summary>The group that schedules, with which all of this begins.</summary>
    private ControlHierarchy Cpu => groups.First(static group => group.Controllers.Contains("cpu"));

    /// <summary>The groups, for people.</summary>
    public string Words => Describe(Cpu.IsUnified, groups.SelectMany(static group => group.Controllers));

    /// <summary>A version and controllers, for people.</summary>
    public static string Describe(bool unified, IEnumerable<string> controllers) => $"cgroup v{(unified ? 2 : 1)} ({string.Join(", ", controllers.Order(StringComparer.Ordinal))})";

    /// <summary>Nanoseconds that the domain used of each of the host's processors; null if nobody counts them (version 2 does not).</summary>
    public ulong[]? ProcessorTimes()
    {
        string? text = groups.Where(static group => group.Controllers.Contains("cpuacct")).Select(group => files.Read(Path.Combine(group.Folder, "cpuacct.usage_percpu"))).FirstOrDefault();
        return text is null ? null : [.. text.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Select(static word => ulong.TryParse(word, out ulong time) ? time : 0)];
    }

    /// <summary>Makes the groups and puts a process there.</summary>
    /// <returns>What the kernel says against it, or null.</returns>
    public string? Make(int process)
    {
        foreach (ControlHierarchy group in groups)
        {
            if ((files.Make(group.Folder) ?? files.Write(Path.Combine(group.Folder, Processes), Text(process))) is { } refusal) return refusal;
        }
        return null;
    }

    /// <summary>Has shares and limits apply. What is not given stays as it is.</summary>
    /// <param name="tune">Shares and limits.</param>
    /// <param name="vcpus">The threads of virtual processors, in their order.</param>
    /// <param name="others">The other threads.</param>
    /// <returns>What the kernel says against it, or null.</returns>
    public string? Schedule(CpuTuneConfig tune, IReadOnlyList<int> vcpus, IReadOnlyList<int> others)
    {
        if (tune.Shares is { } shares && Weigh(shares) is { } refusal) return refusal;
        var parts = new List<(string Name, CpuBandwidth Time, IReadOnlyList<int> Threads)>();
        for (int vcpu = 0; tune.Vcpus.IsGiven && vcpu < vcpus.Count; vcpu++) parts.Add(($"vcpu{Text(vcpu)}", tune.Vcpus, [vcpus[vcpu]]));
        if (tune.Emulator.IsGiven) parts.Add((EmulatorName, tune.Emulator, others));
        foreach ((string name, _, IReadOnlyList<int> threads) in parts)
        {
            if (Part(name, threads) is { } unmade) return unmade;
        }
        // Whatever the whole may use, its parts may not have been given more before (version 1 refuses that).
        if (tune.Whole.IsGiven && (parts.Select(part => Limit(part.Name, new CpuBandwidth(null, -1))).FirstOrDefault(static said => said is not null) ?? Limit("", tune.Whole)) is { } unlimited) return unlimited;
        return parts.Select(part => Limit(part.Name, part.Time)).FirstOrDefault(static said => said is not null);
    }

    /// <summary>Removes what is there, when the process is gone.</summary>
    /// <returns>Whether nothing is left.</returns>
    public bool TryRemove()
    {
        bool gone = true;
        foreach (ControlHierarchy group in groups)
        {
            if (group.Controllers.Contains("cpu"))
            {
                files.Remove(Path.Combine(group.Folder, EmulatorName));
                for (int vcpu = 0; files.Read(Path.Combine(group.Folder, $"vcpu{Text(vcpu)}", Processes)) is not null; vcpu++) files.Remove(Path.Combine(group.Folder, $"vcpu{Text(vcpu)}"));
            }
            gone &= files.Remove(group.Folder) is null;
        }
        return gone;
    }

    /// <summary>A line per group, for <see cref="Parse"/>.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        foreach (ControlHierarchy group in groups) text.Append(CultureInfo.InvariantCulture, $"{(group.IsUnified ? 2 : 1)} {string.Join(',', group.Controllers)} {group.Folder}\n");
        return text.ToString();
    }

    /// <summary>Reads what <see cref="ToText"/> wrote; null for anything else.</summary>
    public static ControlGroup? Parse(IControlFiles files, string text)
    {
        var groups = new List<ControlHierarchy>();
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = line.Split(' ', 3);
            if (parts.Length == 3 && parts[0] is "1" or "2" && Path.IsPathRooted(parts[2])) groups.Add(new ControlHierarchy(parts[0] == "2", parts[2], [.. parts[1].Split(',')]));
        }
        return groups.Exists(static group => group.Controllers.Contains("cpu")) ? new ControlGroup(files, groups) : null;
    }

    private string? Weigh(ulong shares) => Cpu.IsUnified
        ? files.Write(Path.Combine(Cpu.Folder, "cpu.weight"), Text(Math.Clamp(((shares * DefaultWeight) + (DefaultShares / 2)) / DefaultShares, LeastWeight, MostWeight)))
        : files.Write(Path.Combine(Cpu.Folder, "cpu.shares"), Text(shares));

    /// <summary>Makes the group of some threads and puts them there. With version 2, groups of threads are of a kind of their own, and know processors only.</summary>
    private string? Part(string name, IReadOnlyList<int> threads)
    {
        string folder = Path.Combine(Cpu.Folder, name);
        if (files.Make(folder) is { } unmade) return unmade;
        if (Cpu.IsUnified)
        {
            string type = Path.Combine(folder, "cgroup.type"), share = Path.Combine(Cpu.Folder, "cgroup.subtree_control");
            if (files.Read(type)?.Trim() != "threaded" && files.Write(type, "threaded") is { } refusal) return refusal;
            if (!(files.Read(share) ?? "").Split((char[])[' ', '\n']).Contains("cpu") && files.Write(share, "+cpu") is { } unshared) return unshared;
        }
        foreach (int thread in threads)
        {
            // A thread that ended meanwhile needs no place.
            if (files.Write(Path.Combine(folder, Cpu.IsUnified ? "cgroup.threads" : "tasks"), Text(thread)) is { } said && !said.Contains("No such process", StringComparison.Ordinal)) return said;
        }
        return null;
    }

    private string? Limit(string part, CpuBandwidth time)
    {
        string folder = Path.Combine(Cpu.Folder, part);
        if (Cpu.IsUnified)
        {
            string[] now = (files.Read(Path.Combine(folder, "cpu.max")) ?? "").Split((char[])[' ', '\n']);
            string quota = time.Quota is { } given ? given < 0 ? "max" : Text(given) : now[0].Length > 0 ? now[0] : "max";
            return files.Write(Path.Combine(folder, "cpu.max"), time.Period is { } length ? $"{quota} {Text(length)}" : quota);
        }
        string quotas = Path.Combine(folder, "cpu.cfs_quota_us");
        string before = files.Read(quotas)?.Trim() ?? "-1";
        // Period and quota come one after the other: what is between must not be refused.
        if (time.Period is { } period && (files.Write(quotas, "-1") ?? files.Write(Path.Combine(folder, "cpu.cfs_period_us"), Text(period))) is { } refusal) return refusal;
        return files.Write(quotas, time.Quota is { } value ? Text(value < 0 ? -1 : value) : before);
    }

    private static string Text<T>(T number) where T : IFormattable => number.ToString(null, CultureInfo.InvariantCulture);
}
