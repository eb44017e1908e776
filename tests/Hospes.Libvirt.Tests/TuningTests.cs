namespace Hospes.Libvirt.Tests;

/// <summary>Shares of the host, by Debian's virsh and Python module, on a simulated host.</summary>
public sealed class TuningTests : IDisposable
{
    private readonly SimulatedServer _lab = new();

    public TuningTests()
    {
        _lab.Virsh("define", _lab.File("one"));
        _lab.Virsh("start", "one");
    }

    public void Dispose() => _lab.Dispose();

    [Fact]
    public void ProcessorsArePinned()
    {
        _lab.Virsh("vcpupin", "one", "0", "0", "--live", "--config");
        _lab.Virsh("emulatorpin", "one", "0", "--live", "--config");
        _lab.Virsh("vcpupin", "one", "--live").Split('\n')[0].ShouldMatch("^ *0 +0$");
        _lab.Virsh("emulatorpin", "one", "--config").ShouldEndWith("0");
        string[] information = _lab.Virsh("vcpuinfo", "one").Split('\n');
        information.ShouldContain(static line => line.StartsWith("CPU Affinity:   y-", StringComparison.Ordinal) || line == "CPU Affinity:   y");
        foreach (string view in (string[])["--inactive", "--security-info"])
        {
            string xml = _lab.Virsh("dumpxml", view, "one");
            xml.ShouldContain("<vcpupin vcpu=\"0\" cpuset=\"0\"");
            xml.ShouldContain("<emulatorpin cpuset=\"0\"");
        }
        _lab.VirshFails("vcpupin", "one", "7", "0").ShouldContain("invalid argument: vcpu 7 is out of range of live cpu count 2");
        _lab.Virsh("destroy", "one");
        _lab.Virsh("vcpupin", "one", "1", "0", "--config");
        _lab.Virsh("dumpxml", "one").ShouldContain("<vcpupin vcpu=\"1\" cpuset=\"0\"");
        _lab.VirshFails("vcpupin", "one", "1", "0", "--live").ShouldContain("domain is not running");
    }

    [Fact]
    public void TimeIsLimited()
    {
        string live = _lab.Virsh("schedinfo", "one");
        foreach (string line in (string[])["Scheduler      : posix", "cpu_shares     : 1024", "vcpu_period    : 100000", "vcpu_quota     : -1", "global_quota   : -1"]) live.ShouldContain(line);
        _lab.Virsh("schedinfo", "one", "--live", "--set", "vcpu_quota=50000", "--set", "global_period=20000");
        live = _lab.Virsh("schedinfo", "one", "--live");
        live.ShouldContain("vcpu_quota     : 50000");
        live.ShouldContain("global_period  : 20000");
        _lab.Virsh("schedinfo", "one", "--config").ShouldContain("vcpu_quota     : 0");
        _lab.Virsh("dumpxml", "one").ShouldContain("<quota>50000</quota>");
        _lab.VirshFails("schedinfo", "one", "--set", "vcpu_quota=10").ShouldContain("value of 'vcpu_quota' is out of range");
        _lab.VirshFails("cpu-stats", "one", "--start", "0").ShouldContain("times are not counted by the host's processors");
    }

    [Fact]
    public void CardsAreLimited()
    {
        const string mac = "52:54:00:12:34:56";
        _lab.Virsh("domiftune", "one", mac).ShouldContain("inbound.average: 0");
        _lab.Virsh("domiftune", "one", mac, "--inbound", "1000,5000,1024", "--live", "--config");
        string tuned = _lab.Virsh("domiftune", "one", mac);
        foreach (string line in (string[])["inbound.average: 1000", "inbound.peak   : 5000", "inbound.burst  : 1024", "outbound.average: 0"]) tuned.ShouldContain(line);
        _lab.Virsh("dumpxml", "--inactive", "one").ShouldContain("<inbound average=\"1000\" peak=\"5000\" burst=\"1024\"");
        _lab.Virsh("domiftune", "one", mac, "--outbound", "300", "--live");
        _lab.Virsh("dumpxml", "one").ShouldContain("<outbound average=\"300\"");
        _lab.Virsh("domiftune", "one", mac, "--inbound", "0", "--live");
        _lab.Virsh("dumpxml", "one").ShouldNotContain("<inbound");
        _lab.VirshFails("domiftune", "one", "eth9").ShouldContain("cannot find device eth9");
        _lab.VirshFails("domiftune", "one", mac, "--inbound", "10,5").ShouldContain("the peak of the inbound bandwidth is below its average");
        string other = _lab.Document("other", $"<interface type='user'><mac address='{mac}'/><bandwidth><inbound average='7'/></bandwidth></interface>");
        _lab.Virsh("update-device", "one", other, "--live");
        _lab.Virsh("domiftune", "one", mac).ShouldContain("inbound.average: 7");
    }

    [Fact]
    public void PythonTunes()
    {
        const string program = """
            import libvirt, sys
            libvirt.virEventRegisterDefaultImpl()
            c = libvirt.open(sys.argv[1])
            told = {}
            c.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_TUNABLE, lambda c, d, params, opaque: told.update(params), None)
            d = c.lookupByName('one')
            cpus = c.getCPUMap()[0]
            d.pinVcpu(1, tuple([True] + [False] * (cpus - 1)))
            assert d.vcpuPinInfo()[1][0] and not any(d.vcpuPinInfo()[1][1:]), d.vcpuPinInfo()
            d.pinEmulator(tuple([True] + [False] * (cpus - 1)), libvirt.VIR_DOMAIN_AFFECT_LIVE)
            assert d.emulatorPinInfo()[0]
            try:
                d.pinVcpu(0, tuple([False] * cpus))
                assert False
            except libvirt.libvirtError as e:
                assert 'Empty cpu list for pinning' in str(e), e
            d.setSchedulerParametersFlags({'cpu_shares': 512, 'emulator_quota': 20000}, libvirt.VIR_DOMAIN_AFFECT_LIVE)
            s = d.schedulerParametersFlags(libvirt.VIR_DOMAIN_AFFECT_LIVE)
            assert s['cpu_shares'] == 512 and s['emulator_quota'] == 20000 and s['vcpu_quota'] == -1, s
            d.setInterfaceParameters('net0', {'outbound.average': 9}, libvirt.VIR_DOMAIN_AFFECT_LIVE)
            assert d.interfaceParameters('net0')['outbound.average'] == 9
            d.setBlockIoTune('vda', {'read_bytes_sec': 4096}, libvirt.VIR_DOMAIN_AFFECT_LIVE)
            while 'blkdeviotune.disk' not in told:
                libvirt.virEventRunDefaultImpl()
            assert told['cputune.vcpupin1'] == '0' and told['cputune.emulatorpin'] == '0', told
            assert told['cputune.cpu_shares'] == 512 and told['cputune.emulator_quota'] == 20000, told
            assert told['blkdeviotune.disk'] == 'vda' and told['blkdeviotune.read_bytes_sec'] == 4096, told
            c.close()
            print('done')
            """;
        (int status, string output, string error) = SimulatedServer.Run("/usr/bin/python3", program, ["-", _lab.Uri]);
        error.ShouldBe("libvirt: Domain Config error : invalid argument: Empty cpu list for pinning\n");
        (status, output).ShouldBe((0, "done\n"));
    }
}
