using System.Collections.Concurrent;
using Hospes.Domains.Configuration;
using Hospes.Domains.Statistics;

namespace Hospes.Domains.Drivers;

/// <summary>How guests of a simulated host behave.</summary>
public sealed record SimulatedBehaviour
{
    /// <summary>How long a guest takes to power off after its button was pressed.</summary>
    public TimeSpan PowerOffTime { get; init; }

    /// <summary>How much of the time a processor is busy, 0 to 1.</summary>
    public double Load { get; init; } = 0.1;
}

/// <summary>
/// A host without machines: domains start, run and end as they would, and use what they would, by a clock that tests can turn. Machines outlive the daemons that use the
/// same instance. For tests of what drives domains, and for scale.
/// </summary>
public sealed class SimulatedHost(TimeProvider clock, HostProfile profile, SimulatedBehaviour? behaviour = null) : IDomainDriver
{
    /// <summary>The size of disks that nobody resized.</summary>
    private const ulong DiskSize = 1UL << 30;

    private readonly ConcurrentDictionary<Guid, SimulatedMachine> _machines = new();
    private readonly ConcurrentDictionary<string, ulong> _sizes = new();
    private readonly DisplayPorts _displays = new();

    /// <inheritdoc/>
    public HostProfile Profile { get; } = profile;

    /// <summary>How guests behave.</summary>
    public SimulatedBehaviour Behaviour { get; } = behaviour ?? new SimulatedBehaviour();

    /// <summary>The machines that there are.</summary>
    public IReadOnlyCollection<SimulatedMachine> Machines => [.. _machines.Values];

    internal TimeProvider Clock { get; } = clock;

    /// <summary>A profile as a small host would have it.</summary>
    public static HostProfile DefaultProfile { get; } = new()
    {
        Types = [DomainType.Hospes, DomainType.Kvm, DomainType.Qemu, DomainType.Test],
        Emulator = "/usr/bin/hospes",
        MaximumVcpus = 255,
        HasBalloon = true,
        BootsFromDisk = true,
    };

    /// <summary>The machine of a domain, or null.</summary>
    public SimulatedMachine? Machine(Guid uuid) => _machines.GetValueOrDefault(uuid);

    /// <inheritdoc/>
    public ValueTask<DomainFailure?> PrepareDiskAsync(DiskConfig disk, CancellationToken cancellation) => ValueTask.FromResult<DomainFailure?>(null);

    /// <inheritdoc/>
    public ValueTask<DomainFailure?> PrepareInterfaceAsync(InterfaceConfig card, CancellationToken cancellation) => ValueTask.FromResult<DomainFailure?>(null);

    /// <inheritdoc/>
    public ValueTask<Outcome<IMachine>> CreateAsync(DomainConfig config, IMachineSink sink, CancellationToken cancellation)
    {
        Outcome<DomainConfig> placed = ScreenArguments.Place(DeviceAliases.Assign(config), $"/run/{config.Uuid:N}", _ => _displays.Choose(config.Uuid, static _ => true));
        if (placed.Failure is { } crowded) return ValueTask.FromResult<Outcome<IMachine>>(crowded);
        var machine = new SimulatedMachine(this, placed.Value) { Sink = sink };
        return ValueTask.FromResult<Outcome<IMachine>>(_machines.TryAdd(config.Uuid, machine) ? machine : new DomainFailure(DomainError.OperationFailed, "there is a machine already"));
    }

    /// <inheritdoc/>
    public ValueTask<Outcome<IMachine>> FindAsync(DomainConfig config, IMachineSink sink)
    {
        if (!_machines.TryGetValue(config.Uuid, out SimulatedMachine? machine)) return ValueTask.FromResult<Outcome<IMachine>>(new DomainFailure(DomainError.OperationFailed, "there is no machine"));
        machine.Sink = sink;
        return ValueTask.FromResult<Outcome<IMachine>>(machine);
    }

    /// <inheritdoc/>
    public ValueTask<Outcome<DiskUse>> DiskUseAsync(DiskConfig disk)
    {
        ulong size = disk.Source is null ? 0 : _sizes.GetValueOrDefault(disk.Source, DiskSize);
        return ValueTask.FromResult<Outcome<DiskUse>>(new DiskUse(size, size / 2, size / 2));
    }

    /// <inheritdoc/>
    public ValueTask RemoveAsync(Guid uuid)
    {
        _displays.Release(uuid);
        if (_machines.TryRemove(uuid, out SimulatedMachine? machine)) machine.Stop();
        return ValueTask.CompletedTask;
    }

    internal void Resize(DiskConfig disk, ulong size) => _sizes[disk.Source!] = size;

    internal bool Remove(SimulatedMachine machine) => _machines.TryRemove(new KeyValuePair<Guid, SimulatedMachine>(machine.Config.Uuid, machine));
}
