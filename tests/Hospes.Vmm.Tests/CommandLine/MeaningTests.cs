using System.Net;
using Hospes.Hypervisor;
using Hospes.Machine;
using Hospes.Network;
using Hospes.Vmm.Chardevs;
using Hospes.Vmm.CommandLine;

namespace Hospes.Vmm.Tests.CommandLine;

/// <summary>What each option leads to.</summary>
public sealed class MeaningTests
{
    private static VmmCommandLine Read(string line) => Parsing.Good(Parsing.Split(line));

    [Theory]
    [InlineData("", 128)]
    [InlineData("-m 512", 512)]
    [InlineData("-m 2G", 2048)]
    [InlineData("-m size=1.5G", 1536)]
    [InlineData("--m 64", 64)]
    public void MemoryIsInMebibytes(string line, ulong mebibytes) => Read(line).Machine.Memory.ShouldBe(mebibytes << 20);

    [Theory]
    [InlineData("", 1)]
    [InlineData("-smp 3", 3)]
    [InlineData("-smp cpus=4,maxcpus=4,sockets=2,cores=2,threads=1", 4)]
    [InlineData("-smp sockets=2,cores=3", 6)]
    [InlineData("-smp maxcpus=5", 5)]
    [InlineData("-smp 8,cores=2", 8)]
    public void ProcessorsFollowFromTheirTopology(string line, int processors) => Read(line).Machine.Vcpus.ShouldBe(processors);

    [Theory]
    [InlineData("", "auto")]
    [InlineData("-enable-kvm", "kvm")]
    [InlineData("-accel soft", "soft")]
    [InlineData("-accel soft,translate=off", "soft,translate=off")]
    [InlineData("-accel kvm -accel soft", "kvm soft")]
    [InlineData("-machine accel=kvm:soft", "kvm soft")]
    public void EnginesAreTriedInTurn(string line, string engines) => Read(line).Engines.ShouldBe(Parsing.Split(engines));

    [Fact]
    public void ProcessorFeaturesHaveThreeForms() => Read("-cpu max,-x2apic,avx=off,avx2=on,+bmi1").CpuModel.ShouldBe("max,-x2apic,-avx,+avx2,+bmi1");

    [Fact]
    public void TheMachineCanNameTheKernel()
    {
        VmmCommandLine line = Read("-M xenpvh,kernel=k,initrd=i,append=a");
        (line.Kernel, line.Initrd, line.Append).ShouldBe(("k", "i", "a"));
    }

    [Fact]
    public void DisksAndDrivesHavePlacesOnScsiBuses()
    {
        IReadOnlyList<DeviceOptions> devices = Read(
            "-device virtio-scsi-pci,id=a,num_queues=4 -device scsi-hd,drive=h,id=h0,serial=S -device scsi-cd,drive=e -device virtio-scsi,id=b -device scsi-cd,drive=c,bus=b.0,scsi-id=0,lun=3,channel=0,id=c0 -device scsi-cd,bus=b.0 "
                + "-drive if=none,id=h,file=h.raw -drive if=none,id=e,media=cdrom -drive if=none,id=c,media=cdrom,file=c.iso,format=raw -cdrom d.iso").Devices;
        devices.Count.ShouldBe(3);
        ScsiOptions first = devices[0].ShouldBeOfType<ScsiOptions>(), second = devices[1].ShouldBeOfType<ScsiOptions>(), third = devices[2].ShouldBeOfType<ScsiOptions>();
        (first.Id, first.Queues, second.Id, third.Id).ShouldBe(("a", 4, "b", null));
        first.Units.ShouldBe(
            [
                new ScsiUnitOptions(new DiskOptions("h.raw") { Id = "h0", Drive = "h", Serial = "S" }),
                new ScsiUnitOptions(new DiskOptions("") { Drive = "e", Format = "raw", IsReadOnly = true }) { IsDrive = true, Target = 1 },
            ]);
        second.Units.ShouldBe(
            [
                new ScsiUnitOptions(new DiskOptions("c.iso") { Id = "c0", Drive = "c", Format = "raw", IsReadOnly = true }) { IsDrive = true, Lun = 3 },
                new ScsiUnitOptions(new DiskOptions("") { IsReadOnly = true }) { IsDrive = true },
            ]);
        third.Units.ShouldBe([new ScsiUnitOptions(new DiskOptions("d.iso") { Drive = "cd0", IsReadOnly = true }) { IsDrive = true }]);
    }

    [Fact]
    public void AGenerationIdIsOfTheMachine()
    {
        Read("-device vmgenid,guid=00112233-4455-6677-8899-aabbccddeeff").Machine.GenerationId.ShouldBe(new Guid("00112233-4455-6677-8899-aabbccddeeff"));
        Read("-device vmgenid").Machine.GenerationId.ShouldNotBeNull();
        Read("").Machine.GenerationId.ShouldBeNull();
        Parsing.Bad(Parsing.Split("-device vmgenid,guid=x")).ShouldEndWith("Invalid GUID 'x'");
    }

    [Fact]
    public void ABalloonSaysWhatItsGuestMayDo() =>
        Read("-device virtio-balloon,id=b,free-page-reporting=on,deflate-on-oom=on,guest-stats-polling-interval=2").Devices.ShouldBe(
            [new BalloonOptions { Id = "b", ReportsFreePages = true, DeflatesOnOom = true, PollingInterval = TimeSpan.FromSeconds(2) }]);

    [Fact]
    public void MemoryThatComesAndGoesHasABackend()
    {
        Read("-m 256M,slots=4,maxmem=4G -object memory-backend-ram,id=m0,size=1G -device virtio-mem,memdev=m0,id=v,requested-size=64M,block-size=4M "
            + "-object memory-backend-memfd,id=m1,size=2G,hugetlb=on,hugetlbsize=1G -device virtio-mem-pci,memdev=m1,block-size=1G").Devices.ShouldBe(
            [
                new MemoryOptions(1 << 30) { Id = "v", Backend = "m0", Requested = 64 << 20, BlockSize = 4 << 20 },
                new MemoryOptions(2UL << 30) { Backend = "m1", BlockSize = 1 << 30, HugePages = HugePages.Size1G, IsShared = true },
            ]);
        Read("-m 256M,maxmem=512M -object memory-backend-ram,id=m0,size=256M,share=on -device virtio-mem-pci,memdev=m0").Devices.ShouldBe([new MemoryOptions(256 << 20) { Backend = "m0", IsShared = true }]);
    }

    [Fact]
    public void RamMayBeOfHugePages()
    {
        MachineConfig machine = Read("-object memory-backend-memfd,id=r,size=1G,hugetlb=on -machine memory-backend=r").Machine;
        (machine.Memory, machine.HugePages).ShouldBe((1UL << 30, HugePages.Size2M));
        machine = Read("-object memory-backend-ram,id=r,size=1G -m 1G -machine memory-backend=r").Machine;
        (machine.Memory, machine.HugePages).ShouldBe((1UL << 30, HugePages.None));
    }

    [Fact]
    public void ASharedFolderHasATag() => Read("-device virtio-fs-pci,tag=src,path=/home/me/src,readonly=on -device virtio-fs,id=d,tag=doc,path=doc").Devices.ShouldBe(
        [new ShareOptions("/home/me/src", "src") { IsReadOnly = true }, new ShareOptions("doc", "doc") { Id = "d" }]);

    [Fact]
    public void ADriveWithABusOfItsOwnComesBehindTheDevices() =>
        Read("-drive if=virtio,file=a.qcow2,format=qcow2,readonly=on -device virtio-rng-pci,id=r").Devices.ShouldBe(
            [new EntropyOptions { Id = "r" }, new DiskOptions("a.qcow2") { Format = "qcow2", IsReadOnly = true, Drive = "virtio0" }]);

    [Theory]
    [InlineData("-blockdev file,node-name=f,filename=x -blockdev qcow2,node-name=d,file=f", "f")]
    [InlineData("-blockdev qcow2,node-name=d,file.driver=file,file.filename=x,file.node-name=g", "g")]
    [InlineData("-blockdev {\"driver\":\"qcow2\",\"node-name\":\"d\",\"file\":{\"driver\":\"file\",\"filename\":\"x\"}}", null)]
    public void FormatsStandOnFiles(string nodes, string? fileNode) =>
        Read($"{nodes} -device virtio-blk-pci,drive=d,serial=s,num-queues=2").Devices.ShouldBe(
            [new DiskOptions("x") { Format = "qcow2", NodeName = "d", FileNodeName = fileNode, Serial = "s", Queues = 2 }]);

    [Fact]
    public void AFileAloneIsRaw() =>
        Read("-blockdev file,node-name=f,filename=x,read-only=on -device virtio-blk-pci,drive=f").Devices.ShouldBe([new DiskOptions("x") { Format = "raw", NodeName = "f", IsReadOnly = true }]);

    [Fact]
    public void ADriveWithoutAFormatIsLookedAt() => Read("-drive id=d,if=none,file=x -device virtio-blk,drive=d").Devices.ShouldBe([new DiskOptions("x") { Drive = "d" }]);

    [Fact]
    public void NetworksAreOfFiveKinds()
    {
        string[] backends =
        [
            "user,id=n0,hostfwd=tcp:127.0.0.1:2222-:22,hostfwd=udp::53-:53", "tap,id=n1,ifname=tap7,script=no", "stream,id=n2,server=on,addr.type=unix,addr.path=/x",
            "stream,id=n3,addr.type=inet,addr.host=127.0.0.1,addr.port=7", "dgram,id=n4,local.type=inet,local.host=127.0.0.1,local.port=8,remote.type=inet,remote.host=127.0.0.1,remote.port=9",
            "socket,id=n5,listen=:10", "socket,id=n6,connect=127.0.0.1:11", "socket,id=n7,udp=127.0.0.1:12,localaddr=127.0.0.1:13",
        ];
        IReadOnlyList<DeviceOptions> devices = Parsing.Good([.. backends.SelectMany(static (text, i) => (string[])["-netdev", text, "-device", $"virtio-net-pci,netdev=n{i},host_mtu=1400"])]).Devices;
        ((UserNetworkOptions)devices[0]).Forwards.ShouldBe([new PortForward(false, IPAddress.Loopback, 2222, 22), new PortForward(true, null, 53, 53)]);
        ((TapNetworkOptions)devices[1]).Name.ShouldBe("tap7");
        devices[2].ShouldBeOfType<StreamNetworkOptions>().ShouldSatisfyAllConditions(static stream => stream.Path.ShouldBe("/x"), static stream => stream.Listens.ShouldBeTrue());
        ((TcpNetworkOptions)devices[3]).Point.ShouldBe(new IPEndPoint(IPAddress.Loopback, 7));
        ((DatagramNetworkOptions)devices[4]).Remote.Port.ShouldBe(9);
        ((TcpNetworkOptions)devices[5]).ShouldSatisfyAllConditions(static tcp => tcp.Listens.ShouldBeTrue(), static tcp => tcp.Point.ShouldBe(new IPEndPoint(IPAddress.Any, 10)));
        ((TcpNetworkOptions)devices[6]).Listens.ShouldBeFalse();
        ((DatagramNetworkOptions)devices[7]).Local.Port.ShouldBe(13);
        // QEMU counts its cards up.
        devices.Cast<NetworkOptions>().Select(static card => $"{card.Mac} {card.Mtu} {card.Pairs}").ShouldBe(Enumerable.Range(0x56, 8).Select(static last => $"5254001234{last:X} 1400 1"));
    }

    [Fact]
    public void PortsOfAConsoleHaveNumbers()
    {
        ConsoleOptions console = Read("-chardev null,id=c -device virtio-serial-pci,id=s -device virtserialport,name=a -device virtconsole,chardev=c -device virtserialport,nr=5,bus=s.0 -device virtconsole")
            .Devices.ShouldHaveSingleItem().ShouldBeOfType<ConsoleOptions>();
        console.Id.ShouldBe("s");
        console.Ports.ShouldBe(
        [
            new ConsolePortOptions { Number = 0, IsConsole = true, Backend = "c" },
            new ConsolePortOptions { Number = 1, Name = "a" },
            new ConsolePortOptions { Number = 2, IsConsole = true },
            new ConsolePortOptions { Number = 5 },
        ]);
    }

    [Fact]
    public void CharacterDevicesAreOfSixKinds()
    {
        IReadOnlyList<ChardevOptions> chardevs = Read(
            "-chardev socket,id=a,host=127.0.0.1,port=4,reconnect=2 -chardev stdio,id=b,signal=off,mux=on -chardev pty,id=c -chardev file,id=d,path=x,append=on -chardev null,id=e -chardev ringbuf,id=f,size=4k").Chardevs;
        chardevs.Select(static chardev => chardev with { Origin = null }).ShouldBe(
        [
            new SocketChardevOptions("a", new IPEndPoint(IPAddress.Loopback, 4)) { Reconnect = TimeSpan.FromSeconds(2) },
            new StdioChardevOptions("b") { Signal = false, Mux = true },
            new PtyChardevOptions("c"),
            new FileChardevOptions("d", "x") { Append = true },
            new NullChardevOptions("e"),
            new RingbufChardevOptions("f", 4096),
        ]);
        chardevs[0].Origin.ShouldBe("-chardev socket,id=a,host=127.0.0.1,port=4,reconnect=2");
    }

    [Theory]
    [InlineData("-nographic", "serial0", "serial0:Readline")]
    [InlineData("-nographic -nodefaults", null, "")]
    [InlineData("-nographic -monitor null", "serial0", "compat_monitor0:Readline")]
    [InlineData("-serial mon:stdio", "serial0", "serial0:Readline")]
    [InlineData("-serial none -qmp unix:/x,server=on,wait=off -monitor pty", null, "compat_monitor0:Control compat_monitor1:Readline")]
    [InlineData("-chardev stdio,mux=on,id=c -serial chardev:c -mon c", "c", "c:Readline")]
    [InlineData("", null, "")]
    public void TheSerialPortAndTheMonitorsFindTheirDevices(string line, string? serial, string monitors)
    {
        VmmCommandLine read = Read(line);
        read.Serial.ShouldBe(serial);
        read.Monitors.Select(static monitor => $"{monitor.Chardev}:{monitor.Kind}").ShouldBe(Parsing.Split(monitors));
    }

    [Fact]
    public void ShortFormsOfSocketsTakeSettings()
    {
        SocketChardevOptions unix = Read("-qmp unix:/x,server,nowait").Chardevs.ShouldHaveSingleItem().ShouldBeOfType<SocketChardevOptions>();
        (unix.Server, unix.Wait, unix.Address.ToString()).ShouldBe((true, false, "/x"));
        SocketChardevOptions tcp = Read("-serial tcp:[::1]:4,server=on").Chardevs.ShouldHaveSingleItem().ShouldBeOfType<SocketChardevOptions>();
        (tcp.Server, tcp.Wait, tcp.Address).ShouldBe((true, true, (EndPoint)new IPEndPoint(IPAddress.IPv6Loopback, 4)));
    }

    [Fact]
    public void EndsHaveActions()
    {
        Read("-no-reboot -no-shutdown").Actions.ShouldBe(new ActionOptions { Reboot = false, PowerOff = false });
        Read("-action reboot=shutdown,shutdown=pause,panic=pause").Actions.ShouldBe(new ActionOptions { Reboot = false, PowerOff = false, Panic = PanicAction.Pause });
        Read("-action panic=exit-failure").Actions.ShouldBe(new ActionOptions { Panic = PanicAction.ExitFailure });
    }

    [Fact]
    public void TheProcessHasSettings()
    {
        VmmCommandLine line = Read("-S -daemonize -pidfile p -name guest=g -uuid 00000000-0000-0000-0000-000000000001 -msg timestamp=on,guest-name=on");
        (line.StartPaused, line.Daemonize, line.PidFile, line.Name, line.TimestampMessages, line.NameMessages).ShouldBe((true, true, "p", "g", true, true));
        line.Uuid.ShouldBe(new Guid("00000000-0000-0000-0000-000000000001"));
    }

    [Theory]
    [InlineData("-S", 0)]
    [InlineData("-rtc base=utc,clock=host,driftfix=none", 0)]
    [InlineData("-rtc base=localtime", 5 * 3600)]
    [InlineData("-rtc base=2030-01-02T00:00:10", 10)]
    [InlineData("-rtc base=2030-01-01", -86400)]
    public void TheClockStartsSomewhere(string options, int seconds)
        => Read(options).Clock.Offset(new DateTimeOffset(2030, 1, 2, 0, 0, 0, TimeSpan.Zero), TimeZoneInfo.CreateCustomTimeZone("z", TimeSpan.FromHours(5), "z", "z")).TotalSeconds.ShouldBe(seconds);

    [Fact]
    public void TheProcessIsConfined()
    {
        Read("-S").Sandbox.ShouldBeNull();
        Read("-sandbox off").Sandbox.ShouldBeNull();
        Read("-sandbox on,obsolete=deny,spawn=deny").Sandbox.ShouldBe(new SandboxOptions(null));
        Read("-sandbox on,rules=/r").Sandbox.ShouldBe(new SandboxOptions("/r"));
        ConfinementRules rules = ConfinementRules.TryParse("execute /p\nread /a b\nwrite /w\nshare /g\nsockets /s\nlisten 80\nconnect 81\n", out _)!;
        (rules.Executes[0], rules.Reads[0], rules.Writes[0], rules.Shares[0], rules.Sockets[0], rules.Listens![0], rules.Connects[0]).ShouldBe(("/p", "/a b", "/w", "/g", "/s", 80, 81));
        ConfinementRules.TryParse("any-port\n", out _)!.Listens.ShouldBeNull();
        foreach (string wrong in (string[])["read", "read ", "read a", "listen", "listen 65536", "listen -1", "fly /x", "any-port 1", "/x"])
        {
            ConfinementRules.TryParse($"read /x\n{wrong}\n", out string? error).ShouldBeNull();
            error.ShouldBe($"'{wrong}' is no rule");
        }
    }

    [Theory]
    [InlineData("-machine help", "xenpvh ")]
    [InlineData("-machine xenpvh,help", "pci-mmio-high-size=<size>")]
    [InlineData("-accel help", "soft")]
    [InlineData("-cpu help", "x86 max")]
    [InlineData("-device help", "name \"virtio-blk-pci\", bus PCI")]
    [InlineData("-device virtio-blk-pci,help", "drive=<str>")]
    [InlineData("-netdev help", "stream")]
    [InlineData("-chardev help", "ringbuf")]
    [InlineData("-object help", "rng-random")]
    [InlineData("-drive help", "qcow2")]
    [InlineData("-display help", "none")]
    [InlineData("-version", "version 0.")]
    public void QuestionsAreAnswered(string line, string part) => Read(line).Answer.ShouldNotBeNull().ShouldContain(part);

    [Theory]
    [InlineData("-h")]
    [InlineData("-help")]
    [InlineData("--help")]
    public void ThePageIsAskedForInThreeWays(string option) => Read(option).WantsManual.ShouldBeTrue();

    [Fact]
    public void EveryModelListsItsProperties()
    {
        foreach (string model in (ReadOnlySpan<string>)["virtio-net-pci", "virtio-blk-pci", "virtio-rng-pci", "virtio-serial-pci", "virtconsole", "virtserialport"])
            Read($"-device {model},help").Answer.ShouldNotBeNull().ShouldStartWith($"{model} options:\n");
    }
}
