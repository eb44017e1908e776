using Hospes.Builder;
using System.Text.Json;
using Hospes.Hypervisor;
using Hospes.Hypervisor.Soft;
using Hospes.Machine;
using Hospes.Vmm.Qmp;

namespace Hospes.Vmm.Tests.Qmp;

public sealed class MonitorTests
{
    [Fact]
    public void RunningIsAskedAndChanged()
    {
        using var domain = new Monitored(RunningDomain.Options() with { StartPaused = true, StayAfterShutdown = true });
        domain.Do("query-status").GetRawText().ShouldBe("""{"status":"prelaunch","singlestep":false,"running":false}""");
        domain.Ask("info status").ShouldBe("VM status: paused (prelaunch)\n");
        domain.Do("cont").GetRawText().ShouldBe("{}");
        domain.Ask("info status").ShouldBe("VM status: running\n");
        domain.Do("stop");
        domain.Do("query-status").GetProperty("status").GetString().ShouldBe("paused");
        domain.Ask("info status").ShouldBe("VM status: paused\n");
        domain.Do("system_powerdown");
        domain.Do("system_reset");
        domain.Do("query-status").GetProperty("status").GetString().ShouldBe("prelaunch");
        domain.Do("quit");
        domain.Domain.End().Kind.ShouldBe(DomainEndKind.Quit);
        domain.Refuse("blockdev-add", """{"driver":"file","node-name":"f","filename":"/nonexistent"}""").ShouldBe("The domain does not run");
    }

    [Fact]
    public void AnEndedDomainMustBeResetFirst()
    {
        using var domain = new Monitored(RunningDomain.Options() with { StayAfterShutdown = true }, new FakeEngine(_ => [Guests.Out(0x505, 1)]));
        SpinWait.SpinUntil(() => domain.Domain.Control.State == RunState.GuestPanicked, TimeSpan.FromSeconds(60)).ShouldBeTrue();
        domain.Do("query-status").GetProperty("status").GetString().ShouldBe("guest-panicked");
        domain.Refuse("cont").ShouldBe("Resetting the Virtual Machine is required");
        domain.Ask("cont").ShouldBe("Error: Resetting the Virtual Machine is required\n");
    }

    [Fact]
    public void TheDomainSaysWhatItIs()
    {
        using var plain = new Monitored(RunningDomain.Options());
        plain.Do("query-name").GetRawText().ShouldBe("{}");
        plain.Ask("info name").ShouldBe("");
        plain.Do("query-uuid").GetRawText().ShouldBe("""{"UUID":"00000000-0000-0000-0000-000000000000"}""");
        using var named = new Monitored(RunningDomain.Options() with
        {
            Name = "guest",
            Uuid = Guid.Parse("01234567-89ab-cdef-0123-456789abcdef"),
            Machine = new MachineConfig { Memory = 16 << 20, Vcpus = 2 },
        });
        named.Do("query-name").GetRawText().ShouldBe("""{"name":"guest"}""");
        named.Do("query-uuid").GetRawText().ShouldBe("""{"UUID":"01234567-89ab-cdef-0123-456789abcdef"}""");
        named.Ask("info name").ShouldBe("guest\n");
        named.Ask("info uuid").ShouldBe("01234567-89ab-cdef-0123-456789abcdef\n");
        named.Ask("info version").ShouldBe("7.2.0 Hospes\n");
        named.Do("query-version").GetProperty("package").GetString().ShouldBe("Hospes");
        named.Do("query-kvm").GetProperty("enabled").GetBoolean().ShouldBeFalse();
        named.Do("query-target").GetProperty("arch").GetString().ShouldBe("x86_64");
        named.Do("query-machines")[0].GetProperty("name").GetString().ShouldBe("xenpvh");
        named.Do("query-memory-size-summary").GetRawText().ShouldBe("""{"base-memory":16777216,"plugged-memory":0}""");
        JsonElement[] processors = [.. named.Do("query-cpus-fast").EnumerateArray()];
        processors.Select(static at => at.GetProperty("cpu-index").GetInt32()).ShouldBe([0, 1]);
        SpinWait.SpinUntil(() => named.Do("query-cpus-fast").EnumerateArray().All(static at => Directory.Exists($"/proc/self/task/{at.GetProperty("thread-id")}")), TimeSpan.FromSeconds(60)).ShouldBeTrue();
    }

    [Fact]
    public void ThePciBusIsShown()
    {
        using var domain = new Monitored(RunningDomain.Options(new EntropyOptions { Id = "rng0" }, new EntropyOptions()) with
        {
            Machine = new MachineConfig { Memory = 16 << 20, PciRootPorts = 1 },
        });
        JsonElement bus = domain.Do("query-pci")[0];
        JsonElement[] devices = [.. bus.GetProperty("devices").EnumerateArray()];
        devices.Select(static at => at.GetProperty("class_info").GetProperty("class").GetInt32()).ShouldBe([0x600, 0x604, 0x00FF]);
        devices[0].GetProperty("id").GetRawText().ShouldBe("""{"device":8,"vendor":6966,"subsystem":4352,"subsystem-vendor":6900}""");
        JsonElement below = devices[1].GetProperty("pci_bridge").GetProperty("devices")[0];
        below.GetProperty("qdev_id").GetString().ShouldBe("rng0");
        below.GetProperty("bus").GetInt32().ShouldBe(1);
        devices[2].GetProperty("qdev_id").GetString().ShouldBe("");
        JsonElement region = devices[2].GetProperty("regions")[0];
        region.GetProperty("address").GetInt64().ShouldBe(-1);
        region.GetProperty("mem_type_64").GetBoolean().ShouldBeTrue();
        string text = domain.Ask("info pci");
        text.ShouldStartWith("  Bus  0, device   0, function 0:\n    Host bridge: PCI device 1b36:0008\n      PCI subsystem 1af4:1100\n");
        text.ShouldContain("      BUS 0.\n      secondary bus 1.\n      subordinate bus 1.\n");
        text.ShouldContain("  Bus  1, device   0, function 0:\n    Class 0255: PCI device 1af4:1044\n");
        text.ShouldContain("bit prefetchable memory at 0xffffffffffffffff [0x");
        text.ShouldContain("      id \"rng0\"\n");
    }

    [Fact]
    public void RegistersAndAddressSpacesAreShown()
    {
        // mov eax, 0x12345678; hlt
        byte[] kernel = TestKernel.Make(0xB8, 0x78, 0x56, 0x34, 0x12, 0xFA, 0xF4);
        using var domain = new Monitored(RunningDomain.Options() with { Kernel = BootPayload.FromBytes(kernel), Machine = new MachineConfig { Memory = 16 << 20, Vcpus = 2 } }, new SoftEngine());
        SpinWait.SpinUntil(() => domain.Ask("info registers").Contains("EAX=12345678", StringComparison.Ordinal), TimeSpan.FromSeconds(60)).ShouldBeTrue();
        SpinWait.SpinUntil(() => domain.Ask("info registers 0").Contains("HLT=1", StringComparison.Ordinal), TimeSpan.FromSeconds(60)).ShouldBeTrue();
        string text = domain.Ask("info registers");
        text.ShouldStartWith("\nCPU#0\nEAX=12345678 EBX=");
        text.ShouldContain("CPL=0 II=0 A20=1 SMM=0 HLT=1\n");
        text.ShouldContain("CS32 [-RA]\n");
        text.ShouldContain("DS   [-WA]\n");
        text.ShouldContain("MXCSR=00001f80\n");
        domain.Ask("info registers -a").ShouldContain("CPU#1\n");
        domain.Ask("info registers 7").ShouldBe("CPU#7 not available\n");
        domain.Ask("info registers x").ShouldBe("invalid char 'x' in expression\nTry \"help info registers\" for more information\n");
        domain.Ask("info mem").ShouldBe("PG disabled\n");
        domain.Ask("info mtree").ShouldContain("    0000000000000000-0000000000ffffff (prio 0, ram): ram-low\n");
        domain.Ask("info mtree").ShouldContain("    00000000000003f8-00000000000003ff (prio 0, i/o): serial\n");
    }

    [Fact]
    public void PeopleAreToldWhatTheyMistyped()
    {
        using var domain = new Monitored(RunningDomain.Options());
        domain.Ask("").ShouldBe("");
        domain.Ask("nonsense").ShouldBe("unknown command: 'nonsense'\n");
        domain.Ask("info nonsense").ShouldBe("unknown command: 'info nonsense'\n");
        domain.Ask("info status now").ShouldBe("status: extraneous characters at the end of line\nTry \"help info status\" for more information\n");
        domain.Ask("system_reset x").ShouldBe("system_reset: extraneous characters at the end of line\nTry \"help system_reset\" for more information\n");
        domain.Ask("help info status").ShouldBe("info status  -- show whether the domain runs\n");
        domain.Ask("info").Split('\n').Length.ShouldBe(13);
        domain.Ask("help").ShouldContain("system_powerdown  -- ");
        domain.Ask("help stop").ShouldBe("stop|s  -- stop the domain\n");
    }

    [Fact]
    public void CharacterDevicesAreTheHosts()
    {
        using var none = new Monitored(RunningDomain.Options());
        none.Do("query-chardev").GetRawText().ShouldBe("[]");
        var host = new FakeChardevs();
        using var domain = new Monitored(RunningDomain.Options(), chardevs: host);
        domain.Do("chardev-add", """{"id":"c0","backend":{"type":"pty","data":{}}}""").GetRawText().ShouldBe("""{"pty":"/dev/pts/9"}""");
        domain.Refuse("chardev-add", """{"id":"c0","backend":{"type":"null","data":{}}}""").ShouldBe("Chardev with id 'c0' already exists");
        domain.Refuse("chardev-add", """{"id":"c1","backend":{"type":"bogus","data":{}}}""").ShouldBe("Parameter 'type' does not accept value 'bogus'");
        domain.Refuse("chardev-add", """{"id":"c1","backend":{"type":"file","data":{}}}""").ShouldBe("Parameter 'backend.data.out' is missing");
        domain.Refuse("chardev-add", """{"id":"1 c","backend":{"type":"null","data":{}}}""").ShouldBe("Parameter 'id' expects an identifier");
        domain.Do("query-chardev").GetRawText().ShouldBe("""[{"frontend-open":true,"filename":"pty","label":"c0"}]""");
        domain.Do("query-chardev-backends").EnumerateArray().Select(static at => at.GetProperty("name").GetString()).ShouldContain("socket");
        domain.Do("chardev-remove", """{"id":"c0"}""");
        domain.Refuse("chardev-remove", """{"id":"c0"}""").ShouldBe("Chardev 'c0' not found");
    }

    private sealed class FakeChardevs : IChardevHost
    {
        private readonly List<ChardevInfo> _all = [];

        public IReadOnlyList<ChardevInfo> List() => _all;

        public string? TryAdd(string id, JsonElement backend, out string? pty)
        {
            pty = null;
            if (_all.Exists(at => at.Label == id)) return $"Chardev with id '{id}' already exists";
            string type = backend.GetProperty("type").GetString()!;
            if (type == "pty") pty = "/dev/pts/9";
            _all.Add(new ChardevInfo(id, type, FrontendOpen: true));
            return null;
        }

        public string? TryRemove(string id) => _all.RemoveAll(at => at.Label == id) == 1 ? null : $"Chardev '{id}' not found";
    }
}
