using Hospes.Domains;
using Hospes.Domains.Configuration;
using Hospes.Libvirt.Server;
using Hospes.Libvirt.Wire;
using static Hospes.Libvirt.Procedures.Access;
using static Hospes.Libvirt.Procedures.DomainProcedures;
using static Hospes.Libvirt.Procedures.Procedure;

namespace Hospes.Libvirt.Procedures;

/// <summary>Limits of network cards.</summary>
internal static class BandwidthProcedures
{
    private const uint Affect = Flags.AffectLive | Flags.AffectConfig;

    /// <summary><c>VIR_TYPED_PARAM_STRING_OKAY</c></summary>
    private const uint StringsOkay = 4;

    /// <summary>The names of <c>VIR_DOMAIN_BANDWIDTH_IN_*</c> and <c>_OUT_*</c>: directions, and what is limited of each. What is guaranteed (<c>floor</c>) is known, and not supported.</summary>
    private const string Inbound = "inbound.", Outbound = "outbound.", Average = "average", Peak = "peak", Burst = "burst", Floor = "floor";

    public static IReadOnlyList<Procedure> All { get; } =
    [
        Later<Change, Nothing>(256, "virDomainSetInterfaceParameters", Write, ChangeAsync),
        Now<Wish, Parameters>(257, "virDomainGetInterfaceParameters", Read, Tell),
    ];

    private static ValueTask<Answer<Nothing>> ChangeAsync(ClientSession session, Change wish) => WithAsync<Nothing>(session, wish.Domain, async domain =>
    {
        if (Flags.Check(wish.Flags, Affect, "virDomainSetInterfaceParameters") is { } unknown) return unknown;
        (bool live, bool config) = Flags.Affected(wish.Flags, domain.Now.IsActive);
        return LifecycleProcedures.Nothing(await session.Host.LimitCardAsync(domain, wish.Device, live, config, before => Changed(before, wish.Items)).ConfigureAwait(false));
    });

    /// <summary>A direction of which anything is said becomes what is said of it; an average of 0 takes the limit away.</summary>
    private static Outcome<BandwidthConfig> Changed(BandwidthConfig before, TypedParameter[] items)
    {
        foreach (TypedParameter item in items)
        {
            if (item.Name == Inbound + Floor && item.Number == 0) continue;
            if (item.Name == Inbound + Floor) return new DomainFailure(DomainError.UnsupportedConfiguration, "a bandwidth that is guaranteed ('floor') is not supported by this machine");
            if (!((string[])[Inbound, Outbound]).Any(direction => item.Name.StartsWith(direction, StringComparison.Ordinal) && item.Name[direction.Length..] is Average or Peak or Burst))
                return new DomainFailure(DomainError.UnsupportedArgument, $"parameter '{item.Name}' not supported");
            if (item.Type != ParameterType.UInt) return new DomainFailure(DomainError.InvalidArgument, $"value of '{item.Name}' is no unsigned integer");
        }
        Outcome<BandwidthLimit?> inbound = Limit(Inbound, before.Inbound, items), outbound = Limit(Outbound, before.Outbound, items);
        return (inbound.Failure ?? outbound.Failure) is { } refusal ? refusal : new BandwidthConfig(inbound.Value, outbound.Value);
    }

    private static Outcome<BandwidthLimit?> Limit(string direction, BandwidthLimit? before, TypedParameter[] items)
    {
        uint? Given(string name) => items.Where(item => item.Name == direction + name).Select(static item => (uint?)item.Number).LastOrDefault();
        (uint? average, uint? peak, uint? burst) = (Given(Average), Given(Peak), Given(Burst));
        if (average is null && peak is null && burst is null) return before;
        var limit = new BandwidthLimit(average ?? 0, peak ?? 0, burst ?? 0);
        if (limit is { Average: 0, Peak: 0, Burst: 0 }) return (BandwidthLimit?)null;
        return limit.Fault(direction.TrimEnd('.')) is { } fault ? new DomainFailure(DomainError.InvalidArgument, fault) : limit;
    }

    private static Answer<Parameters> Tell(ClientSession session, Wish wish) => With<Parameters>(session, wish.Domain, domain =>
    {
        if (Flags.Check(wish.Flags, Affect | StringsOkay, "virDomainGetInterfaceParameters") is { } unknown) return unknown;
        if (Flags.Config(domain.Now, wish.Flags & Affect, out LibvirtError? missing) is not { } config) return missing!;
        if (DomainHost.FindCard(config, wish.Device) is not { } card) return LibvirtError.From(new DomainFailure(DomainError.InvalidArgument, $"cannot find device {wish.Device}"));
        BandwidthLimit none = new(0, 0, 0), inbound = card.Bandwidth.Inbound ?? none, outbound = card.Bandwidth.Outbound ?? none;
        TypedParameter[] all =
        [
            TypedParameter.UInt(Inbound + Average, inbound.Average), TypedParameter.UInt(Inbound + Peak, inbound.Peak), TypedParameter.UInt(Inbound + Burst, inbound.Burst), TypedParameter.UInt(Inbound + Floor, 0),
            TypedParameter.UInt(Outbound + Average, outbound.Average), TypedParameter.UInt(Outbound + Peak, outbound.Peak), TypedParameter.UInt(Outbound + Burst, outbound.Burst),
        ];
        // Asked for none, it tells how many there are.
        TypedParameter[] told = [.. all.Take(Math.Max(0, wish.Most))];
        return new Parameters(told, wish.Most == 0 ? all.Length : told.Length);
    });

    /// <summary><c>remote_domain_set_interface_parameters_args</c></summary>
    private readonly record struct Change(DomainName Domain, string Device, TypedParameter[] Items, uint Flags) : IArguments<Change>
    {
        public static Change Read(ref XdrReader reader)
        {
            DomainName domain = DomainName.Read(ref reader);
            string device = reader.Text();
            var items = new TypedParameter[reader.Count(WireLimits.InterfaceParameters)];
            for (int i = 0; i < items.Length; i++) items[i] = TypedParameter.Read(ref reader);
            return new Change(domain, device, items, reader.UInt32());
        }
    }

    /// <summary><c>remote_domain_get_interface_parameters_args</c></summary>
    private readonly record struct Wish(DomainName Domain, string Device, int Most, uint Flags) : IArguments<Wish>
    {
        public static Wish Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.Text(), reader.Int32(), reader.UInt32());
    }
}
