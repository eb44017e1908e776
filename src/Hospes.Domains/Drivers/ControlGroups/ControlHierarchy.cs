using Hospes.Domains.Configuration;

namespace Hospes.Domains.Drivers.ControlGroups;

/// <summary>A hierarchy of control groups, with the group that this process is in (cgroups(7)).</summary>
/// <param name="IsUnified">Whether it is of version 2.</param>
/// <param name="Folder">The folder of the group that this process is in.</param>
/// <param name="Controllers">Its controllers, of those that are used here.</param>
public sealed record ControlHierarchy(bool IsUnified, string Folder, ValueList<string> Controllers)
{
    /// <summary>The controllers that are used here.</summary>
    private static readonly string[] Used = ["cpu", "cpuacct", "memory"];

    /// <summary>The hierarchies that are mounted and have controllers that are used here.</summary>
    public static IReadOnlyList<ControlHierarchy> Find(IControlFiles files)
    {
        Dictionary<string, string> own = Own(files.Read("/proc/self/cgroup") ?? "");
        var found = new List<ControlHierarchy>();
        foreach (string line in (files.Read("/proc/self/mountinfo") ?? "").Split('\n'))
        {
            // proc(5): what stands behind the lone hyphen is the type, the source and the options of the file system.
            string[] halves = line.Split(" - ", 2);
            string[] place = halves[0].Split(' '), system = halves[^1].Split(' ');
            if (halves.Length < 2 || place.Length < 5 || system.Length < 3 || system[0] is not ("cgroup" or "cgroup2")) continue;
            bool unified = system[0] == "cgroup2";
            string[] options = system[2].Split(',');
            if (!own.TryGetValue(unified ? "" : options.FirstOrDefault(own.ContainsKey) ?? "?", out string? path)) continue;
            string folder = Inside(Unescape(place[4]), Unescape(place[3]), path);
            string[] controllers = unified ? (files.Read(Path.Combine(folder, "cgroup.controllers")) ?? "").Split((char[])[' ', '\n']) : options;
            ValueList<string> used = [.. Used.Where(controllers.Contains)];
            if (used.Count > 0 && !found.Exists(other => other.Folder == folder)) found.Add(new ControlHierarchy(unified, folder, used));
        }
        return found;
    }

    /// <summary>The groups of this process by controller; that of version 2 by nothing.</summary>
    private static Dictionary<string, string> Own(string text)
    {
        var own = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string line in text.Split('\n'))
        {
            string[] parts = line.Split(':', 3);
            if (parts.Length < 3) continue;
            foreach (string controller in parts[1].Split(',')) own[controller] = parts[2];
        }
        return own;
    }

    /// <summary>Where a group is under a mount that may show a part of the hierarchy only.</summary>
    private static string Inside(string mount, string root, string path)
    {
        string below = root == "/" ? path : path == root || path.StartsWith(root + "/", StringComparison.Ordinal) ? path[root.Length..] : "";
        return below.Trim('/') is { Length: > 0 } rest && !rest.Split('/').Contains("..") ? Path.Combine(mount, rest) : mount;
    }

    /// <summary>proc(5): blanks and their like are octal.</summary>
    private static string Unescape(string text) => text.Replace("\\040", " ", StringComparison.Ordinal).Replace("\\011", "\t", StringComparison.Ordinal).Replace("\\134", "\\", StringComparison.Ordinal);
}
