using System.Buffers;

namespace Hospes.Store.Wire;

/// <summary>What a path may look like (xenstore.txt, the paragraphs on paths).</summary>
internal static class StorePath
{
    private static readonly SearchValues<byte> Allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-/_@"u8);

    public const string DomainBase = "/local/domain/";

    /// <summary>Only permitted characters, no doubled slash, no slash at the end unless it is the root, not empty.</summary>
    public static bool IsWellFormed(ReadOnlySpan<byte> path) =>
        !path.IsEmpty
        && path.IndexOfAnyExcept(Allowed) < 0
        && (path.Length == 1 || path[^1] != (byte)'/')
        && path.IndexOf("//"u8) < 0;

    /// <summary>
    /// The length that counts against the limit for paths: what follows "/local/domain/N/" where the path has that form
    /// (so that the same relative path is as long for every domain id, XSA-323), the whole path otherwise.
    /// </summary>
    public static int CountedLength(ReadOnlySpan<byte> path)
    {
        ReadOnlySpan<byte> start = "/local/domain/"u8;
        if (!path.StartsWith(start)) return path.Length;
        int at = start.Length;
        while (at < path.Length && at < start.Length + 5 && char.IsAsciiDigit((char)path[at])) at++;
        return at > start.Length && at < path.Length && path[at] == (byte)'/' ? path.Length - at - 1 : path.Length;
    }

    /// <summary>Parent of an absolute path other than the root; the root's own parent is the root.</summary>
    public static ReadOnlySpan<byte> Parent(ReadOnlySpan<byte> path)
    {
        int slash = path.LastIndexOf((byte)'/');
        return slash <= 0 ? path[..1] : path[..slash];
    }

    public static ReadOnlySpan<byte> Name(ReadOnlySpan<byte> path) => path[(path.LastIndexOf((byte)'/') + 1)..];

    /// <summary>True when <paramref name="path"/> is <paramref name="ancestor"/> or lies below it.</summary>
    public static bool IsAtOrBelow(ReadOnlySpan<byte> path, ReadOnlySpan<byte> ancestor) =>
        path.StartsWith(ancestor) && (path.Length == ancestor.Length || ancestor.Length == 1 || path[ancestor.Length] == (byte)'/');

    /// <summary>Levels from <paramref name="ancestor"/> down to <paramref name="path"/>, which lies at or below it.</summary>
    public static int LevelsBelow(ReadOnlySpan<byte> path, ReadOnlySpan<byte> ancestor) =>
        path.Length == ancestor.Length ? 0 : path[ancestor.Length..].Count((byte)'/') + (ancestor.Length == 1 ? 1 : 0);

    /// <summary>Reads an unsigned decimal number that takes up all of <paramref name="text"/>.</summary>
    public static bool TryParseNumber(ReadOnlySpan<byte> text, out uint value)
    {
        value = 0;
        return !text.IsEmpty && System.Buffers.Text.Utf8Parser.TryParse(text, out value, out int used) && used == text.Length;
    }

    /// <summary>Reads a domain id, 0 to 65535.</summary>
    public static bool TryParseDomain(ReadOnlySpan<byte> text, out ushort domain)
    {
        bool valid = TryParseNumber(text, out uint value) && value <= ushort.MaxValue;
        domain = (ushort)value;
        return valid;
    }
}
