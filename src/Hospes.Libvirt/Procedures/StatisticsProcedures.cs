using Hospes.Domains;
using Hospes.Domains.Configuration;
using Hospes.Domains.Lifecycle;
using Hospes.Domains.Statistics;
using Hospes.Libvirt.Server;
using Hospes.Libvirt.Wire;
using static Hospes.Libvirt.Procedures.Access;
using static Hospes.Libvirt.Procedures.DomainProcedures;
using static Hospes.Libvirt.Procedures.Procedure;

namespace Hospes.Libvirt.Procedures;

/// <summary>What domains used.</summary>
internal static class StatisticsProcedures
{
    /// <summary><c>VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON</c>, <c>_RSS</c></summary>
    private const int ActualBalloon = 6, Resident = 7;

    /// <summary>The tags of <c>virDomainMemoryStatTags</c>, in the order of <see cref="GuestMemoryFigure"/>.</summary>
    private static readonly int[] GuestTags = [0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12];

    public static IReadOnlyList<Procedure> All { get; } =
    [
        Later<StatsWish, StatsRecords>(344, "virConnectGetAllDomainStats", Read, DomainStatsAsync),
        Later<MemoryStatsWish, MemoryStats>(159, "virDomainMemoryStats", Read, static (session, wish) => UsedAsync<MemoryStats>(session, wish.Domain, StatisticsParts.Balloon | StatisticsParts.Guest, (_, used) => MemoryStats.Of(used, wish.Most))),
        Later<DomainIntFlags, Nothing>(308, "virDomainSetMemoryStatsPeriod", Write, static (session, wish) => WithAsync<Nothing>(session, wish.Domain, async domain =>
        {
            if (Flags.Check(wish.Flags, Flags.AffectLive | Flags.AffectConfig, "virDomainSetMemoryStatsPeriod") is { } unknown) return unknown;
            if (wish.Value < 0) return LibvirtError.From(new DomainFailure(DomainError.InvalidArgument, "period in virDomainSetMemoryStatsPeriod must not be negative"));
            (bool live, bool config) = Flags.Affected(wish.Flags, domain.Now.IsActive);
            return LifecycleProcedures.Nothing(await session.Host.SetStatisticsPeriodAsync(domain, (uint)wish.Value, live, config).ConfigureAwait(false));
        })),
        Later<DomainAndText, BlockCounts>(64, "virDomainBlockStats", Read, static (session, wish) => UsedAsync<BlockCounts>(session, wish.Domain, StatisticsParts.Blocks, (live, used) =>
            Disk(live, wish.Text) is { } index && index < used.Blocks.Count ? new BlockCounts(used.Blocks[index]) : LibvirtError.From(new DomainFailure(DomainError.InvalidArgument, $"invalid path: {wish.Text}")))),
        Later<DomainAndText, InterfaceCounts>(65, "virDomainInterfaceStats", Read, static (session, wish) => UsedAsync<InterfaceCounts>(session, wish.Domain, StatisticsParts.Interfaces, (live, used) =>
            Card(live, wish.Text) is { } index && index < used.Interfaces.Count ? new InterfaceCounts(used.Interfaces[index])
            : LibvirtError.From(new DomainFailure(DomainError.InvalidArgument, $"invalid path, '{wish.Text}' is not a known interface")))),
        Later<CpuStatsWish, CpuStats>(262, "virDomainGetCPUStats", Read, CpuStatsAsync),
        Later<BlockStatsWish, Parameters>(243, "virDomainBlockStatsFlags", Read, static (session, wish) => UsedAsync<Parameters>(session, wish.Domain, StatisticsParts.Blocks, (live, used) => BlockParameters(live, used, wish))),
    ];

    private static ValueTask<Answer<T>> UsedAsync<T>(ClientSession session, DomainName name, StatisticsParts parts, Func<DomainConfig, MachineStatistics, Answer<T>> work) => WithAsync<T>(session, name, async domain =>
    {
        DomainConfig? live = domain.Now.Live;
        if (live is null || await session.Host.StatisticsAsync(domain, parts).ConfigureAwait(false) is not { } used) return LibvirtError.From(new DomainFailure(DomainError.InvalidState, "domain is not running"));
        return work(live, used);
    });

    private static Answer<Parameters> BlockParameters(DomainConfig live, MachineStatistics used, BlockStatsWish wish)
    {
        // VIR_TYPED_PARAM_STRING_OKAY says that strings may be among them.
        if (Flags.Check(wish.Flags, 4, "virDomainBlockStatsFlags") is { } unknown) return unknown;
        // An empty path means all disks together.
        int? index = wish.Path.Length == 0 ? null : Disk(live, wish.Path);
        if ((index is null && wish.Path.Length > 0) || index >= used.Blocks.Count) return LibvirtError.From(new DomainFailure(DomainError.InvalidArgument, $"invalid path: {wish.Path}"));
        ulong Sum(Func<BlockStatistics, ulong> of) => index is { } one ? of(used.Blocks[one]) : used.Blocks.Aggregate(0UL, (sum, block) => sum + of(block));
        // The names of VIR_DOMAIN_BLOCK_STATS_*.
        TypedParameter[] all =
        [
            TypedParameter.Long("rd_operations", (long)Sum(static block => block.Reads)), TypedParameter.Long("rd_bytes", (long)Sum(static block => block.ReadBytes)),
            TypedParameter.Long("rd_total_times", (long)Sum(static block => block.ReadTime)), TypedParameter.Long("wr_operations", (long)Sum(static block => block.Writes)),
            TypedParameter.Long("wr_bytes", (long)Sum(static block => block.WriteBytes)), TypedParameter.Long("wr_total_times", (long)Sum(static block => block.WriteTime)),
            TypedParameter.Long("flush_operations", (long)Sum(static block => block.Flushes)), TypedParameter.Long("flush_total_times", (long)Sum(static block => block.FlushTime)),
        ];
        return wish.Most == 0 ? new Parameters([], all.Length) : new Parameters([.. all.Take(Math.Max(0, wish.Most))], Math.Min(all.Length, wish.Most));
    }

    private static ValueTask<Answer<CpuStats>> CpuStatsAsync(ClientSession session, CpuStatsWish wish)
    {
        // VIR_TYPED_PARAM_STRING_OKAY says that strings may be among them.
        if (Flags.Check(wish.Flags, 4, "virDomainGetCPUStats") is { } unknown) return ValueTask.FromResult<Answer<CpuStats>>(unknown);
        if (wish.First != -1) return ValueTask.FromResult(With(session, wish.Domain, domain => TimesByProcessor(domain, wish)));
        return UsedAsync<CpuStats>(session, wish.Domain, StatisticsParts.None, (_, used) =>
        {
            TypedParameter[] all = [TypedParameter.ULong("cpu_time", used.CpuTime), TypedParameter.ULong("user_time", used.UserTime), TypedParameter.ULong("system_time", used.SystemTime)];
            return wish.Most == 0 ? new CpuStats([], all.Length) : new CpuStats([.. all.Take((int)Math.Min(wish.Most, (uint)all.Length))], (int)Math.Min(wish.Most, (uint)all.Length));
        });
    }

    /// <summary>What a machine used of each of the host's processors: only a control group of version 1 counts that. Asked for none, it tells how many there are.</summary>
    private static Answer<CpuStats> TimesByProcessor(ManagedDomain domain, CpuStatsWish wish)
    {
        if (!domain.Now.IsActive) return LibvirtError.From(new DomainFailure(DomainError.InvalidState, "domain is not running"));
        if (DomainHost.ProcessorTimes(domain) is not { } times)
            return LibvirtError.From(new DomainFailure(DomainError.UnsupportedOperation, "times are not counted by the host's processors: there is no cgroup with the controller cpuacct; ask for the total"));
        if (wish.Count == 0) return new CpuStats([], times.Count);
        if (wish.Most == 0) return new CpuStats([], 1);
        if (wish.First < 0 || wish.First >= times.Count) return LibvirtError.From(new DomainFailure(DomainError.InvalidArgument, $"start_cpu {wish.First} larger than maximum of {times.Count - 1}"));
        return new CpuStats([.. times.Skip(wish.First).Take((int)Math.Min(wish.Count, int.MaxValue)).Select(static time => TypedParameter.ULong("cpu_time", time))], 1);
    }

    /// <summary>The disk of a name or path.</summary>
    private static int? Disk(DomainConfig config, string path) => Index(config.Devices.Disks, disk => disk.Target == path || disk.Source == path);

    /// <summary>The card of a name or address.</summary>
    private static int? Card(DomainConfig config, string name) => Index(config.Devices.Interfaces, card => card.Target == name || card.Mac == name || card.Alias == name);

    private static int? Index<T>(ValueList<T> items, Func<T, bool> match)
    {
        for (int i = 0; i < items.Count; i++)
        {
            if (match(items[i])) return i;
        }
        return null;
    }

    private static async ValueTask<Answer<StatsRecords>> DomainStatsAsync(ClientSession session, StatsWish wish)
    {
        if (Flags.Check(wish.Flags, DomainFilter.All | DomainStats.Options, "virConnectGetAllDomainStats") is { } unknown) return unknown;
        if ((wish.Flags & DomainStats.Enforce) != 0 && (wish.Groups & ~DomainStats.Groups) != 0)
            return new LibvirtError(ErrorCode.ArgumentUnsupported, ErrorDomain.Domain, $"Stats types bits 0x{wish.Groups & ~DomainStats.Groups:x} are not supported by this daemon");
        uint groups = wish.Groups == 0 ? DomainStats.Groups : wish.Groups;
        var records = new List<StatsRecord>(wish.Domains.Length);
        IEnumerable<ManagedDomain> domains = wish.Domains.Length == 0
            ? session.Host.List()
            : wish.Domains.Select(name => session.Host.Find(name.Uuid)).Where(static found => found.Succeeded).Select(static found => found.Value);
        foreach (ManagedDomain domain in domains)
        {
            DomainSnapshot now = domain.Now;
            if (!now.Exists || !DomainFilter.Matches(now, wish.Flags & DomainFilter.All)) continue;
            MachineStatistics? used = now.IsActive && DomainStats.AsksMachine(groups) ? await session.Host.StatisticsAsync(domain, DomainStats.Parts(groups)).ConfigureAwait(false) : null;
            records.Add(new StatsRecord(new DomainName(now.Name, domain.Uuid, now.Id), now, used, groups));
        }
        return new StatsRecords(records);
    }

    /// <summary><c>remote_connect_get_all_domain_stats_args</c></summary>
    private readonly record struct StatsWish(DomainName[] Domains, uint Groups, uint Flags) : IArguments<StatsWish>
    {
        public static StatsWish Read(ref XdrReader reader)
        {
            var domains = new DomainName[reader.Count(WireLimits.Domains)];
            for (int i = 0; i < domains.Length; i++) domains[i] = DomainName.Read(ref reader);
            return new StatsWish(domains, reader.UInt32(), reader.UInt32());
        }
    }

    /// <summary><c>remote_domain_block_stats_flags_args</c></summary>
    private readonly record struct BlockStatsWish(DomainName Domain, string Path, int Most, uint Flags) : IArguments<BlockStatsWish>
    {
        public static BlockStatsWish Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.Text(), reader.Int32(), reader.UInt32());
    }

    private readonly record struct StatsRecord(DomainName Name, DomainSnapshot Now, MachineStatistics? Used, uint Groups);

    /// <summary><c>remote_connect_get_all_domain_stats_ret</c></summary>
    private readonly record struct StatsRecords(List<StatsRecord> Items) : IResult
    {
        public void Write(XdrWriter writer)
        {
            writer.Int32(Items.Count);
            foreach (StatsRecord item in Items)
            {
                item.Name.Write(writer);
                DomainStats.Write(writer, item.Now, item.Used, item.Groups);
            }
        }
    }

    /// <summary><c>remote_domain_memory_stats_args</c></summary>
    private readonly record struct MemoryStatsWish(DomainName Domain, uint Most, uint Flags) : IArguments<MemoryStatsWish>
    {
        public static MemoryStatsWish Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.UInt32(), reader.UInt32());
    }

    /// <summary><c>remote_domain_memory_stats_ret</c></summary>
    private readonly record struct MemoryStats(List<(int Tag, ulong Value)> Items) : IResult
    {
        public static MemoryStats Of(MachineStatistics used, uint most)
        {
            List<(int, ulong)> items = [(ActualBalloon, used.BalloonKiB), (Resident, used.ResidentKiB)];
            for (int i = 0; i < used.Guest.Count; i++)
            {
                if (used.Guest[i] is { } value) items.Add((GuestTags[i], value));
            }
            return new MemoryStats([.. items.Take((int)Math.Min(most, (uint)items.Count))]);
        }

        public void Write(XdrWriter writer)
        {
            writer.Int32(Items.Count);
            foreach ((int tag, ulong value) in Items)
            {
                writer.Int32(tag);
                writer.UInt64(value);
            }
        }
    }

    /// <summary><c>remote_domain_get_cpu_stats_args</c></summary>
    private readonly record struct CpuStatsWish(DomainName Domain, uint Most, int First, uint Count, uint Flags) : IArguments<CpuStatsWish>
    {
        public static CpuStatsWish Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.UInt32(), reader.Int32(), reader.UInt32(), reader.UInt32());
    }

    /// <summary><c>remote_domain_get_cpu_stats_ret</c></summary>
    private readonly record struct CpuStats(TypedParameter[] Items, int Count) : IResult
    {
        public void Write(XdrWriter writer)
        {
            writer.Int32(Items.Length);
            foreach (TypedParameter item in Items) item.Write(writer);
            writer.Int32(Count);
        }
    }

    /// <summary><c>remote_domain_block_stats_ret</c>; errors are not counted (-1).</summary>
    private readonly record struct BlockCounts(BlockStatistics Used) : IResult
    {
        public void Write(XdrWriter writer)
        {
            writer.UInt64(Used.Reads);
            writer.UInt64(Used.ReadBytes);
            writer.UInt64(Used.Writes);
            writer.UInt64(Used.WriteBytes);
            writer.Int64(-1);
        }
    }

    /// <summary><c>remote_domain_interface_stats_ret</c>; errors and losses are not counted (-1).</summary>
    private readonly record struct InterfaceCounts(InterfaceStatistics Used) : IResult
    {
        public void Write(XdrWriter writer)
        {
            writer.UInt64(Used.ReceivedBytes);
            writer.UInt64(Used.ReceivedPackets);
            writer.Int64(-1);
            writer.Int64(-1);
            writer.UInt64(Used.SentBytes);
            writer.UInt64(Used.SentPackets);
            writer.Int64(-1);
            writer.Int64(-1);
        }
    }
}
