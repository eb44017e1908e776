using Hospes.Domains.Events;
using Hospes.Domains.Lifecycle;
using Hospes.Domains.Operations;

namespace Hospes.Domains.Tests.Lifecycle;

/// <summary>The daemon is killed; the next one finds everything as it should be.</summary>
public sealed class RecoveryTests
{
    private sealed class KilledException : Exception;

    /// <summary>Ends the daemon at its n-th step.</summary>
    private sealed class Killer(int at) : IStepObserver
    {
        private int _reached;

        public bool Struck { get; private set; }

        public void Reached(OperationKind kind, int index, bool done)
        {
            if (_reached++ != at) return;
            Struck = true;
            throw new KilledException();
        }
    }

    /// <summary>What can be seen of a host from outside.</summary>
    private static string Picture(Lab lab) => string.Join("; ", lab.Host.List().Select(domain =>
            $"{domain.Now.Name} {domain.Now.Status.State}{(domain.Now.IsPersistent ? " persistent" : "")}{(domain.Now.Autostart ? " autostart" : "")} {domain.Now.Config.Title}").Order())
        + $" | {lab.Driver.Machines.Count} machines";

    [Theory]
    [InlineData("define")]
    [InlineData("redefine")]
    [InlineData("redefine running")]
    [InlineData("undefine")]
    [InlineData("undefine running")]
    [InlineData("rename")]
    [InlineData("start")]
    [InlineData("start paused")]
    [InlineData("create")]
    [InlineData("destroy")]
    [InlineData("destroy transient")]
    [InlineData("attach")]
    public async Task KilledAtAnyStepItIsRepaired(string operation)
    {
        for (int at = 0; ; at++)
        {
            using var lab = new Lab(persistent: true);
            await PrepareAsync(lab, operation);
            string before = Picture(lab);
            lab.Host.Dispose();
            var killer = new Killer(at);
            using (DomainHost mortal = lab.NewHost(killer))
            {
                try
                {
                    await mortal.RecoverAsync();
                    await ActAsync(mortal, operation);
                }
                catch (KilledException)
                {
                }
            }
            (await lab.RestartAsync()).ShouldBeEmpty();
            string after = Picture(lab);
            (await lab.RestartAsync()).ShouldBeEmpty();
            Picture(lab).ShouldBe(after, "a repair is done once");
            string done = await DoneAsync(operation);
            after.ShouldBeOneOf(before, done);
            if (killer.Struck) continue;
            after.ShouldBe(done);
            at.ShouldBeGreaterThan(3, "there were steps to be killed at");
            return;
        }
    }

    [Fact]
    public async Task ARunningDomainIsFoundAgain()
    {
        using var lab = new Lab(persistent: true);
        ManagedDomain a = await lab.RunAsync("a");
        ManagedDomain b = await lab.RunAsync("b");
        await lab.Host.SuspendAsync(b);
        ManagedDomain gone = await lab.RunAsync("gone");
        lab.Host.Dispose();
        await lab.Driver.RemoveAsync(gone.Uuid);
        await lab.Machine(b).ResumeAsync();
        await lab.RestartAsync();
        lab.Host.Find("a").Value.Now.ShouldSatisfyAllConditions(now => now.Id.ShouldBe(1), now => now.Status.ShouldBe(DomainStatus.Running(RunningReason.Booted)));
        lab.Host.Find("b").Value.Now.Status.ShouldBe(DomainStatus.Running(RunningReason.Unknown));
        lab.Host.Find("gone").Value.Now.Status.ShouldBe(DomainStatus.Shutoff(ShutoffReason.Crashed));
        lab.Machine(a).PowerOff();
        await lab.Host.WhenIdleAsync();
        lab.Host.Find("a").Value.Now.IsActive.ShouldBeFalse("the new daemon is told of the old one's machines");
        (await lab.RunAsync("later")).Now.Id.ShouldBe(4, "ids are not given twice");
    }

    [Fact]
    public async Task MarkedDomainsStartWithTheDaemon()
    {
        using var lab = new Lab(persistent: true);
        ManagedDomain domain = await lab.DefineAsync("a");
        await lab.DefineAsync("b");
        (await lab.Host.SetAutostartAsync(domain, true)).Failure.ShouldBeNull();
        await lab.RestartAsync();
        (await lab.Host.StartMarkedAsync()).ShouldBeEmpty();
        lab.Host.List().Where(static d => d.Now.IsActive).Select(static d => d.Now.Name).ShouldBe(["a"]);
    }

    [Fact]
    public async Task WhatCannotBeReadIsToldOfAndLeftAlone()
    {
        using var lab = new Lab(persistent: true);
        await lab.DefineAsync("good");
        string bad = Path.Combine(lab.Folder!, "domains", "bad.xml");
        File.WriteAllText(bad, "<domain");
        File.WriteAllText(Path.Combine(lab.Folder!, "run", $"{Guid.NewGuid()}.json"), "{");
        (await lab.RestartAsync()).ShouldHaveSingleItem().ShouldStartWith("the definition of bad cannot be read");
        lab.Host.List().ShouldHaveSingleItem().Now.Name.ShouldBe("good");
        File.Exists(bad).ShouldBeTrue();
    }

    [Fact]
    public async Task TokensLoseNoEventAcrossDaemons()
    {
        using var lab = new Lab(persistent: true);
        await lab.DefineAsync("a");
        string token = lab.Host.Events.Token;
        await lab.RunAsync("b");
        await lab.RestartAsync();
        await lab.DefineAsync("c");
        var late = new Listener();
        lab.Host.Events.Subscribe(late, token).Succeeded.ShouldBeTrue();
        await lab.DefineAsync("d");
        late.Story.ShouldBe(["b Defined 0", "b Started 0", "c Defined 0", "d Defined 0"]);
        lab.Host.Events.Subscribe(late, "someone-1").Failure!.Error.ShouldBe(DomainError.InvalidArgument);
        lab.Host.Events.Subscribe(late, token.Split('-')[0] + "-99").Failure!.Error.ShouldBe(DomainError.InvalidArgument);
    }

    [Fact]
    public void TokensThatLieTooFarBackAreRefused()
    {
        using var log = new EventLog(new ManualTime());
        string token = log.Token;
        for (int i = 0; i <= EventLog.Retained; i++) log.Append(DomainEventKind.Reboot, "a", Guid.Empty, 1);
        log.Subscribe(new Listener(), token).Failure!.Detail.ShouldContain("more than");
    }

    private static async Task PrepareAsync(Lab lab, string operation)
    {
        await lab.DefineAsync("other");
        switch (operation)
        {
            case "redefine" or "undefine" or "rename" or "start" or "start paused":
                await lab.Host.SetAutostartAsync(await lab.DefineAsync("a", Devices), true);
                break;
            case "redefine running" or "undefine running" or "destroy" or "attach":
                await lab.RunAsync("a", Devices);
                break;
            case "destroy transient":
                await lab.Host.CreateAsync(Lab.Xml("a"), new StartOptions());
                break;
        }
    }

    private const string Devices = "<devices><disk><source file='/w'/><target dev='vda'/></disk><interface type='user'/></devices>";

    private static async Task ActAsync(DomainHost host, string operation)
    {
        Outcome<ManagedDomain> known = host.Find("a");
        DomainFailure? failure = operation switch
        {
            "define" or "redefine" or "redefine running" => (await host.DefineAsync(Lab.Xml("a", $"{(known.Succeeded ? $"<uuid>{known.Value.Uuid}</uuid>" : "")}<title>new</title>"))).Failure,
            "undefine" or "undefine running" => (await host.UndefineAsync(known.Value)).Failure,
            "rename" => (await host.RenameAsync(known.Value, "b")).Failure,
            "start" => (await host.StartAsync(known.Value, new StartOptions())).Failure,
            "start paused" => (await host.StartAsync(known.Value, new StartOptions { Paused = true })).Failure,
            "attach" => (await host.AttachDeviceAsync(known.Value, "<disk><source file='/x'/><target dev='vdb'/></disk>", live: true, config: false)).Failure,
            "create" => (await host.CreateAsync(Lab.Xml("a"), new StartOptions())).Failure,
            _ => (await host.DestroyAsync(known.Value)).Failure,
        };
        failure.ShouldBeNull();
    }

    private static async Task<string> DoneAsync(string operation)
    {
        using var lab = new Lab(persistent: true);
        await PrepareAsync(lab, operation);
        await ActAsync(lab.Host, operation);
        return Picture(lab);
    }
}
