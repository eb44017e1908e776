namespace Hospes.Domains.Xml;

/// <summary>Amounts of memory with units, as in <c>&lt;memory unit='GiB'&gt;</c> (formatdomain, "Memory Allocation").</summary>
internal static class Memory
{
    /// <summary>The element's amount in KiB, rounded up.</summary>
    public static ulong KiB(XmlScope element) => (ulong)((Amount(element, element.Text, "KiB") + 1023) / 1024);

    /// <summary>The amount that an attribute gives, in KiB, rounded up.</summary>
    public static ulong KiB(XmlScope element, string attribute)
    {
        if (element.Attribute(attribute) is { } text) return (ulong)((Amount(element, text, "KiB") + 1023) / 1024);
        element.Missing(attribute);
        return 0;
    }

    /// <summary>The element's amount in bytes.</summary>
    public static ulong Bytes(XmlScope element) => (ulong)Amount(element, element.Text, "bytes");

    private static UInt128 Amount(XmlScope element, string text, string otherwise)
    {
        string unit = element.Attribute("unit") ?? otherwise;
        if (!XmlScope.TryNumber(text, out ulong amount)) element.Invalid($"Invalid value '{text}' for element '{element.Node.Name}'");
        else if (Factor(unit) is not { } factor) element.Invalid($"unknown suffix '{unit}'");
        // The largest amount that has a place in a signed number of bytes.
        else if ((UInt128)amount * factor <= long.MaxValue) return (UInt128)amount * factor;
        else element.Invalid($"size value too large: {amount} {unit}");
        return 0;
    }

    private static ulong? Factor(string unit) => unit switch
    {
        "b" or "bytes" => 1,
        "KB" => 1000,
        "k" or "KiB" => 1UL << 10,
        "MB" => 1_000_000,
        "M" or "MiB" => 1UL << 20,
        "GB" => 1_000_000_000,
        "G" or "GiB" => 1UL << 30,
        "TB" => 1_000_000_000_000,
        "T" or "TiB" => 1UL << 40,
        "PB" => 1_000_000_000_000_000,
        "P" or "PiB" => 1UL << 50,
        "EB" => 1_000_000_000_000_000_000,
        "E" or "EiB" => 1UL << 60,
        _ => null,
    };
}
