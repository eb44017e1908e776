using System.Globalization;
using System.Text;

namespace Hospes.Vmm.Gdb;

/// <summary>Packets of GDB's remote protocol (its manual, appendix E.1): framing, sums, numbers.</summary>
internal static class GdbWire
{
    /// <summary>The most bytes that a packet from the debugger has between its marks.</summary>
    public const int LongestPacket = 0x4000;

    /// <summary>Frames an answer.</summary>
    public static byte[] Frame(string content) => Encoding.Latin1.GetBytes(string.Create(CultureInfo.InvariantCulture, $"${Escape(content)}#{Sum(Escape(content)):x2}"));

    /// <summary>The sum behind a packet.</summary>
    public static byte Sum(ReadOnlySpan<char> content)
    {
        byte sum = 0;
        foreach (char at in content) sum += (byte)at;
        return sum;
    }

    /// <summary>Undoes the escaping of binary data.</summary>
    public static string Unescape(string content)
    {
        var text = new StringBuilder(content.Length);
        for (int i = 0; i < content.Length; i++)
        {
            if (content[i] == '}' && i + 1 < content.Length) text.Append((char)(content[++i] ^ 0x20));
            else text.Append(content[i]);
        }
        return text.ToString();
    }

    /// <summary>Bytes as hexadecimal digits.</summary>
    public static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    /// <summary>A number in hexadecimal digits.</summary>
    public static bool TryNumber(ReadOnlySpan<char> text, out ulong value) => ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);

    /// <summary>Hexadecimal digits as bytes; null when they are none.</summary>
    public static byte[]? Bytes(string digits)
    {
        if (digits.Length % 2 != 0 || digits.AsSpan().ContainsAnyExcept("0123456789abcdefABCDEF")) return null;
        return Convert.FromHexString(digits);
    }

    /// <summary>An address, a comma and a number.</summary>
    public static bool TryRange(string text, out ulong first, out ulong second)
    {
        int comma = text.IndexOf(',');
        second = 0;
        return TryNumber(comma < 0 ? "" : text.AsSpan(0, comma), out first) && TryNumber(text.AsSpan(comma + 1), out second);
    }

    private static string Escape(string content)
    {
        if (!content.AsSpan().ContainsAny("#$}*")) return content;
        var text = new StringBuilder(content.Length + 16);
        foreach (char at in content)
        {
            if (at is '#' or '$' or '}' or '*') text.Append('}').Append((char)(at ^ 0x20));
            else text.Append(at);
        }
        return text.ToString();
    }
}
