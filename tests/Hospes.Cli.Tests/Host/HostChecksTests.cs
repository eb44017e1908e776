using System.Runtime.InteropServices;
using System.Text.Json;
using Hospes.Cli.Host;
using Hospes.Hypervisor.Kvm;

namespace Hospes.Cli.Tests.Host;

public sealed class HostChecksTests : IDisposable
{
    private readonly TemporaryFolder _root = new();
    private readonly Dictionary<string, string> _closed = [];
    private KvmRefusal? _refusal;
    private string[] _missing = ["landlock"];
    private string? _groupless = "no mounted hierarchy has the controller cpu";

    public void Dispose() => _root.Dispose();

    [Fact]
    public void AnEmptyHostFailsNowhereButWarns()
    {
        IReadOnlyList<HostFinding> findings = Run();
        findings.Where(static finding => finding.Verdict == HostVerdict.Pass).Select(static finding => finding.Name).ShouldBe(["processor"]);
        findings.ShouldAllBe(finding => finding.Verdict == HostVerdict.Pass || !string.IsNullOrEmpty(finding.Remedy));
        findings.ShouldNotContain(finding => finding.Verdict == HostVerdict.Fail);
    }

    [Fact]
    public void AFullHostPassesEverywhere()
    {
        Fill();
        Run().ShouldAllBe(finding => finding.Verdict == HostVerdict.Pass && finding.Remedy == null);
    }

    [Theory]
    [InlineData("proc/cpuinfo", "flags : fpu hypervisor\n", "virtualization", HostVerdict.Warn, "neither vmx nor svm")]
    [InlineData("proc/cpuinfo", "flags : fpu vmx\n", "virtualization", HostVerdict.Pass, "VT-x")]
    [InlineData("proc/meminfo", "MemAvailable:     100000 kB\n", "memory", HostVerdict.Fail, "97.7 MiB available")]
    [InlineData("proc/meminfo", "MemAvailable:    1000000 kB\n", "memory", HostVerdict.Warn, "977 MiB available")]
    [InlineData("proc/meminfo", "MemAvailable: lots\n", "memory", HostVerdict.Warn, "does not say")]
    [InlineData("sys/fs/cgroup/own/memory.max", "100000000\n", "memory", HostVerdict.Fail, "95.4 MiB available")]
    [InlineData("sys/fs/cgroup/own/memory.max", "max\n", "memory", HostVerdict.Pass, "available")]
    [InlineData("sys/kernel/mm/transparent_hugepage/shmem_enabled", "always within_size advise [never] deny force", "transparent-huge-pages", HostVerdict.Warn, "(never)")]
    [InlineData("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "0", "huge-pages", HostVerdict.Warn, "none")]
    [InlineData("proc/sys/kernel/unprivileged_userns_clone", "0", "user-namespaces", HostVerdict.Warn, "cannot make")]
    [InlineData("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "user-namespaces", HostVerdict.Warn, "AppArmor")]
    internal void EachLineLooksAtItsOwnThing(string file, string text, string name, HostVerdict verdict, string found)
    {
        Fill();
        _root.Write(file, text);
        HostFinding finding = Run().Single(finding => finding.Name == name);
        finding.Verdict.ShouldBe(verdict);
        finding.Found.ShouldContain(found);
        Run().Where(other => other.Name != name).ShouldAllBe(other => other.Verdict == HostVerdict.Pass);
    }

    [Theory]
    [InlineData("dev/kvm", "kvm", "group kvm")]
    [InlineData("dev/net/tun", "tap", "passt")]
    public void ADeviceThatCannotBeOpenedHasARemedy(string device, string name, string remedy)
    {
        Fill();
        _closed[_root.At(device)] = "permission denied";
        HostFinding finding = Run().Single(finding => finding.Name == name);
        finding.Verdict.ShouldBe(HostVerdict.Warn);
        finding.Found.ShouldContain("cannot be opened (permission denied)");
        finding.Remedy.ShouldNotBeNull().ShouldContain(remedy);
    }

    [Fact]
    public void AKvmThatIsNotRealIsAWarning()
    {
        Fill();
        _refusal = new KvmRefusal(KvmRefusalKind.Unreal, "a short guest program shuts down", "use another host");
        HostFinding finding = Run().Single(static finding => finding.Name == "kvm");
        (finding.Verdict, finding.Remedy).ShouldBe((HostVerdict.Warn, "use another host"));
        finding.Found.ShouldEndWith("but is not used: a short guest program shuts down");
    }

    [Fact]
    public void AKernelThatCannotConfineIsAWarning()
    {
        HostFinding finding = Run().Single(static finding => finding.Name == "confinement");
        (finding.Verdict, finding.Found, finding.Remedy).ShouldBe((HostVerdict.Warn, "domains of the daemon are confined by no_new_privs", "use a kernel that has landlock, too"));
    }

    [Fact]
    public void DomainsWithoutGroupsAreToldOf()
    {
        Fill();
        Run().Single(static finding => finding.Name == "cgroups").Found.ShouldContain("cgroup v2 (cpu, memory)");
        _groupless = "Permission denied";
        HostFinding finding = Run().Single(static finding => finding.Name == "cgroups");
        finding.Verdict.ShouldBe(HostVerdict.Warn);
        finding.Found.ShouldContain("Permission denied");
        finding.Remedy!.ShouldContain("Delegate=yes");
    }

    [Fact]
    public void AnotherProcessorFails() => HostChecks.Run(View(Architecture.Arm64))[0].Verdict.ShouldBe(HostVerdict.Fail);

    [Fact]
    public async Task TheCommandWritesLinesOrJson()
    {
        Ran lines = await HospesProgram.InProcessAsync("host", "check");
        lines.Out.ShouldMatch(@"(?m)^pass  processor ");
        lines.Out.ShouldNotContain("\e");
        Ran json = await HospesProgram.InProcessAsync("host", "check", "--json");
        JsonElement first = JsonDocument.Parse(json.Out).RootElement[0];
        first.GetProperty("name").GetString().ShouldBe("processor");
        first.GetProperty("verdict").GetString().ShouldBe("pass");
        json.Status.ShouldBe(lines.Status);
    }

    private IReadOnlyList<HostFinding> Run() => HostChecks.Run(View(Architecture.X64));

    private HostView View(Architecture architecture) => new()
    {
        Root = _root.Path,
        Architecture = architecture,
        Processors = 2,
        OpenFails = path => _closed.GetValueOrDefault(path),
        JudgeKvm = _ => _refusal,
        ControlGroups = () => ("cgroup v2 (cpu, memory)", _groupless),
        Confinement = () => (["no_new_privs"], _missing),
        Variable = name => name == "PATH" ? _root.At("bin") : null,
    };

    private void Fill()
    {
        _missing = [];
        _groupless = null;
        _root.Write("proc/cpuinfo", "processor : 0\nflags : fpu svm\n");
        _root.Write("proc/meminfo", "MemTotal:     16000000 kB\nMemAvailable:     8000000 kB\n");
        _root.Write("proc/self/cgroup", "0::/own\n");
        _root.Write("dev/kvm", "");
        _root.Write("dev/net/tun", "");
        _root.Write("sys/kernel/mm/transparent_hugepage/shmem_enabled", "always within_size [advise] never deny force\n");
        _root.Write("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "512\n");
        _root.Write("proc/sys/user/max_user_namespaces", "1000\n");
        _root.Write("usr/share/keyrings/debian-archive-keyring.gpg", "");
        foreach (string program in (string[])["passt", "gpgv"]) _root.WriteProgram($"bin/{program}");
    }
}
