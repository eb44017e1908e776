namespace Hospes.Libvirt.Tests;

/// <summary>Devices that come, go and change, by Debian's virsh and Python module, on a simulated host.</summary>
public sealed class DeviceTests : IDisposable
{
    private readonly SimulatedServer _lab = new();

    public DeviceTests()
    {
        _lab.Virsh("define", _lab.File("one"));
        _lab.Virsh("start", "one");
    }

    public void Dispose() => _lab.Dispose();

    [Fact]
    public void ADiskComesAndGoes()
    {
        _lab.Virsh("attach-disk", "one", "/var/lib/more.img", "vdb", "--live");
        _lab.Virsh("domblklist", "one").ShouldContain("/var/lib/more.img");
        _lab.Virsh("domblklist", "one", "--inactive").ShouldNotContain("/var/lib/more.img");
        _lab.Virsh("dumpxml", "one").ShouldContain("<alias name=\"virtio-disk1\"");
        _lab.VirshFails("attach-disk", "one", "/var/lib/else.img", "vdb", "--live").ShouldContain("operation failed: disk vdb already exists");
        _lab.Virsh("attach-disk", "one", "/var/lib/more.img", "vdb", "--config");
        _lab.Virsh("domblklist", "one", "--inactive").ShouldContain("/var/lib/more.img");
        _lab.Virsh("detach-disk", "one", "vdb", "--live", "--config");
        _lab.Virsh("domblklist", "one").ShouldNotContain("more.img");
        _lab.Virsh("domblklist", "one", "--inactive").ShouldNotContain("more.img");
        _lab.VirshFails("detach-disk", "one", "vdb").ShouldContain("No disk found whose source path or target is vdb");
    }

    [Fact]
    public void ACardComesAndGoes()
    {
        _lab.Virsh("net-create", _lab.Document("net", "<network><name>n</name><forward/></network>"));
        _lab.Virsh("attach-interface", "one", "network", "n", "--mac", "52:54:00:00:00:07", "--model", "virtio", "--live", "--config");
        _lab.Virsh("domiflist", "one").ShouldContain("52:54:00:00:00:07");
        _lab.Virsh("domiflist", "one", "--inactive").ShouldContain("52:54:00:00:00:07");
        _lab.Virsh("domifstat", "one", "52:54:00:00:00:07").ShouldContain("rx_bytes 0");
        _lab.Virsh("detach-interface", "one", "network", "--mac", "52:54:00:00:00:07", "--live");
        _lab.Virsh("domiflist", "one").ShouldNotContain("52:54:00:00:00:07");
        _lab.Virsh("domiflist", "one", "--inactive").ShouldContain("52:54:00:00:00:07");
        // Without a direction, a domain that is off is meant to have it from its next start on.
        _lab.Virsh("destroy", "one");
        _lab.Virsh("detach-interface", "one", "network", "--mac", "52:54:00:00:00:07", "--current");
        _lab.Virsh("domiflist", "one").ShouldNotContain("52:54:00:00:00:07");
        _lab.VirshFails("detach-interface", "one", "user", "--mac", "52:54:00:12:34:56", "--live").ShouldContain("not running");
    }

    [Fact]
    public void ACableIsPulledOut()
    {
        _lab.Virsh("domif-getlink", "one", "52:54:00:12:34:56").ShouldEndWith("up");
        _lab.Virsh("domif-setlink", "one", "52:54:00:12:34:56", "down");
        _lab.Virsh("domif-getlink", "one", "52:54:00:12:34:56").ShouldEndWith("down");
        _lab.Virsh("domif-getlink", "one", "52:54:00:12:34:56", "--config").ShouldEndWith("up");
        _lab.Virsh("domif-setlink", "one", "52:54:00:12:34:56", "down", "--config");
        _lab.Virsh("dumpxml", "--inactive", "one").ShouldContain("<link state=\"down\"");
        string other = _lab.Document("other", "<interface type='user'><mac address='52:54:00:12:34:56'/><mtu size='1400'/></interface>");
        _lab.VirshFails("update-device", "one", other).ShouldContain("only the state of the link");
    }

    [Fact]
    public void AMediumIsChanged()
    {
        string drive = _lab.Document("drive", "<disk type='file' device='cdrom'><target dev='vdc' bus='virtio'/></disk>");
        _lab.Virsh("attach-device", "one", drive, "--live", "--config");
        _lab.VirshFails("change-media", "one", "vdc", "--eject").ShouldContain("doesn't have media");
        _lab.Virsh("change-media", "one", "vdc", "/var/lib/first.iso", "--insert");
        _lab.Virsh("domblklist", "one").ShouldContain("/var/lib/first.iso");
        _lab.Virsh("change-media", "one", "vdc", "/var/lib/second.iso", "--update", "--live", "--config");
        _lab.Virsh("domblklist", "one").ShouldContain("/var/lib/second.iso");
        _lab.Virsh("domblklist", "one", "--inactive").ShouldContain("/var/lib/second.iso");
        _lab.Virsh("change-media", "one", "vdc", "--eject");
        _lab.Virsh("domblklist", "one").ShouldNotContain(".iso");
        _lab.Virsh("domblklist", "one").ShouldContain("vdc");
        _lab.Virsh("detach-disk", "one", "vdc", "--live");
        _lab.Virsh("domblklist", "one").ShouldNotContain("vdc");
        _lab.VirshFails("change-media", "one", "vda", "/var/lib/x.iso", "--update").ShouldContain("vda");
    }

    [Fact]
    public void ProcessorsCome()
    {
        _lab.Virsh("define", _lab.File("more", "", "<vcpu current='1'>4</vcpu>"));
        _lab.Virsh("start", "more");
        _lab.Virsh("setvcpus", "more", "3", "--live");
        _lab.Virsh("vcpucount", "more", "--current", "--live").ShouldBe("3");
        _lab.Virsh("vcpucount", "more", "--current", "--config").ShouldBe("1");
        _lab.Virsh("vcpuinfo", "more").ShouldContain("VCPU:           2");
        _lab.Virsh("setvcpus", "more", "2", "--config");
        _lab.Virsh("vcpucount", "more", "--current", "--config").ShouldBe("2");
        _lab.VirshFails("setvcpus", "more", "2", "--live").ShouldContain("cannot be unplugged");
        _lab.VirshFails("setvcpus", "more", "5", "--live").ShouldContain("requested vcpus is greater than max allowable vcpus for the domain: 5 > 4");
        _lab.Virsh("setvcpus", "more", "6", "--config", "--maximum");
        _lab.Virsh("vcpucount", "more", "--maximum", "--config").ShouldBe("6");
    }

    [Fact]
    public void DisksAreMeasuredResizedAndLimited()
    {
        _lab.Virsh("domblkinfo", "one", "vda").ShouldContain("Capacity:       1073741824");
        _lab.Virsh("blockresize", "one", "vda", "2G");
        _lab.Virsh("domblkinfo", "one", "vda", "--human").ShouldContain("2.000 GiB");
        _lab.Virsh("domblkinfo", "one", "--all").ShouldContain("vda");
        _lab.VirshFails("domblkinfo", "one", "vdz").ShouldContain("invalid path: vdz");
        _lab.Virsh("domblkstat", "one", "vda", "--human").ShouldContain("number of read operations:");
        _lab.Virsh("blkdeviotune", "one", "vda", "--total-bytes-sec", "1048576", "--total-bytes-sec-max", "4194304", "--live");
        _lab.Virsh("blkdeviotune", "one", "vda").ShouldContain("total_bytes_sec: 1048576");
        _lab.Virsh("blkdeviotune", "one", "vda", "--config").ShouldContain("total_bytes_sec: 0");
        _lab.Virsh("blkdeviotune", "one", "vda", "--read-iops-sec", "100", "--config");
        _lab.Virsh("dumpxml", "--inactive", "one").ShouldContain("<read_iops_sec>100</read_iops_sec>");
        _lab.VirshFails("blkdeviotune", "one", "vda", "--write-bytes-sec", "1", "--live").ShouldContain("total and read/write bytes_sec cannot be set at the same time");
    }

    [Fact]
    public void PythonIsToldOfDevices()
    {
        const string program = """
            import libvirt, sys, threading
            libvirt.virEventRegisterDefaultImpl()
            c = libvirt.open(sys.argv[1])
            d = c.lookupByName('one')
            told = []
            c.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, lambda c, d, alias, o: told.append('+' + alias), None)
            c.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, lambda c, d, alias, o: told.append('-' + alias), None)
            threading.Thread(target=lambda: [libvirt.virEventRunDefaultImpl() for i in iter(int, 1)], daemon=True).start()
            xml = "<disk type='file'><source file='/var/lib/x'/><target dev='vdb'/></disk>"
            d.attachDevice(xml)
            d.detachDevice(xml)
            rng = "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
            d.attachDeviceFlags(rng, libvirt.VIR_DOMAIN_AFFECT_LIVE | libvirt.VIR_DOMAIN_AFFECT_CONFIG)
            d.detachDeviceFlags(rng, libvirt.VIR_DOMAIN_AFFECT_LIVE | libvirt.VIR_DOMAIN_AFFECT_CONFIG)
            for bad, code in [("<sound model='ac97'/>", libvirt.VIR_ERR_CONFIG_UNSUPPORTED), ('<disk>', libvirt.VIR_ERR_XML_DETAIL), (xml, libvirt.VIR_ERR_DEVICE_MISSING)]:
                try:
                    d.detachDevice(bad)
                    assert False, bad
                except libvirt.libvirtError as e:
                    assert e.get_error_code() == code, e
            while len(told) < 4:
                threading.Event().wait(0.05)
            print(told)
            """;
        (int status, string output, string error) = SimulatedServer.Run("/usr/bin/python3", program, ["-", _lab.Uri]);
        (status, output).ShouldBe((0, "['+virtio-disk1', '-virtio-disk1', '+rng0', '-rng0']\n"), error);
    }
}
