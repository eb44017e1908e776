using Hospes.Domains.Configuration;
using Hospes.Domains.Drivers;
using Hospes.Domains.Events;
using Hospes.Domains.Lifecycle;
using Hospes.Domains.Operations;

namespace Hospes.Domains;

public sealed partial class DomainHost
{
    /// <summary>Makes a transient domain and starts it. A defined domain of that name and UUID is started with this configuration.</summary>
    public async ValueTask<Outcome<ManagedDomain>> CreateAsync(string xml, StartOptions options, bool strict = false)
    {
        Outcome<DomainConfig> understood = Understand(xml, strict);
        if (understood.Failure is { } fault) return fault;
        Outcome<ManagedDomain> claimed = _registry.Claim(understood.Value.Uuid, understood.Value.Name);
        if (claimed.Failure is { } taken) return taken;
        ManagedDomain domain = claimed.Value;
        DomainFailure? failure = await domain.Worker.DoAsync(() => domain.Now.IsActive
            ? ValueTask.FromResult<DomainFailure?>(new DomainFailure(DomainError.InvalidState, $"domain is already active as '{domain.Now.Name}'"))
            : StartNowAsync(domain, understood.Value, options)).ConfigureAwait(false);
        _registry.Release(domain);
        return failure is null ? domain : failure;
    }

    /// <summary>Starts a defined domain.</summary>
    public ValueTask<Outcome<Done>> StartAsync(ManagedDomain domain, StartOptions options) => WithAsync<Done>(domain, async now =>
    {
        if (now.IsActive) return new DomainFailure(DomainError.InvalidState, "domain is already running");
        return await StartNowAsync(domain, now.Definition!, options).ConfigureAwait(false) is { } failure ? failure : default(Done);
    });

    /// <summary>The steps that a start would take, without taking any.</summary>
    public IReadOnlyList<PlannedStep> PlanStart(ManagedDomain domain, bool paused = false)
        => [.. PlanStart(domain, domain.Now.Config, -1, new StartOptions { Paused = paused }, HasHooks).Steps.Select(static step => new PlannedStep(step.Name, step.UndoName))];

    /// <summary>Holds the processors.</summary>
    public ValueTask<Outcome<Done>> SuspendAsync(ManagedDomain domain) => WithMachineAsync(domain, async (now, machine) =>
    {
        if (now.Status.State == DomainState.Paused) return null;
        if (now.Status.State == DomainState.Crashed) return new DomainFailure(DomainError.InvalidState, "domain crashed");
        if (await machine.PauseAsync().ConfigureAwait(false) is { } failure) return failure;
        SetStatus(domain, DomainStatus.Paused(PausedReason.User));
        Tell(domain, LifecycleEvent.Suspended, LifecycleDetail.SuspendedPaused);
        return _runner.Close(domain);
    });

    /// <summary>Lets the processors go on.</summary>
    public ValueTask<Outcome<Done>> ResumeAsync(ManagedDomain domain) => WithMachineAsync(domain, async (now, machine) =>
    {
        if (now.Status.State == DomainState.Running) return new DomainFailure(DomainError.InvalidState, "domain is already running");
        if (now.Status.State != DomainState.Paused) return new DomainFailure(DomainError.InvalidState, "domain is not paused");
        if (await machine.ResumeAsync().ConfigureAwait(false) is { } failure) return failure;
        SetStatus(domain, DomainStatus.Running(RunningReason.Unpaused));
        Tell(domain, LifecycleEvent.Resumed, LifecycleDetail.ResumedUnpaused);
        return _runner.Close(domain);
    });

    /// <summary>Asks the guest to power off.</summary>
    public ValueTask<Outcome<Done>> ShutdownAsync(ManagedDomain domain) => WithMachineAsync(domain, static (_, machine) => machine.PressPowerButtonAsync(restart: false));

    /// <summary>Asks the guest to power off, and starts it anew when it did.</summary>
    public ValueTask<Outcome<Done>> RebootAsync(ManagedDomain domain) => WithMachineAsync(domain, static (_, machine) => machine.PressPowerButtonAsync(restart: true));

    /// <summary>Resets the machine at once.</summary>
    public ValueTask<Outcome<Done>> ResetAsync(ManagedDomain domain) => WithMachineAsync(domain, static (_, machine) => machine.ResetAsync());

    /// <summary>Ends a running domain.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="gracefully">Whether its process is given time, and the domain stays when that is not enough.</param>
    public async ValueTask<Outcome<Done>> DestroyAsync(ManagedDomain domain, bool gracefully = false)
    {
        Outcome<Done> outcome = await WithMachineAsync(domain, async (_, machine) =>
        {
            if (gracefully && await machine.EndAsync(gracefully: true).ConfigureAwait(false) is { } refusal) return refusal;
            return await StopNowAsync(domain, ShutoffReason.Destroyed).ConfigureAwait(false);
        }).ConfigureAwait(false);
        _registry.Sweep(domain);
        return outcome;
    }

    /// <summary>Asks the balloon to leave so much memory, in KiB.</summary>
    public ValueTask<Outcome<Done>> SetMemoryAsync(ManagedDomain domain, ulong kib) => WithMachineAsync(domain, async (now, machine) =>
    {
        if (kib > now.Live!.MemoryKiB) return new DomainFailure(DomainError.InvalidArgument, "cannot set memory higher than max memory");
        if (now.Live.Devices.Balloon is not { Model: "virtio" }) return new DomainFailure(DomainError.InvalidState, "Unable to change memory of active domain without the balloon device and guest OS balloon driver");
        if (await machine.SetMemoryAsync(kib).ConfigureAwait(false) is { } failure) return failure;
        Publish(domain, domain.Now with { Live = domain.Now.Live! with { CurrentMemoryKiB = kib } });
        return _runner.Close(domain);
    });

    private void SetStatus(ManagedDomain domain, DomainStatus status) => Publish(domain, domain.Now with { Status = status });

    private async ValueTask<DomainFailure?> StartNowAsync(ManagedDomain domain, DomainConfig config, StartOptions options)
    {
        try
        {
            await _starts.WaitAsync(options.Cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return new DomainFailure(DomainError.Aborted, "the operation was given up");
        }
        try
        {
            int id = _registry.NextId();
            return await _runner.RunAsync(domain, PlanStart(domain, config, id, options, HasHooks), 0, options.Cancellation).ConfigureAwait(false);
        }
        finally
        {
            _starts.Release();
        }
    }

    private Operation PlanStart(ManagedDomain domain, DomainConfig config, int id, StartOptions options, bool hooks)
    {
        var steps = new List<MicroOperation>();
        if (hooks) steps.Add(HookStep(domain, config, ("prepare", "begin"), ("release", "end")));
        // Disks that are written first: who else writes them is found out before anything else is tried.
        foreach (DiskConfig disk in config.Devices.Disks.OrderBy(static disk => disk.ReadOnly))
            steps.Add(new MicroOperation($"prepare disk {disk.Target}", () => Driver.PrepareDiskAsync(disk, options.Cancellation)));
        for (int i = 0; i < config.Devices.Interfaces.Count; i++)
        {
            InterfaceConfig card = config.Devices.Interfaces[i];
            steps.Add(new MicroOperation($"prepare interface {i}", () => PrepareCardAsync(card, options.Cancellation)));
        }
        if (hooks) steps.Add(HookStep(domain, config, ("start", "begin"), ("stopped", "end")));
        steps.Add(new MicroOperation("create the machine, held, and build its memory", () => CreateMachineAsync(domain, config, options.Cancellation), "end the machine", () => RemoveMachineAsync(domain)));
        steps.Add(MicroOperation.Of("mark alive", () => Publish(domain, domain.Now with { Id = id, Live = domain.Machine!.Config, AutoDestroy = options.AutoDestroy, Status = DomainStatus.Paused(PausedReason.StartingUp) }),
            "mark off", () => Publish(domain, domain.Now with { Id = -1, Live = null, AutoDestroy = false, Status = DomainStatus.Shutoff(ShutoffReason.Failed) })));
        int commit = steps.Count;
        if (!options.Paused) steps.Add(new MicroOperation("let the processors run", async () => await domain.Machine!.ResumeAsync().ConfigureAwait(false)));
        if (hooks) steps.Add(HookStep(domain, config, ("started", "begin"), null));
        steps.Add(MicroOperation.Of("tell", () =>
        {
            SetStatus(domain, options.Paused ? DomainStatus.Paused(PausedReason.User) : DomainStatus.Running(RunningReason.Booted));
            Tell(domain, LifecycleEvent.Started, LifecycleDetail.StartedBooted);
            if (options.Paused) Tell(domain, LifecycleEvent.Suspended, LifecycleDetail.SuspendedPaused);
        }));
        return new Operation(OperationKind.Start, StartArgument(options, hooks), Store.Keeps ? Xml.DomainXmlWriter.Write(config) : null, id, commit, steps);
    }

    private async ValueTask<DomainFailure?> CreateMachineAsync(ManagedDomain domain, DomainConfig config, CancellationToken cancellation)
    {
        var watch = new MachineWatch(this, domain);
        Outcome<IMachine> created = await Driver.CreateAsync(config, watch, cancellation).ConfigureAwait(false);
        if (created.Failure is { } failure) return failure;
        watch.Machine = domain.Machine = created.Value;
        return null;
    }

    private ValueTask RemoveMachineAsync(ManagedDomain domain)
    {
        domain.Machine = null;
        return Driver.RemoveAsync(domain.Uuid);
    }

    private ValueTask<DomainFailure?> StopNowAsync(ManagedDomain domain, ShutoffReason reason) => _runner.RunAsync(domain, PlanStop(domain, reason));

    private Operation PlanStop(ManagedDomain domain, ShutoffReason reason)
    {
        int id = domain.Now.Id;
        DomainConfig? config = domain.Now.Live;
        return new Operation(OperationKind.Stop, ((int)reason).ToString(System.Globalization.CultureInfo.InvariantCulture), domain.Now.Live is { } live && Store.Keeps ? Xml.DomainXmlWriter.Write(live) : null, id, 0,
        [
            new MicroOperation("end the machine", async () =>
            {
                await RemoveMachineAsync(domain).ConfigureAwait(false);
                if (config is not null) await RunEndHooksAsync(domain, config).ConfigureAwait(false);
                return null;
            }),
            MicroOperation.Of("mark off", () => Publish(domain, domain.Now with { Id = -1, Live = null, AutoDestroy = false, Status = DomainStatus.Shutoff(reason) })),
            MicroOperation.Of("tell", () => Tell(domain, LifecycleEvent.Stopped, reason switch
            {
                ShutoffReason.Shutdown => LifecycleDetail.StoppedShutdown,
                ShutoffReason.Destroyed => LifecycleDetail.StoppedDestroyed,
                ShutoffReason.Crashed => LifecycleDetail.StoppedCrashed,
                _ => LifecycleDetail.StoppedFailed,
            }, id)),
        ]);
    }
}
