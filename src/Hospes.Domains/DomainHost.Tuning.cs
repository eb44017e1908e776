using Hospes.Domains.Configuration;
using Hospes.Domains.Events;
using Hospes.Domains.Lifecycle;
using Hospes.Domains.Statistics;

namespace Hospes.Domains;

public sealed partial class DomainHost
{
    /// <summary>Changes how many processors a domain has.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="count">How many.</param>
    /// <param name="live">Whether the machine that runs gets them; there they only become more.</param>
    /// <param name="config">Whether the definition is changed.</param>
    /// <param name="maximum">Whether the most is changed rather than the present number.</param>
    public ValueTask<Outcome<Done>> SetVcpusAsync(ManagedDomain domain, int count, bool live, bool config, bool maximum) => WithAsync<Done>(domain, async now =>
    {
        if (live && now.Live is null) return NotRunning;
        if (live && maximum) return new DomainFailure(DomainError.InvalidArgument, "cannot adjust maximum vcpus on running domain");
        if (count < 1) return new DomainFailure(DomainError.InvalidArgument, "a domain has at least one vcpu");
        if (live && count > now.Live!.Vcpus.Maximum) return TooMany(count, now.Live);
        if (live && count < now.Live!.Vcpus.Current) return new DomainFailure(DomainError.UnsupportedOperation, "vcpus of a running domain cannot be unplugged from this machine");
        DomainConfig? definition = now.Definition;
        if (config)
        {
            if (definition is null) return Transient;
            if (!maximum && count > definition.Vcpus.Maximum) return TooMany(count, definition);
            definition = definition with { Vcpus = maximum ? definition.Vcpus with { Maximum = count, Current = Math.Min(count, definition.Vcpus.Current) } : definition.Vcpus with { Current = count } };
            if (DomainValidator.Check(definition, Profile) is { } refusal) return refusal;
        }
        for (int next = now.Live?.Vcpus.Current ?? count; live && next < count; next++)
        {
            if (await domain.Machine!.PlugProcessorAsync(next).ConfigureAwait(false) is { } failure) return failure;
            DomainConfig more = domain.Now.Live! with { Vcpus = domain.Now.Live!.Vcpus with { Current = next + 1 } };
            if (TakeLive(domain, more) is { } trouble) return trouble;
        }
        return config ? Change(domain, domain.Now, live: false, config: true, _ => definition!) : default(Done);

        static DomainFailure TooMany(int count, DomainConfig config) => new(DomainError.InvalidArgument, $"requested vcpus is greater than max allowable vcpus for the domain: {count} > {config.Vcpus.Maximum}");
    });

    /// <summary>Has the guest tell of its memory so often.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="seconds">Seconds between, or 0 for never.</param>
    /// <param name="live">Whether the machine that runs is changed.</param>
    /// <param name="config">Whether the definition is changed.</param>
    public ValueTask<Outcome<Done>> SetStatisticsPeriodAsync(ManagedDomain domain, uint seconds, bool live, bool config) => TuneAsync(domain, live, config,
        before => before.Devices.Balloon is { Model: "virtio" } balloon
            ? before with { Devices = before.Devices with { Balloon = balloon with { StatsPeriod = seconds == 0 ? null : seconds } } }
            : new DomainFailure(DomainError.InvalidState, "Memory balloon model must be virtio to set the collection period"),
        (machine, _) => machine.SetStatisticsPeriodAsync(seconds));

    /// <summary>Limits the use of a disk.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="name">The disk's target, or its source.</param>
    /// <param name="live">Whether the machine that runs is changed.</param>
    /// <param name="config">Whether the definition is changed.</param>
    /// <param name="change">The change.</param>
    public ValueTask<Outcome<Done>> TuneDiskAsync(ManagedDomain domain, string name, bool live, bool config, Func<IoTuneConfig, Outcome<IoTuneConfig>> change) => TuneAsync(domain, live, config, before =>
    {
        if (FindDisk(before, name) is not { } disk) return NoDisk(name);
        Outcome<IoTuneConfig> limits = change(disk.IoTune);
        return limits.Failure is { } refusal ? refusal : before with { Devices = new DevicePart.Disk(disk with { IoTune = limits.Value }).ReplaceIn(before.Devices) };
    }, (machine, next) => FindDisk(next, name) is { Source: not null } disk ? machine.SetLimitsAsync(disk, disk.IoTune) : ValueTask.FromResult<DomainFailure?>(null),
        next => FindDisk(next, name) is { } disk ? [TunedValue.Of("blkdeviotune.disk", disk.Target), .. IoTuneConfig.Names.Select(limit => TunedValue.Of($"blkdeviotune.{limit}", disk.IoTune.Get(limit)))] : []);

    /// <summary>Gives a disk of a running domain another size, in bytes.</summary>
    public ValueTask<Outcome<Done>> ResizeDiskAsync(ManagedDomain domain, string name, ulong size) => WithMachineAsync(domain, (now, machine) =>
        FindDisk(now.Live!, name) is { Source: not null } disk ? machine.ResizeDiskAsync(disk, size) : ValueTask.FromResult<DomainFailure?>(NoDisk(name)));

    /// <summary>What a disk takes.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="name">The disk's target, or its source.</param>
    public async ValueTask<Outcome<DiskUse>> DiskUseAsync(ManagedDomain domain, string name)
    {
        DomainSnapshot now = domain.Now;
        if (!now.Exists) return Gone(domain);
        if (FindDisk(now.Config, name) is not { } disk) return NoDisk(name);
        if (disk.Source is null) return new DomainFailure(DomainError.InvalidArgument, $"disk '{disk.Target}' does not currently have a source assigned");
        return domain.Machine is { } machine ? await machine.DiskUseAsync(disk).ConfigureAwait(false) : await Driver.DiskUseAsync(disk).ConfigureAwait(false);
    }

    private static DiskConfig? FindDisk(DomainConfig config, string name) => config.Devices.Disks.FirstOrDefault(disk => disk.Target == name || disk.Source == name);

    private static DomainFailure NoDisk(string name) => new(DomainError.InvalidArgument, $"invalid path: {name}");
}
