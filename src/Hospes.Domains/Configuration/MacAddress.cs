using System.Globalization;

namespace Hospes.Domains.Configuration;

/// <summary>Ethernet addresses as text: six bytes in hexadecimal with colons.</summary>
internal static class MacAddress
{
    /// <summary>The bytes that libvirt's QEMU driver puts first in addresses it makes.</summary>
    private const string Prefix = "52:54:00";

    public static bool IsValid(string text)
    {
        if (text.Length != 17) return false;
        for (int i = 0; i < 17; i += 3)
        {
            if (!byte.TryParse(text.AsSpan(i, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value)) return false;
            // The first byte's lowest bit makes an address one of a group, which no card has.
            if (i == 0 && (value & 1) != 0) return false;
            if (i < 15 && text[i + 2] != ':') return false;
        }
        return true;
    }

    public static string Generate(Random random) => $"{Prefix}:{random.Next(256):x2}:{random.Next(256):x2}:{random.Next(256):x2}";
}
