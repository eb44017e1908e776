using System.Globalization;
using System.Runtime.InteropServices;
using Hospes.Cli.CommandLine;

namespace Hospes.Cli.Host;

/// <summary>The checks of <c>hospes host check</c>: each looks at one thing and says what to do about it.</summary>
internal static class HostChecks
{
    /// <summary>Below this, Debian's kernel does not boot beside Hospes itself.</summary>
    private const long LeastMemory = 512L << 20;

    /// <summary>From here on, several guests fit.</summary>
    private const long AmpleMemory = 2L << 30;

    /// <summary>Runs all of them.</summary>
    public static IReadOnlyList<HostFinding> Run(HostView host) =>
    [
        Processor(host), HardwareSupport(host), Kvm(host), Memory(host), TransparentHugePages(host), HugePages(host),
        UserNamespaces(host), Cgroups(host), Tap(host), Passt(host), Confinement(host), SignatureTools(host),
    ];

    private static HostFinding Processor(HostView host) => host.Architecture switch
    {
        Architecture.X64 => Pass("processor", $"x86-64, {host.Processors} {(host.Processors == 1 ? "processor" : "processors")}"),
        _ => Fail("processor", $"{host.Architecture}", "use an x86-64 host: the software processor maps the guest's atomic operations to the host's"),
    };

    private static HostFinding HardwareSupport(HostView host)
    {
        string[] flags = (host.Read("/proc/cpuinfo") ?? "").Split('\n')
            .FirstOrDefault(static line => line.StartsWith("flags", StringComparison.Ordinal))?.Split(' ') ?? [];
        string? support = flags.FirstOrDefault(static flag => flag is "vmx" or "svm");
        return support switch
        {
            "vmx" => Pass("virtualization", "the processor offers Intel VT-x (vmx)"),
            "svm" => Pass("virtualization", "the processor offers AMD-V (svm)"),
            _ => Warn("virtualization", "the processor shows neither vmx nor svm", flags.Contains("hypervisor")
                ? "this host is a guest itself: ask for nested virtualization, or let guests run on the software processor"
                : "turn virtualization on in the firmware, or let guests run on the software processor"),
        };
    }

    private static HostFinding Kvm(HostView host)
    {
        const string Device = "/dev/kvm";
        if (!host.Exists(Device)) return Warn("kvm", $"there is no {Device}", "load the module kvm_intel or kvm_amd, or let guests run on the software processor");
        if (host.OpenFails(host.PathOf(Device)) is { } why)
            return Warn("kvm", $"{Device} cannot be opened ({why})", "become a member of the group kvm, or let guests run on the software processor");
        return host.JudgeKvm(host.PathOf(Device)) is { } refusal
            ? Warn("kvm", $"{Device} can be opened, but is not used: {refusal.Cause}", refusal.Remedy)
            : Pass("kvm", $"{Device} runs guests on the processor");
    }

    private static HostFinding Memory(HostView host)
    {
        if (host.Kilobytes("/proc/meminfo", "MemAvailable") is not { } kilobytes) return Warn("memory", "/proc/meminfo does not say how much is available", "mount /proc");
        long available = Math.Min(kilobytes << 10, Limit(host) ?? long.MaxValue);
        string found = $"{ByteSize.Format(available)} available";
        return available switch
        {
            < LeastMemory => Fail("memory", found, $"free at least {ByteSize.Format(LeastMemory)}"),
            < AmpleMemory => Warn("memory", found, "give guests less than 512M, or free some"),
            _ => Pass("memory", found),
        };
    }

    /// <summary>What the process's own control group leaves it, in bytes; null when there is no limit.</summary>
    private static long? Limit(HostView host)
    {
        string? own = (host.Read("/proc/self/cgroup") ?? "").Split('\n').FirstOrDefault(static line => line.StartsWith("0::/", StringComparison.Ordinal))?[3..];
        if (own is null || !long.TryParse(host.Read($"/sys/fs/cgroup{own}/memory.max"), NumberStyles.None, CultureInfo.InvariantCulture, out long limit)) return null;
        _ = long.TryParse(host.Read($"/sys/fs/cgroup{own}/memory.current"), NumberStyles.None, CultureInfo.InvariantCulture, out long used);
        return Math.Max(0, limit - used);
    }

    private static HostFinding TransparentHugePages(HostView host)
    {
        const string Setting = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";
        string? mode = Chosen(host.Read(Setting));
        return mode is "always" or "within_size" or "advise" or "force"
            ? Pass("transparent-huge-pages", $"shared memory gets huge pages ({mode})")
            : Warn("transparent-huge-pages", mode is null ? $"there is no {Setting}" : $"shared memory gets no huge pages ({mode})", $"echo advise > {Setting}");
    }

    private static HostFinding HugePages(HostView host)
    {
        var found = new List<string>();
        foreach ((string size, string folder) in (ReadOnlySpan<(string, string)>)[("1 GiB", "hugepages-1048576kB"), ("2 MiB", "hugepages-2048kB")])
        {
            if (int.TryParse(host.Read($"/sys/kernel/mm/hugepages/{folder}/free_hugepages"), NumberStyles.None, CultureInfo.InvariantCulture, out int free) && free > 0)
                found.Add($"{free} of {size} free");
        }

        return found.Count > 0
            ? Pass("huge-pages", string.Join(", ", found))
            : Warn("huge-pages", "none are set aside", "for faster guest memory, sysctl vm.nr_hugepages=512 sets 1 GiB aside");
    }

    private static HostFinding UserNamespaces(HostView host)
    {
        if (host.Read("/proc/sys/user/max_user_namespaces") is null or "0")
            return Warn("user-namespaces", "people other than root cannot make user namespaces", "sysctl user.max_user_namespaces=10000");
        return host.Read("/proc/sys/kernel/unprivileged_userns_clone") == "0"
            ? Warn("user-namespaces", "people other than root cannot make user namespaces", "sysctl kernel.unprivileged_userns_clone=1")
            : host.Read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1"
            ? Warn("user-namespaces", "AppArmor restricts user namespaces of people other than root", "sysctl kernel.apparmor_restrict_unprivileged_userns=0")
            : Pass("user-namespaces", "anyone can make user namespaces");
    }

    private static HostFinding Cgroups(HostView host)
    {
        (string words, string? obstacle) = host.ControlGroups();
        return obstacle is null
            ? Pass("cgroups", $"domains of the daemon get groups of their own: {words}")
            : Warn("cgroups", $"domains of the daemon get no groups of their own ({obstacle})", "start the daemon as a service of its own, with Delegate=yes");
    }

    private static HostFinding Tap(HostView host)
    {
        const string Device = "/dev/net/tun";
        if (!host.Exists(Device)) return Warn("tap", $"there is no {Device}", "load the module tun, or use passt for guests' networks");
        return host.OpenFails(host.PathOf(Device)) is { } why
            ? Warn("tap", $"{Device} cannot be opened ({why})", "let root make the tap device, or use passt for guests' networks")
            : Pass("tap", $"{Device} can be opened");
    }

    private static HostFinding Passt(HostView host) => host.Program("passt") is { } path
        ? Pass("passt", path)
        : Warn("passt", "passt is not installed", "apt install passt: it gives guests a network without privileges");

    private static HostFinding Confinement(HostView host)
    {
        (IReadOnlyList<string> there, IReadOnlyList<string> missing) = host.Confinement();
        string found = $"domains of the daemon are confined by {string.Join(", ", there)}";
        return missing.Count == 0 ? Pass("confinement", found) : Warn("confinement", found, $"use a kernel that has {string.Join(" and ", missing)}, too");
    }

    private static HostFinding SignatureTools(HostView host) =>
        host.Program("gpgv") is null
            ? Warn("signatures", "gpgv is not installed", "apt install gpgv: it checks the signatures of fetched images")
            : host.Exists("/usr/share/keyrings/debian-archive-keyring.gpg") || host.Exists("/usr/share/keyrings/debian-archive-keyring.pgp")
            ? Pass("signatures", "gpgv and Debian's keyring are there")
            : Warn("signatures", "Debian's keyring is not installed", "apt install debian-archive-keyring: it checks the signatures of fetched images");

    /// <summary>The word in brackets of a sysfs choice such as <c>always [never]</c>.</summary>
    private static string? Chosen(string? choices)
    {
        int start = choices?.IndexOf('[') ?? -1;
        int end = choices?.IndexOf(']') ?? -1;
        return start >= 0 && end > start ? choices![(start + 1)..end] : null;
    }

    private static HostFinding Pass(string name, string found) => new(name, HostVerdict.Pass, found, null);

    private static HostFinding Warn(string name, string found, string remedy) => new(name, HostVerdict.Warn, found, remedy);

    private static HostFinding Fail(string name, string found, string remedy) => new(name, HostVerdict.Fail, found, remedy);
}
