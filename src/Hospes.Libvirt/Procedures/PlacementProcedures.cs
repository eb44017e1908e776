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

/// <summary>On which of the host's processors domains run.</summary>
internal static class PlacementProcedures
{
    private const uint Affect = Flags.AffectLive | Flags.AffectConfig;

    public static IReadOnlyList<Procedure> All { get; } =
    [
        Later<PlainPin, Nothing>(26, "virDomainPinVcpu", Write, static (session, wish) => PinVcpuAsync(session, new VcpuPinWish(wish.Domain, wish.Vcpu, wish.Processors, Flags.AffectLive))),
        Later<VcpuPinWish, Nothing>(225, "virDomainPinVcpuFlags", Write, PinVcpuAsync),
        Later<EmulatorPinWish, Nothing>(279, "virDomainPinEmulator", Write, PinEmulatorAsync),
        Later<VcpusWish, VcpuList>(20, "virDomainGetVcpus", Read, VcpusAsync),
        Now<DomainTwoIntsFlags, PinList>(230, "virDomainGetVcpuPinInfo", Read, static (session, wish) => Pins(session, wish.Domain, wish.Flags, wish.Second, config =>
            [.. Enumerable.Range(0, Math.Clamp(wish.First, 0, config.Vcpus.Maximum)).Select(config.PlaceOfVcpu)])),
        Now<DomainIntFlags, PinList>(280, "virDomainGetEmulatorPinInfo", Read, static (session, wish) => Pins(session, wish.Domain, wish.Flags, wish.Value, static config => [config.PlaceOfEmulator])),
    ];

    private static ValueTask<Answer<Nothing>> PinVcpuAsync(ClientSession session, VcpuPinWish wish) => PinAsync(session, wish.Domain, wish.Processors, wish.Flags, "virDomainPinVcpuFlags",
        (domain, processors, live, config) => session.Host.PinVcpuAsync(domain, (int)Math.Min(wish.Vcpu, int.MaxValue), processors, live, config));

    private static ValueTask<Answer<Nothing>> PinEmulatorAsync(ClientSession session, EmulatorPinWish wish) => PinAsync(session, wish.Domain, wish.Processors, wish.Flags, "virDomainPinEmulator",
        (domain, processors, live, config) => session.Host.PinEmulatorAsync(domain, processors, live, config));

    private static ValueTask<Answer<Nothing>> PinAsync(
        ClientSession session, DomainName name, ProcessorSet? processors, uint flags, string function, Func<ManagedDomain, ProcessorSet, bool, bool, ValueTask<Outcome<Done>>> pin) => WithAsync<Nothing>(session, name, async domain =>
    {
        if (Flags.Check(flags, Affect, function) is { } unknown) return unknown;
        if (processors is null) return LibvirtError.From(new DomainFailure(DomainError.InvalidArgument, "Empty cpu list for pinning"));
        (bool live, bool config) = Flags.Affected(flags, domain.Now.IsActive);
        return LifecycleProcedures.Nothing(await pin(domain, processors, live, config).ConfigureAwait(false));
    });

    private static Answer<PinList> Pins(ClientSession session, in DomainName name, uint flags, int length, Func<DomainConfig, IReadOnlyList<ProcessorSet?>> places)
    {
        if (Flags.Check(flags, Affect, "virDomainGetVcpuPinInfo") is { } unknown) return unknown;
        return With<PinList>(session, name, domain => Flags.Config(domain.Now, flags, out LibvirtError? missing) is { } config ? new PinList(places(config), length) : missing!);
    }

    private static ValueTask<Answer<VcpuList>> VcpusAsync(ClientSession session, VcpusWish wish) => WithAsync<VcpuList>(session, wish.Domain, async domain =>
    {
        if (await session.Host.StatisticsAsync(domain, StatisticsParts.Vcpus | StatisticsParts.Places).ConfigureAwait(false) is not { } used)
            return LibvirtError.From(new DomainFailure(DomainError.InvalidState, "cannot retrieve vcpu information for inactive domain"));
        return new VcpuList([.. used.Vcpus.Take(Math.Max(0, wish.Most))], wish.Length);
    });

    private static void WriteMaps(XdrWriter writer, IEnumerable<ProcessorSet?> places, int length)
    {
        ProcessorSet all = ProcessorSet.OfHost;
        int bytes = Math.Clamp(length, 0, ProcessorSet.Limit / 8);
        writer.Opaque([.. places.SelectMany(place => (place ?? all).ToBits(bytes))]);
    }

    /// <summary><c>remote_domain_pin_vcpu_args</c></summary>
    private readonly record struct PlainPin(DomainName Domain, uint Vcpu, ProcessorSet? Processors) : IArguments<PlainPin>
    {
        public static PlainPin Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.UInt32(), ProcessorSet.FromBits(reader.Opaque(ProcessorSet.Limit / 8)));
    }

    /// <summary><c>remote_domain_pin_vcpu_flags_args</c></summary>
    private readonly record struct VcpuPinWish(DomainName Domain, uint Vcpu, ProcessorSet? Processors, uint Flags) : IArguments<VcpuPinWish>
    {
        public static VcpuPinWish Read(ref XdrReader reader)
        {
            PlainPin pin = PlainPin.Read(ref reader);
            return new VcpuPinWish(pin.Domain, pin.Vcpu, pin.Processors, reader.UInt32());
        }
    }

    /// <summary><c>remote_domain_pin_emulator_args</c></summary>
    private readonly record struct EmulatorPinWish(DomainName Domain, ProcessorSet? Processors, uint Flags) : IArguments<EmulatorPinWish>
    {
        public static EmulatorPinWish Read(ref XdrReader reader) => new(DomainName.Read(ref reader), ProcessorSet.FromBits(reader.Opaque(ProcessorSet.Limit / 8)), reader.UInt32());
    }

    /// <summary><c>remote_domain_get_vcpus_args</c></summary>
    private readonly record struct VcpusWish(DomainName Domain, int Most, int Length) : IArguments<VcpusWish>
    {
        public static VcpusWish Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.Int32(), reader.Int32());
    }

    /// <summary><c>remote_domain_get_vcpus_ret</c></summary>
    private readonly record struct VcpuList(IReadOnlyList<VcpuStatistics> Items, int Length) : IResult
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
            WriteMaps(writer, Items.Select(static vcpu => vcpu.Place), Length);
        }
    }

    /// <summary><c>remote_domain_get_vcpu_pin_info_ret</c>, <c>remote_domain_get_emulator_pin_info_ret</c></summary>
    private readonly record struct PinList(IReadOnlyList<ProcessorSet?> Places, int Length) : IResult
    {
        public void Write(XdrWriter writer)
        {
            WriteMaps(writer, Places, Length);
            writer.Int32(Places.Count);
        }
    }
}
