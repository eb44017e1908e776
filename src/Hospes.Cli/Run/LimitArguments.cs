using Hospes.Virtio;
using Hospes.Vmm.CommandLine;

namespace Hospes.Cli.Run;

/// <summary>Collects the limits of a disk or of a network card, as <c>bps=10M:100M:2</c>.</summary>
internal sealed class LimitArguments
{
    /// <summary>The options, for people.</summary>
    public const string Help = "limits for a second: bps, bps-read, bps-write=BYTES[:BURST[:SECONDS]], iops, iops-read, iops-write=N[:BURST[:SECONDS]]; "
        + "with a burst, so much more for so long. Of a network card, operations are frames, and the guest reads what it receives.";

    /// <summary>In the order of <see cref="RequestLimits.All"/>.</summary>
    private static readonly string[] s_names = ["bps", "bps-read", "bps-write", "iops", "iops-read", "iops-write"];

    private readonly RateLimit[] _limits = [.. s_names.Select(static _ => new RateLimit(0))];

    /// <summary>What was collected.</summary>
    public RequestLimits Limits => Contradiction is null && _limits.Any(static limit => limit.Rate != 0) ? RequestLimits.Of(_limits, 0) : new RequestLimits();

    /// <summary>What is wrong with all limits together; null for nothing.</summary>
    public string? Contradiction => ThrottleArguments.Check(RequestLimits.Of(_limits, 0)) is { } error ? $"asks for what cannot be: {error}" : null;

    /// <summary>Takes an option.</summary>
    /// <returns>False for one that is no limit.</returns>
    public bool TryTake(string name, string value)
    {
        int at = Array.IndexOf(s_names, name);
        string[] parts = value.Split(':');
        if (at < 0 || parts.Length > 3 || !TryAmount(parts[0], out ulong rate)) return false;
        ulong burst = 0, seconds = 1;
        if (parts.Length > 1 && !TryAmount(parts[1], out burst) || parts.Length > 2 && (!OptionReader.TryNumber(parts[2], out seconds) || seconds == 0)) return false;
        _limits[at] = new RateLimit(rate, burst, seconds);
        return true;

        bool TryAmount(string text, out ulong amount) =>
            (name.StartsWith("bps", StringComparison.Ordinal) ? OptionReader.TrySize(text, 1, out amount) : OptionReader.TryNumber(text, out amount)) && amount is > 0 and <= RateLimit.Most;
    }
}
