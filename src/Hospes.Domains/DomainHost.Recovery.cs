using System.Globalization;
using Hospes.Domains.Configuration;
using Hospes.Domains.Drivers;
using Hospes.Domains.Events;
using Hospes.Domains.Lifecycle;
using Hospes.Domains.Operations;
using Hospes.Domains.Persistence;
using Hospes.Domains.Xml;

namespace Hospes.Domains;

public sealed partial class DomainHost
{
    /// <summary>
    /// Learns what an earlier daemon left: reads the definitions, finds running machines again, and finishes or undoes what was under way. To be called once, before
    /// anything else.
    /// </summary>
    /// <returns>What could not be read or repaired, for people. The host is of use all the same.</returns>
    /// <exception cref="IOException">The store cannot be read.</exception>
    public async Task<IReadOnlyList<string>> RecoverAsync()
    {
        var troubles = new List<string>();
        foreach (StoredDefinition stored in Store.LoadDefinitions())
        {
            if (Load(stored) is { } trouble) troubles.Add(trouble);
        }
        foreach (LiveState state in Store.LoadLive().OrderBy(static state => state.Id))
        {
            if (state.Id > 0) _registry.ReserveId(state.Id);
            DomainFailure? failure = await RecoverAsync(state).ConfigureAwait(false);
            if (failure is not null) troubles.Add($"{state.Name}: {failure.Detail}");
        }
        return troubles;
    }

    /// <summary>Starts the domains that are marked for it and do not run.</summary>
    /// <returns>Which could not be started, and why.</returns>
    public async Task<IReadOnlyList<string>> StartMarkedAsync()
    {
        IEnumerable<Task<string?>> starts = List().Where(static domain => domain.Now is { Autostart: true, IsActive: false }).Select(async domain =>
            (await StartAsync(domain, new StartOptions()).ConfigureAwait(false)).Failure is { } failure ? $"{domain.Now.Name}: {failure.Detail}" : null);
        return [.. (await Task.WhenAll(starts.ToArray()).ConfigureAwait(false)).OfType<string>()];
    }

    private string? Load(StoredDefinition stored)
    {
        Outcome<ParsedDomain> parsed = DomainXmlReader.Read(stored.Xml);
        if (parsed.Failure is { } fault) return $"the definition of {stored.Name} cannot be read: {fault.Detail}";
        // The file's name counts: a daemon that was killed while it renamed the domain had not written the document anew.
        DomainConfig config = DomainDefaults.Apply(parsed.Value.Config with { Name = stored.Name }, Profile, _options.Random);
        Outcome<ManagedDomain> claimed = _registry.Claim(config.Uuid, config.Name);
        if (claimed.Failure is { } taken) return $"the definition of {stored.Name} is left out: {taken.Detail}";
        Publish(claimed.Value, claimed.Value.Now with { Definition = config, Autostart = stored.Autostart });
        _registry.Release(claimed.Value);
        return null;
    }

    private async ValueTask<DomainFailure?> RecoverAsync(LiveState state)
    {
        ManagedDomain? domain = _registry.Find(state.Uuid);
        // What was killed while it renamed may have left the old name.
        if (domain is not null && domain.Now.Name != state.Name) _ = _registry.Rename(domain, state.Name);
        bool known = domain is not null;
        if (domain is null)
        {
            Outcome<ManagedDomain> claimed = _registry.Claim(state.Uuid, state.Name);
            if (claimed.Failure is { } taken) return taken;
            domain = claimed.Value;
        }
        DomainFailure? failure = await domain.Worker.DoAsync(async () =>
        {
            DomainFailure? failure = await RecoverAsync(domain, state).ConfigureAwait(false);
            // Whoever started it lost the connection with the earlier daemon.
            return state.AutoDestroy && domain.Now.IsActive ? await StopNowAsync(domain, ShutoffReason.Destroyed).ConfigureAwait(false) : failure;
        }).ConfigureAwait(false);
        if (known) _registry.Sweep(domain);
        else _registry.Release(domain);
        return failure;
    }

    private async ValueTask<DomainFailure?> RecoverAsync(ManagedDomain domain, LiveState state)
    {
        DomainConfig? live = null;
        if (state.Xml is not null)
        {
            Outcome<ParsedDomain> parsed = DomainXmlReader.Read(state.Xml);
            if (parsed.Failure is { } fault) return fault;
            live = DomainDefaults.Apply(parsed.Value.Config, Profile, _options.Random);
        }
        if (!Enum.TryParse(state.Operation, out OperationKind kind))
            return live is null ? _runner.Close(domain) : await AttachAsync(domain, state, live).ConfigureAwait(false);
        switch (kind)
        {
            case OperationKind.Start when live is not null:
                return await RecoverStartAsync(domain, state, live).ConfigureAwait(false);
            case OperationKind.Stop:
                _ = int.TryParse(state.Argument, NumberStyles.None, CultureInfo.InvariantCulture, out int reason);
                Publish(domain, domain.Now with { Id = state.Id, Live = live });
                return await _runner.RunAsync(domain, PlanStop(domain, (ShutoffReason)reason)).ConfigureAwait(false);
            case OperationKind.Attach when live is not null && state.Argument is not null:
                return await RecoverAttachAsync(domain, state, live).ConfigureAwait(false);
            case OperationKind.Define when state.Argument is not null:
                Outcome<ParsedDomain> defined = DomainXmlReader.Read(state.Argument);
                if (defined.Failure is { } unreadable) return unreadable;
                return await FinishAsync(domain, state, live, () => PlanDefine(domain, DomainDefaults.Apply(defined.Value.Config, Profile, _options.Random))).ConfigureAwait(false);
            case OperationKind.Undefine:
                return await FinishAsync(domain, state, live, () => PlanUndefine(domain)).ConfigureAwait(false);
            case OperationKind.Rename when state.Argument is not null && domain.Now.Definition is { } definition:
                return await _runner.RunAsync(domain, PlanRename(domain, state.Argument, definition with { Name = state.Name })).ConfigureAwait(false);
            default:
                return _runner.Close(domain);
        }
    }

    private async ValueTask<DomainFailure?> RecoverStartAsync(ManagedDomain domain, LiveState state, DomainConfig config)
    {
        Operation plan = PlanStart(domain, config, state.Id, OptionsOf(state), HasWord(state.Argument, HooksArgument));
        if (state.Step >= plan.Commit && await FindMachineAsync(domain, config).ConfigureAwait(false))
        {
            Publish(domain, domain.Now with { Id = state.Id, Live = domain.Machine!.Config, Status = DomainStatus.Paused(PausedReason.StartingUp) });
            return await _runner.RunAsync(domain, plan, state.Step).ConfigureAwait(false);
        }
        await _runner.UndoAsync(domain, plan, plan.Steps.Count - 1).ConfigureAwait(false);
        return null;
    }

    /// <summary>Finishes what was being done to a definition, beside which a machine may run.</summary>
    private async ValueTask<DomainFailure?> FinishAsync(ManagedDomain domain, LiveState state, DomainConfig? live, Func<Operation> plan)
    {
        if (live is not null) Publish(domain, domain.Now with { Id = state.Id, Live = live, Status = state.Status });
        if (await _runner.RunAsync(domain, plan()).ConfigureAwait(false) is { } failure) return failure;
        return live is null ? null : await AttachAsync(domain, state, live).ConfigureAwait(false);
    }

    /// <summary>Takes up a machine that ran when the earlier daemon ended; if it is gone, so is the running domain.</summary>
    private async ValueTask<DomainFailure?> AttachAsync(ManagedDomain domain, LiveState state, DomainConfig config)
    {
        if (await TakeUpAsync(domain, state, config).ConfigureAwait(false)) return _runner.Close(domain);
        return await StopNowAsync(domain, ShutoffReason.Crashed).ConfigureAwait(false);
    }

    /// <summary>Finishes plugging a device in, if the machine is still there.</summary>
    private async ValueTask<DomainFailure?> RecoverAttachAsync(ManagedDomain domain, LiveState state, DomainConfig config)
    {
        Outcome<DevicePart> device = DeviceXml.ReadPart(state.Argument!);
        if (device.Failure is { } unreadable) return unreadable;
        if (!await TakeUpAsync(domain, state, config).ConfigureAwait(false)) return await StopNowAsync(domain, ShutoffReason.Crashed).ConfigureAwait(false);
        return await _runner.RunAsync(domain, PlanAttach(domain, device.Value)).ConfigureAwait(false);
    }

    /// <summary>Finds a machine that ran, and learns whether its processors are held by now.</summary>
    /// <returns>Whether it is there.</returns>
    private async ValueTask<bool> TakeUpAsync(ManagedDomain domain, LiveState state, DomainConfig config)
    {
        bool found = await FindMachineAsync(domain, config).ConfigureAwait(false);
        Publish(domain, domain.Now with { Id = state.Id, Live = found ? domain.Machine!.Config : config, Status = state.Status });
        if (!found) return false;
        bool? paused = await domain.Machine!.IsPausedAsync().ConfigureAwait(false);
        if (paused == true && state.Status.State == DomainState.Running)
        {
            SetStatus(domain, DomainStatus.Paused(PausedReason.Unknown));
            Tell(domain, LifecycleEvent.Suspended, LifecycleDetail.SuspendedPaused);
        }
        else if (paused == false && state.Status.State == DomainState.Paused)
        {
            SetStatus(domain, DomainStatus.Running(RunningReason.Unknown));
            Tell(domain, LifecycleEvent.Resumed, LifecycleDetail.ResumedUnpaused);
        }
        return true;
    }

    private async ValueTask<bool> FindMachineAsync(ManagedDomain domain, DomainConfig config)
    {
        var watch = new MachineWatch(this, domain);
        Outcome<IMachine> found = await Driver.FindAsync(config, watch).ConfigureAwait(false);
        if (!found.Succeeded) return false;
        watch.Machine = domain.Machine = found.Value;
        return true;
    }
}
