using Hospes.Builder;
using Hospes.Hypervisor;
using Hospes.Hypervisor.Soft;
using Hospes.Machine;
using static Hospes.Vmm.Tests.Guests;

namespace Hospes.Vmm.Tests;

public sealed class DomainControlTests
{
    private const ushort PanicPort = 0x505, SleepControl = 0x600, Idle = 0x80;

    private static readonly DomainEvent s_stop = new DomainEvent.Stop(), s_resume = new DomainEvent.Resume();

    private int _ticks;

    private static Packet PowerOff => Out(SleepControl, (5 << 2) | (1 << 5));

    [Fact]
    public void APausedDomainDoesNothingUntilItIsResumed()
    {
        using var domain = new RunningDomain(RunningDomain.Options() with { Machine = new MachineConfig { Memory = 16 << 20, Vcpus = 3 } }, new FakeEngine(Tick));
        domain.Next().ShouldBe(s_resume);
        domain.Control.State.ShouldBe(RunState.Running);
        WaitForTicks();
        for (int round = 0; round < 20; round++)
        {
            domain.Control.Pause();
            domain.Control.State.ShouldBe(RunState.Paused);
            int seen = Volatile.Read(ref _ticks);
            for (int i = 0; i < 20; i++) Thread.Yield();
            Volatile.Read(ref _ticks).ShouldBe(seen);
            domain.Control.Pause();
            domain.Next().ShouldBe(s_stop);
            domain.Control.Resume().ShouldBeTrue();
            domain.Control.Resume().ShouldBeTrue();
            domain.Next().ShouldBe(s_resume);
            WaitForTicks();
        }
        domain.IsQuiet.ShouldBeTrue();
    }

    [Fact]
    public void ADomainThatStartsPausedWaitsForItsResume()
    {
        using var domain = new RunningDomain(RunningDomain.Options() with { StartPaused = true }, new FakeEngine(_ => [.. Print("x"), PowerOff]));
        domain.Control.State.ShouldBe(RunState.Prelaunch);
        domain.Console.Text.ShouldBe("");
        domain.Control.Resume().ShouldBeTrue();
        domain.End().Kind.ShouldBe(DomainEndKind.PowerOff);
        domain.Next().ShouldBe(s_resume);
        domain.Next().ShouldBe(new DomainEvent.Shutdown(ShutdownCause.GuestShutdown));
    }

    [Fact]
    public void AResetByTheHostKeepsARunningDomainRunningAndAPausedOneWaiting()
    {
        var engine = new FakeEngine(Tick);
        using var domain = new RunningDomain(RunningDomain.Options(), engine);
        domain.Next().ShouldBe(s_resume);
        domain.Control.Reset();
        domain.Next().ShouldBe(new DomainEvent.Reset(ShutdownCause.HostQmpSystemReset));
        domain.Control.State.ShouldBe(RunState.Running);
        SpinWait.SpinUntil(() => engine.Guests.Count == 2, TimeSpan.FromSeconds(60)).ShouldBeTrue();
        WaitForTicks();
        domain.Control.Pause();
        domain.Next().ShouldBe(s_stop);
        domain.Control.Reset();
        domain.Next().ShouldBe(new DomainEvent.Reset(ShutdownCause.HostQmpSystemReset));
        domain.Control.State.ShouldBe(RunState.Prelaunch);
        SpinWait.SpinUntil(() => engine.Guests.Count == 3, TimeSpan.FromSeconds(60)).ShouldBeTrue();
        domain.Control.Resume().ShouldBeTrue();
        domain.Next().ShouldBe(s_resume);
        WaitForTicks();
    }

    [Fact]
    public void AResetByTheGuestIsTold()
    {
        int boots = 0;
        using var domain = new RunningDomain(RunningDomain.Options(), new FakeEngine(_ => [Interlocked.Increment(ref boots) < 2 ? Reset : PowerOff]));
        domain.End().Kind.ShouldBe(DomainEndKind.PowerOff);
        domain.Next().ShouldBe(s_resume);
        domain.Next().ShouldBe(new DomainEvent.Reset(ShutdownCause.GuestReset));
        domain.Next().ShouldBe(new DomainEvent.Shutdown(ShutdownCause.GuestShutdown));
    }

    [Theory]
    [InlineData(true, ShutdownCause.HostQmpSystemReset)]
    [InlineData(false, ShutdownCause.GuestReset)]
    public void WhereNoRebootIsWantedAResetIsAShutdown(bool byHost, ShutdownCause cause)
    {
        using var domain = new RunningDomain(RunningDomain.Options() with { Reboot = false, StartPaused = true }, new FakeEngine(byHost ? Tick : _ => [Reset]));
        if (byHost) domain.Control.Reset();
        else domain.Control.Resume();
        domain.End().Kind.ShouldBe(DomainEndKind.Reset);
        if (!byHost) domain.Next().ShouldBe(s_resume);
        domain.Next().ShouldBe(new DomainEvent.Shutdown(cause));
    }

    [Fact]
    public void ADomainThatStaysAfterItsShutdownWaitsForAResetAndAResume()
    {
        int boots = 0;
        using var domain = new RunningDomain(RunningDomain.Options() with { StayAfterShutdown = true }, new FakeEngine(_ => Interlocked.Increment(ref boots) == 1 ? [PowerOff] : [Out(PanicPort, 1)]));
        domain.Next().ShouldBe(s_resume);
        domain.Next().ShouldBe(new DomainEvent.Shutdown(ShutdownCause.GuestShutdown));
        domain.Next().ShouldBe(s_stop);
        domain.Control.State.ShouldBe(RunState.Shutdown);
        domain.Control.Resume().ShouldBeFalse();
        domain.Control.Pause();
        domain.Control.State.ShouldBe(RunState.Shutdown);
        domain.Control.Reset();
        domain.Next().ShouldBe(new DomainEvent.Reset(ShutdownCause.HostQmpSystemReset));
        domain.Control.Resume().ShouldBeTrue();
        domain.Next().ShouldBe(s_resume);
        domain.Next().ShouldBe(new DomainEvent.GuestPanicked(Stays: true));
        domain.Next().ShouldBe(s_stop);
        domain.Control.State.ShouldBe(RunState.GuestPanicked);
        domain.Control.Quit();
        // What the guest did is how it ended: whoever quits only closes the shell.
        domain.End().Kind.ShouldBe(DomainEndKind.GuestPanic);
        domain.Next().ShouldBe(new DomainEvent.Shutdown(ShutdownCause.HostQmpQuit));
    }

    [Fact]
    public void CrashesAreTold()
    {
        using var panicked = new RunningDomain(RunningDomain.Options(), new FakeEngine(_ => [Out(PanicPort, 1)]));
        panicked.End().Kind.ShouldBe(DomainEndKind.GuestPanic);
        panicked.Next().ShouldBe(s_resume);
        panicked.Next().ShouldBe(new DomainEvent.GuestPanicked(Stays: false));
        panicked.Next().ShouldBe(new DomainEvent.Shutdown(ShutdownCause.GuestPanic));
        using var failed = new RunningDomain(RunningDomain.Options() with { StayAfterShutdown = true }, new FakeEngine(_ => [default]));
        failed.Next().ShouldBe(s_resume);
        failed.Next().ShouldBe(new DomainEvent.Shutdown(ShutdownCause.HostError));
        failed.Next().ShouldBe(s_stop);
        failed.Control.State.ShouldBe(RunState.InternalError);
    }

    [Fact]
    public void QuittingEndsTheRunOnce()
    {
        using var domain = new RunningDomain(RunningDomain.Options(), new FakeEngine(Tick));
        domain.Control.Quit();
        domain.Control.Quit();
        domain.Control.Reset();
        domain.End().Kind.ShouldBe(DomainEndKind.Quit);
        domain.Next().ShouldBe(s_resume);
        domain.Next().ShouldBe(new DomainEvent.Shutdown(ShutdownCause.HostQmpQuit));
        domain.IsQuiet.ShouldBeTrue();
        domain.Control.PowerDown();
        domain.Next().ShouldBe(new DomainEvent.Powerdown());
    }

    [Fact]
    public void ManyManagersDoNotGetInEachOthersWay()
    {
        using var domain = new RunningDomain(RunningDomain.Options(), new FakeEngine(Tick, Tick) , null);
        Parallel.For(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
        {
            if (i % 3 == 0) domain.Control.Pause();
            else if (i % 3 == 1) domain.Control.Resume();
            else if (i % 20 == 2) domain.Control.Reset();
            else domain.Control.PowerDown();
        });
        domain.Control.Resume().ShouldBeTrue();
        WaitForTicks();
    }

    [Fact]
    public void TheSoftwareProcessorStandsStillWhileItIsPaused()
    {
        // l: mov al, 'x'; mov dx, 0x3f8; out dx, al; jmp l
        byte[] kernel = TestKernel.Make(0xB0, 0x78, 0x66, 0xBA, 0xF8, 0x03, 0xEE, 0xEB, 0xF7);
        using var domain = new RunningDomain(RunningDomain.Options() with { Kernel = BootPayload.FromBytes(kernel) }, new SoftEngine());
        for (int round = 0; round < 3; round++)
        {
            WaitForText();
            domain.Control.Pause();
            ulong tsc = Tsc();
            Tsc().ShouldBe(tsc);
            domain.Control.Look(static life =>
            {
                life.Machine!.FlushConsole();
                return life;
            });
            int length = domain.Console.Text.Length;
            Thread.Yield();
            domain.Console.Text.Length.ShouldBe(length);
            domain.Control.Resume().ShouldBeTrue();
        }
        WaitForText();

        ulong Tsc()
        {
            var state = new VcpuState();
            domain.Control.Look(life =>
            {
                life.Vcpus[0].ReadState(state).ShouldBe(Status.Ok);
                return state;
            });
            return state.Tsc;
        }

        void WaitForText()
        {
            int length = domain.Console.Text.Length;
            SpinWait.SpinUntil(() => domain.Console.Text.Length > length, TimeSpan.FromSeconds(60)).ShouldBeTrue();
        }
    }

    private IEnumerable<Packet> Tick(FakeVcpu processor)
    {
        while (true)
        {
            Interlocked.Increment(ref _ticks);
            yield return Out(Idle, 0);
        }
    }

    private void WaitForTicks()
    {
        int seen = Volatile.Read(ref _ticks);
        SpinWait.SpinUntil(() => Volatile.Read(ref _ticks) > seen + 10, TimeSpan.FromSeconds(60)).ShouldBeTrue();
    }
}
