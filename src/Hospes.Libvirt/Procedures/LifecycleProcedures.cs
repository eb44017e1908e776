using Hospes.Domains;
using Hospes.Domains.Events;
using Hospes.Domains.Lifecycle;
using Hospes.Libvirt.Server;
using Hospes.Libvirt.Wire;
using static Hospes.Libvirt.Procedures.Access;
using static Hospes.Libvirt.Procedures.DomainProcedures;
using static Hospes.Libvirt.Procedures.Procedure;

namespace Hospes.Libvirt.Procedures;

/// <summary>From definition to the end of a domain.</summary>
internal static class LifecycleProcedures
{
    /// <summary><c>VIR_DOMAIN_START_PAUSED</c>, <c>_AUTODESTROY</c>, <c>_VALIDATE</c></summary>
    private const uint StartPaused = 1, StartAutoDestroy = 2, StartValidate = 16;

    /// <summary><c>VIR_DOMAIN_DEFINE_VALIDATE</c></summary>
    private const uint DefineValidate = 1;

    /// <summary><c>VIR_DOMAIN_DESTROY_GRACEFUL</c></summary>
    private const uint DestroyGraceful = 1;

    /// <summary>What may go with a definition, none of which there is: <c>VIR_DOMAIN_UNDEFINE_MANAGED_SAVE</c> to <c>_TPM</c>.</summary>
    private const uint UndefineFlags = 0x7F;

    /// <summary><c>VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN</c> and <c>VIR_DOMAIN_REBOOT_ACPI_POWER_BTN</c>: the way there is.</summary>
    private const uint PowerButton = 1;

    public static IReadOnlyList<Procedure> All { get; } =
    [
        Later<Words, DomainName>(11, "virDomainDefineXML", Write, static (session, xml) => DefineAsync(session, new TextAndFlags(xml.Text, 0))),
        Later<TextAndFlags, DomainName>(350, "virDomainDefineXMLFlags", Write, DefineAsync),
        Act(35, "virDomainUndefine", static (host, domain) => host.UndefineAsync(domain)),
        ActWithFlags(231, "virDomainUndefineFlags", UndefineFlags, static (host, domain, _) => host.UndefineAsync(domain)),
        Later<TextAndFlags, DomainName>(10, "virDomainCreateXML", Write, CreateAsync),
        Act(9, "virDomainCreate", static (host, domain) => host.StartAsync(domain, new StartOptions())),
        Later<DomainAndFlags, DomainName>(196, "virDomainCreateWithFlags", Write, StartAsync),
        Act(34, "virDomainSuspend", static (host, domain) => host.SuspendAsync(domain)),
        Act(28, "virDomainResume", static (host, domain) => host.ResumeAsync(domain)),
        Act(33, "virDomainShutdown", static (host, domain) => host.ShutdownAsync(domain)),
        ActWithFlags(258, "virDomainShutdownFlags", PowerButton, static (host, domain, _) => host.ShutdownAsync(domain)),
        ActWithFlags(27, "virDomainReboot", PowerButton, static (host, domain, _) => host.RebootAsync(domain)),
        ActWithFlags(245, "virDomainReset", 0, static (host, domain, _) => host.ResetAsync(domain)),
        Act(12, "virDomainDestroy", static (host, domain) => host.DestroyAsync(domain)),
        ActWithFlags(234, "virDomainDestroyFlags", DestroyGraceful, static (host, domain, flags) => host.DestroyAsync(domain, (flags & DestroyGraceful) != 0)),
        Later<DomainAndInt, Nothing>(29, "virDomainSetAutostart", Write, static (session, wish) => WithAsync<Nothing>(session, wish.Domain, async domain => Nothing(await session.Host.SetAutostartAsync(domain, wish.Value != 0).ConfigureAwait(false)))),
        Later<DomainTextFlags, Number>(358, "virDomainRename", Write, RenameAsync),
        Later<MetadataChange, Nothing>(264, "virDomainSetMetadata", Write, SetMetadataAsync),
    ];

    /// <summary>A row that does something to a domain.</summary>
    private static Procedure Act(int number, string name, Func<DomainHost, ManagedDomain, ValueTask<Outcome<Done>>> work)
        => Later<DomainName, Nothing>(number, name, Write, (session, domainName) => WithAsync<Nothing>(session, domainName, async domain => Nothing(await work(session.Host, domain).ConfigureAwait(false))));

    /// <summary>A row that does something to a domain, with flags.</summary>
    private static Procedure ActWithFlags(int number, string name, uint known, Func<DomainHost, ManagedDomain, uint, ValueTask<Outcome<Done>>> work)
        => Later<DomainAndFlags, Nothing>(number, name, Write, (session, wish) => Flags.Check(wish.Flags, known, name) is { } unknown
            ? ValueTask.FromResult<Answer<Nothing>>(unknown)
            : WithAsync<Nothing>(session, wish.Domain, async domain => Nothing(await work(session.Host, domain, wish.Flags).ConfigureAwait(false))));

    internal static Answer<Nothing> Nothing(Outcome<Done> outcome) => outcome.Failure is { } failure ? failure : default(Nothing);

    private static Answer<DomainName> Name(Outcome<ManagedDomain> outcome) => outcome.Failure is { } failure ? failure : DomainName.Of(outcome.Value);

    private static async ValueTask<Answer<DomainName>> DefineAsync(ClientSession session, TextAndFlags wish)
    {
        if (Flags.Check(wish.Flags, DefineValidate, "virDomainDefineXMLFlags") is { } unknown) return unknown;
        return Name(await session.Host.DefineAsync(wish.Text, (wish.Flags & DefineValidate) != 0).ConfigureAwait(false));
    }

    private static async ValueTask<Answer<DomainName>> CreateAsync(ClientSession session, TextAndFlags wish)
    {
        if (Flags.Check(wish.Flags, StartPaused | StartAutoDestroy | StartValidate, "virDomainCreateXML") is { } unknown) return unknown;
        Outcome<ManagedDomain> created = await session.Host.CreateAsync(wish.Text, Options(wish.Flags), (wish.Flags & StartValidate) != 0).ConfigureAwait(false);
        if (created.Succeeded) Remember(session, created.Value, wish.Flags);
        return Name(created);
    }

    private static async ValueTask<Answer<DomainName>> StartAsync(ClientSession session, DomainAndFlags wish)
    {
        if (Flags.Check(wish.Flags, StartPaused | StartAutoDestroy, "virDomainCreateWithFlags") is { } unknown) return unknown;
        return await WithAsync<DomainName>(session, wish.Domain, async domain =>
        {
            if ((await session.Host.StartAsync(domain, Options(wish.Flags)).ConfigureAwait(false)).Failure is { } failure) return failure;
            Remember(session, domain, wish.Flags);
            return DomainName.Of(domain);
        }).ConfigureAwait(false);
    }

    private static StartOptions Options(uint flags) => new() { Paused = (flags & StartPaused) != 0, AutoDestroy = (flags & StartAutoDestroy) != 0 };

    private static void Remember(ClientSession session, ManagedDomain domain, uint flags)
    {
        if ((flags & StartAutoDestroy) != 0 && domain.Now.Id is > 0 and int id) session.EndsWith(domain, id);
    }

    private static ValueTask<Answer<Number>> RenameAsync(ClientSession session, DomainTextFlags wish) => WithAsync<Number>(session, wish.Domain, async domain =>
        (await session.Host.RenameAsync(domain, wish.Text ?? "").ConfigureAwait(false)).Failure is { } failure ? failure : new Number(0));

    private static ValueTask<Answer<Nothing>> SetMetadataAsync(ClientSession session, MetadataChange wish) => WithAsync<Nothing>(session, wish.Domain, async domain =>
    {
        if (Flags.Check(wish.Flags, Flags.AffectLive | Flags.AffectConfig, "virDomainSetMetadata") is { } unknown) return unknown;
        (bool live, bool config) = Flags.Affected(wish.Flags, domain.Now.IsActive);
        Outcome<Done> done = await session.Host.ChangeAsync(domain, live, config, before => MetadataValues.Set(before, wish.Type, wish.Value, wish.Key, wish.Uri)).ConfigureAwait(false);
        if (done.Succeeded) session.Host.Events.Append(DomainEventKind.MetadataChange, domain.Now.Name, domain.Uuid, domain.Now.Id, wish.Type, text: wish.Uri);
        return Nothing(done);
    });

    /// <summary><c>remote_domain_set_metadata_args</c></summary>
    private readonly record struct MetadataChange(DomainName Domain, int Type, string? Value, string? Key, string? Uri, uint Flags) : IArguments<MetadataChange>
    {
        public static MetadataChange Read(ref XdrReader reader)
            => new(DomainName.Read(ref reader), reader.Int32(), reader.OptionalText(), reader.OptionalText(), reader.OptionalText(), reader.UInt32());
    }
}
