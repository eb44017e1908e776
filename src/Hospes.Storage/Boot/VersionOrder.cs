namespace Hospes.Storage.Boot;

/// <summary>Compares versions as the UAPI Group's Version Format Specification (UAPI.10) says: digits by value, letters by code, <c>~</c> before all.</summary>
internal static class VersionOrder
{
    /// <summary>Signs that part a version; of two strings the one that has such a sign next is the older, in this order.</summary>
    private const string Separators = "-^.";

    /// <summary>Below, above or equal to zero as the first is older, newer or as old as the second.</summary>
    public static int Compare(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        while (true)
        {
            first = SkipForeign(first);
            second = SkipForeign(second);
            if (Starts(first, '~') || Starts(second, '~'))
            {
                if (!Starts(first, '~') || !Starts(second, '~')) return Starts(first, '~') ? -1 : 1;
                first = first[1..];
                second = second[1..];
                continue;
            }

            if (first.IsEmpty || second.IsEmpty) return first.IsEmpty ? second.IsEmpty ? 0 : -1 : 1;
            bool separated = false;
            foreach (char separator in Separators)
            {
                if (!Starts(first, separator) && !Starts(second, separator)) continue;
                if (!Starts(first, separator) || !Starts(second, separator)) return Starts(first, separator) ? -1 : 1;
                first = first[1..];
                second = second[1..];
                separated = true;
                break;
            }

            if (separated) continue;
            bool digits = char.IsAsciiDigit(first[0]) || char.IsAsciiDigit(second[0]);
            int result = digits ? Numbers(Take(ref first, digits), Take(ref second, digits)) : Take(ref first, digits).SequenceCompareTo(Take(ref second, digits));
            if (result != 0) return result;
        }
    }

    private static bool Starts(ReadOnlySpan<char> text, char letter) => !text.IsEmpty && text[0] == letter;

    private static ReadOnlySpan<char> SkipForeign(ReadOnlySpan<char> text)
    {
        int at = 0;
        while (at < text.Length && !char.IsAsciiLetterOrDigit(text[at]) && text[at] != '~' && !Separators.Contains(text[at])) at++;
        return text[at..];
    }

    private static ReadOnlySpan<char> Take(ref ReadOnlySpan<char> text, bool digits)
    {
        int at = 0;
        while (at < text.Length && (digits ? char.IsAsciiDigit(text[at]) : char.IsAsciiLetter(text[at]))) at++;
        ReadOnlySpan<char> taken = text[..at];
        text = text[at..];
        return taken;
    }

    private static int Numbers(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        first = first.TrimStart('0');
        second = second.TrimStart('0');
        return first.Length != second.Length ? first.Length.CompareTo(second.Length) : first.SequenceCompareTo(second);
    }
}
