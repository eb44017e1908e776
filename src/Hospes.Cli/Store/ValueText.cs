using System.Globalization;
using System.Text;

namespace Hospes.Cli.Store;

/// <summary>Values as text for people: bytes outside of printable ASCII, and the backslash, as xenstore-ls and xenstore-read -R write them.</summary>
internal static class ValueText
{
    /// <summary>Writes a value in printable ASCII.</summary>
    public static string Escape(ReadOnlySpan<byte> value)
    {
        var text = new StringBuilder(value.Length);
        foreach (byte b in value)
        {
            switch (b)
            {
                case (byte)'\t': text.Append("\\t"); break;
                case (byte)'\n': text.Append("\\n"); break;
                case (byte)'\r': text.Append("\\r"); break;
                case (byte)'\\': text.Append("\\\\"); break;
                case >= (byte)' ' and <= (byte)'~': text.Append((char)b); break;
                case < 8: text.Append('\\').Append(Convert.ToString(b, 8).PadLeft(3, '0')); break;
                default: text.Append(CultureInfo.InvariantCulture, $"\\x{b:x2}"); break;
            }
        }
        return text.ToString();
    }

    /// <summary>Reads what <see cref="Escape"/> writes; a backslash before anything else means that character.</summary>
    public static byte[] Unescape(string text)
    {
        byte[] from = Encoding.UTF8.GetBytes(text);
        var bytes = new List<byte>(from.Length);
        for (int i = 0; i < from.Length; i++)
        {
            if (from[i] != '\\' || i + 1 == from.Length)
            {
                bytes.Add(from[i]);
                continue;
            }
            byte next = from[++i];
            switch (next)
            {
                case (byte)'t': bytes.Add((byte)'\t'); break;
                case (byte)'n': bytes.Add((byte)'\n'); break;
                case (byte)'r': bytes.Add((byte)'\r'); break;
                case (byte)'x':
                    bytes.Add((byte)Number(from, ref i, 2, 16));
                    break;
                case >= (byte)'0' and <= (byte)'7':
                    i--;
                    bytes.Add((byte)Number(from, ref i, 3, 8));
                    break;
                default: bytes.Add(next); break;
            }
        }
        return [.. bytes];
    }

    /// <summary>Reads up to so many digits after position <paramref name="at"/>, which moves to the last one.</summary>
    private static int Number(byte[] text, ref int at, int most, int radix)
    {
        int value = 0;
        for (int digits = 0; digits < most && at + 1 < text.Length && char.IsAsciiHexDigit((char)text[at + 1]); digits++)
        {
            int digit = Convert.ToInt32(((char)text[at + 1]).ToString(), 16);
            if (digit >= radix) break;
            value = value * radix + digit;
            at++;
        }
        return value;
    }
}
