using System.Globalization;
using System.Text;
using System.Xml;
using Hospes.Domains;
using Hospes.Domains.Configuration;
using Hospes.Domains.Statistics;
using Hospes.Domains.Xml;

namespace Hospes.Libvirt.Documents;

/// <summary>What the host and its machine can do, as documents (<c>formatcaps</c>, <c>formatdomaincaps</c>).</summary>
internal static class CapabilitiesXml
{
    private static readonly XmlWriterSettings Settings = new() { OmitXmlDeclaration = true, Indent = true, IndentChars = "  ", NewLineChars = "\n" };

    /// <summary>The host.</summary>
    public static string Host(HostProfile profile) => Write(writer =>
    {
        writer.WriteStartElement("capabilities");
        writer.WriteStartElement("host");
        writer.WriteStartElement("cpu");
        writer.WriteElementString("arch", HostProfile.Architecture);
        writer.WriteStartElement("topology");
        writer.WriteAttributeString("sockets", "1");
        writer.WriteAttributeString("dies", "1");
        writer.WriteAttributeString("cores", Number(NodeStatistics.Processors));
        writer.WriteAttributeString("threads", "1");
        writer.WriteEndElement();
        writer.WriteEndElement();
        writer.WriteElementString("power_management", null);
        writer.WriteEndElement();
        foreach (string osType in HostProfile.OsTypes) Guest(writer, profile, osType);
        writer.WriteEndElement();
    });

    /// <summary>The machine, for one type of domains.</summary>
    public static string Domain(HostProfile profile, DomainType type) => Write(writer =>
    {
        writer.WriteStartElement("domainCapabilities");
        writer.WriteElementString("path", profile.Emulator);
        writer.WriteElementString("domain", DomainWords.Word(type));
        writer.WriteElementString("machine", HostProfile.Machine);
        writer.WriteElementString("arch", HostProfile.Architecture);
        writer.WriteStartElement("vcpu");
        writer.WriteAttributeString("max", Number(profile.MaximumVcpus));
        writer.WriteEndElement();
        Supported(writer, "iothreads", false);
        writer.WriteStartElement("os");
        writer.WriteAttributeString("supported", "yes");
        Supported(writer, "loader", false);
        writer.WriteEndElement();
        writer.WriteStartElement("devices");
        Values(writer, "disk", ("diskDevice", ["disk"]), ("bus", ["virtio"]), ("model", ["virtio", "virtio-non-transitional"]));
        foreach (string absent in (ReadOnlySpan<string>)["hostdev", "tpm", "redirdev"]) Supported(writer, absent, false);
        Values(writer, "graphics", ("type", ["vnc"]));
        Values(writer, "video", ("modelType", ["virtio", "none"]));
        Values(writer, "filesystem", ("driverType", ["virtiofs"]));
        Values(writer, "rng", ("model", ["virtio", "virtio-non-transitional"]), ("backendModel", ["random", "builtin"]));
        writer.WriteEndElement();
        writer.WriteStartElement("features");
        foreach (string absent in (ReadOnlySpan<string>)["gic", "vmcoreinfo", "genid", "backingStoreInput", "backup", "sev"]) Supported(writer, absent, false);
        writer.WriteEndElement();
        writer.WriteEndElement();
    });

    private static void Guest(XmlWriter writer, HostProfile profile, string osType)
    {
        writer.WriteStartElement("guest");
        writer.WriteElementString("os_type", osType);
        writer.WriteStartElement("arch");
        writer.WriteAttributeString("name", HostProfile.Architecture);
        writer.WriteElementString("wordsize", "64");
        writer.WriteElementString("emulator", profile.Emulator);
        writer.WriteStartElement("machine");
        writer.WriteAttributeString("maxCpus", Number(profile.MaximumVcpus));
        writer.WriteString(HostProfile.Machine);
        writer.WriteEndElement();
        foreach (DomainType type in profile.Types)
        {
            writer.WriteStartElement("domain");
            writer.WriteAttributeString("type", DomainWords.Word(type));
            writer.WriteEndElement();
        }
        writer.WriteEndElement();
        writer.WriteStartElement("features");
        foreach (string feature in (ReadOnlySpan<string>)["acpi", "apic"])
        {
            writer.WriteStartElement(feature);
            writer.WriteAttributeString("default", "on");
            writer.WriteAttributeString("toggle", "no");
            writer.WriteEndElement();
        }
        writer.WriteEndElement();
        writer.WriteEndElement();
    }

    private static void Supported(XmlWriter writer, string name, bool yes)
    {
        writer.WriteStartElement(name);
        writer.WriteAttributeString("supported", yes ? "yes" : "no");
        writer.WriteEndElement();
    }

    private static void Values(XmlWriter writer, string name, params ReadOnlySpan<(string Name, string[] Values)> enumerations)
    {
        writer.WriteStartElement(name);
        writer.WriteAttributeString("supported", "yes");
        foreach ((string enumeration, string[] values) in enumerations)
        {
            writer.WriteStartElement("enum");
            writer.WriteAttributeString("name", enumeration);
            foreach (string value in values) writer.WriteElementString("value", value);
            writer.WriteEndElement();
        }
        writer.WriteEndElement();
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Write(Action<XmlWriter> write)
    {
        var text = new StringBuilder(2048);
        using (var writer = XmlWriter.Create(text, Settings)) write(writer);
        return text.Append('\n').ToString();
    }
}
