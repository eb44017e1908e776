using Hospes.Domains;
using Hospes.Domains.Configuration;
using Hospes.Domains.Lifecycle;
using Hospes.Domains.Statistics;
using Hospes.Domains.Xml;
using Hospes.Libvirt.Server;
using Hospes.Libvirt.Wire;
using static Hospes.Libvirt.Procedures.Access;
using static Hospes.Libvirt.Procedures.Procedure;

namespace Hospes.Libvirt.Procedures;

/// <summary>Which domains there are, and what they are.</summary>
internal static class DomainProcedures
{
    /// <summary><c>VIR_DOMAIN_XML_SECURE</c>, <c>_INACTIVE</c>, <c>_UPDATE_CPU</c>, <c>_MIGRATABLE</c></summary>
    private const uint XmlFlags = 0xF;

    private const uint XmlSecure = 1, XmlInactive = 2;

    public static IReadOnlyList<Procedure> All { get; } =
    [
        Now<ListWish, DomainList>(273, "virConnectListAllDomains", Read, ListAll),
        Now<Number, NumberList>(37, "virConnectListDomains", Read, static (session, most) => new NumberList([.. session.Host.List().Select(static domain => domain.Now.Id).Where(static id => id > 0).Take(Math.Max(0, most.Value))])),
        Now<Nothing, Number>(51, "virConnectNumOfDomains", Read, static (session, _) => new Number(session.Host.List().Count(static domain => domain.Now.IsActive))),
        Now<Number, TextList>(21, "virConnectListDefinedDomains", Read, static (session, most) => new TextList([.. session.Host.List().Where(static domain => !domain.Now.IsActive).Select(static domain => domain.Now.Name).Take(Math.Max(0, most.Value))])),
        Now<Nothing, Number>(25, "virConnectNumOfDefinedDomains", Read, static (session, _) => new Number(session.Host.List().Count(static domain => !domain.Now.IsActive))),
        Now<Number, DomainName>(22, "virDomainLookupByID", Read, static (session, id) => Found(session.Host.Find(id.Value))),
        Now<Words, DomainName>(23, "virDomainLookupByName", Read, static (session, name) => Found(session.Host.Find(name.Text))),
        Now<Identity, DomainName>(24, "virDomainLookupByUUID", Read, static (session, identity) => Found(session.Host.Find(identity.Uuid))),
        Later<DomainName, DomainInformation>(16, "virDomainGetInfo", Read, InformationAsync),
        Now<DomainAndFlags, TwoNumbers>(212, "virDomainGetState", Read, static (session, wish) => With<TwoNumbers>(session, wish.Domain, static domain => Status(domain))),
        Now<DomainAndFlags, ControlInformation>(229, "virDomainGetControlInfo", Read, static (session, wish) => With<ControlInformation>(session, wish.Domain, static domain => domain.Now.IsActive
            ? new ControlInformation(domain.Progress is not null)
            : LibvirtError.From(new DomainFailure(DomainError.InvalidState, "domain is not running")))),
        Now<DomainAndFlags, Words>(14, "virDomainGetXMLDesc", Read, Document),
        Now<DomainName, Words>(19, "virDomainGetOSType", Read, static (session, name) => With<Words>(session, name, static domain => new Words(domain.Now.Config.Os.Type))),
        Now<DomainName, Amount>(17, "virDomainGetMaxMemory", Read, static (session, name) => With<Amount>(session, name, static domain => new Amount(domain.Now.Config.MemoryKiB))),
        Now<DomainName, Number>(18, "virDomainGetMaxVcpus", Read, static (session, name) => With<Number>(session, name, static domain => new Number(domain.Now.Config.Vcpus.Maximum))),
        Now<DomainName, Number>(150, "virDomainIsActive", Read, static (session, name) => With<Number>(session, name, static domain => new Number(domain.Now.IsActive ? 1 : 0))),
        Now<DomainName, Number>(151, "virDomainIsPersistent", Read, static (session, name) => With<Number>(session, name, static domain => new Number(domain.Now.IsPersistent ? 1 : 0))),
        Now<DomainName, Number>(202, "virDomainIsUpdated", Read, static (session, name) => With<Number>(session, name, static domain => new Number(0))),
        Now<DomainAndFlags, Number>(183, "virDomainHasManagedSaveImage", Read, static (session, wish) => With<Number>(session, wish.Domain, static domain => new Number(0))),
        Now<DomainName, Number>(15, "virDomainGetAutostart", Read, static (session, name) => With<Number>(session, name, static domain => new Number(domain.Now.Autostart ? 1 : 0))),
        Now<MetadataWish, Words>(265, "virDomainGetMetadata", Read, MetadataOf),
    ];

    /// <summary>Looks a domain up by the UUID that a client sent.</summary>
    public static Answer<T> With<T>(ClientSession session, in DomainName name, Func<ManagedDomain, Answer<T>> work)
    {
        Outcome<ManagedDomain> found = session.Host.Find(name.Uuid);
        return found.Failure is { } missing ? Missing(name, missing) : work(found.Value);
    }

    /// <summary>Looks a domain up by the UUID that a client sent, for work that may wait.</summary>
    public static async ValueTask<Answer<T>> WithAsync<T>(ClientSession session, DomainName name, Func<ManagedDomain, ValueTask<Answer<T>>> work)
    {
        Outcome<ManagedDomain> found = session.Host.Find(name.Uuid);
        return found.Failure is { } missing ? Missing(name, missing) : await work(found.Value).ConfigureAwait(false);
    }

    private static DomainFailure Missing(in DomainName name, DomainFailure missing) => missing with { Detail = $"{missing.Detail} ({name.Name})" };

    private static Answer<DomainName> Found(Outcome<ManagedDomain> found) => found.Failure is { } missing ? missing : DomainName.Of(found.Value);

    private static TwoNumbers Status(ManagedDomain domain)
    {
        DomainStatus status = domain.Now.Status;
        return new TwoNumbers((int)status.State, status.Reason);
    }

    private static Answer<DomainList> ListAll(ClientSession session, ListWish wish)
    {
        if (Flags.Check(wish.Flags, DomainFilter.All, "virConnectListAllDomains") is { } unknown) return unknown;
        var found = new List<ManagedDomain>();
        foreach (ManagedDomain domain in session.Host.List())
        {
            if (DomainFilter.Matches(domain.Now, wish.Flags)) found.Add(domain);
        }
        if (wish.NeedResults != 0 && found.Count > WireLimits.Domains)
            return new LibvirtError(ErrorCode.Rpc, ErrorDomain.Rpc, $"Too many domains '{found.Count}' for limit '{WireLimits.Domains}'");
        return new DomainList(wish.NeedResults != 0 ? found : [], found.Count);
    }

    private static async ValueTask<Answer<DomainInformation>> InformationAsync(ClientSession session, DomainName name)
    {
        Outcome<ManagedDomain> found = session.Host.Find(name.Uuid);
        if (found.Failure is { } missing) return Missing(name, missing);
        DomainSnapshot now = found.Value.Now;
        MachineStatistics? used = now.IsActive ? await session.Host.StatisticsAsync(found.Value, StatisticsParts.Balloon).ConfigureAwait(false) : null;
        return new DomainInformation(now.Status.State, now.Config.MemoryKiB, used?.BalloonKiB ?? now.Config.CurrentMemoryKiB, now.Config.Vcpus.Current, used?.CpuTime ?? 0);
    }

    private static Answer<Words> Document(ClientSession session, DomainAndFlags wish)
    {
        if (Flags.Check(wish.Flags, XmlFlags, "virDomainGetXMLDesc") is { } unknown) return unknown;
        bool secrets = (wish.Flags & XmlSecure) != 0;
        if (secrets && session.IsReadOnly) return new LibvirtError(ErrorCode.OperationDenied, ErrorDomain.Domain, "virDomainGetXMLDesc with secure flag");
        return With<Words>(session, wish.Domain, domain =>
        {
            DomainSnapshot now = domain.Now;
            bool inactive = (wish.Flags & XmlInactive) != 0 && now.Definition is not null;
            return new Words(inactive || now.Live is null ? DomainXmlWriter.Write(now.Definition!, secrets: secrets) : DomainXmlWriter.Write(now.Live, now.Id, secrets));
        });
    }

    private static Answer<Words> MetadataOf(ClientSession session, MetadataWish wish) => With<Words>(session, wish.Domain, domain =>
    {
        if (Flags.Check(wish.Flags, Flags.AffectLive | Flags.AffectConfig, "virDomainGetMetadata") is { } unknown) return unknown;
        DomainSnapshot now = domain.Now;
        (bool live, _) = Flags.Affected(wish.Flags, now.IsActive);
        DomainConfig? config = live ? now.Live : now.Definition ?? now.Live;
        if (config is null) return LibvirtError.From(new DomainFailure(DomainError.InvalidState, "domain is not running"));
        string? text = MetadataValues.Get(config, wish.Type, wish.Uri);
        return text is null ? LibvirtError.From(new DomainFailure(DomainError.NoMetadata, "Requested metadata element is not present")) : new Words(text);
    });

    /// <summary><c>remote_domain_get_metadata_args</c></summary>
    internal readonly record struct MetadataWish(DomainName Domain, int Type, string? Uri, uint Flags) : IArguments<MetadataWish>
    {
        public static MetadataWish Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.Int32(), reader.OptionalText(), reader.UInt32());
    }

    /// <summary><c>remote_connect_list_all_domains_ret</c></summary>
    private readonly record struct DomainList(IReadOnlyList<ManagedDomain> Items, int Count) : IResult
    {
        public void Write(XdrWriter writer)
        {
            writer.Int32(Items.Count);
            foreach (ManagedDomain domain in Items) DomainName.Of(domain).Write(writer);
            writer.Int32(Count);
        }
    }

    /// <summary><c>remote_domain_get_info_ret</c></summary>
    private readonly record struct DomainInformation(DomainState State, ulong MemoryKiB, ulong CurrentKiB, int Vcpus, ulong CpuTime) : IResult
    {
        public void Write(XdrWriter writer)
        {
            writer.Int32((int)State);
            writer.UInt64(MemoryKiB);
            writer.UInt64(CurrentKiB);
            writer.Int32(Vcpus);
            writer.UInt64(CpuTime);
        }
    }

    /// <summary><c>remote_domain_get_control_info_ret</c>: <c>VIR_DOMAIN_CONTROL_OK</c> or <c>_JOB</c>.</summary>
    private readonly record struct ControlInformation(bool Busy) : IResult
    {
        public void Write(XdrWriter writer)
        {
            writer.UInt32(Busy ? 1U : 0);
            writer.UInt32(0);
            writer.UInt64(0);
        }
    }
}
