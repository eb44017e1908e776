using System.Globalization;

namespace Hospes.Vmm.CommandLine;

/// <summary>
/// Takes the parameters of an <see cref="OptionSet"/> one by one. The first thing that is wrong is kept in <see cref="Error"/>; what is taken after it
/// is of no use. In the end <see cref="Finish"/> finds what nobody took.
/// </summary>
/// <param name="set">The parameters.</param>
public sealed class OptionReader(OptionSet set)
{
    private const string SizeHint =
        "expects a non-negative number below 2^64\nOptional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively.";

    private readonly HashSet<string> _taken = [];

    /// <summary>What is wrong, in QEMU's words; null as long as nothing is.</summary>
    public string? Error { get; private set; }

    /// <summary>The parameters that are read.</summary>
    public OptionSet Set => set;

    /// <summary>Notes what is wrong; the first counts.</summary>
    /// <param name="error">A sentence without a full stop.</param>
    public void Fail(string error) => Error ??= error;

    /// <summary>A text; the last one counts. Null when it is absent.</summary>
    /// <param name="key">The parameter.</param>
    public string? Text(string key)
    {
        _taken.Add(key);
        string? value = null;
        foreach ((string name, string text) in set.Entries)
        {
            if (name == key) value = text;
        }
        return value;
    }

    /// <summary>A text that has to be there.</summary>
    /// <param name="key">The parameter.</param>
    public string Required(string key)
    {
        string? value = Text(key);
        if (value is null) Fail($"Parameter '{key}' is missing");
        return value ?? "";
    }

    /// <summary>All values of a parameter that may come again, in JSON as a list whose members may be objects with the member <c>str</c>.</summary>
    /// <param name="key">The parameter.</param>
    public IReadOnlyList<string> All(string key)
    {
        var values = new List<string>();
        foreach ((string name, string text) in set.Entries)
        {
            if (name != key && !name.StartsWith(key + ".", StringComparison.Ordinal)) continue;
            _taken.Add(name);
            values.Add(text);
        }
        return values;
    }

    /// <summary>A switch; <paramref name="absent"/> when it is not there.</summary>
    /// <param name="key">The parameter.</param>
    /// <param name="absent">The value in its absence.</param>
    public bool Switch(string key, bool absent)
    {
        switch (Text(key))
        {
            case null:
                return absent;
            case "on" or "yes" or "true" or "y":
                return true;
            case "off" or "no" or "false" or "n":
                return false;
            default:
                Fail($"Parameter '{key}' expects 'on' or 'off'");
                return absent;
        }
    }

    /// <summary>A whole number; null when it is absent.</summary>
    /// <param name="key">The parameter.</param>
    /// <param name="least">The smallest that is allowed.</param>
    /// <param name="most">The largest that is allowed.</param>
    public long? Number(string key, long least, long most)
    {
        if (Text(key) is not { } text) return null;
        if (TryNumber(text, out ulong value) && value <= long.MaxValue && (long)value >= least && (long)value <= most) return (long)value;
        Fail(string.Create(CultureInfo.InvariantCulture, $"Parameter '{key}' expects a number from {least} to {most}"));
        return null;
    }

    /// <summary>A size in bytes; null when it is absent.</summary>
    /// <param name="key">The parameter.</param>
    /// <param name="unit">What a bare number counts: 1 for bytes.</param>
    public ulong? Size(string key, ulong unit = 1)
    {
        if (Text(key) is not { } text) return null;
        if (TrySize(text, unit, out ulong value)) return value;
        Fail($"Parameter '{key}' {SizeHint}");
        return null;
    }

    /// <summary>One of several words; the first one when it is absent.</summary>
    /// <param name="key">The parameter.</param>
    /// <param name="words">The words.</param>
    public string Choice(string key, params ReadOnlySpan<string> words)
    {
        if (Text(key) is not { } text) return words[0];
        if (!words.Contains(text)) Fail($"Parameter '{key}' does not accept value '{text}'");
        return text;
    }

    /// <summary>Something's name: letters, digits, <c>-</c>, <c>.</c> and <c>_</c>, a letter first. Null when it is absent.</summary>
    /// <param name="key">The parameter.</param>
    public string? Identifier(string key)
    {
        string? value = Text(key);
        if (value is not null && !IsIdentifier(value))
            Fail($"Parameter '{key}' expects an identifier\nIdentifiers consist of letters, digits, '-', '.', '_', starting with a letter.");
        return value;
    }

    /// <summary>Parameters that QEMU knows and that are only understood with the values that say what is the case anyway.</summary>
    /// <param name="key">The parameter.</param>
    /// <param name="values">The values that are accepted; none at all for a parameter that is never understood.</param>
    public void Only(string key, params ReadOnlySpan<string> values)
    {
        if (Text(key) is not { } text || values.Contains(text)) return;
        Fail(values.IsEmpty
            ? $"Parameter '{key}' is not supported"
            : $"Parameter '{key}' is supported with the value {string.Join(" or ", values.ToArray().Select(static value => $"'{value}'"))} only, not with '{text}'");
    }

    /// <summary>Marks everything below a parameter (<c>file.</c>) as taken.</summary>
    /// <param name="prefix">The part of the names in front of the dot.</param>
    /// <returns>What is below it.</returns>
    public OptionSet Below(string prefix)
    {
        foreach ((string name, _) in set.Entries)
        {
            if (name.StartsWith(prefix + ".", StringComparison.Ordinal)) _taken.Add(name);
        }
        return set.Below(prefix);
    }

    /// <summary>Ends the reading: what nobody took is wrong.</summary>
    /// <param name="message">The words for a parameter of such a name; null for QEMU's usual ones.</param>
    /// <returns>Whether all went well; <see cref="Error"/> says what did not.</returns>
    public bool Finish(Func<string, string>? message = null)
    {
        foreach ((string name, _) in set.Entries)
        {
            if (!_taken.Contains(name)) Fail(message?.Invoke(name) ?? $"Invalid parameter '{name}'");
        }
        return Error is null;
    }

    /// <summary>Whether a text can be something's name.</summary>
    /// <param name="text">The text.</param>
    public static bool IsIdentifier(string text) =>
        text.Length > 0 && char.IsAsciiLetter(text[0]) && text.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.' or '_');

    /// <summary>Reads a size with an optional suffix: B, k, M, G, T, P or E, in either case, in steps of 1024; a fraction may stand before it.</summary>
    /// <param name="text">The text.</param>
    /// <param name="unit">What a bare number counts.</param>
    /// <param name="size">The bytes.</param>
    public static bool TrySize(string text, ulong unit, out ulong size)
    {
        size = 0;
        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)) return TryNumber(text, out ulong raw) && TryScale(raw, unit, out size);
        if (text.Length == 0) return false;
        int step = "BKMGTPE".IndexOf(char.ToUpperInvariant(text[^1]), StringComparison.Ordinal);
        string digits = step < 0 ? text : text[..^1];
        ulong factor = step < 0 ? unit : 1UL << (10 * step);
        if (ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out ulong whole)) return TryScale(whole, factor, out size);
        if (factor == 1 || !decimal.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal part) || part > ulong.MaxValue / factor) return false;
        size = (ulong)(part * factor);
        return true;
    }

    /// <summary>Reads a whole number: decimal, or hexadecimal after 0x.</summary>
    /// <param name="text">The text.</param>
    /// <param name="number">The number.</param>
    public static bool TryNumber(string text, out ulong number) => text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
        ? ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number)
        : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static bool TryScale(ulong number, ulong factor, out ulong size)
    {
        size = unchecked(number * factor);
        return number == 0 || size / number == factor;
    }
}
