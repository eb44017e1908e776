using FsCheck;
using FsCheck.Fluent;
using Hospes.Domains.Configuration;
using Hospes.Domains.Drivers;
using Hospes.Domains.Xml;

namespace Hospes.Domains.Tests.Xml;

public sealed class FaultTests
{
    private const string Body = "<name>a</name><memory>65536</memory><os><type>hvm</type><kernel>/k</kernel></os>";

    private static DomainFailure? Fault(string xml)
    {
        Outcome<ParsedDomain> parsed = DomainXmlReader.Read(xml);
        if (parsed.Failure is { } fault) return fault;
        HostProfile host = SimulatedHost.DefaultProfile with { Types = [DomainType.Hospes, DomainType.Qemu], BootsFromDisk = false, MaximumVcpus = 8 };
        return DomainValidator.Check(DomainDefaults.Apply(parsed.Value.Config, host, new Random(1)), host);
    }

    [Theory]
    [InlineData("", DomainError.MalformedXml, "Root element is missing")]
    [InlineData("<domain", DomainError.MalformedXml, "Unexpected end of file")]
    [InlineData("<!DOCTYPE domain [<!ENTITY e 'x'>]><domain type='hospes'/>", DomainError.MalformedXml, "DTD is prohibited")]
    [InlineData("<domain type='hospes'>&unknown;</domain>", DomainError.MalformedXml, "undeclared entity")]
    [InlineData("<pool/>", DomainError.InvalidXml, "unexpected root element <pool>, expecting <domain>")]
    [InlineData("<domain/>", DomainError.InvalidXml, "Missing required attribute 'type' in element 'domain'")]
    [InlineData("<domain type='lxc'/>", DomainError.InvalidXml, "Invalid value for attribute 'type' in element 'domain': 'lxc'")]
    [InlineData("<domain type='hospes'><name>a</name></domain>", DomainError.InvalidXml, "missing os element")]
    [InlineData("<domain type='hospes'><os><type>hvm</type><kernel>/k</kernel></os><memory>9999</memory></domain>", DomainError.InvalidXml, "missing domain name information")]
    [InlineData("<domain type='hospes'><name>a/b</name><os><type>hvm</type></os></domain>", DomainError.InvalidXml, "name a/b cannot contain '/'")]
    [InlineData("<domain type='hospes'><name>a</name><os><type>hvm</type></os></domain>", DomainError.UnsupportedConfiguration, "there is no firmware")]
    [InlineData("<domain type='hospes'><name>a</name><os><type>hvm</type><kernel>/k</kernel></os></domain>", DomainError.InvalidXml, "missing memory size")]
    [InlineData("<domain type='kvm'>" + Body + "</domain>", DomainError.UnsupportedConfiguration, "domains of the type 'kvm' cannot run on this host")]
    public void DocumentsAreRefusedForTheirFault(string xml, DomainError error, string words)
    {
        DomainFailure? fault = Fault(xml);
        fault.ShouldNotBeNull().Error.ShouldBe(error);
        fault.Detail.ShouldContain(words);
    }

    [Theory]
    [InlineData("<uuid>no</uuid>", DomainError.InvalidXml, "malformed uuid")]
    [InlineData("<memory unit='XiB'>1</memory>", DomainError.InvalidXml, "unknown suffix 'XiB'", true)]
    [InlineData("<memory>-1</memory>", DomainError.InvalidXml, "Invalid value '-1' for element 'memory'", true)]
    [InlineData("<memory unit='EiB'>99999</memory>", DomainError.InvalidXml, "size value too large", true)]
    [InlineData("<vcpu>0</vcpu>", DomainError.InvalidXml, "Invalid value '0' for element 'vcpu'")]
    [InlineData("<vcpu current='3'>2</vcpu>", DomainError.InvalidXml, "maxvcpus must not be less than current vcpus (2 < 3)")]
    [InlineData("<vcpu cpuset='2-1'>2</vcpu>", DomainError.InvalidXml, "Invalid value of 'cpuset': 2-1")]
    [InlineData("<cputune><vcpupin cpuset='0'/></cputune>", DomainError.InvalidXml, "missing vcpu id in vcpupin")]
    [InlineData("<cputune><vcpupin vcpu='0'/></cputune>", DomainError.InvalidXml, "Missing required attribute 'cpuset'")]
    [InlineData("<cputune><vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='0' cpuset='1'/></cputune>", DomainError.InvalidXml, "duplicate vcpupin for vcpu '0'")]
    [InlineData("<cputune><emulatorpin cpuset='0'/><emulatorpin cpuset='1'/></cputune>", DomainError.InvalidXml, "Only one emulatorpin")]
    [InlineData("<cputune><global_quota>999</global_quota></cputune>", DomainError.InvalidXml, "Value of cputune 'global_quota' must be in range")]
    [InlineData("<cputune><vcpusched vcpus='0' scheduler='fifo' priority='1'/></cputune>", DomainError.UnsupportedConfiguration, "<cputune><vcpusched>")]
    [InlineData("<devices><interface type='user'><bandwidth><inbound peak='9'/></bandwidth></interface></devices>", DomainError.InvalidXml, "Missing mandatory average in inbound bandwidth")]
    [InlineData("<devices><interface type='user'><bandwidth><outbound average='9' peak='8'/></bandwidth></interface></devices>", DomainError.InvalidXml, "the peak of the outbound bandwidth is below its average")]
    [InlineData("<devices><interface type='user'><bandwidth><inbound average='9' floor='8'/></bandwidth></interface></devices>", DomainError.UnsupportedConfiguration, "'floor'")]
    [InlineData("<devices><disk device='cdrom'><target dev='hdc'/></disk></devices>", DomainError.UnsupportedConfiguration, "the disk bus 'ide' of 'hdc'")]
    [InlineData("<devices><disk><source file='/a'/><target dev='vda'/><alias name='a,b=c'/></disk></devices>", DomainError.InvalidXml, "Invalid alias 'a,b=c'")]
    [InlineData("<devices><disk><source file='/a'/><target dev='vda'/><iotune><total_iops_sec>1</total_iops_sec><read_iops_sec>1</read_iops_sec></iotune></disk></devices>", DomainError.InvalidXml, "cannot be set at the same time")]
    [InlineData("<devices><disk><source file='/a'/><target dev='vda'/><iotune><group_name>g</group_name></iotune></disk></devices>", DomainError.UnsupportedConfiguration, "a group of disks shares")]
    [InlineData("<devices><interface type='network'/></devices>", DomainError.InvalidXml, "No <source> 'network' attribute")]
    [InlineData("<vcpu>9</vcpu>", DomainError.UnsupportedConfiguration, "Maximum CPUs greater than specified machine type limit 8")]
    [InlineData("<vcpu>2</vcpu><cpu><topology sockets='1' cores='1' threads='1'/></cpu>", DomainError.UnsupportedConfiguration, "CPU topology doesn't match")]
    [InlineData("<cpu><feature name='aes'/><feature name='aes'/></cpu>", DomainError.InvalidXml, "specified more than once")]
    [InlineData("<features><hyperv/></features>", DomainError.UnsupportedConfiguration, "the feature 'hyperv'")]
    [InlineData("<clock offset='absolute' start='1'/>", DomainError.UnsupportedConfiguration, "absolute start")]
    [InlineData("<clock offset='timezone'/>", DomainError.InvalidXml, "missing 'timezone'")]
    [InlineData("<clock offset='timezone' timezone='Mars/Olympus'/>", DomainError.UnsupportedConfiguration, "the time zone 'Mars/Olympus'")]
    [InlineData("<clock offset='variable' adjustment='99999999999'/>", DomainError.UnsupportedConfiguration, "99999999999 seconds")]
    [InlineData("<on_crash>explode</on_crash>", DomainError.InvalidXml, "unknown on_crash action: explode")]
    [InlineData("<on_reboot>rename-restart</on_reboot>", DomainError.UnsupportedConfiguration, "rename-restart")]
    [InlineData("<maxMemory>131072</maxMemory>", DomainError.UnsupportedConfiguration, "<maxMemory>")]
    [InlineData("<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'/>", DomainError.UnsupportedConfiguration, "<q:commandline>")]
    [InlineData("<devices><hostdev mode='subsystem'/></devices>", DomainError.UnsupportedConfiguration, "the device 'hostdev'")]
    [InlineData("<devices><disk><source file='/a'/></disk></devices>", DomainError.InvalidXml, "no target device")]
    [InlineData("<devices><disk><source file='a'/><target dev='vda'/></disk></devices>", DomainError.InvalidXml, "not absolute")]
    [InlineData("<devices><disk><source file='/a'/><target dev='sda'/></disk></devices>", DomainError.UnsupportedConfiguration, "the disk bus 'scsi'")]
    [InlineData("<devices><disk><driver type='vmdk'/><source file='/a'/><target dev='vda'/></disk></devices>", DomainError.UnsupportedConfiguration, "unsupported disk format 'vmdk'")]
    [InlineData("<devices><disk type='network'><target dev='vda'/></disk></devices>", DomainError.UnsupportedConfiguration, "type 'network'")]
    [InlineData("<devices><disk><source file='/a'/><target dev='vda'/></disk><disk><source file='/b'/><target dev='vda'/></disk></devices>", DomainError.InvalidXml, "target 'vda' duplicated")]
    [InlineData("<devices><interface type='bridge'/></devices>", DomainError.UnsupportedConfiguration, "type 'bridge'")]
    [InlineData("<devices><interface type='user'><mac address='53:54:00:00:00:01'/></interface></devices>", DomainError.InvalidXml, "unable to parse mac address")]
    [InlineData("<devices><interface type='user'><model type='e1000'/></interface></devices>", DomainError.UnsupportedConfiguration, "'e1000'")]
    [InlineData("<devices><serial type='pty'/><serial type='pty'/></devices>", DomainError.UnsupportedConfiguration, "one serial port")]
    [InlineData("<devices><serial type='spicevmc'/></devices>", DomainError.UnsupportedConfiguration, "type 'spicevmc'")]
    [InlineData("<devices><channel type='unix'/></devices>", DomainError.InvalidXml, "missing target")]
    [InlineData("<devices><rng/></devices>", DomainError.InvalidXml, "missing RNG device backend")]
    [InlineData("<seclabel type='dynamic' model='selinux'/>", DomainError.UnsupportedConfiguration, "security labels of the model 'selinux'")]
    [InlineData("<seclabel type='static'><label>a</label></seclabel>", DomainError.UnsupportedConfiguration, "of the type 'static'")]
    [InlineData("<devices><panic model='hyperv'/></devices>", DomainError.UnsupportedConfiguration, "the panic model 'hyperv'")]
    [InlineData("<devices><panic/><panic model='isa'/></devices>", DomainError.InvalidXml, "only one 'isa' panic device")]
    [InlineData("<devices><panic><address type='isa' iobase='0x506'/></panic></devices>", DomainError.UnsupportedConfiguration, "at the port 0x505")]
    [InlineData("<devices><memballoon model='xen'/></devices>", DomainError.UnsupportedConfiguration, "the balloon 'xen'")]
    [InlineData("<devices><disk><source file='/a'/><target dev='vda'/><address type='pci' slot='0x20'/></disk></devices>", DomainError.InvalidXml, "'slot'")]
    public void PartsAreRefusedForTheirFault(string part, DomainError error, string words, bool first = false)
    {
        DomainFailure? fault = Fault($"<domain type='hospes'>{(first ? part + Body : Body + part)}</domain>");
        fault.ShouldNotBeNull().Error.ShouldBe(error);
        fault.Detail.ShouldContain(words);
    }

    [Fact]
    public void WhatNoDomainHasIsToldOfOrRefused()
    {
        string xml = $"<domain type='hospes' colour='red'>{Body}<wheels n='4'/><vcpu speed='9'>1</vcpu></domain>";
        DomainXmlReader.Read(xml).Value.Unknown.ShouldBe(["/domain/@colour", "/domain/wheels", "/domain/vcpu/@speed"]);
        DomainXmlReader.Read(xml, strict: true).Failure!.ShouldBe(new DomainFailure(DomainError.UnknownXml, "Did not expect /domain/@colour"));
    }

    [Fact]
    public void DepthSizeAndNumberAreBounded()
    {
        static string Deep(int depth) => string.Concat(Enumerable.Repeat("<a>", depth)) + string.Concat(Enumerable.Repeat("</a>", depth));
        XmlTree.Read(Deep(XmlTree.MaximumDepth)).Succeeded.ShouldBeTrue();
        XmlTree.Read(Deep(XmlTree.MaximumDepth + 1)).Failure!.Detail.ShouldContain("nested more than");
        XmlTree.Read($"<a>{new string('x', XmlTree.MaximumCharacters)}</a>").Failure!.Detail.ShouldContain("longer than");
        XmlTree.Read($"<a>{string.Concat(Enumerable.Repeat("<b/>", XmlTree.MaximumElements))}</a>").Failure!.Detail.ShouldContain("elements");
    }

    [Fact]
    public void NoDamageOfADocumentThrows()
    {
        string whole = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "full.in.xml"));
        Gen<(int, int, char)> damage = from at in Gen.Choose(0, whole.Length - 2) from length in Gen.Choose(0, 40) from put in Gen.Choose(1, 126) select (at, length, (char)put);
        Prop.ForAll(damage.ArrayOf().ToArbitrary(), places =>
        {
            string text = whole;
            foreach ((int at, int length, char put) in places.Take(4))
            {
                int start = Math.Min(at, text.Length);
                text = text.Remove(start, Math.Min(length, text.Length - start)).Insert(start, put.ToString());
            }
            _ = Fault(text);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }
}
