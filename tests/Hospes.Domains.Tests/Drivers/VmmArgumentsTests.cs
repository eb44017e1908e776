using Hospes.Domains.Configuration;
using Hospes.Domains.Drivers;
using Hospes.Domains.Xml;

namespace Hospes.Domains.Tests.Drivers;

public sealed class VmmArgumentsTests
{
    private static string Line(string xml)
        => string.Join(' ', VmmArguments.For(DeviceAliases.Assign(DomainDefaults.Apply(DomainXmlReader.Read(xml).Value.Config, SimulatedHost.DefaultProfile, new NoRandom())), "/r"));

    [Fact]
    public void TheSmallestDomainHasABalloon() => Line(Lab.Xml("a")).ShouldBe(
        "-nodefaults -S -no-shutdown -name guest=a -uuid 00000000-0000-4000-8000-000000000000 -pidfile /r/pid -qmp unix:/r/qmp,server=on,wait=off -machine xenpvh -accel auto -m 65536k -smp 1 -sandbox on,rules=/r/rules -kernel /k "
        + "-device pcie-root-port,id=port0 -device pcie-root-port,id=port1 -device pcie-root-port,id=port2 -device pcie-root-port,id=port3 -device virtio-balloon-pci,id=balloon0");

    [Fact]
    public void EverythingIsOnTheLine()
    {
        string line = Line(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "full.in.xml")));
        foreach (string part in (string[])
        [
            "-smp 4,sockets=1,cores=2,threads=2", "-no-reboot", "-kernel /boot/vmlinuz -initrd /boot/initrd -append console=ttyS0 quiet=\"a & b\"",
            "-drive if=none,id=drive-virtio-disk0,node-name=n-virtio-disk0,file=/var/lib/a.qcow2,format=qcow2 -device virtio-blk-pci,id=virtio-disk0,drive=drive-virtio-disk0,serial=S123,addr=0xa",
            "file=/dev/loop7,format=raw,readonly=on", "-netdev user,id=hostnet0 -device virtio-net-pci,id=net0,netdev=hostnet0,mac=52:54:00:ab:cd:ef",
            "-netdev tap,ifname=tap7,script=no,downscript=no,id=hostnet1",
            "host_mtu=9000,throttling.bps-read=1000000,throttling.bps-read-max=5000000,throttling.bps-read-max-length=1,throttling.bps-write=500000,throttling.bps-write-max-length=1", "-chardev socket,id=charserial0,path=/r/serial0.sock,server=on,wait=off -serial chardev:charserial0",
            "-device virtio-serial-pci,id=virtio-serial0 -chardev socket,id=charconsole1,path=/run/second,server=on,wait=off -device virtconsole,id=console1,chardev=charconsole1",
            "-device virtserialport,id=channel0,chardev=charchannel0,name=org.qemu.guest_agent.0", "-object rng-random,id=objrng0,filename=/dev/urandom -device virtio-rng-pci,id=rng0,rng=objrng0",
            "-device pvpanic-pci,id=panic1 -device virtio-balloon-pci,id=balloon0,deflate-on-oom=on,guest-stats-polling-interval=10",
        ]) line.ShouldContain(part);
    }

    [Fact]
    public void LimitsAndProcessorsToComeAreOnTheLine()
    {
        string line = Line(Lab.Xml("a", """
            <vcpu current='1'>3</vcpu><devices><disk device='cdrom'><target dev='vdb' bus='virtio'/></disk>
            <disk><source file='/a'/><target dev='vda'/><iotune><total_bytes_sec>1000</total_bytes_sec><total_bytes_sec_max>2000</total_bytes_sec_max><read_iops_sec>5</read_iops_sec></iotune></disk></devices>
            """));
        line.ShouldContain("-smp 1,maxcpus=3");
        line.ShouldContain(",format=raw,throttling.bps-total=1000,throttling.bps-total-max=2000,throttling.iops-read=5 -device virtio-blk-pci,id=virtio-disk1,drive=drive-virtio-disk1,bus=port0");
        line.ShouldNotContain("virtio-disk0");
    }

    [Theory]
    [InlineData("kvm", "-accel kvm")]
    [InlineData("qemu", "-accel soft")]
    [InlineData("hospes", "-accel auto")]
    public void TheTypeDecidesOnTheEngine(string type, string engine) => Line(Lab.Xml("a", type: type)).ShouldContain(engine);

    [Theory]
    [InlineData("utc", "")]
    [InlineData("timezone' timezone='Asia/Kolkata", "-rtc base=2030-01-02T08:34:05 ")]
    [InlineData("variable' adjustment='-86405", "-rtc base=2030-01-01T03:04:00 ")]
    [InlineData("localtime", "-rtc base=2030-01-02T10:04:05 ")]
    [InlineData("variable' adjustment='5' basis='localtime", "-rtc base=2030-01-02T10:04:10 ")]
    public void TheClockStartsAsItIsToBe(string offset, string words)
    {
        DomainConfig config = DomainXmlReader.Read(Lab.Xml("a", $"<clock offset='{offset}'/>")).Value.Config;
        string line = string.Join(' ', VmmArguments.For(DeviceAliases.Assign(config), "/r", time: new ElsewhereTime()));
        if (words.Length == 0) line.ShouldNotContain("-rtc");
        else line.ShouldContain(words);
    }

    /// <summary>A host whose zone is seven hours ahead.</summary>
    private sealed class ElsewhereTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);

        public override TimeZoneInfo LocalTimeZone { get; } = TimeZoneInfo.CreateCustomTimeZone("e", TimeSpan.FromHours(7), "e", "e");
    }

    [Fact]
    public void NamesCannotAddParameters()
    {
        string line = Line(Lab.Xml("a,debug-threads=off", "<devices><disk><source file='/a,readonly=on'/><target dev='vda'/></disk></devices>"));
        line.ShouldContain("guest=a,,debug-threads=off");
        line.ShouldContain("file=/a,,readonly=on,format=raw");
    }
}
