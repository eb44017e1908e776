using System.Text.Json.Nodes;
using Hospes.Virtio;

namespace Hospes.Vmm.CommandLine;

/// <summary>Limits of a drive or a card as options (<c>throttling.bps-total=…</c>) and as QEMU's <c>ThrottleLimits</c>, and what QEMU takes of them.</summary>
public static class ThrottleArguments
{
    private const string Prefix = "throttling.", BurstSuffix = "-max", LengthSuffix = "-max-length", SizeName = "iops-size";

    /// <summary>The limits' names, in the order of <see cref="RequestLimits.All"/>.</summary>
    private static readonly string[] s_names = ["bps-total", "bps-read", "bps-write", "iops-total", "iops-read", "iops-write"];

    /// <summary>The members of <c>ThrottleLimits</c>, all of which are numbers.</summary>
    public static IReadOnlyList<string> Members { get; } = [.. s_names.SelectMany(static name => (string[])[name, name + BurstSuffix, name + LengthSuffix]), SizeName];

    /// <summary>The parameters as properties of a device model.</summary>
    internal static IEnumerable<DeviceProperty> Properties => Members.Select(static member => new DeviceProperty(Prefix + member, "uint64", Describe(member)));

    /// <summary>Reads the parameters.</summary>
    /// <param name="reader">Where they are; it is told what is wrong.</param>
    public static RequestLimits Read(OptionReader reader)
    {
        RequestLimits limits = Make(name => (ulong?)reader.Number(Prefix + name, 0, long.MaxValue), new RequestLimits());
        if (Check(limits) is { } error) reader.Fail(error);
        return limits.IsLimited ? limits : new RequestLimits();
    }

    /// <summary>Makes limits of members of <c>ThrottleLimits</c>.</summary>
    /// <param name="member">Gives a member, or null for one that is to stay.</param>
    /// <param name="before">What stays.</param>
    public static RequestLimits Make(Func<string, ulong?> member, RequestLimits before)
    {
        IReadOnlyList<RateLimit> old = before.All;
        RateLimit[] all = [.. s_names.Select((name, at) => new RateLimit(
            member(name) ?? old[at].Rate, member(name + BurstSuffix) ?? old[at].Burst, member(name + LengthSuffix) ?? Math.Max(1, old[at].BurstSeconds)))];
        return RequestLimits.Of(all, member(SizeName) ?? before.OperationSize);
    }

    /// <summary>Tells limits as <c>ThrottleLimits</c> with all its members.</summary>
    /// <param name="limits">The limits.</param>
    public static JsonObject Tell(RequestLimits limits)
    {
        var told = new JsonObject();
        foreach ((string name, RateLimit limit) in s_names.Zip(limits.All))
        {
            told[name] = limit.Rate;
            told[name + BurstSuffix] = limit.Burst;
            told[name + LengthSuffix] = Math.Max(1, limit.BurstSeconds);
        }
        told[SizeName] = limits.OperationSize;
        return told;
    }

    private static string Describe(string member)
    {
        if (member == SizeName) return "Bytes of an operation: a longer one counts as several (default: any size)";
        if (member.EndsWith(LengthSuffix, StringComparison.Ordinal)) return "Seconds that the burst may last (default: 1)";
        string counted = member.StartsWith("bps", StringComparison.Ordinal) ? "Bytes" : "Operations";
        return member.EndsWith(BurstSuffix, StringComparison.Ordinal) ? $"{counted} a second in a burst (default: no burst)" : $"{counted} a second (default: any number)";
    }

    /// <summary>Tells what QEMU would not take (its <c>throttle_is_valid</c>).</summary>
    /// <param name="limits">The limits.</param>
    /// <returns>Null, or what is wrong.</returns>
    public static string? Check(RequestLimits limits)
    {
        IReadOnlyList<RateLimit> all = limits.All;
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
