using System.Globalization;

namespace Hospes.Cli.CommandLine;

/// <summary>Sizes as people type them: a whole number and an optional binary unit K, M, G or T. A bare number is mebibytes, as with QEMU's <c>-m</c>.</summary>
internal static class ByteSize
{
    /// <summary>Reads a size.</summary>
    /// <param name="text">Such as <c>512M</c>, <c>2G</c>, <c>2GiB</c> or <c>512</c>.</param>
    /// <param name="bytes">The size in bytes.</param>
    /// <returns>False when the text is no size or the size does not fit in 63 bits.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out long bytes)
    {
        bytes = 0;
        int digits = 0;
        while (digits < text.Length && char.IsAsciiDigit(text[digits])) digits++;
        if (digits == 0 || !ulong.TryParse(text[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out ulong number)) return false;
        int shift = Shift(text[digits..]);
        if (shift < 0 || number > (ulong)long.MaxValue >> shift) return false;
        bytes = (long)(number << shift);
        return true;
    }

    /// <summary>Writes a size for people, in the largest binary unit that keeps one digit before the point.</summary>
    public static string Format(long bytes)
    {
        string[] units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{(unit == 0 || value >= 100 || value == Math.Floor(value) ? value.ToString("0", CultureInfo.InvariantCulture) : value.ToString("0.0", CultureInfo.InvariantCulture))} {units[unit]}");
    }

    private static int Shift(ReadOnlySpan<char> unit)
    {
        if (unit.IsEmpty) return 20;
        ReadOnlySpan<char> rest = unit[1..];
        bool known = rest.IsEmpty || rest.Equals("iB", StringComparison.OrdinalIgnoreCase) || rest.Equals("B", StringComparison.OrdinalIgnoreCase);
        return !known ? -1 : char.ToUpperInvariant(unit[0]) switch
        {
            'B' when unit.Length == 1 => 0,
            'K' => 10,
            'M' => 20,
            'G' => 30,
            'T' => 40,
            _ => -1,
        };
    }
}
