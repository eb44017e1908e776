using System.Globalization;
using System.Text;
using System.Xml;
using Hospes.Domains.Configuration;

namespace Hospes.Domains.Xml;

/// <summary>Writes domain XML in libvirt's order of elements; what <see cref="DomainXmlReader"/> reads of it is the same configuration.</summary>
public static class DomainXmlWriter
{
    private static readonly XmlWriterSettings Settings = new() { OmitXmlDeclaration = true, Indent = true, IndentChars = "  ", NewLineChars = "\n", CheckCharacters = true };

    /// <summary>Writes a domain.</summary>
    /// <param name="config">What it is.</param>
    /// <param name="id">Its id while it runs, else null.</param>
    /// <param name="secrets">Whether secrets are written: for keeping, and for who may see them.</param>
    public static string Write(DomainConfig config, int? id = null, bool secrets = true)
    {
        var text = new StringBuilder(2048);
        using (var writer = XmlWriter.Create(text, Settings)) Domain(writer, config, id, secrets);
        return text.Append('\n').ToString();
    }

    private static void Domain(XmlWriter writer, DomainConfig config, int? id, bool secrets)
    {
        writer.WriteStartElement("domain");
        writer.WriteAttributeString("type", DomainWords.Word(config.Type));
        if (id is { } number) writer.WriteAttributeString("id", Text(number));
        writer.WriteElementString("name", config.Name);
        writer.WriteElementString("uuid", config.Uuid.ToString());
        if (config.Title is not null) writer.WriteElementString("title", config.Title);
        if (config.Description is not null) writer.WriteElementString("description", config.Description);
        if (config.Metadata.Count > 0)
        {
            writer.WriteStartElement("metadata");
            foreach (XmlNode element in config.Metadata) element.WriteTo(writer);
            writer.WriteEndElement();
        }
        KiB(writer, "memory", config.MemoryKiB);
        KiB(writer, "currentMemory", config.CurrentMemoryKiB);
        if (config.MemoryBacking is { } backing) GuestServiceXml.Write(writer, backing);
        Vcpu(writer, config.Vcpus);
        CpuTuneXml.Write(writer, config.CpuTune);
        Os(writer, config.Os);
        if (config.Features.Count > 0)
        {
            writer.WriteStartElement("features");
            foreach (FeatureConfig feature in config.Features) Element(writer, feature.Name, ("state", feature.State));
            writer.WriteEndElement();
        }
        if (config.Cpu is not null) Cpu(writer, config.Cpu);
        Clock(writer, config.Clock);
        writer.WriteElementString("on_poweroff", DomainWords.Word(config.OnPowerOff));
        writer.WriteElementString("on_reboot", DomainWords.Word(config.OnReboot));
        writer.WriteElementString("on_crash", DomainWords.Word(config.OnCrash));
        DeviceXmlWriter.Write(writer, config.Devices, live: id is not null, secrets);
        if (!config.IsConfined) Element(writer, "seclabel", ("type", "none"), ("model", HostProfile.SecurityModel));
        writer.WriteEndElement();
    }

    private static void Vcpu(XmlWriter writer, VcpuConfig vcpus)
    {
        writer.WriteStartElement("vcpu");
        writer.WriteAttributeString("placement", vcpus.AutoPlacement ? "auto" : "static");
        Attribute(writer, "cpuset", vcpus.CpuSet?.ToString());
        if (vcpus.Current != 0 && vcpus.Current != vcpus.Maximum) writer.WriteAttributeString("current", Text(vcpus.Current));
        writer.WriteString(Text(vcpus.Maximum));
        writer.WriteEndElement();
    }

    private static void Os(XmlWriter writer, OsConfig os)
    {
        writer.WriteStartElement("os");
        writer.WriteStartElement("type");
        writer.WriteAttributeString("arch", os.Architecture);
        Attribute(writer, "machine", os.Machine);
        writer.WriteString(os.Type);
        writer.WriteEndElement();
        if (os.Kernel is not null) writer.WriteElementString("kernel", os.Kernel);
        if (os.Initrd is not null) writer.WriteElementString("initrd", os.Initrd);
        if (os.CommandLine is not null) writer.WriteElementString("cmdline", os.CommandLine);
        foreach (string device in os.BootDevices) Element(writer, "boot", ("dev", device));
        writer.WriteEndElement();
    }

    private static void Cpu(XmlWriter writer, CpuConfig cpu)
    {
        writer.WriteStartElement("cpu");
        Attribute(writer, "mode", cpu.Mode);
        Attribute(writer, "match", cpu.Match);
        Attribute(writer, "check", cpu.Check);
        Attribute(writer, "migratable", cpu.Migratable is { } migratable ? migratable ? "on" : "off" : null);
        if (cpu.Model is not null) writer.WriteElementString("model", cpu.Model);
        if (cpu.Topology is { } topology)
            Element(writer, "topology", ("sockets", Text(topology.Sockets)), ("dies", Text(topology.Dies)), ("cores", Text(topology.Cores)), ("threads", Text(topology.Threads)));
        foreach (CpuFeature feature in cpu.Features) Element(writer, "feature", ("policy", feature.Policy), ("name", feature.Name));
        writer.WriteEndElement();
    }

    private static void Clock(XmlWriter writer, ClockConfig clock)
    {
        writer.WriteStartElement("clock");
        writer.WriteAttributeString("offset", clock.Offset);
        Attribute(writer, "timezone", clock.TimeZone);
        if (clock.Offset == "variable")
        {
            writer.WriteAttributeString("adjustment", Text(clock.Adjustment));
            Attribute(writer, "basis", clock.Basis);
        }
        foreach (TimerConfig timer in clock.Timers)
            Element(writer, "timer", ("name", timer.Name), ("tickpolicy", timer.TickPolicy), ("present", timer.Present is { } present ? present ? "yes" : "no" : null));
        writer.WriteEndElement();
    }

    private static void KiB(XmlWriter writer, string name, ulong amount)
    {
        writer.WriteStartElement(name);
        writer.WriteAttributeString("unit", "KiB");
        writer.WriteString(Text(amount));
        writer.WriteEndElement();
    }

    internal static void Element(XmlWriter writer, string name, params ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        writer.WriteStartElement(name);
        foreach ((string attribute, string? value) in attributes) Attribute(writer, attribute, value);
        writer.WriteEndElement();
    }

    internal static void Attribute(XmlWriter writer, string name, string? value)
    {
        if (value is not null) writer.WriteAttributeString(name, value);
    }

    internal static string Text<T>(T number) where T : IFormattable => number.ToString(null, CultureInfo.InvariantCulture);
}
