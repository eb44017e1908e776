namespace Hospes.Domains.Configuration;

/// <summary>The element <c>bandwidth</c> of a network card (formatdomain, "Quality of service"), seen from the guest.</summary>
/// <param name="Inbound">What the guest receives; null for no limit.</param>
/// <param name="Outbound">What the guest sends; null for no limit.</param>
public sealed record BandwidthConfig(BandwidthLimit? Inbound, BandwidthLimit? Outbound)
{
    /// <summary>No limits.</summary>
    public static BandwidthConfig None { get; } = new(null, null);

    /// <summary>Whether anything is limited.</summary>
    public bool IsLimited => Inbound is not null || Outbound is not null;
}

/// <summary>The limit of one direction.</summary>
/// <param name="Average">Kilobytes a second in the long run, 1 or more.</param>
/// <param name="Peak">Kilobytes a second during a burst, at least <paramref name="Average"/>; 0 when not given.</param>
/// <param name="Burst">KiB in one burst; 0 when not given.</param>
public sealed record BandwidthLimit(uint Average, uint Peak, uint Burst)
{
    /// <summary>What is wrong with the limit, or null.</summary>
    /// <param name="direction">What people call it.</param>
    public string? Fault(string direction) => Average == 0 ? $"Missing mandatory average in {direction} bandwidth"
        : Peak != 0 && Peak < Average ? $"the peak of the {direction} bandwidth is below its average"
        : null;
}
