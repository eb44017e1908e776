using System.Globalization;
using System.Xml;
using Hospes.Domains.Configuration;
using static Hospes.Domains.Xml.DomainXmlWriter;

namespace Hospes.Domains.Xml;

/// <summary>Reads and writes <c>cputune</c>.</summary>
internal static class CpuTuneXml
{
    public static CpuTuneConfig Read(XmlScope root)
    {
        if (root.Child("cputune") is not { } tune) return new CpuTuneConfig();
        foreach (string name in (ReadOnlySpan<string>)["iothread_period", "iothread_quota", "iothreadpin", "iothreadsched", "vcpusched", "emulatorsched", "cachetune", "memorytune"])
        {
            if (tune.Child(name) is not { } element) continue;
            element.TakeWhole();
            tune.Unsupported($"<cputune><{name}> is not supported by this machine");
        }
        var pins = new List<VcpuPin>();
        foreach (XmlScope pin in tune.Children("vcpupin"))
        {
            ProcessorSet? processors = Processors(pin);
            if (pin.Number("vcpu", 0, 16383) is not { } vcpu) pin.Invalid("missing vcpu id in vcpupin");
            else if (processors is null) pin.Missing("cpuset");
            else if (pins.Exists(other => other.Vcpu == vcpu)) pin.Invalid($"duplicate vcpupin for vcpu '{vcpu}'");
            else pins.Add(new VcpuPin((int)vcpu, processors));
        }
        XmlScope? emulator = tune.Child("emulatorpin");
        ProcessorSet? place = emulator is null ? null : Processors(emulator);
        if (emulator is not null && place is null) emulator.Missing("cpuset");
        if (tune.Child("emulatorpin") is { } second) second.Invalid("Only one emulatorpin is supported");
        return new CpuTuneConfig
        {
            Shares = tune.Child("shares")?.TextNumber(2, 262144),
            Vcpus = Bandwidth(tune, ""),
            Whole = Bandwidth(tune, "global_"),
            Emulator = Bandwidth(tune, "emulator_"),
            VcpuPins = [.. pins.OrderBy(static pin => pin.Vcpu)],
            EmulatorPin = place,
        };
    }

    /// <summary>The attribute <c>cpuset</c>, or null.</summary>
    public static ProcessorSet? Processors(XmlScope element)
    {
        if (element.Attribute("cpuset") is not { } text) return null;
        ProcessorSet? processors = ProcessorSet.Parse(text);
        if (processors is null) element.Invalid($"Invalid value of 'cpuset': {text}");
        return processors;
    }

    public static void Write(XmlWriter writer, CpuTuneConfig tune)
    {
        if (!tune.IsScheduled && tune.VcpuPins.Count == 0 && tune.EmulatorPin is null) return;
        writer.WriteStartElement("cputune");
        if (tune.Shares is { } shares) writer.WriteElementString("shares", Text(shares));
        foreach ((string prefix, CpuBandwidth time) in (ReadOnlySpan<(string, CpuBandwidth)>)[("", tune.Vcpus), ("global_", tune.Whole), ("emulator_", tune.Emulator)])
        {
            if (time.Period is { } period) writer.WriteElementString($"{prefix}period", Text(period));
            if (time.Quota is { } quota) writer.WriteElementString($"{prefix}quota", Text(quota));
        }
        foreach (VcpuPin pin in tune.VcpuPins) Element(writer, "vcpupin", ("vcpu", Text(pin.Vcpu)), ("cpuset", pin.Processors.ToString()));
        if (tune.EmulatorPin is { } place) Element(writer, "emulatorpin", ("cpuset", place.ToString()));
        writer.WriteEndElement();
    }

    private static CpuBandwidth Bandwidth(XmlScope tune, string prefix)
    {
        long? quota = null;
        if (tune.Child($"{prefix}quota") is { } text)
        {
            if (long.TryParse(text.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) && value is < 0 or (>= CpuBandwidth.LeastQuota and <= CpuBandwidth.MostQuota)) quota = value;
            else text.Invalid($"Value of cputune '{prefix}quota' must be in range [{CpuBandwidth.LeastQuota}, {CpuBandwidth.MostQuota}] or negative");
        }
        return new CpuBandwidth(tune.Child($"{prefix}period")?.TextNumber(CpuBandwidth.LeastPeriod, CpuBandwidth.MostPeriod), quota);
    }
}
