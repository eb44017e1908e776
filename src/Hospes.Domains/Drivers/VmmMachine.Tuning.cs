using System.Text.Json.Nodes;
using Hospes.Domains.Configuration;
using Hospes.Domains.Drivers.ControlGroups;

namespace Hospes.Domains.Drivers;

internal sealed partial class VmmMachine
{
    /// <summary>The control groups of the machine, or why there are none.</summary>
    private Outcome<ControlGroup> _groups = ControlGroupHost.Failure("the machine was started without a control group");

    public DomainFailure? SchedulingObstacle => _groups.Failure;

    public IReadOnlyList<ulong>? ProcessorTimes => _groups.Succeeded ? _groups.Value.ProcessorTimes() : null;

    /// <summary>Gives a machine that was just made its share of the host, before its guest runs.</summary>
    public async ValueTask<DomainFailure?> SettleAsync()
    {
        DomainConfig config = Config;
        if (VmmDriver.ProcessIn(_folder) is not { } pid) return Gone;
        _groups = _driver.JoinGroups(config.Uuid, pid, _folder);
        if (config.CpuTune.IsScheduled)
        {
            if (_groups.Failure is { } obstacle) return new DomainFailure(DomainError.UnsupportedConfiguration, $"CPU tuning is not available on this host: {obstacle.Detail}");
            if (await ScheduleAsync(config.CpuTune).ConfigureAwait(false) is { } unscheduled) return unscheduled;
        }
        if (config.PlaceOfEmulator is { } place && await PinEmulatorAsync(place).ConfigureAwait(false) is { } refusal) return refusal;
        for (int vcpu = 0; vcpu < config.Vcpus.Current; vcpu++)
        {
            if (await PlaceVcpuAsync(vcpu).ConfigureAwait(false) is { } failure) return failure;
        }
        return null;
    }

    /// <summary>Finds the control groups that the machine was put into when it was made.</summary>
    public void FindGroups()
    {
        if (_driver.FindGroups(_folder) is { } groups) _groups = groups;
    }

    public async ValueTask<DomainFailure?> ScheduleAsync(CpuTuneConfig tune)
    {
        if (_groups.Failure is { } obstacle) return obstacle;
        if (VmmDriver.ProcessIn(_folder) is not { } pid) return Gone;
        IReadOnlyList<int> vcpus = tune.Vcpus.IsGiven || tune.Emulator.IsGiven ? await ThreadsAsync().ConfigureAwait(false) : [];
        return _groups.Value.Schedule(tune, vcpus, [.. ProcessUse.ThreadsOf(pid).Where(thread => !vcpus.Contains(thread))]) is { } refusal
            ? new DomainFailure(DomainError.System, $"Unable to schedule the domain: {refusal}")
            : null;
    }

    public ValueTask<DomainFailure?> LimitCardAsync(InterfaceConfig card, BandwidthConfig bandwidth)
    {
        var limits = new JsonObject();
        foreach ((string name, ulong value) in CardLimits.Of(bandwidth)) limits[name] = value;
        return DoAsync("qom-set", new JsonObject { ["path"] = Devices + card.Alias, ["property"] = "limits", ["value"] = limits });
    }

    public async ValueTask<DomainFailure?> PinVcpuAsync(int vcpu, ProcessorSet processors)
    {
        IReadOnlyList<int> threads = await ThreadsAsync().ConfigureAwait(false);
        return vcpu < threads.Count ? _driver.Place([threads[vcpu]], processors) : new DomainFailure(DomainError.OperationFailed, $"the machine does not tell the thread of vcpu {vcpu}");
    }

    public async ValueTask<DomainFailure?> PinEmulatorAsync(ProcessorSet processors)
    {
        if (VmmDriver.ProcessIn(_folder) is not { } pid) return Gone;
        HashSet<int> done = [.. await ThreadsAsync().ConfigureAwait(false)];
        // Threads that are made meanwhile begin where their makers are.
        while (ProcessUse.ThreadsOf(pid).Where(done.Add).ToArray() is { Length: > 0 } threads)
        {
            if (_driver.Place(threads, processors) is { } refusal) return refusal;
        }
        return null;
    }

    private static DomainFailure Gone { get; } = new(DomainError.OperationFailed, "the process of the machine is gone");

    /// <summary>Gives a virtual processor that was plugged in its share of the host.</summary>
    private async ValueTask<DomainFailure?> SettleVcpuAsync(int vcpu)
    {
        CpuTuneConfig tune = Config.CpuTune;
        if (tune.Vcpus.IsGiven && await ScheduleAsync(new CpuTuneConfig { Vcpus = tune.Vcpus }).ConfigureAwait(false) is { } refusal) return refusal;
        return await PlaceVcpuAsync(vcpu).ConfigureAwait(false);
    }

    /// <summary>Puts a virtual processor where it belongs. Its thread began where that is that made it.</summary>
    private ValueTask<DomainFailure?> PlaceVcpuAsync(int vcpu)
    {
        ProcessorSet? place = Config.PlaceOfVcpu(vcpu) ?? (Config.PlaceOfEmulator is null ? null : ProcessorSet.OfHost);
        return place is null ? ValueTask.FromResult<DomainFailure?>(null) : PinVcpuAsync(vcpu, place);
    }
}
