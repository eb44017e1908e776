namespace Hospes.Cli.Images.Packages;

/// <summary>The order of Debian's version numbers (Debian Policy 5.6.12): epoch, upstream version, revision.</summary>
internal static class DebianVersion
{
    /// <summary>Compares two versions: negative, zero or positive.</summary>
    public static int Compare(string left, string right)
    {
        (string epochA, string upstreamA, string revisionA) = Split(left);
        (string epochB, string upstreamB, string revisionB) = Split(right);
        int order = ComparePart(epochA, epochB);
        if (order == 0) order = ComparePart(upstreamA, upstreamB);
        return order != 0 ? order : ComparePart(revisionA, revisionB);
    }

    private static (string Epoch, string Upstream, string Revision) Split(string version)
    {
        int colon = version.IndexOf(':');
        string epoch = colon < 0 ? "0" : version[..colon];
        string rest = version[(colon + 1)..];
        int dash = rest.LastIndexOf('-');
        return dash < 0 ? (epoch, rest, "0") : (epoch, rest[..dash], rest[(dash + 1)..]);
    }

    /// <summary>Turns of a part without digits, letter by letter, and a part of digits, as a number.</summary>
    private static int ComparePart(ReadOnlySpan<char> left, ReadOnlySpan<char> right)
    {
        while (!left.IsEmpty || !right.IsEmpty)
        {
            int i = 0;
            while (NonDigit(left, i) || NonDigit(right, i))
            {
                int order = Weight(left, i) - Weight(right, i);
                if (order != 0) return order;
                i++;
            }

            left = left[Math.Min(i, left.Length)..].TrimStart('0');
            right = right[Math.Min(i, right.Length)..].TrimStart('0');
            int digitsLeft = Digits(left);
            int digitsRight = Digits(right);
            if (digitsLeft != digitsRight) return digitsLeft - digitsRight;
            int number = left[..digitsLeft].SequenceCompareTo(right[..digitsRight]);
            if (number != 0) return number;
            left = left[digitsLeft..];
            right = right[digitsRight..];
        }

        return 0;
    }

    private static bool NonDigit(ReadOnlySpan<char> part, int at) => at < part.Length && !char.IsAsciiDigit(part[at]);

    /// <summary>A tilde sorts before the end of the part, letters before everything else.</summary>
    private static int Weight(ReadOnlySpan<char> part, int at) =>
        !NonDigit(part, at) ? 0 : part[at] == '~' ? -1 : char.IsAsciiLetter(part[at]) ? part[at] : part[at] + 256;

    private static int Digits(ReadOnlySpan<char> part)
    {
        int count = 0;
        while (count < part.Length && char.IsAsciiDigit(part[count])) count++;
        return count;
    }
}
