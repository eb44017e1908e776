using System.Globalization;

namespace Hospes.EndToEnd;

/// <summary>What a running machine gets of the host: processors, their time, and its card's bandwidth. Where the test may make no control groups, that is what is told.</summary>
public sealed class DaemonTuningTests : DaemonLab
{
    private const string Mac = "52:54:00:00:00:07";

    [Fact]
    public async Task AMachineGetsItsShareOfTheHost()
    {
        string kernel = Path.Combine(Folder, "kernel");
        await File.WriteAllBytesAsync(kernel, TestKernels.Spin);
        string Content(string tune, string set = "0") => $"""
            <memory unit='MiB'>64</memory><vcpu current='1'>2</vcpu><os><type>hvm</type><kernel>{kernel}</kernel></os>
            <cputune>{tune}<vcpupin vcpu='0' cpuset='{set}'/><emulatorpin cpuset='0'/></cputune>
            <devices><interface type='network'><source network='default'/><mac address='{Mac}'/><bandwidth><inbound average='1000'/></bandwidth></interface></devices>
            """;
        await DefineAsync("far", Content("", "4000"));
        (await FailAsync("start", "far")).ShouldContain("the host has no processor 4000: there are 0");

        await DefineAsync("spin", Content(""));
        await VirshAsync("start", "spin");
        string place = Path.Combine(Folder, "run", (await VirshAsync("domuuid", "spin")).Replace("-", "", StringComparison.Ordinal));
        int pid = int.Parse(await File.ReadAllTextAsync(Path.Combine(place, "pid")), CultureInfo.InvariantCulture);
        Places(pid).ShouldBe(["0"]);
        (await VirshAsync("vcpuinfo", "spin")).ShouldMatch("CPU Affinity: +y-*");
        await VirshAsync("emulatorpin", "spin", $"0-{Environment.ProcessorCount - 1}", "--live");
        Places(pid).ShouldContain(Environment.ProcessorCount > 1 ? $"0-{Environment.ProcessorCount - 1}" : "0");
        // A processor that comes runs where it is to.
        await VirshAsync("vcpupin", "spin", "1", "0", "--config");
        await VirshAsync("setvcpus", "spin", "2", "--live");
        await VirshAsync("vcpupin", "spin", "1", "0", "--live", "--config");
        (await VirshAsync("vcpupin", "spin", "--live")).Split('\n').Length.ShouldBe(2);
        (await FailAsync("vcpupin", "spin", "2", "0", "--live")).ShouldContain("vcpu 2 is out of range of live cpu count 2");

        await VirshAsync("domiftune", "spin", Mac, "--inbound", "500,2000,4096", "--outbound", "300", "--live");
        (await VirshAsync("domiftune", "spin", Mac)).ShouldContain("inbound.peak   : 2000");

        string core = Path.Combine(Folder, "core");
        await VirshAsync("dump", "spin", core, "--memory-only");
        new FileInfo(core).Length.ShouldBeInRange(64 << 20, 65 << 20);
        (int status, string notes, _) = await TryAsync("readelf", ["-W", "-n", core]);
        (status, notes.Split("NT_PRSTATUS").Length - 1).ShouldBe((0, 2));
        (await VirshAsync("domstate", "spin")).ShouldBe("running");

        string label = (await VirshAsync("dominfo", "spin")).Split('\n').Single(static line => line.StartsWith("Security label:", StringComparison.Ordinal));
        if (label.Contains("no cgroup", StringComparison.Ordinal)) await WithoutGroupsAsync((tune, set) => Content(tune, set));
        else await WithGroupsAsync(place, pid, label);
    }

    private async Task WithGroupsAsync(string place, int pid, string label)
    {
        label.ShouldMatch(@"cgroup v[12] \(.*cpu");
        string[] groups = [.. (await File.ReadAllLinesAsync(Path.Combine(place, "cgroups"))).Select(static line => line.Split(' ', 3)[2])];
        foreach (string group in groups) (await File.ReadAllLinesAsync(Path.Combine(group, "cgroup.procs"))).ShouldContain($"{pid}");
        await VirshAsync("schedinfo", "spin", "--live", "--set", "cpu_shares=512", "--set", "vcpu_quota=20000", "--set", "global_quota=90000", "--set", "global_period=50000");
        string cpu = groups.Single(static group => File.Exists(Path.Combine(group, "cpu.stat")) && Directory.Exists(Path.Combine(group, "vcpu1")));
        bool unified = File.Exists(Path.Combine(cpu, "cpu.max"));
        Read(unified ? "cpu.weight" : "cpu.shares").ShouldBe(unified ? "50" : "512");
        Read(unified ? "vcpu0/cpu.max" : "vcpu0/cpu.cfs_quota_us").ShouldStartWith("20000");
        Read(unified ? "cpu.max" : "cpu.cfs_quota_us").ShouldStartWith("90000");
        File.ReadAllLines(Path.Combine(cpu, "vcpu1", unified ? "cgroup.threads" : "tasks")).ShouldHaveSingleItem();
        (await VirshAsync("schedinfo", "spin", "--live")).ShouldContain("vcpu_quota     : 20000");
        if (label.Contains("cpuacct", StringComparison.Ordinal)) (await VirshAsync("cpu-stats", "spin", "--start", "0", "--count", "1")).ShouldContain("cpu_time");

        // The next daemon knows them, and removes them when the domain ends.
        await EndAsync("KILL");
        await StartAsync();
        await VirshAsync("schedinfo", "spin", "--live", "--set", "vcpu_quota=-1");
        Read(unified ? "vcpu0/cpu.max" : "vcpu0/cpu.cfs_quota_us").ShouldStartWith(unified ? "max" : "-1");
        await VirshAsync("destroy", "spin");
        groups.ShouldAllBe(static group => !Directory.Exists(group));

        string Read(string name) => File.ReadAllText(Path.Combine(cpu, name)).Trim();
    }

    private async Task WithoutGroupsAsync(Func<string, string, string> content)
    {
        (await FailAsync("schedinfo", "spin", "--live", "--set", "cpu_shares=512")).ShouldContain("Requested operation is not valid: cgroup CPU controller is not mounted (");
        await DefineAsync("shares", content("<shares>512</shares>", "0"));
        (await FailAsync("start", "shares")).ShouldContain("unsupported configuration: CPU tuning is not available on this host: cgroup CPU controller is not mounted (");
    }

    /// <summary>Where the threads of a process may run, each place once.</summary>
    private static IEnumerable<string> Places(int pid) => Directory.GetDirectories($"/proc/{pid}/task")
        .Select(static task => File.ReadLines(Path.Combine(task, "status")).Single(static line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal)).Split('\t')[1]).Distinct();
}
