namespace Hospes.Display;

/// <summary>Rows of pixels in another order.</summary>
internal static class ColourRows
{
    /// <summary>Blue, green, red and a byte without meaning to red, green, blue.</summary>
    public static void ToRgb(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        for (int from = 0, to = 0; from + 3 < source.Length; from += 4, to += 3)
        {
            destination[to] = source[from + 2];
            destination[to + 1] = source[from + 1];
            destination[to + 2] = source[from];
        }
    }
}
