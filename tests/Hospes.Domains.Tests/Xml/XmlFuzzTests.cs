using System.Globalization;
using System.Text;
using Hospes.Domains.Configuration;
using Hospes.Domains.Drivers;
using Hospes.Domains.Networks;
using Hospes.Domains.Storage;
using Hospes.Domains.Xml;

namespace Hospes.Domains.Tests.Xml;

/// <summary>
/// Documents that were cut, doubled and overwritten: each is understood or refused, and what is understood says the same when it was written and read again.
/// <c>HOSPES_FUZZ_CASES</c> asks for another number than 20,000, <c>HOSPES_FUZZ_FIRST</c> goes straight to one.
/// </summary>
public sealed class XmlFuzzTests
{
    private static readonly string[] s_pieces =
    [
        "<", ">", "/>", "'", "\"", "&amp;", "&#0;", "&x;", "<!DOCTYPE a [<!ENTITY x 'y'>]>", "<![CDATA[", "]]>", "<?x?>", "xmlns='u'", "\0", "-1", "0", "18446744073709551615", "99999999999999999999", "'/>", "unit='EiB'",
        "<disk><target dev='vda'/></disk>", "<interface type='user'/>", "<vcpu current='9'>3</vcpu>", "<iotune><total_bytes_sec>1</total_bytes_sec></iotune>", "<alias name='x'/>", "<address type='pci' slot='0x1f'/>",
    ];

    [Fact]
    public void EveryDocumentIsUnderstoodOrRefused()
    {
        string full = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "full.in.xml"));
        string[] seeds =
        [
            full, full, File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "devices.in.xml")), File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "full.out.xml")), Lab.Xml("a", "<devices><disk><source file='/x'/><target dev='vdb'/></disk></devices>"),
            "<disk type='block' device='cdrom'><driver type='qcow2'/><source dev='/x'/><target dev='vdb'/><iotune><read_iops_sec>5</read_iops_sec></iotune></disk>",
            "<interface type='network'><source network='n'/><mac address='52:54:00:00:00:01'/><link state='down'/><mtu size='1400'/></interface>", "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
            "<pool type='dir'><name>p</name><target><path>/p</path></target></pool>", "<network><name>n</name><forward mode='nat'/></network>",
            "<volume><name>v</name><capacity unit='G'>1</capacity><target><format type='qcow2'/></target><backingStore><path>/b</path></backingStore></volume>",
        ];
        int cases = Number("HOSPES_FUZZ_CASES", 20_000), first = Number("HOSPES_FUZZ_FIRST", 0), understood = 0;
        for (int i = first; i < first + cases; i++)
        {
            var random = new Random(i);
            string text = Mutate(seeds[random.Next(seeds.Length)], random);
            try
            {
                understood += Check(text) ? 1 : 0;
            }
            catch (Exception fault)
            {
                throw new InvalidOperationException($"HOSPES_FUZZ_FIRST={i}: {text}", fault);
            }
        }
        understood.ShouldBeGreaterThan(cases / 100, "most mutations must not be thrown out at the door");
    }

    private static bool Check(string text)
    {
        Outcome<DevicePart> device = DeviceXml.ReadPart(text);
        bool known = PoolConfig.Read(text, static _ => Guid.Empty).Succeeded | NetworkConfig.Read(text, static _ => Guid.Empty).Succeeded | VolumeConfig.Read(text).Succeeded | device.Succeeded;
        if (device.Succeeded) DeviceXml.ReadPart(DeviceXmlWriter.Write(device.Value)).Value.ShouldBe(device.Value);
        Outcome<ParsedDomain> parsed = DomainXmlReader.Read(text);
        if (!parsed.Succeeded) return known;
        DomainConfig config = DomainDefaults.Apply(parsed.Value.Config, SimulatedHost.DefaultProfile, new NoRandom());
        if (DomainValidator.Check(config, SimulatedHost.DefaultProfile) is not null) return true;
        string written = DomainXmlWriter.Write(config);
        DomainXmlWriter.Write(DomainDefaults.Apply(DomainXmlReader.Read(written).Value.Config, SimulatedHost.DefaultProfile, new NoRandom())).ShouldBe(written);
        VmmArguments.For(ScreenArguments.Place(DeviceAliases.Assign(config), "/r", static _ => 5900).Value, "/r").Count.ShouldBeGreaterThan(10);
        return true;
    }

    private static string Mutate(string seed, Random random)
    {
        var text = new StringBuilder(seed);
        for (int changes = random.Next(1, 5); changes > 0 && text.Length > 0; changes--)
        {
            int at = random.Next(text.Length), length = Math.Min(random.Next(1, 24), text.Length - at);
            switch (random.Next(5))
            {
                case 0: text.Remove(at, length); break;
                case 1: text.Insert(at, text.ToString(at, length)); break;
                case 2: text[at] = (char)random.Next(32, 127); break;
                case 3: text.Insert(at, s_pieces[random.Next(s_pieces.Length)]); break;
                default: text[at] = (char)random.Next(0x10000); break;
            }
        }
        return text.ToString();
    }

    private static int Number(string name, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int given) ? given : otherwise;
}
