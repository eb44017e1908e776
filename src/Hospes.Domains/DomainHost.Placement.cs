using Hospes.Domains.Configuration;
using Hospes.Domains.Drivers;
using Hospes.Domains.Events;
using Hospes.Domains.Lifecycle;

namespace Hospes.Domains;

public sealed partial class DomainHost
{
    /// <summary>Has a virtual processor run on some of the host's processors only.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="vcpu">The number of the virtual processor.</param>
    /// <param name="processors">The host's processors.</param>
    /// <param name="live">Whether what runs is changed.</param>
    /// <param name="config">Whether the definition is changed.</param>
    public ValueTask<Outcome<Done>> PinVcpuAsync(ManagedDomain domain, int vcpu, ProcessorSet processors, bool live, bool config) => TuneAsync(domain, live, config, before =>
    {
        if (vcpu < 0 || vcpu >= before.Vcpus.Maximum)
            return new DomainFailure(DomainError.InvalidArgument, $"vcpu {vcpu} is out of range of {(live ? "live" : "persistent")} cpu count {before.Vcpus.Maximum}");
        return before with { CpuTune = before.CpuTune.With(new VcpuPin(vcpu, processors)) };
    }, (machine, next) => vcpu < next.Vcpus.Current
        ? machine.PinVcpuAsync(vcpu, processors)
        : ValueTask.FromResult<DomainFailure?>(new DomainFailure(DomainError.UnsupportedOperation, $"setting cpu pinning for inactive vcpu '{vcpu}' is not supported")),
        _ => [TunedValue.Of($"cputune.vcpupin{vcpu}", processors.ToString())]);

    /// <summary>Has the threads that are no virtual processors run on some of the host's processors only.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="processors">The host's processors.</param>
    /// <param name="live">Whether what runs is changed.</param>
    /// <param name="config">Whether the definition is changed.</param>
    public ValueTask<Outcome<Done>> PinEmulatorAsync(ManagedDomain domain, ProcessorSet processors, bool live, bool config) => TuneAsync(domain, live, config,
        before => before with { CpuTune = before.CpuTune with { EmulatorPin = processors } }, (machine, _) => machine.PinEmulatorAsync(processors),
        _ => [TunedValue.Of("cputune.emulatorpin", processors.ToString())]);

    /// <summary>Changes shares and limits of processor time.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="live">Whether what runs is changed.</param>
    /// <param name="config">Whether the definition is changed.</param>
    /// <param name="change">The change.</param>
    public ValueTask<Outcome<Done>> ScheduleAsync(ManagedDomain domain, bool live, bool config, Func<CpuTuneConfig, Outcome<CpuTuneConfig>> change) => TuneAsync(domain, live, config, before =>
    {
        Outcome<CpuTuneConfig> tune = change(before.CpuTune);
        return tune.Failure is { } refusal ? refusal : before with { CpuTune = tune.Value };
    }, (machine, next) => machine.ScheduleAsync(next.CpuTune), static next => Scheduled(next.CpuTune));

    /// <summary>Limits the use of a network card.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="name">The card's address, name or device on the host.</param>
    /// <param name="live">Whether what runs is changed.</param>
    /// <param name="config">Whether the definition is changed.</param>
    /// <param name="change">The change.</param>
    public ValueTask<Outcome<Done>> LimitCardAsync(ManagedDomain domain, string name, bool live, bool config, Func<BandwidthConfig, Outcome<BandwidthConfig>> change) => TuneAsync(domain, live, config, before =>
    {
        if (FindCard(before, name) is not { } card) return new DomainFailure(DomainError.InvalidArgument, $"cannot find device {name}");
        Outcome<BandwidthConfig> limits = change(card.Bandwidth);
        return limits.Failure is { } refusal ? refusal : before with { Devices = new DevicePart.Card(card with { Bandwidth = limits.Value }).ReplaceIn(before.Devices) };
    }, (machine, next) => FindCard(next, name) is { } card ? machine.LimitCardAsync(card, card.Bandwidth) : ValueTask.FromResult<DomainFailure?>(null));

    /// <summary>The card of an address, a name, or a device on the host; null if there is none.</summary>
    public static InterfaceConfig? FindCard(DomainConfig config, string name) => config.Devices.Interfaces.FirstOrDefault(card => card.Target == name || card.Mac == name.ToLowerInvariant() || card.Alias == name);

    /// <summary>Why a running domain's shares and limits of processor time cannot be changed; null if they can.</summary>
    public static DomainFailure? SchedulingObstacle(ManagedDomain domain) => domain.Machine?.SchedulingObstacle;

    /// <summary>Nanoseconds that a running domain used of each of the host's processors; null if nobody counts them.</summary>
    public static IReadOnlyList<ulong>? ProcessorTimes(ManagedDomain domain) => domain.Machine?.ProcessorTimes;

    /// <summary>Changes what runs, the definition, or both. If either refuses, neither changes, unless it is the disk that refuses the definition.</summary>
    private ValueTask<Outcome<Done>> TuneAsync(
        ManagedDomain domain, bool live, bool config, Func<DomainConfig, Outcome<DomainConfig>> change, Func<IMachine, DomainConfig, ValueTask<DomainFailure?>> apply,
        Func<DomainConfig, IEnumerable<TunedValue>>? tell = null) => WithAsync<Done>(domain, async now =>
    {
        if (live && now.Live is null) return NotRunning;
        if (config && (now.Definition is null ? Transient : change(now.Definition).Failure) is { } unfit) return unfit;
        if (live)
        {
            Outcome<DomainConfig> changed = change(now.Live!);
            if (changed.Failure is { } refusal) return refusal;
            if (await apply(domain.Machine!, changed.Value).ConfigureAwait(false) is { } failure) return failure;
            if (TakeLive(domain, changed.Value) is { } trouble) return trouble;
            if (tell is not null) Events.Append(DomainEventKind.Tunable, now.Name, domain.Uuid, now.Id, text: TunedValue.Write(tell(changed.Value)));
        }
        return config ? Change(domain, domain.Now, live: false, config: true, change) : default(Done);
    });

    private static IEnumerable<TunedValue> Scheduled(CpuTuneConfig tune)
    {
        if (tune.Shares is { } shares) yield return TunedValue.Of("cputune.cpu_shares", shares);
        foreach ((string prefix, CpuBandwidth time) in ((string, CpuBandwidth)[])[("vcpu", tune.Vcpus), ("emulator", tune.Emulator), ("global", tune.Whole)])
        {
            if (time.Period is { } period) yield return TunedValue.Of($"cputune.{prefix}_period", period);
            if (time.Quota is { } quota) yield return TunedValue.Of($"cputune.{prefix}_quota", quota);
        }
    }

    private static DomainFailure Transient { get; } = new(DomainError.InvalidState, "transient domains do not have any persistent config");
}
