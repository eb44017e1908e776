namespace Hospes.Display;

/// <summary>Symbols of keys as the X Window System numbers them (RFC 6143, 7.5.4), and where they are on a keyboard of the United States.</summary>
internal static class KeySymbols
{
    /// <summary>Both keys for capitals, in Linux's numbers.</summary>
    public const ushort LeftShift = 42, RightShift = 54;

    private static readonly (ushort First, string Plain, string Shifted)[] s_rows =
    [
        (2, "1234567890-=", "!@#$%^&*()_+"), (16, "qwertyuiop[]", "QWERTYUIOP{}"), (30, "asdfghjkl;'`", "ASDFGHJKL:\"~"), (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"), (57, " ", " "),
    ];

    /// <summary>Symbols without a letter: the first one's number, and the keys of it and those after it; 0 for none.</summary>
    private static readonly (uint First, ushort[] Keys)[] s_others =
    [
        (0xFF08, [14, 15]), (0xFF0D, [28]), (0xFF13, [119, 70, 99]), (0xFF1B, [1]), (0xFF50, [102, 105, 103, 106, 108, 104, 109, 107]),
        (0xFF61, [99, 0, 110]), (0xFF65, [131, 129, 127, 136, 128, 138, 119]), (0xFF7F, [69]), (0xFF8D, [96]),
        (0xFF95, [71, 75, 72, 77, 80, 73, 81, 79, 76, 82, 83]), (0xFFAA, [55, 78, 121, 74, 83, 98, 82, 79, 80, 81, 75, 76, 77, 71, 72, 73]), (0xFFBD, [117]),
        (0xFFBE, [59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 87, 88]), (0xFFE1, [LeftShift, RightShift, 29, 97, 58]), (0xFFE7, [56, 100, 56, 100, 125, 126]),
        (0xFFFF, [111]), (0xFE03, [100]), (0xFE20, [15]),
    ];

    /// <summary>Finds a symbol's key.</summary>
    /// <param name="symbol">The symbol.</param>
    /// <param name="key">The key, in Linux's numbers.</param>
    /// <param name="wantsShift">Whether it is a letter's symbol that is there with or without the key for capitals; null for a key that does the same either way.</param>
    /// <param name="isLetter">Whether Caps Lock changes it.</param>
    public static bool TryFind(uint symbol, out ushort key, out bool? wantsShift, out bool isLetter)
    {
        (key, wantsShift, isLetter) = (0, null, false);
        foreach ((uint first, ushort[] keys) in s_others)
        {
            if (symbol - first < (uint)keys.Length) key = keys[symbol - first];
        }
        if (key != 0 || symbol is < ' ' or > '~') return key != 0;
        foreach ((ushort first, string plain, string shifted) in s_rows)
        {
            int at = plain.IndexOf((char)symbol, StringComparison.Ordinal);
            bool isShifted = at < 0;
            if (isShifted) at = shifted.IndexOf((char)symbol, StringComparison.Ordinal);
            if (at < 0) continue;
            key = (ushort)(first + at);
            isLetter = char.IsAsciiLetter((char)symbol);
            wantsShift = symbol == ' ' ? null : isShifted;
            return true;
        }
        return false;
    }
}
