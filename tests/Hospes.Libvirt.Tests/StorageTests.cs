namespace Hospes.Libvirt.Tests;

/// <summary>Storage pools, volumes and networks, by Debian's virsh.</summary>
public sealed class StorageTests : IDisposable
{
    private readonly SimulatedServer _lab = new();

    private string PoolFolder => Path.Combine(_lab.Folder, "pool");

    public void Dispose() => _lab.Dispose();

    [Fact]
    public void APoolLivesAndEnds()
    {
        _lab.Virsh("pool-define-as", "p", "dir", "--target", PoolFolder);
        _lab.VirshFails("pool-start", "p").ShouldContain("cannot open directory");
        _lab.Virsh("pool-build", "p");
        Directory.Exists(PoolFolder).ShouldBeTrue();
        _lab.Virsh("pool-start", "p");
        _lab.Virsh("pool-autostart", "p");
        string information = _lab.Virsh("pool-info", "p");
        foreach (string line in (string[])["State:          running", "Persistent:     yes", "Autostart:      yes", "Capacity:"]) information.ShouldContain(line);
        _lab.Virsh("pool-list", "--all", "--details").ShouldContain("running");
        _lab.Virsh("pool-list", "--inactive", "--name").ShouldBe("");
        _lab.Virsh("pool-list", "--type", "dir", "--name").ShouldBe("p");
        _lab.Virsh("pool-list", "--type", "netfs", "--name").ShouldBe("");
        string uuid = _lab.Virsh("pool-uuid", "p");
        _lab.Virsh("pool-name", uuid).ShouldBe("p");
        _lab.Virsh("pool-dumpxml", "p").ShouldContain($"<path>{PoolFolder}</path>");
        _lab.Virsh("pool-refresh", "p");
        _lab.VirshFails("pool-undefine", "p").ShouldContain("storage pool 'p' is still active");
        _lab.Virsh("pool-destroy", "p");
        _lab.VirshFails("pool-refresh", "p").ShouldContain("storage pool 'p' is not active");
        _lab.Virsh("pool-delete", "p");
        Directory.Exists(PoolFolder).ShouldBeFalse();
        _lab.Virsh("pool-undefine", "p");
        _lab.VirshFails("pool-info", "p").ShouldContain("failed to get pool 'p'");
        _lab.VirshFails("pool-define-as", "n", "netfs", "--source-host", "h", "--source-path", "/x", "--target", "/y").ShouldContain("storage pools of the type 'netfs' are not supported");
        _lab.VirshFails("pool-define-as", "../n", "dir", "--target", "/y").ShouldContain("invalid storage pool name '../n'");
        _lab.Virsh("pool-create-as", "passing", "dir", "--target", PoolFolder, "--build");
        _lab.Virsh("pool-list", "--transient", "--name").ShouldBe("passing");
        _lab.Virsh("pool-destroy", "passing");
        _lab.Virsh("pool-list", "--all").ShouldBe("");
    }

    [Fact]
    public void AVolumeIsMadeFilledCopiedAndRemoved()
    {
        _lab.Virsh("pool-create-as", "p", "dir", "--target", PoolFolder, "--build");
        _lab.Virsh("vol-create-as", "p", "disk.img", "3M");
        _lab.VirshFails("vol-create-as", "p", "disk.img", "3M").ShouldContain("storage volume 'disk.img' exists already");
        _lab.VirshFails("vol-create-as", "p", "../disk.img", "3M").ShouldContain("invalid volume name '../disk.img'");
        _lab.Virsh("vol-list", "p").ShouldContain(Path.Combine(PoolFolder, "disk.img"));
        _lab.Virsh("vol-list", "p", "--details").ShouldContain("3.00 MiB");
        _lab.Virsh("vol-info", "disk.img", "--pool", "p", "--bytes").ShouldContain("3145728 bytes");
        _lab.Virsh("vol-path", "disk.img", "--pool", "p").ShouldBe(Path.Combine(PoolFolder, "disk.img"));
        _lab.Virsh("vol-pool", Path.Combine(PoolFolder, "disk.img")).ShouldBe("p");
        _lab.Virsh("vol-key", "disk.img", "p").ShouldBe(Path.Combine(PoolFolder, "disk.img"));
        _lab.Virsh("vol-dumpxml", "disk.img", "p").ShouldContain("<capacity unit=\"bytes\">3145728</capacity>");

        byte[] content = new byte[2_500_000];
        new Random(1).NextBytes(content);
        string upload = Path.Combine(_lab.Folder, "up"), download = Path.Combine(_lab.Folder, "down");
        File.WriteAllBytes(upload, content);
        _lab.Virsh("vol-upload", "disk.img", upload, "--pool", "p", "--offset", "1000");
        File.ReadAllBytes(Path.Combine(PoolFolder, "disk.img")).AsSpan(1000, content.Length).SequenceEqual(content).ShouldBeTrue();
        _lab.Virsh("vol-download", "disk.img", download, "--pool", "p", "--offset", "1000", "--length", $"{content.Length}");
        File.ReadAllBytes(download).ShouldBe(content);
        _lab.VirshFails("vol-upload", "disk.img", upload, "--pool", "p", "--length", "1000").ShouldNotBeEmpty();

        _lab.Virsh("vol-clone", "disk.img", "copy.img", "--pool", "p");
        _lab.Virsh("vol-resize", "copy.img", "4M", "--pool", "p");
        _lab.VirshFails("vol-resize", "copy.img", "1M", "--pool", "p").ShouldContain("Can't shrink capacity below current capacity");
        _lab.Virsh("vol-resize", "copy.img", "1M", "--pool", "p", "--delta");
        _lab.Virsh("vol-info", "copy.img", "--pool", "p").ShouldContain("5.00 MiB");
        _lab.Virsh("vol-delete", "copy.img", "--pool", "p");
        _lab.VirshFails("vol-info", "copy.img", "--pool", "p").ShouldContain("failed to get vol 'copy.img'");

        string document = _lab.Document("vol", "<volume><name>from-xml</name><capacity unit='KiB'>64</capacity></volume>");
        _lab.Virsh("vol-create", "p", document);
        _lab.Virsh("vol-create-from", "p", _lab.Document("from", "<volume><name>again</name><capacity>65536</capacity></volume>"), "from-xml", "--inputpool", "p");
        _lab.Virsh("vol-list", "p").ShouldContain("again");
    }

    [Fact]
    public void StorageGoesWithItsDomain()
    {
        _lab.Virsh("pool-create-as", "p", "dir", "--target", PoolFolder, "--build");
        _lab.Virsh("vol-create-as", "p", "disk.img", "1M");
        string path = Path.Combine(PoolFolder, "disk.img");
        _lab.Virsh("define", _lab.Document("one", $"""
            <domain type='qemu'><name>one</name><memory>65536</memory><os><type>hvm</type></os>
            <devices><disk type='file'><source file='{path}'/><target dev='vda'/></disk></devices></domain>
            """));
        _lab.Virsh("undefine", "one", "--remove-all-storage");
        File.Exists(path).ShouldBeFalse();
    }

    [Fact]
    public void ThereAreNoLeases()
    {
        _lab.Virsh("net-create", _lab.Document("net", "<network><name>n</name><forward/></network>"));
        _lab.Virsh("net-dhcp-leases", "n").ShouldNotContain("52:54");
        _lab.Virsh("create", _lab.File("one"));
        foreach (string source in (string[])["lease", "arp"]) _lab.Virsh("domifaddr", "one", "--source", source).ShouldNotContain("52:54");
        _lab.Virsh("iothreadinfo", "one").ShouldBe("");
        foreach (string question in (string[])["domtime", "domhostname", "domfsinfo"]) _lab.VirshFails(question, "one").ShouldContain("argument unsupported: QEMU guest agent is not configured");
        _lab.VirshFails("domtime", "one", "--now").ShouldContain("QEMU guest agent is not configured");
        _lab.VirshFails("domifaddr", "one", "--source", "agent").ShouldContain("QEMU guest agent is not configured");
        _lab.Virsh("create", _lab.File("two", "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"));
        _lab.VirshFails("guestinfo", "two").ShouldContain("this daemon does not speak with guest agents");
        _lab.Virsh("destroy", "one");
        _lab.VirshFails("domifaddr", "one").ShouldContain("failed to get domain 'one'");
    }

    [Fact]
    public void ANetworkLivesAndEnds()
    {
        string document = _lab.Document("net", "<network><name>n</name><forward mode='nat'/></network>");
        _lab.Virsh("net-define", document);
        _lab.Virsh("net-list", "--inactive", "--name").ShouldBe("n");
        _lab.Virsh("define", _lab.File("one", "<interface type='network'><source network='n'/></interface>"));
        _lab.VirshFails("start", "one").ShouldContain("network 'n' is not active");
        _lab.Virsh("net-start", "n");
        _lab.Virsh("net-autostart", "n");
        _lab.Virsh("start", "one");
        _lab.Virsh("domiflist", "one").ShouldContain("network   n");
        string information = _lab.Virsh("net-info", "n");
        foreach (string line in (string[])["Active:         yes", "Persistent:     yes", "Autostart:      yes"]) information.ShouldContain(line);
        _lab.Virsh("net-dumpxml", "n").ShouldContain("<forward mode=\"nat\"");
        _lab.Virsh("net-name", _lab.Virsh("net-uuid", "n")).ShouldBe("n");
        _lab.VirshFails("net-start", "n").ShouldContain("network 'n' is already active");
        _lab.Virsh("net-destroy", "n");
        _lab.Virsh("net-undefine", "n");
        _lab.Virsh("net-list", "--all", "--name").ShouldBe("");
        _lab.Virsh("net-create", document);
        _lab.Virsh("net-list", "--transient", "--name").ShouldBe("n");
        _lab.VirshFails("net-define", _lab.Document("isolated", "<network><name>i</name></network>")).ShouldContain("a network without <forward> is not supported");
        _lab.VirshFails("net-define", _lab.Document("ip", "<network><name>i</name><forward/><ip address='192.168.122.1' netmask='255.255.255.0'/></network>")).ShouldContain("<network><ip> is not supported");
        _lab.VirshFails("net-define", _lab.Document("bridge", "<network><name>i</name><forward mode='bridge'/></network>")).ShouldContain("forward mode 'bridge' are not supported");
    }

    [Fact]
    public void PythonIsToldOfPoolsAndNetworks()
    {
        const string program = """
            import libvirt, sys, threading
            libvirt.virEventRegisterDefaultImpl()
            c = libvirt.open(sys.argv[1])
            told = []
            c.storagePoolEventRegisterAny(None, libvirt.VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE, lambda c, p, e, d, o: told.append((p.name(), e)), None)
            c.networkEventRegisterAny(None, libvirt.VIR_NETWORK_EVENT_ID_LIFECYCLE, lambda c, n, e, d, o: told.append((n.name(), e)), None)
            threading.Thread(target=lambda: [libvirt.virEventRunDefaultImpl() for i in iter(int, 1)], daemon=True).start()
            p = c.storagePoolDefineXML("<pool type='dir'><name>p</name><target><path>" + sys.argv[2] + "</path></target></pool>")
            p.create(libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)
            assert p.isActive() and p.info()[0] == libvirt.VIR_STORAGE_POOL_RUNNING and c.numOfStoragePools() == 1
            v = p.createXML("<volume><name>v</name><capacity>4096</capacity></volume>")
            assert v.info()[:2] == [libvirt.VIR_STORAGE_VOL_FILE, 4096] and p.listVolumes() == ['v'] and c.storageVolLookupByPath(v.path()).name() == 'v'
            s = c.newStream()
            v.upload(s, 0, 4096)
            s.sendAll(lambda s, n, o: o.pop() if o else b'', [b'x' * 4096])
            s.finish()
            s = c.newStream()
            v.download(s, 4000, 0)
            got = []
            s.recvAll(lambda s, data, o: o.append(data), got)
            s.finish()
            assert b''.join(got) == b'x' * 96, got
            p.destroy()
            n = c.networkCreateXML("<network><name>n</name><forward/></network>")
            n.destroy()
            while len(told) < 5:
                threading.Event().wait(0.05)
            print(told)
            """;
        (int status, string output, string error) = SimulatedServer.Run("/usr/bin/python3", program, ["-", _lab.Uri, PoolFolder]);
        (status, output).ShouldBe((0, "[('p', 0), ('p', 2), ('p', 3), ('n', 2), ('n', 3)]\n"), error);
    }
}
