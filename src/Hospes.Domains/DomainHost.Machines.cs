using Hospes.Domains.Configuration;
using Hospes.Domains.Drivers;
using Hospes.Domains.Events;
using Hospes.Domains.Lifecycle;
using Hospes.Domains.Statistics;

namespace Hospes.Domains;

public sealed partial class DomainHost
{
    /// <summary>So many restarts after crashes within <see cref="CrashWindow"/> are a loop, and the domain stays off.</summary>
    private const int CrashRestartLimit = 3;

    private static readonly TimeSpan CrashWindow = TimeSpan.FromMinutes(2);

    /// <summary>What a running domain used so far; null when it does not run.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="parts">What is wanted beside what its process used.</param>
    public async ValueTask<MachineStatistics?> StatisticsAsync(ManagedDomain domain, StatisticsParts parts = StatisticsParts.All)
        => domain.Machine is { } machine ? await machine.StatisticsAsync(parts).ConfigureAwait(false) : null;

    /// <summary>What the host's kernel enforces on a running domain's process, in words for people; null for nothing.</summary>
    public static string? Confinement(ManagedDomain domain) => domain.Machine?.Confinement;

    /// <summary>Opens a running domain's serial port, console or channel.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="alias">The name of the device, or null for the first console.</param>
    public async ValueTask<Outcome<Stream>> OpenConsoleAsync(ManagedDomain domain, string? alias)
    {
        if (domain.Now.Live is not { } live || domain.Machine is not { } machine) return NotRunning;
        DeviceConfig devices = live.Devices;
        CharacterConfig? device = alias is null
            ? devices.Serials.Concat(devices.Consoles).FirstOrDefault()
            : devices.Serials.Concat(devices.Consoles).Concat(devices.Channels).FirstOrDefault(device => device.Alias == alias);
        if (device is null) return new DomainFailure(DomainError.OperationFailed, alias is null ? "cannot find character device <null>" : $"cannot find character device {alias}");
        return await machine.OpenAsync(device).ConfigureAwait(false);
    }

    private async Task MachineEndedAsync(ManagedDomain domain, IMachine machine, MachineEnd end)
    {
        await domain.Worker.DoAsync(async () =>
        {
            // Who ended it on purpose took it away first.
            if (domain.Machine != machine) return default(Done);
            (ShutoffReason reason, LifecycleAction action) = end switch
            {
                MachineEnd.PoweredOff => (ShutoffReason.Shutdown, domain.Now.Live!.OnPowerOff),
                MachineEnd.Rebooted => (ShutoffReason.Shutdown, domain.Now.Live!.OnReboot),
                MachineEnd.Ended => (ShutoffReason.Destroyed, LifecycleAction.Destroy),
                _ => (ShutoffReason.Crashed, domain.Now.Live!.OnCrash),
            };
            if (end == MachineEnd.PoweredOff) Tell(domain, LifecycleEvent.Shutdown, LifecycleDetail.ShutdownFinished);
            DomainConfig config = domain.Now.Live!;
            await StopNowAsync(domain, reason).ConfigureAwait(false);
            if (action is LifecycleAction.Restart or LifecycleAction.CoredumpRestart && (end != MachineEnd.Crashed || MayRestart(domain)))
                await StartNowAsync(domain, domain.Now.Definition ?? config, new StartOptions()).ConfigureAwait(false);
            return default(Done);
        }).ConfigureAwait(false);
        _registry.Sweep(domain);
    }

    private async Task GuestPanickedAsync(ManagedDomain domain, IMachine machine)
    {
        await domain.Worker.DoAsync(async () =>
        {
            if (domain.Machine != machine) return default(Done);
            Tell(domain, LifecycleEvent.Crashed, LifecycleDetail.CrashedPanicked);
            DomainConfig config = domain.Now.Live!;
            if (config.OnCrash == LifecycleAction.Preserve)
            {
                await machine.PauseAsync().ConfigureAwait(false);
                SetStatus(domain, DomainStatus.Panicked);
                _runner.Close(domain);
                return default;
            }
            await DumpCrashedAsync(domain, machine).ConfigureAwait(false);
            await StopNowAsync(domain, ShutoffReason.Crashed).ConfigureAwait(false);
            if (config.OnCrash is LifecycleAction.Restart or LifecycleAction.CoredumpRestart && MayRestart(domain)) await StartNowAsync(domain, domain.Now.Definition ?? config, new StartOptions()).ConfigureAwait(false);
            return default;
        }).ConfigureAwait(false);
        _registry.Sweep(domain);
    }

    /// <summary>The machine held its processors; what is known of the domain follows.</summary>
    private async Task HeldByWatchdogAsync(ManagedDomain domain, IMachine machine) => await domain.Worker.DoAsync(() =>
    {
        if (domain.Machine != machine || domain.Now.Status.State != DomainState.Running) return ValueTask.FromResult(default(Done));
        SetStatus(domain, DomainStatus.Paused(PausedReason.Watchdog));
        Tell(domain, LifecycleEvent.Suspended, LifecycleDetail.SuspendedWatchdog);
        _runner.Close(domain);
        return ValueTask.FromResult(default(Done));
    }).ConfigureAwait(false);

    private bool MayRestart(ManagedDomain domain)
    {
        DateTimeOffset now = Clock.GetUtcNow();
        while (domain.CrashRestarts.TryPeek(out DateTimeOffset oldest) && now - oldest > CrashWindow) domain.CrashRestarts.Dequeue();
        if (domain.CrashRestarts.Count >= CrashRestartLimit) return false;
        domain.CrashRestarts.Enqueue(now);
        return true;
    }

    /// <summary>Hands what happens to one machine to its domain's worker.</summary>
    private sealed class MachineWatch(DomainHost host, ManagedDomain domain) : IMachineSink
    {
        public IMachine? Machine { get; set; }

        public void Ended(MachineEnd end) => Later(machine => host.MachineEndedAsync(domain, machine, end));

        public void Panicked() => Later(machine => host.GuestPanickedAsync(domain, machine));

        public void Rebooted() => host.Events.Append(DomainEventKind.Reboot, domain.Now.Name, domain.Uuid, domain.Now.Id);

        public void BalloonChanged(ulong kib) => host.Events.Append(DomainEventKind.BalloonChange, domain.Now.Name, domain.Uuid, domain.Now.Id, value: kib);

        public void ClockSet(long seconds)
            => host.Events.Append(DomainEventKind.RtcChange, domain.Now.Name, domain.Uuid, domain.Now.Id, value: (ulong)(seconds + (domain.Now.Live?.Clock.Adjustment ?? 0)));

        public void WatchdogExpired(WatchdogResult result)
        {
            host.Events.Append(DomainEventKind.Watchdog, domain.Now.Name, domain.Uuid, domain.Now.Id, (int)result);
            if (result == WatchdogResult.Pause) Later(machine => host.HeldByWatchdogAsync(domain, machine));
        }

        public void DiskFailed(string alias, IoErrorResult result, bool isFull)
        {
            string source = domain.Now.Live?.Devices.Disks.FirstOrDefault(disk => disk.Alias == alias)?.Source ?? "";
            host.Events.Append(DomainEventKind.IoError, domain.Now.Name, domain.Uuid, domain.Now.Id, (int)result, texts: [source, alias]);
            host.Events.Append(DomainEventKind.IoErrorReason, domain.Now.Name, domain.Uuid, domain.Now.Id, (int)result, texts: [source, alias, isFull ? "enospc" : ""]);
        }

        public void Looked(GraphicsPhase phase, ValueList<string> connection)
            => host.Events.Append(DomainEventKind.Graphics, domain.Now.Name, domain.Uuid, domain.Now.Id, (int)phase, texts: connection);

        public void DeviceRemoved(string alias) => Later(machine => host.DeviceRemovedAsync(domain, machine, alias));

        // The worker that makes the machine lets nobody in before it set what this reads.
        private void Later(Func<IMachine, Task> work) => host._background.Start(async () =>
        {
            IMachine? machine = await domain.Worker.DoAsync(() => ValueTask.FromResult(Machine)).ConfigureAwait(false);
            if (machine is not null) await work(machine).ConfigureAwait(false);
        });
    }
}
