using System.CommandLine;
using System.Net;
using System.Net.NetworkInformation;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Run;
using Hospes.Machine;
using Hospes.Virtio;

namespace Hospes.Cli.Tests.Run;

/// <summary>What <c>--disk</c>, <c>--net</c>, <c>--console</c> and <c>--rng</c> are read as.</summary>
public sealed class DeviceArgumentsTests
{
    [Fact]
    public void Devices_are_read_in_order()
    {
        Outcome<IReadOnlyList<DeviceOptions>> read = Read(
            "--disk", "a.qcow2", "--disk", "b,format=raw,readonly,serial=S1,queues=4", "--net", "user,hostfwd=tcp:127.0.0.1:2222-:22,mac=52-54-00-00-00-01,mtu=1400",
            "--net", "none", "--net", "tap=t0,queues=2", "--net", "stream=/s,listen", "--net", "udp=127.0.0.1:1,local=127.0.0.1:2", "--console", "virtio", "--rng");
        read.Succeeded(out IReadOnlyList<DeviceOptions>? devices, out _).ShouldBeTrue();
        devices!.Count.ShouldBe(8);
        devices[0].ShouldBe(new DiskOptions("a.qcow2") { Id = "disk0", Drive = "disk0" });
        devices[1].ShouldBe(new DiskOptions("b") { Id = "disk1", Drive = "disk1", Format = "raw", IsReadOnly = true, Serial = "S1", Queues = 4 });
        UserNetworkOptions user = devices[2].ShouldBeOfType<UserNetworkOptions>();
        user.Forwards.Single().GuestPort.ShouldBe(22);
        (user.Mac, user.Mtu).ShouldBe((new PhysicalAddress([0x52, 0x54, 0, 0, 0, 1]), 1400));
        devices[3].ShouldBe(new TapNetworkOptions("t0") { Id = "nic1", Backend = "net1", Pairs = 2 });
        devices[4].ShouldBe(new StreamNetworkOptions("/s", Listens: true) { Id = "nic2", Backend = "net2" });
        devices[5].ShouldBe(new DatagramNetworkOptions(new IPEndPoint(IPAddress.Loopback, 2), new IPEndPoint(IPAddress.Loopback, 1)) { Id = "nic3", Backend = "net3" });
        devices[6].ShouldBe(new ConsoleOptions());
        devices[7].ShouldBe(new EntropyOptions());
    }

    [Fact]
    public void Discs_are_in_drives_of_one_device()
    {
        Read("--cdrom", "a.iso", "--cdrom", "none").Succeeded(out IReadOnlyList<DeviceOptions>? devices, out _).ShouldBeTrue();
        ScsiOptions scsi = devices!.ShouldHaveSingleItem().ShouldBeOfType<ScsiOptions>();
        scsi.Units.ShouldBe(
            [
                new ScsiUnitOptions(new DiskOptions("a.iso") { Id = "cd0", Drive = "cd0", Format = "raw", IsReadOnly = true }) { IsDrive = true },
                new ScsiUnitOptions(new DiskOptions("") { Id = "cd1", Drive = "cd1", Format = "raw", IsReadOnly = true }) { IsDrive = true, Target = 1 },
            ]);
    }

    [Fact]
    public void Disks_and_cards_have_limits_with_bursts()
    {
        Read("--disk", "a,bps=10M:100M:3,iops-write=50", "--net", "tap=t,bps-read=1000,bps-write=2k:4k,iops=0x10").Succeeded(out IReadOnlyList<DeviceOptions>? devices, out _).ShouldBeTrue();
        RequestLimits disk = ((DiskOptions)devices![0]).Limits, card = ((NetworkOptions)devices[1]).Limits;
        (disk.Bytes, disk.WriteOperations, disk.Operations.Rate).ShouldBe((new RateLimit(10 << 20, 100 << 20, 3), new RateLimit(50), 0ul));
        (card.ReadBytes, card.WriteBytes, card.Operations).ShouldBe((new RateLimit(1000), new RateLimit(2048, 4096), new RateLimit(16)));
    }

    [Fact]
    public void Folders_have_the_tag_that_they_are_given_or_their_own_name()
    {
        Read("--share", "/home/me/src", "--share", "/usr/share/doc/:all docs,ro", "--share", "odd:name:x").Succeeded(out IReadOnlyList<DeviceOptions>? devices, out _).ShouldBeTrue();
        devices!.ShouldBe(
            [
                new ShareOptions("/home/me/src", "src") { Id = "share0" },
                new ShareOptions("/usr/share/doc/", "all docs") { Id = "share1", IsReadOnly = true },
                new ShareOptions("odd:name", "x") { Id = "share2" },
            ]);
    }

    [Fact]
    public void A_screen_comes_with_keyboard_and_tablet_and_VNC_with_a_screen()
    {
        DeviceOptions[] people = [new InputOptions(IsTablet: false) { Id = "keyboard0" }, new InputOptions(IsTablet: true) { Id = "tablet0" }];
        Made("--input").ShouldBe(people);
        Made("--screen", "640x480").ShouldBe([new GpuOptions { Id = "video0", Width = 640, Height = 480 }, .. people]);
        Made("--vnc", ":1").ShouldBe([new GpuOptions { Id = "video0" }, .. people]);
        Made("--vnc", "unix:/s", "--screen", "16x16384").ShouldBe([new GpuOptions { Id = "video0", Width = 16, Height = 16384 }, .. people]);

        static IReadOnlyList<DeviceOptions> Made(params string[] arguments)
        {
            Read(arguments).Succeeded(out IReadOnlyList<DeviceOptions>? devices, out _).ShouldBeTrue();
            return devices!;
        }
    }

    [Theory]
    [InlineData("--screen", "640")]
    [InlineData("--screen", "15x480")]
    [InlineData("--screen", "640x16385")]
    [InlineData("--vnc", "127.0.0.1")]
    public void What_is_no_screen_is_told_while_it_is_read(string option, string text)
    {
        var command = new Command("run");
        foreach (Option at in new DeviceArguments().Options) command.Add(at);
        command.Parse([option, text]).Errors.ShouldHaveSingleItem().Message.ShouldContain($"{option} '{text}' is n");
    }

    [Theory]
    [InlineData("--share", "")]
    [InlineData("--share", ":tag")]
    [InlineData("--share", "/")]
    [InlineData("--share", "a:")]
    [InlineData("--share", "a:0123456789012345678901234567890123456")]
    [InlineData("--cdrom", "")]
    [InlineData("--disk", "")]
    [InlineData("--disk", "a,format=vmdk")]
    [InlineData("--disk", "a,serial=123456789012345678901")]
    [InlineData("--disk", "a,queues=17")]
    [InlineData("--disk", "a,what")]
    [InlineData("--disk", "a,bps=0")]
    [InlineData("--disk", "a,iops=1k")]
    [InlineData("--disk", "a,bps=1:2:3:4")]
    [InlineData("--disk", "a,bps=1,bps-read=1")]
    [InlineData("--disk", "a,bps=1000000000000001")]
    [InlineData("--net", "tap=t,bps=2:1")]
    [InlineData("--net", "tap=t,iops=1:1:0")]
    [InlineData("--net", "tap=t,iops=1,iops-write=1")]
    [InlineData("--net", "bridge")]
    [InlineData("--net", "user=x")]
    [InlineData("--net", "user,hostfwd=22")]
    [InlineData("--net", "user,mac=01-00-00-00-00-00")]
    [InlineData("--net", "user,mtu=67")]
    [InlineData("--net", "tap")]
    [InlineData("--net", "tap=a,hostfwd=tcp::1-:1")]
    [InlineData("--net", "stream")]
    [InlineData("--net", "udp=127.0.0.1:1")]
    [InlineData("--net", "none,mtu=1500")]
    public void What_is_no_device_is_refused_by_name(string option, string text)
    {
        Read(option, text).Succeeded(out _, out Failure? failure).ShouldBeFalse();
        failure!.Kind.ShouldBe(FailureKind.Arguments);
        failure.Cause.ShouldContain($"{option} '{text}'");
    }

    private static Outcome<IReadOnlyList<DeviceOptions>> Read(params string[] arguments)
    {
        var devices = new DeviceArguments();
        var command = new Command("run");
        foreach (Option option in devices.Options) command.Add(option);
        return devices.Read(command.Parse(arguments));
    }
}
