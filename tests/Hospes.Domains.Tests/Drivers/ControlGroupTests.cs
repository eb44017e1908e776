using Hospes.Domains.Configuration;
using Hospes.Domains.Drivers.ControlGroups;

namespace Hospes.Domains.Tests.Drivers;

/// <summary>Control groups of both versions, by a kernel that keeps the rules of cgroups(7) which matter here.</summary>
public sealed class ControlGroupTests
{
    private const string V1 = """
        24 20 0:20 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct
        25 20 0:21 /outer /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
        26 20 0:22 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
        27 20 0:23 / /home rw - ext4 /dev/sda rw

        """;

    private const string V2 = "24 20 0:20 / /sys/fs/cgroup\\040two rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";

    private static readonly Guid s_domain = Guid.Parse("9b2ec8a4-f0e0-4a6a-b7a0-8a3d2c1b0f11");
    private static readonly string s_name = $"hospes-{s_domain:N}";

    private static Kernel One()
    {
        var kernel = new Kernel();
        kernel.Files["/proc/self/mountinfo"] = V1;
        kernel.Files["/proc/self/cgroup"] = "2:cpu,cpuacct:/user\n1:memory:/outer/mine\n0::/\n";
        kernel.Files["/sys/fs/cgroup/unified/cgroup.controllers"] = "\n";
        foreach (string folder in (string[])["/sys/fs/cgroup/cpu,cpuacct/user", "/sys/fs/cgroup/memory/mine"]) kernel.Make(folder);
        return kernel;
    }

    private static Kernel Two(string own = "/user.slice/app", params string[] others)
    {
        var kernel = new Kernel();
        string folder = "/sys/fs/cgroup two" + own;
        kernel.Files["/proc/self/mountinfo"] = V2;
        kernel.Files["/proc/self/cgroup"] = $"0::{own}\n";
        kernel.Make(folder);
        kernel.Files[$"{folder}/cgroup.controllers"] = "cpuset cpu io memory pids\n";
        kernel.Files[$"{folder}/cgroup.subtree_control"] = "";
        kernel.Processes[$"{folder}"] = [Environment.ProcessId.ToString(), .. others];
        return kernel;
    }

    [Fact]
    public void DomainsHaveGroupsOfVersion1()
    {
        Kernel kernel = One();
        var host = new ControlGroupHost(kernel);
        host.Words.ShouldBe("cgroup v1 (cpu, cpuacct, memory)");
        host.Try().ShouldBeNull();
        string remembered = "";
        ControlGroup group = host.Join(s_domain, 77, text => remembered = text).Value;
        string cpu = $"/sys/fs/cgroup/cpu,cpuacct/user/{s_name}", memory = $"/sys/fs/cgroup/memory/mine/{s_name}";
        kernel.Processes[cpu].ShouldBe(["77"]);
        kernel.Processes[memory].ShouldBe(["77"]);
        group.Words.ShouldBe(host.Words);
        group.Schedule(new CpuTuneConfig { Shares = 512, Vcpus = new CpuBandwidth(10_000, 5_000), Whole = new CpuBandwidth(null, 20_000), Emulator = new CpuBandwidth(null, -1) }, [78, 79], [77, 80]).ShouldBeNull();
        kernel.Files[$"{cpu}/cpu.shares"].ShouldBe("512");
        kernel.Files[$"{cpu}/cpu.cfs_quota_us"].ShouldBe("20000");
        kernel.Files[$"{cpu}/vcpu1/cpu.cfs_period_us"].ShouldBe("10000");
        kernel.Files[$"{cpu}/vcpu1/cpu.cfs_quota_us"].ShouldBe("5000");
        kernel.Files[$"{cpu}/emulator/cpu.cfs_quota_us"].ShouldBe("-1");
        kernel.Threads[$"{cpu}/vcpu0"].ShouldBe(["78"]);
        kernel.Threads[$"{cpu}/vcpu1"].ShouldBe(["79"]);
        kernel.Threads[$"{cpu}/emulator"].ShouldBe(["77", "80"]);
        kernel.Files[$"{cpu}/cpuacct.usage_percpu"] = "12 34 \n";
        group.ProcessorTimes().ShouldBe([12UL, 34UL]);

        // The next daemon finds them, and removes them.
        ControlGroup found = new ControlGroupHost(kernel).Find(remembered).ShouldNotBeNull();
        kernel.Busy = true;
        found.TryRemove().ShouldBeFalse();
        kernel.Busy = false;
        found.TryRemove().ShouldBeTrue();
        kernel.Groups.ShouldNotContain(name => name.Contains(s_name));
        found.TryRemove().ShouldBeTrue("there is nothing left");
        host.Find("no groups").ShouldBeNull();
    }

    [Fact]
    public void DomainsHaveGroupsOfVersion2()
    {
        Kernel kernel = Two();
        var host = new ControlGroupHost(kernel);
        host.Words.ShouldBe("cgroup v2 (cpu, memory)");
        ControlGroup group = host.Join(s_domain, 77, static _ => { }).Value;
        const string own = "/sys/fs/cgroup two/user.slice/app";
        kernel.Processes[own].ShouldBeEmpty();
        kernel.Processes[$"{own}/hospes-daemon"].ShouldBe([Environment.ProcessId.ToString()]);
        kernel.Files[$"{own}/cgroup.subtree_control"].ShouldBe("+cpu +memory");
        group.Schedule(new CpuTuneConfig { Shares = 2048, Vcpus = new CpuBandwidth(null, 5_000) }, [78], []).ShouldBeNull();
        kernel.Files[$"{own}/{s_name}/cpu.weight"].ShouldBe("200");
        kernel.Files[$"{own}/{s_name}/cgroup.subtree_control"].ShouldBe("+cpu");
        kernel.Files[$"{own}/{s_name}/vcpu0/cgroup.type"].ShouldBe("threaded");
        kernel.Files[$"{own}/{s_name}/vcpu0/cpu.max"].ShouldBe("5000");
        kernel.Threads[$"{own}/{s_name}/vcpu0"].ShouldBe(["78"]);
        group.Schedule(new CpuTuneConfig { Whole = new CpuBandwidth(50_000, -1) }, [], []).ShouldBeNull();
        kernel.Files[$"{own}/{s_name}/cpu.max"].ShouldBe("max 50000");
        group.ProcessorTimes().ShouldBeNull();
        // A daemon that was started out of the leaf uses the same group.
        kernel.Files["/proc/self/cgroup"] = "0::/user.slice/app/hospes-daemon\n";
        kernel.Files[$"{own}/hospes-daemon/cgroup.controllers"] = "cpu memory\n";
        new ControlGroupHost(kernel).Join(Guid.NewGuid(), 99, static _ => { }).Succeeded.ShouldBeTrue();
        kernel.Groups.Count(name => Path.GetDirectoryName(name) == own).ShouldBe(3);
    }

    [Theory]
    [InlineData(2UL, "1")]
    [InlineData(1024UL, "100")]
    [InlineData(262144UL, "10000")]
    public void SharesAreWeightsInVersion2(ulong shares, string weight)
    {
        Kernel kernel = Two();
        new ControlGroupHost(kernel).Join(s_domain, 77, static _ => { }).Value.Schedule(new CpuTuneConfig { Shares = shares }, [], []).ShouldBeNull();
        kernel.Files[$"/sys/fs/cgroup two/user.slice/app/{s_name}/cpu.weight"].ShouldBe(weight);
    }

    [Fact]
    public void WhereNothingMayBeWrittenTheReasonIsTold()
    {
        Failure(Two(others: "4711")).ShouldBe("cgroup CPU controller is not mounted (Device or resource busy: the group is not this daemon's alone; start it as a service or scope of its own, with Delegate=yes)");
        Kernel readOnly = One();
        readOnly.ReadOnly = true;
        Failure(readOnly).ShouldBe("cgroup CPU controller is not mounted (Permission denied)");
        new ControlGroupHost(readOnly).Try().ShouldBe("Permission denied");
        Failure(new Kernel()).ShouldBe("cgroup CPU controller is not mounted (no mounted hierarchy has the controller cpu)");
        new ControlGroupHost(new Kernel()).Words.ShouldBe("no control groups");

        static string Failure(Kernel kernel)
        {
            string[] before = [.. kernel.Groups];
            DomainFailure? failure = new ControlGroupHost(kernel).Join(s_domain, 77, static _ => { }).Failure;
            kernel.Groups.Where(name => !name.EndsWith("hospes-daemon", StringComparison.Ordinal)).ShouldBe(before, ignoreOrder: true);
            return failure.ShouldNotBeNull().Detail;
        }
    }

    /// <summary>Groups in memory.</summary>
    private sealed class Kernel : IControlFiles
    {
        public Dictionary<string, string> Files { get; } = [];

        public HashSet<string> Groups { get; } = [];

        public Dictionary<string, List<string>> Processes { get; } = [];

        public Dictionary<string, List<string>> Threads { get; } = [];

        /// <summary>Whether processes are still in all groups.</summary>
        public bool Busy { get; set; }

        public bool ReadOnly { get; set; }

        public string? Read(string path) => Files.GetValueOrDefault(path);

        public string? Write(string path, string text)
        {
            string group = Path.GetDirectoryName(path)!;
            if (ReadOnly) return "Permission denied";
            if (!Groups.Contains(group)) return "No such file or directory";
            switch (Path.GetFileName(path))
            {
                case "cgroup.procs":
                    foreach (List<string> others in Processes.Where(other => group.StartsWith(Root(other.Key), StringComparison.Ordinal)).Select(static other => other.Value)) others.Remove(text);
                    Processes[group].Add(text);
                    break;
                case "tasks" or "cgroup.threads":
                    Threads[group].Add(text);
                    break;
                case "cgroup.subtree_control" when text.Contains("memory", StringComparison.Ordinal) && Processes[group].Count > 0:
                    return "Device or resource busy";
                default:
                    Files[path] = text;
                    break;
            }
            return null;
        }

        public string? Make(string folder)
        {
            if (ReadOnly && !Groups.Contains(folder)) return "Permission denied";
            if (!Groups.Add(folder)) return null;
            Processes[folder] = [];
            Threads[folder] = [];
            Files[$"{folder}/cgroup.procs"] = "";
            Files[$"{folder}/cgroup.type"] = "domain\n";
            return null;
        }

        public string? Remove(string folder)
        {
            if (!Groups.Contains(folder)) return null;
            if (Busy || Groups.Any(other => other.StartsWith(folder + "/", StringComparison.Ordinal))) return "Device or resource busy";
            Groups.Remove(folder);
            foreach (string file in Files.Keys.Where(file => file.StartsWith(folder + "/", StringComparison.Ordinal)).ToArray()) Files.Remove(file);
            return null;
        }

        /// <summary>The hierarchy that a group is in.</summary>
        private static string Root(string group) => string.Join('/', group.Split('/').Take(5));
    }
}
