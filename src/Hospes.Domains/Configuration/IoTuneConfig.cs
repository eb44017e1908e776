namespace Hospes.Domains.Configuration;

/// <summary>One limit of a disk.</summary>
/// <param name="Rate">Bytes or operations per second; 0 for none.</param>
/// <param name="Burst">What may be used per second for a while; 0 for none.</param>
/// <param name="BurstSeconds">How long, in seconds; 0 when not given.</param>
public readonly record struct IoLimit(ulong Rate, ulong Burst, ulong BurstSeconds);

/// <summary>The element <c>iotune</c> of a disk (formatdomain, "Hard drives, floppy disks, CDROMs"): limits by kind. Immutable.</summary>
public sealed record IoTuneConfig
{
    /// <summary>The length of what counts as one operation: the parameter <c>size_iops_sec</c>.</summary>
    public const string OperationSizeName = "size_iops_sec";

    /// <summary>The group that shares limits. Known, not supported.</summary>
    public const string GroupName = "group_name";

    private const string BurstSuffix = "_max", SecondsSuffix = "_max_length";

    /// <summary>The kinds of limits by libvirt's names, in its order.</summary>
    public static ValueList<string> Kinds { get; } = ["total_bytes_sec", "read_bytes_sec", "write_bytes_sec", "total_iops_sec", "read_iops_sec", "write_iops_sec"];

    /// <summary>All numbers there are, by libvirt's names, in the order in which it tells them.</summary>
    public static ValueList<string> Names { get; } =
        [.. Kinds, .. Kinds.Select(static kind => kind + BurstSuffix), OperationSizeName, .. Kinds.Select(static kind => kind + SecondsSuffix)];

    /// <summary>No limits.</summary>
    public static IoTuneConfig None { get; } = new();

    /// <summary>The limits, in the order of <see cref="Kinds"/>.</summary>
    public ValueList<IoLimit> Limits { get; private init; } = [.. Kinds.Select(static _ => default(IoLimit))];

    /// <summary>Larger requests count as several operations of this many bytes; 0 for no such division.</summary>
    public ulong OperationSize { get; private init; }

    /// <summary>Whether anything is limited.</summary>
    public bool IsLimited => this != None;

    /// <summary>The number of a name of <see cref="Names"/>; 0 for others.</summary>
    public ulong Get(string name)
    {
        if (name == OperationSizeName) return OperationSize;
        (int kind, int part) = Part(name);
        return kind < 0 ? 0 : part switch { 0 => Limits[kind].Rate, 1 => Limits[kind].Burst, _ => Limits[kind].BurstSeconds };
    }

    /// <summary>These limits with another number, or null if the name is none of <see cref="Names"/>.</summary>
    public IoTuneConfig? With(string name, ulong value)
    {
        if (name == OperationSizeName) return this with { OperationSize = value };
        (int kind, int part) = Part(name);
        if (kind < 0) return null;
        IoLimit limit = Limits[kind];
        limit = part switch { 0 => limit with { Rate = value }, 1 => limit with { Burst = value }, _ => limit with { BurstSeconds = value } };
        return this with { Limits = [.. Limits.Select((old, index) => index == kind ? limit : old)] };
    }

    /// <summary>What is wrong with the limits, or null: a total excludes its parts.</summary>
    public string? Fault()
    {
        foreach (int total in (ReadOnlySpan<int>)[0, 3])
        {
            string what = total == 0 ? "bytes_sec" : "iops_sec";
            if (Limits[total].Rate != 0 && (Limits[total + 1].Rate | Limits[total + 2].Rate) != 0) return $"total and read/write {what} cannot be set at the same time";
            if (Limits[total].Burst != 0 && (Limits[total + 1].Burst | Limits[total + 2].Burst) != 0) return $"total and read/write {what}{BurstSuffix} cannot be set at the same time";
        }
        for (int kind = 0; kind < Kinds.Count; kind++)
        {
            if (Limits[kind].Burst != 0 && Limits[kind].Rate == 0) return $"value '{Kinds[kind]}{BurstSuffix}' cannot be set if '{Kinds[kind]}' is not set";
        }
        return null;
    }

    private static (int Kind, int Part) Part(string name)
    {
        for (int kind = 0; kind < Kinds.Count; kind++)
        {
            if (!name.StartsWith(Kinds[kind], StringComparison.Ordinal)) continue;
            ReadOnlySpan<char> rest = name.AsSpan(Kinds[kind].Length);
            if (rest.IsEmpty) return (kind, 0);
            if (rest is BurstSuffix) return (kind, 1);
            if (rest is SecondsSuffix) return (kind, 2);
        }
        return (-1, 0);
    }
}
