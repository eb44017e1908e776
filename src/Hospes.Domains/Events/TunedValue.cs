using System.Globalization;

namespace Hospes.Domains.Events;

/// <summary>Something that a running domain gets of the host, as events tell it: by a name of <c>VIR_DOMAIN_TUNABLE_*</c>, with a value of one of three types.</summary>
/// <param name="Name">The name.</param>
/// <param name="Words">The value where it is a text, else null.</param>
/// <param name="Number">The value where it is a number, else null.</param>
/// <param name="IsSigned">Whether the number may be negative.</param>
public readonly record struct TunedValue(string Name, string? Words, long? Number, bool IsSigned)
{
    private const char Text = 's', Signed = 'l', Unsigned = 'u';

    /// <summary>A text.</summary>
    public static TunedValue Of(string name, string words) => new(name, words, null, false);

    /// <summary>An amount.</summary>
    public static TunedValue Of(string name, ulong amount) => new(name, null, (long)amount, false);

    /// <summary>A number that may be negative.</summary>
    public static TunedValue Of(string name, long number) => new(name, null, number, true);

    /// <summary>Values as the text of an event: a line each.</summary>
    public static string Write(IEnumerable<TunedValue> values) => string.Join('\n', values.Select(static value => string.Create(CultureInfo.InvariantCulture,
        $"{(value.Number is null ? Text : value.IsSigned ? Signed : Unsigned)} {value.Name}={value.Words?.Replace('\n', ' ') ?? value.Number?.ToString(CultureInfo.InvariantCulture)}")));

    /// <summary>Reads what <see cref="Write"/> made; lines that it did not make are left out.</summary>
    public static IReadOnlyList<TunedValue> Read(string text)
    {
        var values = new List<TunedValue>();
        foreach (string line in text.Split('\n'))
        {
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals < 3 || line[1] != ' ') continue;
            (string name, string value) = (line[2..equals], line[(equals + 1)..]);
            if (line[0] == Text) values.Add(Of(name, value));
            else if (long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)) values.Add(new TunedValue(name, null, number, line[0] == Signed));
        }
        return values;
    }
}
