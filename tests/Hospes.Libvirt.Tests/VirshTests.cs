using System.Diagnostics;
using System.Text;

namespace Hospes.Libvirt.Tests;

/// <summary>Debian's virsh, as people use it, against a simulated host.</summary>
public sealed class VirshTests : IDisposable
{
    private readonly SimulatedServer _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public void TheConnectionTellsWhatItIs()
    {
        _lab.Virsh("uri").ShouldBe(_lab.Uri);
        _lab.Virsh("version").ShouldContain("Running hypervisor: Hospes");
        _lab.Virsh("hostname").ShouldBe(Environment.MachineName);
        _lab.Virsh("nodeinfo").ShouldContain("CPU model:           x86_64");
        _lab.Virsh("capabilities").ShouldContain("<machine maxCpus=\"255\">xenpvh</machine>");
        _lab.Virsh("domcapabilities", "--virttype", "qemu").ShouldContain("<domain>qemu</domain>");
        _lab.Virsh("maxvcpus").ShouldBe("255");
        _lab.Virsh("freecell").ShouldContain("KiB");
        _lab.Virsh("nodecpustats").ShouldContain("user:");
        _lab.Virsh("nodememstats").ShouldContain("total  :");
        _lab.Virsh("nodecpumap").ShouldContain("CPUs online:");
    }

    [Theory]
    [InlineData("hospes+unix:///system?socket=")]
    [InlineData("hospes+unix:///session?socket=")]
    [InlineData("qemu+unix:///system?socket=")]
    public void EveryUriWithTheSocketDoes(string uri)
        => SimulatedServer.Run("virsh", null, ["-q", "-c", uri + _lab.SocketPath, "list", "--all"]).ShouldBe((0, "", ""));

    [Fact]
    public void ADomainIsDefinedLookedAtAndUndefined()
    {
        _lab.Virsh("define", _lab.File("one"));
        string uuid = _lab.Virsh("domuuid", "one");
        _lab.Virsh("domname", uuid).ShouldBe("one");
        _lab.Virsh("domid", "one").ShouldBe("-");
        _lab.Virsh("domstate", "one", "--reason").ShouldBe("shut off (unknown)");
        _lab.Virsh("dumpxml", "one").ShouldContain($"<uuid>{uuid}</uuid>");
        string information = _lab.Virsh("dominfo", "one");
        information.ShouldContain("State:          shut off");
        information.ShouldContain("CPU(s):         2");
        information.ShouldContain("Max memory:     65536 KiB");
        information.ShouldContain("Persistent:     yes");
        _lab.Virsh("domblklist", "one").ShouldContain("/var/lib/one.qcow2");
        _lab.Virsh("domiflist", "one").ShouldContain("52:54:00:12:34:56");
        _lab.Virsh("vcpucount", "one").ShouldContain("maximum      config         2");
        _lab.Virsh("undefine", "one");
        _lab.VirshFails("domstate", "one").ShouldContain("failed to get domain 'one'");
    }

    [Fact]
    public void ADomainLivesAndEnds()
    {
        _lab.Virsh("define", _lab.File("one"));
        _lab.Virsh("start", "one");
        _lab.Virsh("domid", "one").ShouldBe("1");
        _lab.Virsh("domstate", "one", "--reason").ShouldBe("running (booted)");
        _lab.Virsh("suspend", "one");
        _lab.Virsh("domstate", "one", "--reason").ShouldBe("paused (user)");
        _lab.Virsh("resume", "one");
        _lab.Virsh("domstate", "one", "--reason").ShouldBe("running (unpaused)");
        _lab.Virsh("reboot", "one");
        _lab.Virsh("reset", "one");
        _lab.Virsh("domcontrol", "one").ShouldBe("ok");
        _lab.Virsh("vcpuinfo", "one").ShouldContain("State:          running");
        _lab.Virsh("dominfo", "one").ShouldContain("State:          running");
        _lab.Virsh("dommemstat", "one").ShouldContain("actual 65536");
        _lab.Virsh("domblkstat", "one", "vda").ShouldContain("rd_req 0");
        _lab.Virsh("domifstat", "one", "52:54:00:12:34:56").ShouldContain("rx_bytes 0");
        _lab.Virsh("dumpxml", "one").ShouldContain("<domain type=\"qemu\" id=\"1\">");
        _lab.Virsh("dumpxml", "--inactive", "one").ShouldContain("<domain type=\"qemu\">");
        _lab.Virsh("shutdown", "one");
        Eventually(() => _lab.Virsh("domstate", "one", "--reason"), "shut off (shutdown)");
        _lab.Virsh("start", "--paused", "one");
        _lab.Virsh("domstate", "one", "--reason").ShouldBe("paused (user)");
        _lab.Virsh("destroy", "one");
        _lab.Virsh("domstate", "one", "--reason").ShouldBe("shut off (destroyed)");
        _lab.Virsh("create", _lab.File("two"));
        _lab.Virsh("dominfo", "two").ShouldContain("Persistent:     no");
        _lab.Virsh("destroy", "--graceful", "two");
        _lab.VirshFails("dominfo", "two").ShouldContain("failed to get domain 'two'");
    }

    [Fact]
    public void ADomainEndsWithItsStarter()
    {
        _lab.Virsh("define", _lab.File("one"));
        _lab.Virsh("start", "one", "--autodestroy");
        Eventually(() => _lab.Virsh("domstate", "one", "--reason"), "shut off (destroyed)");
        _lab.Virsh("create", _lab.File("two"), "--autodestroy", "--paused");
        Eventually(() => _lab.Virsh("list", "--all", "--name"), "one");
        const string program = """
            import libvirt, sys
            c = libvirt.open(sys.argv[1])
            d = c.lookupByName('one')
            d.createWithFlags(libvirt.VIR_DOMAIN_START_AUTODESTROY)
            e = libvirt.open(sys.argv[1])
            assert e.lookupByName('one').isActive() == 1
            e.close()
            assert d.isActive() == 1
            print('done')
            """;
        SimulatedServer.Run("/usr/bin/python3", program, ["-", _lab.Uri]).ShouldBe((0, "done\n", ""));
        Eventually(() => _lab.Virsh("domstate", "one", "--reason"), "shut off (destroyed)");
    }

    [Fact]
    public void MemoryIsDumped()
    {
        string path = Path.Combine(_lab.Folder, "core");
        _lab.Virsh("create", _lab.File("one"));
        _lab.Virsh("dump", "one", path, "--memory-only");
        File.Exists(path).ShouldBeTrue();
        _lab.Virsh("domjobinfo", "one").ShouldContain("None");
        _lab.VirshFails("domjobabort", "one").ShouldContain("no job is active on the domain");
        _lab.VirshFails("dump", "one", path).ShouldContain("there are dumps of memory only");
        _lab.VirshFails("dump", "one", path, "--memory-only", "--format", "kdump-zlib").ShouldContain("there is 'elf'");
        _lab.VirshFails("dump", "one", "/dev/null/core", "--memory-only").ShouldContain("failed to create file '/dev/null/core'");
        _lab.Virsh("dump", "one", path, "--memory-only", "--crash");
        _lab.VirshFails("domstate", "one").ShouldContain("failed to get domain 'one'");
    }

    [Fact]
    public void ListsAreFiltered()
    {
        foreach (string name in (string[])["off", "on", "held"]) _lab.Virsh("define", _lab.File(name));
        _lab.Virsh("autostart", "off");
        _lab.Virsh("start", "on");
        _lab.Virsh("start", "--paused", "held");
        _lab.Virsh("create", _lab.File("passing"));
        string Names(params string[] filters) => string.Join(' ', _lab.Virsh(["list", "--name", .. filters]).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Order());
        Names().ShouldBe("held on passing");
        Names("--all").ShouldBe("held off on passing");
        Names("--inactive").ShouldBe("off");
        Names("--all", "--persistent").ShouldBe("held off on");
        Names("--transient").ShouldBe("passing");
        Names("--state-running").ShouldBe("on passing");
        Names("--state-paused").ShouldBe("held");
        Names("--all", "--state-shutoff").ShouldBe("off");
        Names("--all", "--state-other").ShouldBe("");
        Names("--all", "--autostart").ShouldBe("off");
        Names("--all", "--no-autostart").ShouldBe("held on passing");
        Names("--all", "--with-snapshot").ShouldBe("");
        Names("--all", "--without-managed-save").ShouldBe("held off on passing");
        _lab.Virsh("list", "--all", "--title").ShouldContain("shut off");
        _lab.Virsh("list", "--all", "--uuid").Split('\n').Length.ShouldBe(4);
        _lab.Virsh("autostart", "--disable", "off");
        _lab.Virsh("dominfo", "off").ShouldContain("Autostart:      disable");
    }

    [Fact]
    public void StatisticsComeInGroups()
    {
        _lab.Virsh("define", _lab.File("off"));
        _lab.Virsh("create", _lab.File("on"));
        string all = _lab.Virsh("domstats");
        foreach (string line in (string[])["Domain: 'on'", "state.state=1", "cpu.time=", "balloon.current=65536", "vcpu.1.state=1", "net.0.rx.bytes=0", "block.0.name=vda", "block.0.path=/var/lib/on.qcow2"]) all.ShouldContain(line);
        all.ShouldContain("Domain: 'off'");
        string few = _lab.Virsh("domstats", "--state", "--list-active");
        few.ShouldContain("state.reason=1");
        few.ShouldNotContain("balloon");
        few.ShouldNotContain("'off'");
        _lab.Virsh("domstats", "--vcpu", "off").ShouldContain("vcpu.maximum=2");
        _lab.VirshFails("domstats", "--enforce", "--perf").ShouldContain("not supported by this daemon");
    }

    [Fact]
    public void MemoryAndSchedulingAreTuned()
    {
        _lab.Virsh("define", _lab.File("one"));
        _lab.Virsh("start", "one");
        _lab.Virsh("setmem", "one", "32M", "--live");
        _lab.Virsh("dominfo", "one").ShouldContain("Used memory:    32768 KiB");
        _lab.Virsh("setmem", "one", "48M", "--config");
        _lab.Virsh("dumpxml", "--inactive", "one").ShouldContain("<currentMemory unit=\"KiB\">49152</currentMemory>");
        _lab.VirshFails("setmem", "one", "1G", "--live").ShouldContain("cannot set memory higher than max memory");
        _lab.Virsh("schedinfo", "one").ShouldContain("Scheduler      : posix");
        _lab.Virsh("schedinfo", "one", "--set", "cpu_shares=512", "--live", "--config").ShouldContain("cpu_shares     : 512");
        _lab.Virsh("dumpxml", "--inactive", "one").ShouldContain("<shares>512</shares>");
        _lab.VirshFails("schedinfo", "one", "--set", "cpu_shares=1").ShouldContain("out of range");
        _lab.Virsh("setmaxmem", "one", "128M", "--config");
        _lab.Virsh("dumpxml", "--inactive", "one").ShouldContain("<memory unit=\"KiB\">131072</memory>");
    }

    [Fact]
    public void DescriptionsAndNamesChange()
    {
        _lab.Virsh("define", _lab.File("one"));
        _lab.Virsh("desc", "one", "--title", "First");
        _lab.Virsh("desc", "one", "The first of all");
        _lab.Virsh("desc", "one").ShouldBe("The first of all");
        _lab.Virsh("desc", "one", "--title").ShouldBe("First");
        _lab.Virsh("metadata", "one", "--uri", "http://example.org/m", "--key", "m", "--set", "<a b='1'>text</a>");
        _lab.Virsh("metadata", "one", "--uri", "http://example.org/m").ShouldContain("text");
        _lab.Virsh("dumpxml", "one").ShouldContain("xmlns:m=\"http://example.org/m\"");
        _lab.Virsh("domrename", "one", "first");
        _lab.Virsh("dominfo", "first").ShouldContain("Name:           first");
    }

    [Fact]
    public void ADefinitionIsEditedByAScript()
    {
        _lab.Virsh("define", _lab.File("one"));
        SimulatedServer.Run("sh", null, ["-c", $"EDITOR=\"sed -i s/65536/131072/\" virsh -q -c '{_lab.Uri}' edit one"]).Status.ShouldBe(0);
        _lab.Virsh("dominfo", "one").ShouldContain("Max memory:     131072 KiB");
        SimulatedServer.Run("sh", null, ["-c", $"EDITOR=\"sed -i s/hvm/elf/\" virsh -q -c '{_lab.Uri}' edit one"]).Error.ShouldContain("Failed");
        _lab.Virsh("dumpxml", "one").ShouldContain(">hvm</type>");
    }

    [Fact]
    public void WhatThereIsNoneOfIsAnEmptyList()
    {
        foreach (string list in (string[])["pool-list", "net-list", "nodedev-list", "iface-list", "nwfilter-list", "secret-list"]) _lab.Virsh(list).ShouldBe("");
        _lab.VirshFails("net-info", "default").ShouldContain("failed to get network 'default'");
        _lab.VirshFails("vol-info", "/x").ShouldContain("failed to get vol '/x'");
    }

    [Fact]
    public void ErrorsSayWhatLibvirtSays()
    {
        _lab.VirshFails("define", "/dev/null").ShouldContain("(domain_definition)");
        _lab.VirshFails("define", _lab.File("bad", "<hostdev/>")).ShouldContain("unsupported configuration: the device 'hostdev'");
        _lab.VirshFails("define", "--validate", _lab.File("odd", "", "<wheels/>")).ShouldContain("XML document failed to validate against schema: Did not expect /domain/wheels");
        _lab.Virsh("define", _lab.File("one"));
        _lab.VirshFails("suspend", "one").ShouldContain("Requested operation is not valid: domain is not running");
        _lab.VirshFails("save", "one", "/x").ShouldContain("this function is not supported by the connection driver");
        _lab.VirshFails("define", _lab.File("one")).ShouldContain($"operation failed: domain 'one' already exists with uuid {_lab.Virsh("domuuid", "one")}");
        _lab.VirshFails("destroy", "nobody").ShouldContain("failed to get domain 'nobody'");
    }

    [Fact]
    public void ReadOnlyClientsChangeNothing()
    {
        _lab.Virsh("define", _lab.File("one"));
        (int status, string output, _) = SimulatedServer.Run("virsh", null, ["-q", "-r", "-c", _lab.Uri, "list", "--all"]);
        status.ShouldBe(0);
        output.ShouldContain("one");
        SimulatedServer.Run("virsh", null, ["-q", "-r", "-c", _lab.Uri, "start", "one"]).Error.ShouldContain("forbidden");
        SimulatedServer.Run("virsh", null, ["-q", "-c", $"hospes+unix:///system?socket={_lab.ReadOnlySocketPath}", "start", "one"]).Error.ShouldContain("operation virDomainCreate forbidden for read only access");
        _lab.Host.Find("one").Value.Now.IsActive.ShouldBeFalse();
    }

    [Fact]
    public async Task ASecondClientIsToldOfEvents()
    {
        using Process listener = SimulatedServer.Start("virsh", ["-q", "-c", _lab.Uri, "event", "--loop", "--all"]);
        var told = new List<string>();
        // The first event proves that it listens.
        Task<string?> first = listener.StandardOutput.ReadLineAsync();
        for (int i = 0; await Task.WhenAny(first, Task.Delay(200)) != first; i++)
        {
            i.ShouldBeLessThan(300, "it never listens");
            _lab.Virsh("define", _lab.File($"probe{i}"));
        }
        _lab.Virsh("create", _lab.File("one"));
        _lab.Virsh("setmem", "one", "32M");
        _lab.Virsh("reboot", "one");
        _lab.Virsh("destroy", "one");
        while (!told.Exists(static line => line.Contains("Stopped", StringComparison.Ordinal))) told.Add((await listener.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)))!);
        listener.Kill();
        await listener.WaitForExitAsync();
        told.Where(static line => line.Contains("'one'", StringComparison.Ordinal)).ShouldBe(
        [
            "event 'lifecycle' for domain 'one': Started Booted", "event 'balloon-change' for domain 'one': 32768KiB", "event 'reboot' for domain 'one'",
            "event 'lifecycle' for domain 'one': Stopped Destroyed",
        ]);
    }

    [Fact]
    public async Task TheConsoleIsAStream()
    {
        _lab.Virsh("create", _lab.File("one"));
        // virsh wants a terminal: script(1) is one.
        using Process console = SimulatedServer.Start("script", ["-qfec", $"virsh -c '{_lab.Uri}' console one", "/dev/null"]);
        var output = new StringBuilder();
        char[] buffer = new char[256];
        async Task UntilAsync(string words, string typed)
        {
            Task<int>? reading = null;
            for (int second = 0; !output.ToString().Contains(words, StringComparison.Ordinal); second++)
            {
                second.ShouldBeLessThan(60, output.ToString());
                // virsh makes its terminal raw after it has told of the escape character, and forgets what was typed before.
                await console.StandardInput.WriteAsync(typed);
                await console.StandardInput.FlushAsync();
                reading ??= console.StandardOutput.ReadAsync(buffer).AsTask();
                if (await Task.WhenAny(reading, Task.Delay(TimeSpan.FromSeconds(1))) != reading) continue;
                int count = await reading;
                reading = null;
                count.ShouldBeGreaterThan(0, output.ToString());
                output.Append(buffer, 0, count);
            }
        }
        await UntilAsync("Escape character is", "");
        await UntilAsync("hello there", "hello there\r");
        await console.StandardInput.WriteAsync("\u001d");
        await console.StandardInput.FlushAsync();
        await console.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        console.ExitCode.ShouldBe(0);
    }

    [Fact]
    public void PythonSpeaksToIt()
    {
        const string program = """
            import libvirt, sys
            c = libvirt.open(sys.argv[1])
            d = c.defineXML(open(sys.argv[2]).read())
            assert d.isPersistent() == 1 and d.isActive() == 0
            d.create()
            assert d.info()[0] == libvirt.VIR_DOMAIN_RUNNING and d.ID() == 1
            assert [x.name() for x in c.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_RUNNING)] == ['one']
            s = c.getAllDomainStats()[0][1]
            assert s['vcpu.maximum'] == 2 and s['block.0.name'] == 'vda', s
            assert c.getInfo()[0] == 'x86_64' and c.getLibVersion() == 9000000
            try:
                c.lookupByName('nobody')
                assert False
            except libvirt.libvirtError as e:
                assert e.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN
            st = c.newStream()
            d.openConsole(None, st, 0)
            st.send(b'ping')
            assert st.recv(4) == b'ping'
            st.finish()
            d.destroy()
            d.undefine()
            assert c.numOfDomains() == 0 and c.listDefinedDomains() == []
            c.close()
            print('done')
            """;
        (int status, string output, string error) = SimulatedServer.Run("/usr/bin/python3", program, ["-", _lab.Uri, _lab.File("one")]);
        error.ShouldBe("libvirt: Domain Config error : Domain not found: no domain with matching name 'nobody'\n");
        (status, output).ShouldBe((0, "done\n"));
    }

    private static void Eventually(Func<string> ask, string answer)
    {
        string last = "";
        for (int i = 0; i < 100 && (last = ask()) != answer; i++) Thread.Sleep(50);
        last.ShouldBe(answer);
    }
}
