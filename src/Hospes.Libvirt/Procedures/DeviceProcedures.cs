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

/// <summary>Devices and processors that come, go and change, of what runs, of what is defined, or of both.</summary>
internal static class DeviceProcedures
{
    private const uint Affect = Flags.AffectLive | Flags.AffectConfig;

    /// <summary><c>VIR_DOMAIN_DEVICE_MODIFY_FORCE</c></summary>
    private const uint Force = 4;

    /// <summary><c>VIR_DOMAIN_VCPU_MAXIMUM</c>, <c>_HOTPLUGGABLE</c></summary>
    private const uint Maximum = 4, Pluggable = 16;

    /// <summary><c>VIR_DOMAIN_BLOCK_RESIZE_BYTES</c></summary>
    private const uint Bytes = 1;

    /// <summary><c>VIR_TYPED_PARAM_STRING_OKAY</c></summary>
    private const uint StringsOkay = 4;

    public static IReadOnlyList<Procedure> All { get; } =
    [
        Later<DomainAndText, Nothing>(8, "virDomainAttachDevice", Write, static (session, wish) => AttachAsync(session, new DomainDocument(wish.Domain, wish.Text, Flags.AffectLive))),
        Later<DomainDocument, Nothing>(160, "virDomainAttachDeviceFlags", Write, AttachAsync),
        Later<DomainAndText, Nothing>(13, "virDomainDetachDevice", Write, static (session, wish) => DetachAsync(session, new DomainDocument(wish.Domain, wish.Text, Flags.AffectLive))),
        Later<DomainDocument, Nothing>(161, "virDomainDetachDeviceFlags", Write, DetachAsync),
        Later<DomainDocument, Nothing>(174, "virDomainUpdateDeviceFlags", Write, UpdateAsync),
        Later<DomainAndInt, Nothing>(32, "virDomainSetVcpus", Write, static (session, wish) => SetVcpusAsync(session, new DomainIntFlags(wish.Domain, wish.Value, Flags.AffectLive))),
        Later<DomainIntFlags, Nothing>(199, "virDomainSetVcpusFlags", Write, SetVcpusAsync),
        Later<DomainDocument, BlockInformation>(194, "virDomainGetBlockInfo", Read, BlockInformationAsync),
        Later<ResizeWish, Nothing>(251, "virDomainBlockResize", Write, ResizeAsync),
        Later<TuneChange, Nothing>(252, "virDomainSetBlockIoTune", Write, SetTuneAsync),
        Now<TuneWish, Parameters>(253, "virDomainGetBlockIoTune", Read, Tune),
    ];

    private static ValueTask<Answer<Nothing>> AttachAsync(ClientSession session, DomainDocument wish)
        => ChangeAsync(session, wish, Affect, "virDomainAttachDeviceFlags", static (host, domain, xml, live, config) => host.AttachDeviceAsync(domain, xml, live, config));

    private static ValueTask<Answer<Nothing>> DetachAsync(ClientSession session, DomainDocument wish)
        => ChangeAsync(session, wish, Affect, "virDomainDetachDeviceFlags", static (host, domain, xml, live, config) => host.DetachDeviceAsync(domain, xml, live, config));

    private static ValueTask<Answer<Nothing>> UpdateAsync(ClientSession session, DomainDocument wish)
        => ChangeAsync(session, wish, Affect | Force, "virDomainUpdateDeviceFlags", static (host, domain, xml, live, config) => host.UpdateDeviceAsync(domain, xml, live, config));

    private static ValueTask<Answer<Nothing>> ChangeAsync(
        ClientSession session, DomainDocument wish, uint known, string function, Func<DomainHost, ManagedDomain, string, bool, bool, ValueTask<Outcome<Done>>> change) => WithAsync<Nothing>(session, wish.Domain, async domain =>
    {
        if (Flags.Check(wish.Flags, known, function) is { } unknown) return unknown;
        (bool live, bool config) = Flags.Affected(wish.Flags & Affect, domain.Now.IsActive);
        return LifecycleProcedures.Nothing(await change(session.Host, domain, wish.Text, live, config).ConfigureAwait(false));
    });

    private static ValueTask<Answer<Nothing>> SetVcpusAsync(ClientSession session, DomainIntFlags wish) => WithAsync<Nothing>(session, wish.Domain, async domain =>
    {
        if (Flags.Check(wish.Flags, Affect | Maximum | Pluggable, "virDomainSetVcpusFlags") is { } unknown) return unknown;
        (bool live, bool config) = Flags.Affected(wish.Flags & Affect, domain.Now.IsActive);
        return LifecycleProcedures.Nothing(await session.Host.SetVcpusAsync(domain, wish.Value, live, config, (wish.Flags & Maximum) != 0).ConfigureAwait(false));
    });

    private static ValueTask<Answer<BlockInformation>> BlockInformationAsync(ClientSession session, DomainDocument wish) => WithAsync<BlockInformation>(session, wish.Domain, async domain =>
    {
        if (Flags.Check(wish.Flags, 0, "virDomainGetBlockInfo") is { } unknown) return unknown;
        Outcome<DiskUse> use = await session.Host.DiskUseAsync(domain, wish.Text).ConfigureAwait(false);
        return use.Failure is { } failure ? failure : new BlockInformation(use.Value);
    });

    private static ValueTask<Answer<Nothing>> ResizeAsync(ClientSession session, ResizeWish wish) => WithAsync<Nothing>(session, wish.Domain, async domain =>
    {
        if (Flags.Check(wish.Flags, Bytes, "virDomainBlockResize") is { } unknown) return unknown;
        ulong unit = (wish.Flags & Bytes) != 0 ? 1UL : 1024;
        if (wish.Size > (ulong)long.MaxValue / unit) return LibvirtError.From(new DomainFailure(DomainError.InvalidArgument, $"size must be less than {(ulong)long.MaxValue / unit}"));
        return LifecycleProcedures.Nothing(await session.Host.ResizeDiskAsync(domain, wish.Disk, wish.Size * unit).ConfigureAwait(false));
    });

    private static ValueTask<Answer<Nothing>> SetTuneAsync(ClientSession session, TuneChange wish) => WithAsync<Nothing>(session, wish.Domain, async domain =>
    {
        if (Flags.Check(wish.Flags, Affect, "virDomainSetBlockIoTune") is { } unknown) return unknown;
        (bool live, bool config) = Flags.Affected(wish.Flags, domain.Now.IsActive);
        return LifecycleProcedures.Nothing(await session.Host.TuneDiskAsync(domain, wish.Disk, live, config, before => Tuned(before, wish.Items)).ConfigureAwait(false));
    });

    private static Outcome<IoTuneConfig> Tuned(IoTuneConfig limits, IReadOnlyList<TypedParameter> items)
    {
        foreach (TypedParameter item in items)
        {
            if (item.Name == IoTuneConfig.GroupName) return new DomainFailure(DomainError.UnsupportedConfiguration, "limits that a group of disks shares are not supported");
            if (item.Type != ParameterType.ULong || item.Number < 0) return new DomainFailure(DomainError.InvalidArgument, $"value of '{item.Name}' is out of range");
            if (limits.With(item.Name, (ulong)item.Number) is not { } next) return new DomainFailure(DomainError.UnsupportedArgument, $"parameter '{item.Name}' not supported");
            limits = next;
        }
        return limits.Fault() is { } fault ? new DomainFailure(DomainError.InvalidArgument, fault) : limits;
    }

    private static Answer<Parameters> Tune(ClientSession session, TuneWish wish) => With<Parameters>(session, wish.Domain, domain =>
    {
        if (Flags.Check(wish.Flags, Affect | StringsOkay, "virDomainGetBlockIoTune") is { } unknown) return unknown;
        // Asked for none, it tells how many there are.
        if (wish.Most == 0) return new Parameters([], IoTuneConfig.Names.Count);
        if (Flags.Config(domain.Now, wish.Flags & Affect, out LibvirtError? missing) is not { } config) return missing!;
        if (config.Devices.Disks.FirstOrDefault(disk => disk.Target == wish.Disk || disk.Source == wish.Disk) is not { } found)
            return LibvirtError.From(new DomainFailure(DomainError.InvalidArgument, $"disk '{wish.Disk}' was not found in the domain config"));
        TypedParameter[] items = [.. IoTuneConfig.Names.Take(Math.Max(0, wish.Most)).Select(name => TypedParameter.ULong(name, found.IoTune.Get(name)))];
        return new Parameters(items, items.Length);
    });

    /// <summary>A domain, a document or path, and flags (<c>remote_domain_attach_device_flags_args</c> and its kin).</summary>
    private readonly record struct DomainDocument(DomainName Domain, string Text, uint Flags) : IArguments<DomainDocument>
    {
        public static DomainDocument Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.Text(), reader.UInt32());
    }

    /// <summary><c>remote_domain_block_resize_args</c></summary>
    private readonly record struct ResizeWish(DomainName Domain, string Disk, ulong Size, uint Flags) : IArguments<ResizeWish>
    {
        public static ResizeWish Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.Text(), reader.UInt64(), reader.UInt32());
    }

    /// <summary><c>remote_domain_set_block_io_tune_args</c></summary>
    private readonly record struct TuneChange(DomainName Domain, string Disk, TypedParameter[] Items, uint Flags) : IArguments<TuneChange>
    {
        public static TuneChange Read(ref XdrReader reader)
        {
            DomainName domain = DomainName.Read(ref reader);
            string disk = reader.Text();
            var items = new TypedParameter[reader.Count(WireLimits.IoTuneParameters)];
            for (int i = 0; i < items.Length; i++) items[i] = TypedParameter.Read(ref reader);
            return new TuneChange(domain, disk, items, reader.UInt32());
        }
    }

    /// <summary><c>remote_domain_get_block_io_tune_args</c></summary>
    private readonly record struct TuneWish(DomainName Domain, string? Disk, int Most, uint Flags) : IArguments<TuneWish>
    {
        public static TuneWish Read(ref XdrReader reader) => new(DomainName.Read(ref reader), reader.OptionalText(), reader.Int32(), reader.UInt32());
    }

    /// <summary><c>remote_domain_get_block_info_ret</c></summary>
    private readonly record struct BlockInformation(DiskUse Use) : IResult
    {
        public void Write(XdrWriter writer)
        {
            writer.UInt64(Use.Allocation);
            writer.UInt64(Use.Capacity);
            writer.UInt64(Use.Physical);
        }
    }
}
