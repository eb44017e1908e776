using Hospes.Domains;
using Hospes.Domains.Configuration;
using Hospes.Libvirt.Server;
using Hospes.Libvirt.Wire;
using static Hospes.Libvirt.Procedures.Access;
using static Hospes.Libvirt.Procedures.DomainProcedures;
using static Hospes.Libvirt.Procedures.Procedure;

namespace Hospes.Libvirt.Procedures;

/// <summary>Shares and limits of processor time.</summary>
internal static class SchedulingProcedures
{
    private const uint Affect = Flags.AffectLive | Flags.AffectConfig;

    /// <summary><c>VIR_TYPED_PARAM_STRING_OKAY</c></summary>
    private const uint StringsOkay = 4;

    /// <summary><c>VIR_DOMAIN_SCHEDULER_CPU_SHARES</c></summary>
    private const string Shares = "cpu_shares";

    /// <summary>What the kernel does where nothing is said.</summary>
    private const ulong DefaultShares = 1024;

    /// <summary>Whose time is limited, by the beginnings of the names of <c>VIR_DOMAIN_SCHEDULER_*_PERIOD</c> and <c>_QUOTA</c>, in the order in which libvirt tells them.</summary>
    private static readonly (string Prefix, Func<CpuTuneConfig, CpuBandwidth> Get, Func<CpuTuneConfig, CpuBandwidth, CpuTuneConfig> Set)[] Times =
    [
        ("vcpu_", static tune => tune.Vcpus, static (tune, time) => tune with { Vcpus = time }),
        ("emulator_", static tune => tune.Emulator, static (tune, time) => tune with { Emulator = time }),
        ("global_", static tune => tune.Whole, static (tune, time) => tune with { Whole = time }),
    ];

    public static IReadOnlyList<Procedure> All { get; } =
    [
        Now<DomainName, SchedulerType>(56, "virDomainGetSchedulerType", Read, static (session, name) => With<SchedulerType>(session, name, static _ => default(SchedulerType))),
        Now<DomainAndInt, Parameters>(57, "virDomainGetSchedulerParameters", Read, static (session, wish) => Tell(session, new DomainIntFlags(wish.Domain, wish.Value, 0))),
        Now<DomainIntFlags, Parameters>(223, "virDomainGetSchedulerParametersFlags", Read, Tell),
        Later<PlainChange, Nothing>(58, "virDomainSetSchedulerParameters", Write, static (session, wish) => ChangeAsync(session, new Change(wish.Domain, wish.Items, 0))),
        Later<Change, Nothing>(219, "virDomainSetSchedulerParametersFlags", Write, ChangeAsync),
    ];

    private static Answer<Parameters> Tell(ClientSession session, DomainIntFlags wish) => With<Parameters>(session, wish.Domain, domain =>
    {
        if (Flags.Check(wish.Flags, Affect | StringsOkay, "virDomainGetSchedulerParametersFlags") is { } unknown) return unknown;
        if (Flags.Config(domain.Now, wish.Flags & Affect, out LibvirtError? missing) is not { } config) return missing!;
        // Of a definition, 0 says that nothing is said.
        bool live = ReferenceEquals(config, domain.Now.Live);
        if (live && DomainHost.SchedulingObstacle(domain) is { } obstacle) return obstacle;
        var all = new List<TypedParameter> { TypedParameter.ULong(Shares, config.CpuTune.Shares ?? (live ? DefaultShares : 0)) };
        foreach ((string prefix, Func<CpuTuneConfig, CpuBandwidth> get, _) in Times)
        {
            CpuBandwidth time = get(config.CpuTune);
            all.Add(TypedParameter.ULong($"{prefix}period", time.Period ?? (live ? CpuBandwidth.DefaultPeriod : 0)));
            all.Add(TypedParameter.Long($"{prefix}quota", time.Quota ?? (live ? -1 : 0)));
        }
        return new Parameters([.. all.Take(Math.Max(0, wish.Value))]);
    });

    private static ValueTask<Answer<Nothing>> ChangeAsync(ClientSession session, Change wish) => WithAsync<Nothing>(session, wish.Domain, async domain =>
    {
        if (Flags.Check(wish.Flags, Affect, "virDomainSetSchedulerParametersFlags") is { } unknown) return unknown;
        (bool live, bool config) = Flags.Affected(wish.Flags, domain.Now.IsActive);
        return LifecycleProcedures.Nothing(await session.Host.ScheduleAsync(domain, live, config, before => Tuned(before, wish.Items)).ConfigureAwait(false));
    });

    private static Outcome<CpuTuneConfig> Tuned(CpuTuneConfig tune, IReadOnlyList<TypedParameter> items)
    {
        foreach (TypedParameter item in items)
        {
            Outcome<CpuTuneConfig> next = item.Name == Shares
                ? item.Number is >= 2 and <= 262144 ? tune with { Shares = (ulong)item.Number } : OutOfRange(item)
                : Limited(tune, item);
            if (next.Failure is { } refusal) return refusal;
            tune = next.Value;
        }
        return tune;
    }

    private static Outcome<CpuTuneConfig> Limited(CpuTuneConfig tune, in TypedParameter item)
    {
        foreach ((string prefix, Func<CpuTuneConfig, CpuBandwidth> get, Func<CpuTuneConfig, CpuBandwidth, CpuTuneConfig> set) in Times)
        {
            if (item.Name == $"{prefix}period")
                return item.Number is >= (long)CpuBandwidth.LeastPeriod and <= (long)CpuBandwidth.MostPeriod ? set(tune, get(tune) with { Period = (ulong)item.Number }) : OutOfRange(item);
            if (item.Name == $"{prefix}quota")
                return item.Number is < 0 or (>= CpuBandwidth.LeastQuota and <= CpuBandwidth.MostQuota) ? set(tune, get(tune) with { Quota = item.Number }) : OutOfRange(item);
        }
        return new DomainFailure(DomainError.UnsupportedArgument, $"parameter '{item.Name}' not supported");
    }

    private static DomainFailure OutOfRange(in TypedParameter item) => new(DomainError.InvalidArgument, $"value of '{item.Name}' is out of range");

    /// <summary><c>remote_domain_set_scheduler_parameters_flags_args</c></summary>
    private readonly record struct Change(DomainName Domain, TypedParameter[] Items, uint Flags) : IArguments<Change>
    {
        public static Change Read(ref XdrReader reader)
        {
            PlainChange plain = PlainChange.Read(ref reader);
            return new Change(plain.Domain, plain.Items, reader.UInt32());
        }
    }

    /// <summary><c>remote_domain_set_scheduler_parameters_args</c></summary>
    private readonly record struct PlainChange(DomainName Domain, TypedParameter[] Items) : IArguments<PlainChange>
    {
        public static PlainChange Read(ref XdrReader reader)
        {
            DomainName domain = DomainName.Read(ref reader);
            var items = new TypedParameter[reader.Count(WireLimits.SchedulerParameters)];
            for (int i = 0; i < items.Length; i++) items[i] = TypedParameter.Read(ref reader);
            return new PlainChange(domain, items);
        }
    }

    /// <summary><c>remote_domain_get_scheduler_type_ret</c></summary>
    private readonly record struct SchedulerType : IResult
    {
        public void Write(XdrWriter writer)
        {
            writer.Text("posix");
            writer.Int32(1 + (2 * Times.Length));
        }
    }
}
