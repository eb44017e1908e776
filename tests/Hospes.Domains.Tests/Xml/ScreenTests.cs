using Hospes.Domains.Configuration;
using Hospes.Domains.Drivers;
using Hospes.Domains.Xml;

namespace Hospes.Domains.Tests.Xml;

/// <summary>Screens, keyboards and pointers: what documents say, what is added, what is refused, and what machines are told.</summary>
public sealed class ScreenTests
{
    private static readonly HostProfile s_host = SimulatedHost.DefaultProfile;

    private static DomainConfig Read(string devices) => DomainDefaults.Apply(DomainXmlReader.Read(Lab.Xml("a", $"<devices>{devices}</devices>"), strict: true).Value.Config, s_host, new NoRandom());

    private static DomainConfig Placed(DomainConfig config, int? port = 5901) => ScreenArguments.Place(DeviceAliases.Assign(config), "/r", _ => port).Value;

    private static string Line(string devices) => string.Join(' ', VmmArguments.For(Placed(Read(devices)), "/r"));

    [Fact]
    public void WhoCanBeSeenHasSomethingToShowAndToTypeOn()
    {
        DomainConfig config = Read("<graphics type='vnc'/>");
        config.Devices.Inputs.ShouldBe([new InputConfig("tablet", "virtio"), new InputConfig("keyboard", "virtio")]);
        config.Devices.Videos.ShouldBe([new VideoConfig("virtio")]);
        Line("<graphics type='vnc'/>").ShouldContain(
            "-device virtio-gpu-pci,id=video0,max_outputs=1 -device virtio-tablet-pci,id=input0 -device virtio-keyboard-pci,id=input1 -vnc 127.0.0.1:1 -device virtio-balloon-pci");
        Line("<input type='tablet'/>").ShouldNotContain("keyboard");
        Line("<graphics type='vnc'/><video><model type='none'/></video>").ShouldNotContain("virtio-gpu");
    }

    [Theory]
    [InlineData("<graphics type='vnc' port='5907'/>", "-vnc 127.0.0.1:7 ")]
    [InlineData("<graphics type='vnc' port='-1' listen='0.0.0.0'/>", "-vnc 0.0.0.0:1 ")]
    [InlineData("<graphics type='vnc' port='5907' autoport='yes'><listen type='address' address='::1'/></graphics>", "-vnc [::1]:1 ")]
    [InlineData("<graphics type='vnc' passwd='secret'/>", "-vnc 127.0.0.1:1,password=on ")]
    [InlineData("<graphics type='vnc'><listen type='socket'/></graphics>", "-vnc unix:/r/vnc.sock ")]
    [InlineData("<graphics type='vnc' socket='/a,b'/>", "-vnc unix:/a,,b ")]
    [InlineData("<video><model type='virtio' heads='3'><resolution x='1280' y='1024'/></model></video>", "-device virtio-gpu-pci,id=video0,max_outputs=3,xres=1280,yres=1024 ")]
    public void MachinesAreToldWhereTheyAreSeen(string devices, string words) => Line(devices).ShouldContain(words);

    [Theory]
    [InlineData("<input type='mouse' bus='virtio'/>", DomainError.UnsupportedConfiguration, "the input device 'mouse'")]
    [InlineData("<input type='tablet' bus='usb'/>", DomainError.UnsupportedConfiguration, "the input bus 'usb'")]
    [InlineData("<input/>", DomainError.InvalidXml, "Missing required attribute 'type' in element 'input'")]
    [InlineData("<input type='keyboard'><address type='pci' slot='0x05'/></input>", DomainError.UnsupportedConfiguration, "the place of <input>")]
    [InlineData("<graphics type='spice'/>", DomainError.UnsupportedConfiguration, "graphics of the type 'spice'")]
    [InlineData("<graphics/>", DomainError.InvalidXml, "Missing required attribute 'type'")]
    [InlineData("<graphics type='vnc'/><graphics type='vnc'/>", DomainError.UnsupportedConfiguration, "only 1 graphics device")]
    [InlineData("<graphics type='vnc' port='80'/>", DomainError.UnsupportedConfiguration, "vnc port must be in range [5900,65535]")]
    [InlineData("<graphics type='vnc' port='x'/>", DomainError.InvalidXml, "cannot parse vnc port x")]
    [InlineData("<graphics type='vnc' listen='example.org'/>", DomainError.UnsupportedConfiguration, "'example.org' is no address")]
    [InlineData("<graphics type='vnc' listen='0.0.0.0'><listen type='address' address='::1'/></graphics>", DomainError.InvalidXml, "must match 'address' attribute")]
    [InlineData("<graphics type='vnc' socket='/a'><listen type='socket' socket='/b'/></graphics>", DomainError.InvalidXml, "must match 'socket' attribute")]
    [InlineData("<graphics type='vnc'><listen type='socket' socket='a'/></graphics>", DomainError.InvalidXml, "not absolute")]
    [InlineData("<graphics type='vnc'><listen type='network' network='n'/></graphics>", DomainError.UnsupportedConfiguration, "the type 'network'")]
    [InlineData("<graphics type='vnc' passwd='123456789'/>", DomainError.UnsupportedConfiguration, "9 characters long, only 8 permitted")]
    [InlineData("<graphics type='vnc' websocket='-1'/>", DomainError.UnsupportedConfiguration, "'websocket' of graphics")]
    [InlineData("<graphics type='vnc' sharePolicy='ignore'/>", DomainError.UnsupportedConfiguration, "'sharePolicy' of graphics is 'allow-exclusive'")]
    [InlineData("<video><model type='qxl' ram='65536'/></video>", DomainError.UnsupportedConfiguration, "the video model 'qxl'")]
    [InlineData("<video><model type='virtio' heads='17'/></video>", DomainError.InvalidXml, "'heads'")]
    [InlineData("<video><model type='virtio'><acceleration accel3d='yes'/></model></video>", DomainError.UnsupportedConfiguration, "accelerated video")]
    [InlineData("<video/><video/>", DomainError.UnsupportedConfiguration, "one graphics adapter")]
    public void ScreensAreRefusedForTheirFault(string devices, DomainError error, string words)
    {
        Outcome<ParsedDomain> parsed = DomainXmlReader.Read(Lab.Xml("a", $"<devices>{devices}</devices>"));
        DomainFailure? fault = parsed.Failure ?? DomainValidator.Check(DomainDefaults.Apply(parsed.Value.Config, s_host, new NoRandom()), s_host);
        fault.ShouldNotBeNull().Error.ShouldBe(error);
        fault.Detail.ShouldContain(words);
    }

    [Fact]
    public void TheBusHasSoManyPlaces()
    {
        // 4 root ports and the balloon are there in any case.
        string keys = string.Concat(Enumerable.Repeat("<input type='keyboard'/>", 26));
        DomainValidator.Check(Read(keys), s_host).ShouldBeNull();
        DomainValidator.Check(Read(keys + "<video/>"), s_host)!.Detail.ShouldBe("the bus has 31 places, and 32 are needed");
    }

    [Fact]
    public void ARunningDomainTellsWhereItIsSeen()
    {
        DomainConfig live = Placed(Read("<graphics type='vnc' passwd='secret'/>"));
        string document = DomainXmlWriter.Write(live, 1, secrets: false);
        document.ShouldContain("<graphics type=\"vnc\" port=\"5901\" autoport=\"yes\" listen=\"127.0.0.1\">");
        document.ShouldNotContain("secret");
        // Who defines it anew from that document gets another port at the next start.
        DomainXmlReader.Read(document).Value.Config.Devices.Graphics[0].Port.ShouldBeNull();
        ScreenArguments.Place(Read("<graphics type='vnc'/>"), "/r", static _ => null).Failure!.Detail.ShouldContain("unused port");
    }

    [Fact]
    public void PortsAreOneDomainsEach()
    {
        var ports = new DisplayPorts();
        Guid first = Guid.NewGuid(), second = Guid.NewGuid();
        ports.Choose(first, static port => port != 5900).ShouldBe(5901);
        ports.Take(second, 5902);
        ports.Choose(second, static port => port != 5900).ShouldBe(5903);
        ports.Release(first);
        ports.Choose(second, static port => port != 5900).ShouldBe(5901);
        ports.Choose(second, static _ => false).ShouldBeNull();
        using var taken = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        taken.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        taken.Listen();
        DisplayPorts.IsFree("127.0.0.1", ((System.Net.IPEndPoint)taken.LocalEndPoint!).Port).ShouldBeFalse();
    }

    [Fact]
    public void ConfinedMachinesListenWhereTheyAreSeen()
    {
        static string Rules(string devices) => ConfinementPlan.For(Placed(Read(devices)), "/r", new NoImages(), []);
        Rules("<graphics type='vnc'/>").ShouldContain("listen 5901\n");
        Rules("<graphics type='vnc' socket='/s/vnc'/>").ShouldContain("sockets /s\n");
    }
}
