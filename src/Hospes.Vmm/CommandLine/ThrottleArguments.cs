using Hospes.Virtio;

namespace Hospes.Vmm.CommandLine;

/// <summary>Limits of a drive (<c>-drive throttling.bps-total=…</c>), and what QEMU takes of them.</summary>
internal static class ThrottleArguments
{
    /// <summary>Reads the parameters.</summary>
    public static RequestLimits Read(OptionReader reader)
    {
        var limits = new RequestLimits
        {
            Bytes = Limit("bps-total"),
            ReadBytes = Limit("bps-read"),
            WriteBytes = Limit("bps-write"),
            Operations = Limit("iops-total"),
            ReadOperations = Limit("iops-read"),
            WriteOperations = Limit("iops-write"),
            OperationSize = Number("throttling.iops-size") ?? 0,
        };
        if (Check(limits) is { } error) reader.Fail(error);
        return limits.IsLimited ? limits : new RequestLimits();

        RateLimit Limit(string name) => new(
            Number($"throttling.{name}") ?? 0, Number($"throttling.{name}-max") ?? 0, Number($"throttling.{name}-max-length") ?? 1);

        ulong? Number(string name) => (ulong?)reader.Number(name, 0, long.MaxValue);
    }

    /// <summary>Tells what QEMU would not take (its <c>throttle_is_valid</c>).</summary>
    /// <returns>Null, or what is wrong.</returns>
    public static string? Check(RequestLimits limits)
    {
        RateLimit[] all = [limits.Bytes, limits.ReadBytes, limits.WriteBytes, limits.Operations, limits.ReadOperations, limits.WriteOperations];
        bool Both(int kind, Func<RateLimit, ulong> of) => of(all[kind]) != 0 && (of(all[kind + 1]) | of(all[kind + 2])) != 0;
        if (Both(0, static at => at.Rate) || Both(3, static at => at.Rate) || Both(0, static at => at.Burst) || Both(3, static at => at.Burst))
            return "bps/iops/max total values and read/write values cannot be used at the same time";
        if (limits.OperationSize != 0 && (limits.Operations.Rate | limits.ReadOperations.Rate | limits.WriteOperations.Rate) == 0) return "iops size requires an iops value to be set";
        foreach (RateLimit limit in all)
        {
            if (limit.Rate > RateLimit.Most || limit.Burst > RateLimit.Most) return $"bps/iops/max values must be within [0, {RateLimit.Most}]";
            if (limit.BurstSeconds == 0) return "the burst length cannot be 0";
            if (limit.BurstSeconds > 1 && limit.Burst == 0) return "burst length set without burst rate";
            if (limit.Burst != 0 && limit.BurstSeconds > RateLimit.Most / limit.Burst) return "burst length too high for this burst rate";
            if (limit.Burst != 0 && limit.Rate == 0) return "bps_max/iops_max require corresponding bps/iops values";
            if (limit.Burst != 0 && limit.Burst < limit.Rate) return "bps_max/iops_max cannot be lower than bps/iops";
        }
        return null;
    }
}
