using Hospes.Domains.Events;
using Hospes.Domains.Lifecycle;

namespace Hospes.Domains.Tests.Lifecycle;

/// <summary>What machines tell of their devices becomes events, and what follows from it.</summary>
public sealed class MachineEventTests : IDisposable
{
    private readonly Lab _lab = new(persistent: true);

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task AnExpiredWatchdogHoldsTheDomain()
    {
        ManagedDomain domain = await _lab.RunAsync("a", "<devices><watchdog model='i6300esb' action='pause'/></devices>");
        _lab.Machine(domain).LetWatchdogExpire(WatchdogResult.Pause);
        await _lab.Host.WhenIdleAsync();
        domain.Now.Status.ShouldBe(DomainStatus.Paused(PausedReason.Watchdog));
        _lab.Listener.Story.TakeLast(2).ShouldBe(["a Watchdog", $"a Suspended {LifecycleDetail.SuspendedWatchdog}"]);
        (await _lab.Host.ResumeAsync(domain)).Succeeded.ShouldBeTrue();
        _lab.Machine(domain).LetWatchdogExpire(WatchdogResult.Reset);
        await _lab.Host.WhenIdleAsync();
        domain.Now.Status.State.ShouldBe(DomainState.Running);
        _lab.Listener.Events[^1].Event.ShouldBe((int)WatchdogResult.Reset);
    }

    [Fact]
    public async Task ADiskThatFailsIsToldOfWithItsSource()
    {
        ManagedDomain domain = await _lab.RunAsync("a", "<devices><disk><source file='/images/d'/><target dev='vda'/></disk></devices>");
        _lab.Machine(domain).FailDisk("virtio-disk0", isFull: true);
        await _lab.Host.WhenIdleAsync();
        DomainEvent[] told = [.. _lab.Listener.Events.TakeLast(2)];
        told.Select(static happened => happened.Kind).ShouldBe([DomainEventKind.IoError, DomainEventKind.IoErrorReason]);
        told[1].Event.ShouldBe((int)IoErrorResult.Report);
        told[1].Texts.ShouldBe(["/images/d", "virtio-disk0", "enospc"]);
    }

    [Fact]
    public async Task AClockThatIsSetIsToldOfFromItsBasisOn()
    {
        ManagedDomain domain = await _lab.RunAsync("a", "<clock offset='variable' adjustment='100'/>");
        _lab.Machine(domain).SetClock(-130);
        (_lab.Listener.Events[^1].Kind, (long)_lab.Listener.Events[^1].Value).ShouldBe((DomainEventKind.RtcChange, -30));
    }

    [Fact]
    public async Task TokensKeepWhatEventsCarry()
    {
        ManagedDomain domain = await _lab.RunAsync("a", "<devices><graphics type='vnc'/></devices>");
        domain.Now.Live!.Devices.Graphics[0].Port.ShouldBe(5900);
        string token = _lab.Host.Events.Token;
        _lab.Machine(domain).Look(GraphicsPhase.Connect, ["unix", "/v", "", "unix", "", "", "none"]);
        await _lab.RestartAsync();
        var listener = new Listener();
        _lab.Host.Events.Subscribe(listener, token).Succeeded.ShouldBeTrue();
        listener.Events[0].Texts.ShouldBe(["unix", "/v", "", "unix", "", "", "none"]);
        _lab.Host.Find("a").Value.Now.Live!.Devices.Graphics[0].Port.ShouldBe(5900);
    }
}
