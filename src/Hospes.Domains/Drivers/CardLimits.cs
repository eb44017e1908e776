using Hospes.Domains.Configuration;

namespace Hospes.Domains.Drivers;

/// <summary>The bandwidth of a network card as the machine limits it: in the members of QEMU's <c>ThrottleLimits</c>.</summary>
internal static class CardLimits
{
    /// <summary>What libvirt calls a kilobyte: of rates (as tc(8) counts them), and of bursts.</summary>
    private const ulong RateUnit = 1000, BurstUnit = 1024;

    /// <summary>All members that matter: 0 takes a limit away.</summary>
    public static IEnumerable<(string Name, ulong Value)> Of(BandwidthConfig bandwidth)
    {
        // The guest reads what it receives.
        foreach ((string name, BandwidthLimit? limit) in ((string, BandwidthLimit?)[])[("bps-read", bandwidth.Inbound), ("bps-write", bandwidth.Outbound)])
        {
            ulong rate = (limit?.Average ?? 0) * RateUnit, peak = (limit?.Peak ?? 0) * RateUnit, burst = (limit?.Burst ?? 0) * BurstUnit;
            // What may be used at once is the peak for so many seconds; without a peak, the burst within a second.
            ulong fastest = peak != 0 ? peak : burst > rate ? burst : 0;
            yield return (name, rate);
            yield return ($"{name}-max", fastest);
            yield return ($"{name}-max-length", peak == 0 ? 1 : Math.Max(1, (burst + peak - 1) / peak));
        }
    }
}
