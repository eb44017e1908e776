using Hospes.Domains;
using Hospes.Domains.Configuration;
using Hospes.Domains.Xml;
using Hospes.Libvirt.Documents;
using Hospes.Libvirt.Server;
using Hospes.Libvirt.Wire;
using static Hospes.Libvirt.Procedures.Access;
using static Hospes.Libvirt.Procedures.Procedure;

namespace Hospes.Libvirt.Procedures;

/// <summary>The connection itself: authentication, opening, what the driver is.</summary>
internal static class ConnectionProcedures
{
    /// <summary><c>VIR_CONNECT_RO</c></summary>
    private const uint ReadOnly = 1;

    /// <summary><c>VIR_CONNECT_NO_ALIASES</c>, which concerns the client.</summary>
    private const uint NoAliases = 2;

    /// <summary>The version of libvirt whose protocol this is: 9.0.0.</summary>
    private const ulong ProtocolVersion = 9_000_000;

    /// <summary>
    /// <c>VIR_DRV_FEATURE_TYPED_PARAM_STRING</c>, <c>_PROGRAM_KEEPALIVE</c>, <c>_REMOTE_EVENT_CALLBACK</c>, <c>_REMOTE_CLOSE_CALLBACK</c>
    /// (src/libvirt_internal.h).
    /// </summary>
    private static readonly int[] Features = [9, 10, 14, 15];

    public static IReadOnlyList<Procedure> All { get; } =
    [
        Now<Nothing, AuthenticationTypes>(66, "virConnectAuthList", Anybody, static (_, _) => default(AuthenticationTypes)),
        Now<Nothing, Number>(70, "virConnectAuthPolkit", Anybody, static (_, _) => new LibvirtError(ErrorCode.AuthenticationFailed, ErrorDomain.Rpc, "client tried invalid PolicyKit init request")),
        Now<Nothing, Nothing>(67, "virConnectAuthSaslInit", Anybody, static (_, _) => new LibvirtError(ErrorCode.AuthenticationFailed, ErrorDomain.Rpc, "client tried unsupported SASL auth")),
        Now<OptionalTextFlags, Nothing>(1, "virConnectOpen", Anybody, Open),
        Now<Nothing, Nothing>(2, "virConnectClose", Anybody, static (session, _) =>
        {
            session.IsOpen = false;
            return default(Nothing);
        }),
        Now<Nothing, Words>(3, "virConnectGetType", Read, static (session, _) => new Words(session.Server.Options.DriverName)),
        Now<Nothing, Amount>(4, "virConnectGetVersion", Read, static (session, _) => new Amount(session.Server.Options.Version)),
        Now<Nothing, Amount>(157, "virConnectGetLibVersion", Read, static (_, _) => new Amount(ProtocolVersion)),
        Now<Nothing, Words>(59, "virConnectGetHostname", Read, static (_, _) => new Words(Environment.MachineName)),
        Now<Nothing, Words>(110, "virConnectGetURI", Read, static (session, _) => new Words(session.Uri ?? session.Server.Options.Uri)),
        Now<Number, Number>(60, "virConnectSupportsFeature", Anybody, static (_, feature) => new Number(Array.IndexOf(Features, feature.Value) >= 0 ? 1 : 0)),
        Now<Nothing, Number>(149, "virConnectIsSecure", Read, static (_, _) => new Number(1)),
        Now<Nothing, Nothing>(360, "virConnectRegisterCloseCallback", Read, static (_, _) => default(Nothing)),
        Now<Nothing, Nothing>(361, "virConnectUnregisterCloseCallback", Read, static (_, _) => default(Nothing)),
        Now<OptionalWords, Number>(5, "virConnectGetMaxVcpus", Read, static (session, _) => new Number(session.Host.Profile.MaximumVcpus)),
        Now<Nothing, Words>(7, "virConnectGetCapabilities", Read, static (session, _) => new Words(CapabilitiesXml.Host(session.Host.Profile))),
        Now<CapabilityWish, Words>(342, "virConnectGetDomainCapabilities", Write, DomainCapabilities),
    ];

    private static Answer<Nothing> Open(ClientSession session, OptionalTextFlags wish)
    {
        if (Flags.Check(wish.Flags, ReadOnly | NoAliases, "remoteDispatchConnectOpen") is { } unknown) return unknown;
        if (session.IsOpen) return new LibvirtError(ErrorCode.InternalError, ErrorDomain.Rpc, "connection already open");
        session.IsOpen = true;
        session.IsReadOnly |= (wish.Flags & ReadOnly) != 0;
        session.Uri = string.IsNullOrEmpty(wish.Text) ? null : wish.Text;
        return default(Nothing);
    }

    private static Answer<Words> DomainCapabilities(ClientSession session, CapabilityWish wish)
    {
        if (Flags.Check(wish.Flags, 0, "virConnectGetDomainCapabilities") is { } unknown) return unknown;
        HostProfile profile = session.Host.Profile;
        if (wish.Architecture is not (null or HostProfile.Architecture)) return Refused($"unknown architecture {wish.Architecture}");
        if (wish.Machine is not (null or HostProfile.Machine)) return Refused($"the machine '{wish.Machine}' is not supported by emulator '{profile.Emulator}'");
        DomainType? type = wish.Type is null ? profile.Types[0] : DomainWords.Type(wish.Type);
        if (type is not { } known || !profile.Types.Contains(known)) return Refused($"unknown virttype: {wish.Type}");
        return new Words(CapabilitiesXml.Domain(profile, known));

        static LibvirtError Refused(string detail) => new(ErrorCode.InvalidArgument, ErrorDomain.Domain, detail);
    }

    /// <summary>The ways to prove who one is (<c>remote_auth_list_ret</c>): none is needed, the kernel said it.</summary>
    private readonly record struct AuthenticationTypes : IResult
    {
        public void Write(XdrWriter writer)
        {
            writer.Int32(1);
            writer.Int32(0);
        }
    }

    /// <summary><c>remote_connect_get_domain_capabilities_args</c></summary>
    private readonly record struct CapabilityWish(string? Emulator, string? Architecture, string? Machine, string? Type, uint Flags) : IArguments<CapabilityWish>
    {
        public static CapabilityWish Read(ref XdrReader reader) => new(reader.OptionalText(), reader.OptionalText(), reader.OptionalText(), reader.OptionalText(), reader.UInt32());
    }
}
