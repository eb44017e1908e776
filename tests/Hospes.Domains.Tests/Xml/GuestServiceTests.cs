using Hospes.Domains.Configuration;
using Hospes.Domains.Drivers;
using Hospes.Domains.Xml;

namespace Hospes.Domains.Tests.Xml;

/// <summary>Shared folders, watchdogs, sockets and memory: what is refused, and what machines are told.</summary>
public sealed class GuestServiceTests
{
    private static readonly HostProfile s_host = SimulatedHost.DefaultProfile;

    private static Outcome<DomainConfig> Read(string more)
    {
        Outcome<ParsedDomain> parsed = DomainXmlReader.Read(Lab.Xml("a", more));
        if (parsed.Failure is { } fault) return fault;
        DomainConfig config = DomainDefaults.Apply(parsed.Value.Config, s_host, new NoRandom());
        return DomainValidator.Check(config, s_host) is { } refusal ? refusal : config;
    }

    private static string Line(string more) => string.Join(' ', VmmArguments.For(DeviceAliases.Assign(Read(more).Value), "/r"));

    [Theory]
    [InlineData("<devices><filesystem><source dir='/a,b'/><target dir='t'/></filesystem></devices>", "-device virtio-fs-pci,id=fs0,tag=t,path=/a,,b -device")]
    [InlineData("<devices><filesystem><source dir='/a'/><target dir='t'/><readonly/></filesystem></devices>", "-device virtio-fs-pci,id=fs0,tag=t,path=/a,readonly=on ")]
    [InlineData("<devices><watchdog model='i6300esb'/></devices>", "-device i6300esb,id=watchdog0 -watchdog-action reset ")]
    [InlineData("<devices><watchdog model='i6300esb' action='inject-nmi'/></devices>", "-watchdog-action inject-nmi ")]
    [InlineData("<devices><vsock/></devices>", "-device virtio-vsock-pci,id=vsock0,guest-cid=3,uds-path=/r/vsock ")]
    [InlineData("<devices><vsock model='virtio'><cid auto='yes' address='9'/></vsock></devices>", "guest-cid=3,")]
    [InlineData("<devices><vsock><cid address='9'/></vsock></devices>", "guest-cid=9,")]
    [InlineData("<memoryBacking><hugepages/></memoryBacking>", "-machine xenpvh,memory-backend=ram ")]
    [InlineData("<memoryBacking><hugepages/></memoryBacking>", "-object memory-backend-memfd,id=ram,size=65536k,hugetlb=on,hugetlbsize=2048k ")]
    [InlineData("<memoryBacking><access mode='shared'/></memoryBacking>", "-machine xenpvh -accel")]
    public void MachinesAreToldOfThem(string more, string words) => Line(more).ShouldContain(words);

    [Theory]
    [InlineData("<filesystem><source dir='/a'/></filesystem>", DomainError.InvalidXml, "missing target information")]
    [InlineData("<filesystem><target dir='t'/></filesystem>", DomainError.InvalidXml, "missing source information")]
    [InlineData("<filesystem><source dir='a'/><target dir='t'/></filesystem>", DomainError.InvalidXml, "not absolute")]
    [InlineData("<filesystem><source dir='/a'/><target dir='0123456789012345678901234567890123456'/></filesystem>", DomainError.UnsupportedConfiguration, "no tag of 1 to 36 bytes")]
    [InlineData("<filesystem><source dir='/a'/><target dir='t'/></filesystem><filesystem><source dir='/b'/><target dir='t'/></filesystem>", DomainError.InvalidXml, "target 't' specified twice")]
    [InlineData("<filesystem type='ram'><source usage='1'/><target dir='t'/></filesystem>", DomainError.UnsupportedConfiguration, "of the type 'ram'")]
    [InlineData("<filesystem accessmode='mapped'><source dir='/a'/><target dir='t'/></filesystem>", DomainError.UnsupportedConfiguration, "the accessmode 'mapped'")]
    [InlineData("<filesystem><driver type='path'/><source dir='/a'/><target dir='t'/></filesystem>", DomainError.UnsupportedConfiguration, "driver 'path'")]
    [InlineData("<filesystem><binary path='/x'/><source dir='/a'/><target dir='t'/></filesystem>", DomainError.UnsupportedConfiguration, "<filesystem><binary>")]
    [InlineData("<watchdog/>", DomainError.InvalidXml, "Missing required attribute 'model'")]
    [InlineData("<watchdog model='ib700'/>", DomainError.UnsupportedConfiguration, "the watchdog 'ib700'")]
    [InlineData("<watchdog model='i6300esb' action='dump'/>", DomainError.UnsupportedConfiguration, "dumps by watchdogs")]
    [InlineData("<watchdog model='i6300esb' action='bark'/>", DomainError.InvalidXml, "'bark'")]
    [InlineData("<watchdog model='i6300esb'/><watchdog model='i6300esb'/>", DomainError.UnsupportedConfiguration, "one watchdog")]
    [InlineData("<vsock/><vsock/>", DomainError.UnsupportedConfiguration, "one vsock device")]
    [InlineData("<vsock><cid auto='no'/></vsock>", DomainError.InvalidXml, "a guest CID must be given")]
    [InlineData("<vsock><cid address='2'/></vsock>", DomainError.InvalidXml, "'address'")]
    public void DevicesAreRefusedForTheirFault(string devices, DomainError error, string words) => Refuses($"<devices>{devices}</devices>", error, words);

    [Theory]
    [InlineData("<hugepages><page size='4' unit='KiB'/></hugepages>", DomainError.UnsupportedConfiguration, "huge pages of 4 KiB")]
    [InlineData("<hugepages><page size='1' unit='GiB'/></hugepages>", DomainError.UnsupportedConfiguration, "no multiple of huge pages of 1048576 KiB")]
    [InlineData("<hugepages><page/></hugepages>", DomainError.InvalidXml, "Missing required attribute 'size'")]
    [InlineData("<hugepages><page size='2048'/><page size='1048576' nodeset='1'/></hugepages>", DomainError.UnsupportedConfiguration, "several sizes")]
    [InlineData("<locked/>", DomainError.UnsupportedConfiguration, "<memoryBacking><locked>")]
    [InlineData("<source type='file'/>", DomainError.UnsupportedConfiguration, "memory in files")]
    [InlineData("<allocation mode='immediate'/>", DomainError.UnsupportedConfiguration, "allocated at the start")]
    public void MemoryIsRefusedForItsFault(string backing, DomainError error, string words) => Refuses($"<memoryBacking>{backing}</memoryBacking>", error, words);

    [Fact]
    public void ConfinedMachinesGetAtWhatIsShared()
    {
        DomainConfig config = Read("<devices><filesystem><source dir='/a'/><target dir='t'/></filesystem><filesystem><source dir='/b'/><target dir='u'/><readonly/></filesystem></devices>").Value;
        string rules = ConfinementPlan.For(config, "/r", new NoImages(), []);
        rules.ShouldContain("share /a\n");
        rules.ShouldContain("read /b\n");
        rules.ShouldNotContain("share /b");
    }

    private static void Refuses(string more, DomainError error, string words)
    {
        DomainFailure fault = Read(more).Failure.ShouldNotBeNull();
        fault.Error.ShouldBe(error);
        fault.Detail.ShouldContain(words);
    }
}
