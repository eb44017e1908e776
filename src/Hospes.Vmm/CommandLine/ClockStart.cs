using System.Globalization;

namespace Hospes.Vmm.CommandLine;

/// <summary>What the guest's clock shows at the start (<c>-rtc base=</c>); it goes on with the host's.</summary>
/// <param name="IsLocal">Whether it is the time of the host's zone rather than UTC.</param>
/// <param name="At">A moment, in no zone, that it starts with; null for the present.</param>
public sealed record ClockStart(bool IsLocal = false, DateTime? At = null)
{
    /// <summary>How far it is ahead of UTC.</summary>
    /// <param name="now">The present.</param>
    /// <param name="zone">The host's zone.</param>
    public TimeSpan Offset(DateTimeOffset now, TimeZoneInfo zone) => At is { } moment ? moment - now.UtcDateTime : IsLocal ? zone.GetUtcOffset(now) : TimeSpan.Zero;

    /// <summary>Reads <c>-rtc</c>.</summary>
    internal static ClockStart Read(OptionReader reader)
    {
        string text = reader.Text("base") ?? "utc";
        // It follows the host's clock, and ticks that the guest misses are not made up for.
        reader.Only("clock", "host");
        reader.Only("driftfix", "none");
        if (text is "utc" or "localtime") return new ClockStart(IsLocal: text == "localtime");
        if (DateTime.TryParseExact(text, ["yyyy-MM-ddTHH:mm:ss", "yyyy-MM-dd"], CultureInfo.InvariantCulture, DateTimeStyles.None, out DateTime at)) return new ClockStart(At: at);
        reader.Fail("invalid datetime format\nvalid formats: '2006-06-17T16:01:21' or '2006-06-17'");
        return new ClockStart();
    }
}
