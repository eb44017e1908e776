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

/// <summary>Memory, and the number of processors.</summary>
internal static class TuningProcedures
{
    /// <summary><c>VIR_DOMAIN_MEM_MAXIMUM</c> and <c>VIR_DOMAIN_VCPU_MAXIMUM</c></summary>
    private const uint Maximum = 4;

    private const uint Affect = Flags.AffectLive | Flags.AffectConfig;

    public static IReadOnlyList<Procedure> All { get; } =
    [
        Later<DomainAndAmount, Nothing>(31, "virDomainSetMemory", Write, static (session, wish) => SetMemoryAsync(session, new DomainAmountFlags(wish.Domain, wish.Amount, Flags.AffectLive))),
        Later<DomainAmountFlags, Nothing>(204, "virDomainSetMemoryFlags", Write, SetMemoryAsync),
        Later<DomainAndAmount, Nothing>(30, "virDomainSetMaxMemory", Write, static (session, wish) => SetMemoryAsync(session, new DomainAmountFlags(wish.Domain, wish.Amount, Flags.AffectConfig | Maximum))),
        Now<DomainAndFlags, Number>(200, "virDomainGetVcpusFlags", Write, VcpuCount),
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
        if (Flags.Config(domain.Now, wish.Flags & Affect, out LibvirtError? missing) is not { } config) return missing!;
        return new Number((wish.Flags & Maximum) != 0 ? config.Vcpus.Maximum : config.Vcpus.Current);
    });
}
