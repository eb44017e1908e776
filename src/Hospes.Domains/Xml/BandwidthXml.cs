using System.Xml;
using Hospes.Domains.Configuration;
using static Hospes.Domains.Xml.DomainXmlWriter;

namespace Hospes.Domains.Xml;

/// <summary>Reads and writes <c>bandwidth</c>.</summary>
internal static class BandwidthXml
{
    public static BandwidthConfig Read(XmlScope card)
    {
        if (card.Child("bandwidth") is not { } bandwidth) return BandwidthConfig.None;
        BandwidthLimit? inbound = Limit(bandwidth, "inbound"), outbound = Limit(bandwidth, "outbound");
        return inbound is null && outbound is null ? BandwidthConfig.None : new BandwidthConfig(inbound, outbound);
    }

    public static void Write(XmlWriter writer, BandwidthConfig bandwidth)
    {
        if (!bandwidth.IsLimited) return;
        writer.WriteStartElement("bandwidth");
        foreach ((string name, BandwidthLimit? limit) in ((string, BandwidthLimit?)[])[("inbound", bandwidth.Inbound), ("outbound", bandwidth.Outbound)])
        {
            if (limit is not null) Element(writer, name, ("average", Text(limit.Average)), ("peak", limit.Peak == 0 ? null : Text(limit.Peak)), ("burst", limit.Burst == 0 ? null : Text(limit.Burst)));
        }
        writer.WriteEndElement();
    }

    private static BandwidthLimit? Limit(XmlScope bandwidth, string name)
    {
        if (bandwidth.Child(name) is not { } element) return null;
        if (element.Number("floor") is not null) element.Unsupported("a bandwidth that is guaranteed ('floor') is not supported by this machine");
        var limit = new BandwidthLimit(element.Number("average") ?? 0, element.Number("peak") ?? 0, element.Number("burst") ?? 0);
        if (limit.Fault(name) is { } fault) element.Invalid(fault);
        return limit;
    }
}
