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

/// <summary>Memory, processors and their scheduling.</summary>
internal static class TuningProcedures
{
    /// <summary><c>VIR_DOMAIN_MEM_MAXIMUM</c> and <c>VIR_DOMAIN_VCPU_MAXIMUM</c></summary>
    private const uint Maximum = 4;

    private const uint Affect = Flags.AffectLive | Flags.AffectConfig;
    private const string Shares = "cpu_shares", Period = "vcpu_period", Quota = "vcpu_quota";

    public static IReadOnlyList<Procedure> All { get; } =
    [
        Later<DomainAndAmount, Nothing>(31, "virDomainSetMemory", Write, static (session, wish) => SetMemoryAsync(session, new DomainAmountFlags(wish.Domain, wish.Amount, Flags.AffectLive))),
        Later<DomainAmountFlags, Nothing>(204, "virDomainSetMemoryFlags", Write, SetMemoryAsync),
        Later<DomainAndAmount, Nothing>(30, "virDomainSetMaxMemory", Write, static (session, wish) => SetMemoryAsync(session, new DomainAmountFlags(wish.Domain, wish.Amount, Flags.AffectConfig | Maximum))),
        Now<DomainAndFlags, Number>(200, "virDomainGetVcpusFlags", Write, VcpuCount),
        Later<DomainTwoIntsOnly, VcpuList>(20, "virDomainGetVcpus", Read, VcpusAsync),
        Now<DomainTwoIntsFlags, PinList>(230, "virDomainGetVcpuPinInfo", Read, static (session, wish) => With<PinList>(session, wish.Domain, domain =>
            new PinList(Math.Min(wish.First, domain.Now.Config.Vcpus.Maximum), wish.Second))),
        Now<DomainIntFlags, PinList>(280, "virDomainGetEmulatorPinInfo", Read, static (session, wish) => With<PinList>(session, wish.Domain, domain => new PinList(1, wish.Value))),
        Now<DomainName, SchedulerType>(56, "virDomainGetSchedulerType", Read, static (session, name) => With<SchedulerType>(session, name, static _ => default(SchedulerType))),
        Now<DomainAndInt, Parameters>(57, "virDomainGetSchedulerParameters", Read, static (session, wish) => Scheduling(session, new DomainIntFlags(wish.Domain, wish.Value, 0))),
        Now<DomainIntFlags, Parameters>(223, "virDomainGetSchedulerParametersFlags", Read, Scheduling),
        Later<PlainSchedulingChange, Nothing>(58, "virDomainSetSchedulerParameters", Write, static (session, wish) => SetSchedulingAsync(session, new SchedulingChange(wish.Domain, wish.Items, 0))),
        Later<SchedulingChange, Nothing>(219, "virDomainSetSchedulerParametersFlags", Write, SetSchedulingAsync),
    ];

    private static ValueTask<Answer<Nothing>> SetMemoryAsync(ClientSession session, DomainAmountFlags wish) => WithAsync<Nothing>(session, wish.Domain, async domain =>
    {
        if (Flags.Check(wish.Flags, Affect | Maximum, "virDomainSetMemoryFlags") is { } unknown) return unknown;
        (bool live, bool config) = Flags.Affected(wish.Flags & Affect, domain.Now.IsActive);
        bool maximum = (wish.Flags & Maximum) != 0;
        if (maximum && live) return LibvirtError.From(new DomainFailure(DomainError.InvalidState, "cannot resize the maximum memory on an active domain"));
        if (live && (await session.Host.SetMemoryAsync(domain, wish.Amount).ConfigureAwait(false)).Failure is { } failure) return failure;
        if (!config) return default(Nothing);
        return LifecycleProcedures.Nothing(await session.Host.ChangeAsync(domain, live: false, config: true, before =>
        {
            if (maximum) return before with { MemoryKiB = wish.Amount, CurrentMemoryKiB = Math.Min(before.CurrentMemoryKiB, wish.Amount) };
            return wish.Amount > before.MemoryKiB
                ? new DomainFailure(DomainError.InvalidArgument, "cannot set memory higher than max memory")
                : before with { CurrentMemoryKiB = wish.Amount };
        }).ConfigureAwait(false));
    });

    private static Answer<Number> VcpuCount(ClientSession session, DomainAndFlags wish) => With<Number>(session, wish.Domain, domain =>
    {
        if (Flags.Check(wish.Flags, Affect | Maximum, "virDomainGetVcpusFlags") is { } unknown) return unknown;
        (bool live, _) = Flags.Affected(wish.Flags & Affect, domain.Now.IsActive);
        if ((live ? domain.Now.Live : domain.Now.Definition) is not { } config) return LibvirtError.From(new DomainFailure(DomainError.InvalidState, live ? "domain is not running" : "transient domains do not have any persistent config"));
        return new Number((wish.Flags & Maximum) != 0 ? config.Vcpus.Maximum : config.Vcpus.Current);
    });

    private static ValueTask<Answer<VcpuList>> VcpusAsync(ClientSession session, DomainTwoIntsOnly wish) => WithAsync<VcpuList>(session, wish.Domain, async domain =>
    {
        if (await session.Host.StatisticsAsync(domain, StatisticsParts.Vcpus).ConfigureAwait(false) is not { } used) return LibvirtError.From(new DomainFailure(DomainError.InvalidState, "cannot retrieve vcpu information for inactive domain"));
        return new VcpuList([.. used.Vcpus.Take(Math.Max(0, wish.First))], Math.Max(0, wish.Second));
    });

    private static Answer<Parameters> Scheduling(ClientSession session, DomainIntFlags wish) => With<Parameters>(session, wish.Domain, domain =>
    {
        // VIR_TYPED_PARAM_STRING_OKAY says that strings may be among them.
        if (Flags.Check(wish.Flags, Affect | Maximum, "virDomainGetSchedulerParametersFlags") is { } unknown) return unknown;
        CpuTuneConfig tune = domain.Now.Config.CpuTune;
        TypedParameter[] all = [TypedParameter.ULong(Shares, tune.Shares ?? 0), TypedParameter.ULong(Period, tune.Period ?? 0), TypedParameter.Long(Quota, tune.Quota ?? 0)];
        return new Parameters([.. all.Take(Math.Max(0, wish.Value))]);
    });

    private static ValueTask<Answer<Nothing>> SetSchedulingAsync(ClientSession session, SchedulingChange wish) => WithAsync<Nothing>(session, wish.Domain, async domain =>
    {
        if (Flags.Check(wish.Flags, Affect, "virDomainSetSchedulerParametersFlags") is { } unknown) return unknown;
        (bool live, bool config) = Flags.Affected(wish.Flags, domain.Now.IsActive);
        if (live && !session.Host.Profile.Types.Contains(DomainType.Test)) return LibvirtError.From(new DomainFailure(DomainError.UnsupportedOperation, "CPU tuning of running domains is not available: there is no cgroup"));
        return LifecycleProcedures.Nothing(await session.Host.ChangeAsync(domain, live, config, before => Tuned(before, wish.Items)).ConfigureAwait(false));
    });

    private static Outcome<DomainConfig> Tuned(DomainConfig config, IReadOnlyList<TypedParameter> items)
    {
        CpuTuneConfig tune = config.CpuTune;
        foreach (TypedParameter item in items)
        {
            switch (item.Name)
            {
                case Shares when item.Number is >= 2 and <= 262144:
                    tune = tune with { Shares = (ulong)item.Number };
                    break;
                case Period when item.Number is >= 1000 and <= 1_000_000:
                    tune = tune with { Period = (ulong)item.Number };
                    break;
                case Quota when item.Number is < 0 or >= 1000:
                    tune = tune with { Quota = item.Number };
                    break;
                case Shares or Period or Quota:
                    return new DomainFailure(DomainError.InvalidArgument, $"value of '{item.Name}' is out of range");
                default:
                    return new DomainFailure(DomainError.UnsupportedArgument, $"parameter '{item.Name}' not supported");
            }
        }
        return config with { CpuTune = tune };
    }

    /// <summary><c>remote_domain_get_vcpus_args</c></summary>
    private readonly record struct DomainTwoIntsOnly(DomainName Domain, int First, int Second) : IArguments<DomainTwoIntsOnly>
    {
        public static DomainTwoIntsOnly Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.Int32(), reader.Int32());
    }

    /// <summary><c>remote_domain_set_scheduler_parameters_flags_args</c></summary>
    private readonly record struct SchedulingChange(DomainName Domain, TypedParameter[] Items, uint Flags) : IArguments<SchedulingChange>
    {
        public static SchedulingChange Read(ref XdrReader reader)
        {
            PlainSchedulingChange plain = PlainSchedulingChange.Read(ref reader);
            return new SchedulingChange(plain.Domain, plain.Items, reader.UInt32());
        }
    }

    /// <summary><c>remote_domain_set_scheduler_parameters_args</c></summary>
    private readonly record struct PlainSchedulingChange(DomainName Domain, TypedParameter[] Items) : IArguments<PlainSchedulingChange>
    {
        public static PlainSchedulingChange Read(ref XdrReader reader)
        {
            DomainName domain = DomainName.Read(ref reader);
            var items = new TypedParameter[reader.Count(WireLimits.SchedulerParameters)];
            for (int i = 0; i < items.Length; i++) items[i] = TypedParameter.Read(ref reader);
            return new PlainSchedulingChange(domain, items);
        }
    }

    /// <summary><c>remote_domain_get_scheduler_type_ret</c></summary>
    private readonly record struct SchedulerType : IResult
    {
        public void Write(XdrWriter writer)
        {
            writer.Text("posix");
            writer.Int32(3);
        }
    }

    /// <summary><c>remote_domain_get_vcpus_ret</c></summary>
    private readonly record struct VcpuList(IReadOnlyList<VcpuStatistics> Items, int MapLength) : IResult
    {
        public void Write(XdrWriter writer)
        {
            writer.Int32(Items.Count);
            for (int i = 0; i < Items.Count; i++)
            {
                writer.Int32(i);
                // virVcpuState: running, or offline for want of a word for "held".
                writer.Int32(Items[i].Running ? 1 : 0);
                writer.UInt64(Items[i].Time);
                writer.Int32(Items[i].HostCpu);
            }
            WriteMaps(writer, Items.Count, MapLength);
        }
    }

    /// <summary><c>remote_domain_get_vcpu_pin_info_ret</c>: everywhere, since nothing is pinned.</summary>
    private readonly record struct PinList(int Count, int MapLength) : IResult
    {
        public void Write(XdrWriter writer)
        {
            WriteMaps(writer, Count, MapLength);
            writer.Int32(Count);
        }
    }

    private static void WriteMaps(XdrWriter writer, int count, int length)
    {
        // A host has far fewer processors than this many bytes have bits.
        const int longest = 2048;
        byte[] map = ProcessorSets.All(NodeStatistics.Processors, Math.Clamp(length, 0, longest));
        byte[] maps = new byte[count * map.Length];
        for (int i = 0; i < count; i++) map.CopyTo(maps, i * map.Length);
        writer.Opaque(maps);
    }
}
