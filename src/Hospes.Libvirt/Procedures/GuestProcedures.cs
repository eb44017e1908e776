using Hospes.Domains;
using Hospes.Libvirt.Server;
using Hospes.Libvirt.Wire;
using static Hospes.Libvirt.Procedures.Access;
using static Hospes.Libvirt.Procedures.DomainProcedures;
using static Hospes.Libvirt.Procedures.Procedure;

namespace Hospes.Libvirt.Procedures;

/// <summary>What only a program in the guest or a DHCP server of the host could tell: there is neither, and clients that ask are told so.</summary>
internal static class GuestProcedures
{
    /// <summary><c>VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT</c>; the ones before and behind are leases and the host's table of neighbours.</summary>
    private const uint FromAgent = 1, Sources = 3;

    /// <summary>The name of the channel at which a guest agent listens.</summary>
    private const string AgentChannel = "org.qemu.guest_agent.0";

    public static IReadOnlyList<Procedure> All { get; } =
    [
        Now<LeasesWish, EmptyList>(341, "virNetworkGetDHCPLeases", Read, static (session, wish) =>
            Flags.Check(wish.Flags, 0, "virNetworkGetDHCPLeases") is { } unknown ? unknown
            : session.Host.Networks.All.Find(wish.Network.Uuid).Failure is { } missing ? missing
            : default(EmptyList)),
        Now<DomainTwoUnsigned, NoInterfaces>(353, "virDomainInterfaceAddresses", Write, Addresses),
        Now<DomainAndFlags, EmptyList>(351, "virDomainGetIOThreadInfo", Read, static (session, wish) =>
            Flags.Check(wish.Flags, Flags.AffectLive | Flags.AffectConfig, "virDomainGetIOThreadInfo") is { } unknown ? unknown
            : With<EmptyList>(session, wish.Domain, domain => Flags.Config(domain.Now, wish.Flags, out LibvirtError? missing) is null ? missing! : default(EmptyList))),
        Now<DomainAndFlags, Nothing>(337, "virDomainGetTime", Write, AskAgent),
        Now<TimeWish, Nothing>(338, "virDomainSetTime", Write, static (session, wish) => AskAgent(session, new DomainAndFlags(wish.Domain, wish.Flags))),
        Now<DomainAndFlags, Nothing>(277, "virDomainGetHostname", Read, AskAgent),
        Now<DomainAndFlags, Nothing>(349, "virDomainGetFSInfo", Write, AskAgent),
        Now<DomainTwoUnsigned, Nothing>(418, "virDomainGetGuestInfo", Write, static (session, wish) => AskAgent(session, new DomainAndFlags(wish.Domain, wish.Second))),
    ];

    /// <summary>Guests on networks in user mode get the host's own addresses, from a process that keeps no leases; other cards are not this daemon's affair.</summary>
    private static Answer<NoInterfaces> Addresses(ClientSession session, DomainTwoUnsigned wish)
    {
        if (Flags.Check(wish.Second, 0, "virDomainInterfaceAddresses") is { } unknown) return unknown;
        if (wish.First >= Sources) return LibvirtError.From(new DomainFailure(DomainError.UnsupportedArgument, $"Unknown IP address data source {wish.First}"));
        return With<NoInterfaces>(session, wish.Domain, domain =>
            !domain.Now.IsActive ? LibvirtError.From(new DomainFailure(DomainError.InvalidState, "domain is not running"))
            : wish.First == FromAgent ? Refusal(domain)
            : default(NoInterfaces));
    }

    private static Answer<Nothing> AskAgent(ClientSession session, DomainAndFlags wish) => With<Nothing>(session, wish.Domain, static domain =>
        domain.Now.IsActive ? Refusal(domain) : LibvirtError.From(new DomainFailure(DomainError.InvalidState, "domain is not running")));

    private static LibvirtError Refusal(Hospes.Domains.Lifecycle.ManagedDomain domain) => domain.Now.Config.Devices.Channels.Any(static channel => channel.TargetName == AgentChannel)
        ? LibvirtError.From(new DomainFailure(DomainError.UnsupportedOperation, "this daemon does not speak with guest agents"))
        : LibvirtError.From(new DomainFailure(DomainError.UnsupportedArgument, "QEMU guest agent is not configured"));

    /// <summary><c>remote_network_get_dhcp_leases_args</c></summary>
    private readonly record struct LeasesWish(ItemName Network, string? Mac, int NeedResults, uint Flags) : IArguments<LeasesWish>
    {
        public static LeasesWish Read(ref XdrReader reader) => new(ItemName.Read(ref reader), reader.OptionalText(), reader.Int32(), reader.UInt32());
    }

    /// <summary><c>remote_domain_interface_addresses_args</c>, <c>remote_domain_get_guest_info_args</c></summary>
    private readonly record struct DomainTwoUnsigned(DomainName Domain, uint First, uint Second) : IArguments<DomainTwoUnsigned>
    {
        public static DomainTwoUnsigned Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.UInt32(), reader.UInt32());
    }

    /// <summary><c>remote_domain_set_time_args</c></summary>
    private readonly record struct TimeWish(DomainName Domain, long Seconds, uint Nanoseconds, uint Flags) : IArguments<TimeWish>
    {
        public static TimeWish Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.Int64(), reader.UInt32(), reader.UInt32());
    }

    /// <summary><c>remote_domain_interface_addresses_ret</c>, empty</summary>
    private readonly record struct NoInterfaces : IResult
    {
        public void Write(XdrWriter writer) => writer.Int32(0);
    }
}
