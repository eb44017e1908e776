using Hospes.Store.Engine;
using Hospes.Store.Wire;

namespace Hospes.Store.Quotas;

/// <summary>What the store knows of one domain: its limits, what it uses of them, and its connection.</summary>
internal sealed class DomainState
{
    private readonly long[] _used = new long[QuotaNames.Count];
    private readonly long[] _highest = new long[QuotaNames.Count];

    public DomainState(ushort id, QuotaTable defaults)
    {
        Id = id;
        defaults.Hard.CopyTo(Limits, 0);
        SoftMemory = defaults.SoftMemory;
        BasePath = System.Text.Encoding.ASCII.GetBytes($"{StorePath.DomainBase}{id}");
    }

    public ushort Id { get; }

    public bool IsPrivileged => Id == XsWire.ControlDomain;

    /// <summary>"/local/domain/N": what the domain's relative paths are relative to.</summary>
    public byte[] BasePath { get; }

    public uint[] Limits { get; } = new uint[QuotaNames.Count];

    public uint SoftMemory { get; set; }

    public XsFeatures Features { get; set; } = XsFeatures.All;

    /// <summary>True between INTRODUCE and RELEASE.</summary>
    public bool IsIntroduced { get; set; }

    /// <summary>The domain was reported shut down; RESUME arms the report again.</summary>
    public bool IsShutDown { get; set; }

    /// <summary>The domain that this one acts for (SET_TARGET); -1 for none.</summary>
    public int Target { get; set; } = -1;

    public uint EventChannel { get; set; }

    public ulong Gfn { get; set; }

    /// <summary>Sessions that speak for this domain.</summary>
    public List<Session> Sessions { get; } = [];

    /// <summary>When each kind of refusal was last logged, in clock milliseconds, so that a flood of refusals is no flood of log lines.</summary>
    public long[] LastLogged { get; } = [.. Enumerable.Repeat(long.MinValue, QuotaNames.Count + 1)];

    public long Used(QuotaItem item) => _used[(int)item];

    public long Highest(QuotaItem item) => _highest[(int)item];

    public void ResetHighest() => _used.CopyTo(_highest, 0);

    public void Add(QuotaItem item, long amount)
    {
        long now = _used[(int)item] += amount;
        if (now > _highest[(int)item]) _highest[(int)item] = now;
    }

    /// <summary>Notes a size that is not a running total.</summary>
    public void Note(QuotaItem item, long size)
    {
        if (size > _highest[(int)item]) _highest[(int)item] = size;
    }

    /// <summary>True when the domain may not have <paramref name="amount"/> more.</summary>
    public bool WouldExceed(QuotaItem item, long amount) => Exceeds(item, _used[(int)item] + amount);

    /// <summary>True when <paramref name="value"/> is beyond the limit.</summary>
    public bool Exceeds(QuotaItem item, long value)
    {
        uint limit = Limits[(int)item];
        return limit != 0 && !IsPrivileged && value > limit;
    }
}

/// <summary>Limits that new domains begin with.</summary>
internal sealed class QuotaTable(StoreQuotas quotas)
{
    public uint[] Hard { get; } = quotas.ToArray();

    public uint SoftMemory { get; set; } = quotas.SoftMemory;

    public TimeSpan UnreadEventTime { get; } = quotas.UnreadEventTime;
}
