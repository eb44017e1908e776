using Hospes.Domains.Drivers;
using Hospes.Domains.Events;
using Hospes.Domains.Lifecycle;
using Hospes.Domains.Operations;

namespace Hospes.Domains.Tests.Lifecycle;

public sealed class LifecycleTests
{
    [Fact]
    public async Task ADomainIsDefinedStartedHeldAndEnded()
    {
        using var lab = new Lab();
        ManagedDomain domain = await lab.DefineAsync("a");
        domain.Now.ShouldSatisfyAllConditions(now => now.IsPersistent.ShouldBeTrue(), now => now.IsActive.ShouldBeFalse(), now => now.Status.ShouldBe(DomainStatus.Shutoff(ShutoffReason.Unknown)));
        (await lab.Host.StartAsync(domain, new StartOptions())).Failure.ShouldBeNull();
        domain.Now.Id.ShouldBe(1);
        domain.Now.Status.ShouldBe(DomainStatus.Running(RunningReason.Booted));
        (await lab.Host.SuspendAsync(domain)).Failure.ShouldBeNull();
        domain.Now.Status.ShouldBe(DomainStatus.Paused(PausedReason.User));
        (await lab.Host.ResumeAsync(domain)).Failure.ShouldBeNull();
        domain.Now.Status.ShouldBe(DomainStatus.Running(RunningReason.Unpaused));
        (await lab.Host.DestroyAsync(domain)).Failure.ShouldBeNull();
        domain.Now.Status.ShouldBe(DomainStatus.Shutoff(ShutoffReason.Destroyed));
        lab.Driver.Machines.ShouldBeEmpty();
        lab.Listener.Story.ShouldBe(["a Defined 0", "a Started 0", "a Suspended 0", "a Resumed 0", "a Stopped 1"]);
        (await lab.Host.StartAsync(domain, new StartOptions())).Failure.ShouldBeNull();
        domain.Now.Id.ShouldBe(2, "ids rise");
        (await lab.Host.UndefineAsync(domain)).Failure.ShouldBeNull();
        lab.Host.Find("a").Value.Now.IsPersistent.ShouldBeFalse("it goes on as a transient domain");
        (await lab.Host.DestroyAsync(domain)).Failure.ShouldBeNull();
        lab.Host.Find("a").Failure!.Error.ShouldBe(DomainError.NoDomain);
        lab.Host.List().ShouldBeEmpty();
    }

    [Fact]
    public async Task ATransientDomainGoesWithItsMachine()
    {
        using var lab = new Lab();
        ManagedDomain domain = (await lab.Host.CreateAsync(Lab.Xml("t"), new StartOptions { Paused = true })).Value;
        domain.Now.Status.ShouldBe(DomainStatus.Paused(PausedReason.User));
        domain.Now.IsPersistent.ShouldBeFalse();
        lab.Machine(domain).PowerOff();
        await lab.Host.WhenIdleAsync();
        lab.Host.Find("t").Succeeded.ShouldBeFalse();
        lab.Listener.Story.ShouldBe(["t Started 0", "t Suspended 0", "t Shutdown 0", "t Stopped 0"]);
    }

    [Fact]
    public async Task DefiningATransientDomainMakesItPersistentAndRunningOnesKeepWhatTheyAre()
    {
        using var lab = new Lab();
        ManagedDomain domain = (await lab.Host.CreateAsync(Lab.Xml("t"), new StartOptions())).Value;
        ManagedDomain defined = (await lab.Host.DefineAsync(Lab.Xml("t", $"<uuid>{domain.Uuid}</uuid><title>new</title>"))).Value;
        defined.ShouldBe(domain);
        domain.Now.Live!.Title.ShouldBeNull();
        domain.Now.Definition!.Title.ShouldBe("new");
        (await lab.Host.DestroyAsync(domain)).Failure.ShouldBeNull();
        lab.Host.Find("t").Value.Now.Config.Title.ShouldBe("new");
    }

    [Fact]
    public async Task NamesAndUuidsAreUnique()
    {
        using var lab = new Lab();
        ManagedDomain domain = await lab.DefineAsync("a");
        (await lab.Host.DefineAsync(Lab.Xml("a", $"<uuid>{Guid.NewGuid()}</uuid>"))).Failure!.Detail.ShouldContain("already exists with uuid");
        (await lab.Host.DefineAsync(Lab.Xml("b", $"<uuid>{domain.Uuid}</uuid>"))).Failure!.Detail.ShouldContain("already defined with uuid");
        (await lab.Host.CreateAsync(Lab.Xml("a", $"<uuid>{Guid.NewGuid()}</uuid>"), new StartOptions())).Failure!.Error.ShouldBe(DomainError.OperationFailed);
        // A document without UUID is of another domain.
        var exists = new DomainFailure(DomainError.OperationFailed, $"domain 'a' already exists with uuid {domain.Uuid}");
        (await lab.Host.DefineAsync(Lab.Xml("a"))).Failure.ShouldBe(exists);
        (await lab.Host.CreateAsync(Lab.Xml("a"), new StartOptions())).Failure.ShouldBe(exists);
    }

    [Fact]
    public async Task WhatAStateDoesNotAllowIsRefused()
    {
        using var lab = new Lab();
        ManagedDomain domain = await lab.DefineAsync("a");
        foreach (Func<ManagedDomain, ValueTask<Outcome<Done>>> act in (Func<ManagedDomain, ValueTask<Outcome<Done>>>[])
            [lab.Host.SuspendAsync, lab.Host.ResumeAsync, lab.Host.ShutdownAsync, lab.Host.RebootAsync, lab.Host.ResetAsync, d => lab.Host.DestroyAsync(d), d => lab.Host.SetMemoryAsync(d, 1)])
            (await act(domain)).Failure!.Error.ShouldBe(DomainError.InvalidState);
        (await lab.Host.StartAsync(domain, new StartOptions())).Failure.ShouldBeNull();
        (await lab.Host.StartAsync(domain, new StartOptions())).Failure!.Detail.ShouldBe("domain is already running");
        (await lab.Host.ResumeAsync(domain)).Failure!.Detail.ShouldBe("domain is already running");
        (await lab.Host.RenameAsync(domain, "b")).Failure!.Detail.ShouldBe("cannot rename active domain");
        (await lab.Host.SetMemoryAsync(domain, 1 << 20)).Failure!.Error.ShouldBe(DomainError.InvalidArgument);
        ManagedDomain transient = (await lab.Host.CreateAsync(Lab.Xml("t"), new StartOptions())).Value;
        (await lab.Host.UndefineAsync(transient)).Failure!.Error.ShouldBe(DomainError.InvalidState);
        (await lab.Host.SetAutostartAsync(transient, true)).Failure!.Error.ShouldBe(DomainError.InvalidState);
        (await lab.Host.CreateAsync(Lab.Xml("t", $"<uuid>{transient.Uuid}</uuid>"), new StartOptions())).Failure!.Detail.ShouldContain("already active");
    }

    [Theory]
    [InlineData("", "a Shutdown 0|a Stopped 0", DomainState.Shutoff)]
    [InlineData("<on_poweroff>restart</on_poweroff>", "a Shutdown 0|a Stopped 0|a Started 0", DomainState.Running)]
    public async Task AGuestThatPowersOffDoesWhatItsConfigurationSays(string action, string story, DomainState state)
    {
        using var lab = new Lab(behaviour: new SimulatedBehaviour { PowerOffTime = TimeSpan.FromSeconds(5) });
        ManagedDomain domain = await lab.RunAsync("a", action);
        (await lab.Host.ShutdownAsync(domain)).Failure.ShouldBeNull();
        domain.Now.Status.State.ShouldBe(DomainState.Running);
        lab.Time.Turn(TimeSpan.FromSeconds(5));
        await lab.Host.WhenIdleAsync();
        domain.Now.Status.State.ShouldBe(state);
        lab.Listener.Story.Skip(2).ShouldBe(story.Split('|'));
    }

    [Theory]
    [InlineData("destroy", DomainState.Shutoff, "a Crashed 0|a Stopped 2")]
    [InlineData("preserve", DomainState.Crashed, "a Crashed 0")]
    [InlineData("restart", DomainState.Running, "a Crashed 0|a Stopped 2|a Started 0")]
    public async Task AGuestThatPanicsDoesWhatItsConfigurationSays(string action, DomainState state, string story)
    {
        using var lab = new Lab();
        ManagedDomain domain = await lab.RunAsync("a", $"<on_crash>{action}</on_crash>");
        lab.Machine(domain).Panic();
        await lab.Host.WhenIdleAsync();
        domain.Now.Status.State.ShouldBe(state);
        lab.Listener.Story.Skip(2).ShouldBe(story.Split('|'));
    }

    [Fact]
    public async Task CrashesInALoopEndIt()
    {
        using var lab = new Lab();
        ManagedDomain domain = await lab.RunAsync("a", "<on_crash>restart</on_crash>");
        for (int i = 0; i < 4; i++)
        {
            domain.Now.IsActive.ShouldBeTrue();
            lab.Machine(domain).Crash();
            await lab.Host.WhenIdleAsync();
        }
        domain.Now.Status.ShouldBe(DomainStatus.Shutoff(ShutoffReason.Crashed));
        await lab.Host.StartAsync(domain, new StartOptions());
        lab.Time.Turn(TimeSpan.FromMinutes(3));
        lab.Machine(domain).Crash();
        await lab.Host.WhenIdleAsync();
        domain.Now.IsActive.ShouldBeTrue("a crash long after the others is no loop");
    }

    [Fact]
    public async Task ARebootKeepsTheDomainAndIsToldOf()
    {
        using var lab = new Lab();
        ManagedDomain domain = await lab.RunAsync("a");
        (await lab.Host.RebootAsync(domain)).Failure.ShouldBeNull();
        domain.Now.Id.ShouldBe(1);
        lab.Listener.Story[^1].ShouldBe("a Reboot");
    }

    [Fact]
    public async Task ADomainGetsAnotherName()
    {
        using var lab = new Lab(persistent: true);
        ManagedDomain domain = await lab.DefineAsync("a");
        await lab.Host.SetAutostartAsync(domain, true);
        await lab.DefineAsync("c");
        (await lab.Host.RenameAsync(domain, "c")).Failure!.Error.ShouldBe(DomainError.OperationFailed);
        (await lab.Host.RenameAsync(domain, "x/y")).Failure!.Error.ShouldBe(DomainError.InvalidXml);
        (await lab.Host.RenameAsync(domain, "b")).Failure.ShouldBeNull();
        lab.Host.Find("a").Succeeded.ShouldBeFalse();
        lab.Host.Find("b").Value.Uuid.ShouldBe(domain.Uuid);
        lab.Listener.Story.TakeLast(2).ShouldBe(["a Undefined 1", "b Defined 2"]);
        (await lab.RestartAsync()).ShouldBeEmpty();
        lab.Host.List().Select(static d => d.Now.Name).Order().ShouldBe(["b", "c"]);
        lab.Host.Find("b").Value.Now.Autostart.ShouldBeTrue();
    }

    [Fact]
    public async Task ABalloonChangesMemory()
    {
        using var lab = new Lab();
        ManagedDomain domain = await lab.RunAsync("a");
        (await lab.Host.SetMemoryAsync(domain, 32768)).Failure.ShouldBeNull();
        (await lab.Host.StatisticsAsync(domain))!.BalloonKiB.ShouldBe(32768UL);
        domain.Now.Live!.CurrentMemoryKiB.ShouldBe(32768UL);
        domain.Now.Definition!.CurrentMemoryKiB.ShouldBe(65536UL);
        lab.Listener.Events[^1].ShouldSatisfyAllConditions(e => e.Kind.ShouldBe(DomainEventKind.BalloonChange), e => e.Value.ShouldBe(32768UL));
    }

    [Fact]
    public async Task ProcessorTimeIsThatOfTheClock()
    {
        using var lab = new Lab(behaviour: new SimulatedBehaviour { Load = 0.5 });
        ManagedDomain domain = await lab.RunAsync("a", "<vcpu>2</vcpu>");
        lab.Time.Turn(TimeSpan.FromSeconds(10));
        await lab.Host.SuspendAsync(domain);
        lab.Time.Turn(TimeSpan.FromSeconds(10));
        (await lab.Host.StatisticsAsync(domain))!.CpuTime.ShouldBe(10_000_000_000UL);
    }

    [Fact]
    public async Task APlanNamesStepsAndWhatUndoesThem()
    {
        using var lab = new Lab();
        ManagedDomain domain = await lab.DefineAsync("a", """
            <devices><disk><source file='/r'/><target dev='vda'/><readonly/></disk><disk><source file='/w'/><target dev='vdb'/></disk><interface type='user'/></devices>
            """);
        lab.Host.PlanStart(domain).ShouldBe(
        [
            new PlannedStep("prepare disk vdb", null), new PlannedStep("prepare disk vda", null), new PlannedStep("prepare interface 0", null),
            new PlannedStep("create the machine, held, and build its memory", "end the machine"), new PlannedStep("mark alive", "mark off"),
            new PlannedStep("let the processors run", null), new PlannedStep("tell", null),
        ]);
        domain.Now.IsActive.ShouldBeFalse();
    }

    [Fact]
    public async Task AStartThatIsGivenUpLeavesNothing()
    {
        using var lab = new Lab();
        ManagedDomain domain = await lab.DefineAsync("a");
        (await lab.Host.StartAsync(domain, new StartOptions { Cancellation = new CancellationToken(canceled: true) })).Failure!.Error.ShouldBe(DomainError.Aborted);
        lab.Driver.Machines.ShouldBeEmpty();
        domain.Now.IsActive.ShouldBeFalse();
    }

    [Fact]
    public async Task ManyAtOnceComeOutAsIfOneAfterTheOther()
    {
        using var lab = new Lab(persistent: true);
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Task.Run(async () =>
        {
            ManagedDomain domain = (await lab.Host.DefineAsync(Lab.Xml($"d{i % 20}", $"<uuid>00000000-0000-4000-8000-0000000000{i % 20:d2}</uuid>"))).Value;
            await lab.Host.StartAsync(domain, new StartOptions());
            if (i % 3 == 0) await lab.Host.DestroyAsync(domain);
            if (i % 7 == 0) await lab.Host.UndefineAsync(domain);
        })));
        foreach (ManagedDomain domain in lab.Host.List())
        {
            lab.Host.Find(domain.Now.Name).Value.ShouldBe(domain);
            lab.Host.Find(domain.Uuid).Value.ShouldBe(domain);
            if (domain.Now.IsActive) lab.Host.Find(domain.Now.Id).Value.ShouldBe(domain);
        }
        lab.Driver.Machines.Count.ShouldBe(lab.Host.List().Count(static domain => domain.Now.IsActive));
        lab.Listener.Events.Select(static e => e.Sequence).ShouldBe(Enumerable.Range(1, lab.Listener.Events.Count).Select(static i => (long)i));
    }
}
