using System.Globalization;
using Hospes.Domains.Configuration;

namespace Hospes.Domains.Drivers;

/// <summary>The guest's clock on the command line of <c>hospes vmm</c>: what it shows at the start.</summary>
internal static class ClockArguments
{
    /// <summary>The most seconds that a clock can be beside its basis: a century.</summary>
    private const long MostAdjustment = 100L * 366 * 86400;

    /// <summary>Adds it to a line.</summary>
    /// <param name="line">The line.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="time">The host's.</param>
    public static void Add(List<string> line, ClockConfig clock, TimeProvider time)
    {
        DateTimeOffset now = time.GetUtcNow();
        TimeSpan ahead = clock.Offset switch
        {
            "localtime" => time.LocalTimeZone.GetUtcOffset(now),
            "timezone" => TimeZoneInfo.TryFindSystemTimeZoneById(clock.TimeZone ?? "", out TimeZoneInfo? zone) ? zone.GetUtcOffset(now) : TimeSpan.Zero,
            "variable" => (clock.Basis == "localtime" ? time.LocalTimeZone.GetUtcOffset(now) : TimeSpan.Zero) + TimeSpan.FromSeconds(clock.Adjustment),
            _ => TimeSpan.Zero,
        };
        if (clock.Offset != "utc") line.AddRange(["-rtc", string.Create(CultureInfo.InvariantCulture, $"base={now.UtcDateTime + ahead:yyyy-MM-ddTHH:mm:ss}")]);
    }

    /// <summary>Why no clock can be so, or null.</summary>
    public static DomainFailure? Check(ClockConfig clock)
    {
        if (clock.TimeZone is { } zone && !TimeZoneInfo.TryFindSystemTimeZoneById(zone, out _)) return new DomainFailure(DomainError.UnsupportedConfiguration, $"the time zone '{zone}' is not known to this host");
        return clock.Adjustment is > MostAdjustment or < -MostAdjustment ? new DomainFailure(DomainError.UnsupportedConfiguration, $"a clock cannot be {clock.Adjustment} seconds beside its basis") : null;
    }
}
