using Hospes.Domains.Lifecycle;
using Hospes.Domains.Operations;

namespace Hospes.Domains.Tests.Lifecycle;

/// <summary>Programs that are run at moments of domains' lives.</summary>
public sealed class HookTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hooks").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Said => File.Exists(Path.Combine(_folder, "said")) ? File.ReadAllText(Path.Combine(_folder, "said")) : "";

    private void Write(string name, string script)
    {
        string path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, $"#!/bin/sh\n{script}\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private Lab NewLab(bool persistent = false, TimeSpan? patience = null) => new(persistent, hooks: new HookFolder(_folder, TimeProvider.System, patience));

    [Fact]
    public async Task HooksAreToldOfADomainsLife()
    {
        using Lab lab = NewLab();
        ManagedDomain domain = await lab.DefineAsync("a");
        lab.Host.PlanStart(domain).ShouldNotContain(static step => step.Step.Contains("hook", StringComparison.Ordinal));
        Write("domain", $"echo $1 $2 $3 $4 $(grep -c '<name>a</name>') >>{_folder}/said");
        Write("domain.d/second", $"echo second $2 >>{_folder}/said");
        File.WriteAllText(Path.Combine(_folder, "domain.d", "readme"), "no program");
        lab.Host.PlanStart(domain).Where(static step => step.Step.Contains("hook", StringComparison.Ordinal)).ShouldBe(
        [
            new PlannedStep("run the hook 'prepare begin'", "run the hook 'release end'"), new PlannedStep("run the hook 'start begin'", "run the hook 'stopped end'"), new PlannedStep("run the hook 'started begin'", null),
        ]);
        (await lab.Host.StartAsync(domain, new StartOptions())).Failure.ShouldBeNull();
        Said.ShouldBe("a prepare begin - 1\nsecond prepare\na start begin - 1\nsecond start\na started begin - 1\nsecond started\n");
        (await lab.Host.DestroyAsync(domain)).Failure.ShouldBeNull();
        Said.ShouldEndWith("a stopped end - 1\nsecond stopped\na release end - 1\nsecond release\n");
    }

    [Theory]
    [InlineData("prepare")]
    [InlineData("start")]
    [InlineData("started")]
    public async Task AHookThatFailsKeepsADomainFromStarting(string moment)
    {
        Write("domain", $"echo $2 >>{_folder}/said; [ $2 != {moment} ] || {{ echo not today >&2; exit 3; }}");
        using Lab lab = NewLab();
        ManagedDomain domain = await lab.DefineAsync("a");
        DomainFailure failure = (await lab.Host.StartAsync(domain, new StartOptions())).Failure.ShouldNotBeNull();
        failure.Error.ShouldBe(DomainError.HookFailed);
        failure.Detail.ShouldEndWith($"a {moment} begin' ended with the status 3: not today");
        domain.Now.IsActive.ShouldBeFalse();
        lab.Driver.Machines.ShouldBeEmpty();
        Said.ShouldEndWith("release\n");
    }

    [Fact]
    public async Task WhatHooksSayAfterTheEndChangesNothing()
    {
        using Lab lab = NewLab();
        ManagedDomain domain = await lab.RunAsync("a");
        Write("domain", "exit 1");
        (await lab.Host.DestroyAsync(domain)).Failure.ShouldBeNull();
        domain.Now.IsActive.ShouldBeFalse();
    }

    [Fact]
    public async Task AHookHasItsTime()
    {
        Write("domain", "sleep 600");
        using Lab lab = NewLab(patience: TimeSpan.FromMilliseconds(50));
        (await lab.Host.StartAsync(await lab.DefineAsync("a"), new StartOptions())).Failure!.Detail.ShouldContain("did not end within");
        File.WriteAllText(Path.Combine(_folder, "domain"), "#!/no/such/program\n");
        (await lab.Host.StartAsync(lab.Host.Find("a").Value, new StartOptions())).Failure!.Detail.ShouldContain("cannot be started");
    }

    [Fact]
    public async Task TheNextDaemonEndsWhatWasToEndWithItsStarter()
    {
        using Lab lab = NewLab(persistent: true);
        ManagedDomain ends = await lab.DefineAsync("ends");
        await lab.Host.StartAsync(ends, new StartOptions { AutoDestroy = true });
        await lab.RunAsync("stays");
        (await lab.RestartAsync()).ShouldBeEmpty();
        lab.Host.Find("ends").Value.Now.Status.ShouldBe(DomainStatus.Shutoff(ShutoffReason.Destroyed));
        lab.Host.Find("stays").Value.Now.IsActive.ShouldBeTrue();
        lab.Driver.Machines.Count.ShouldBe(1);
    }

    [Fact]
    public async Task ADomainThatWasStartedAnewStays()
    {
        using Lab lab = NewLab();
        ManagedDomain domain = await lab.DefineAsync("a");
        await lab.Host.StartAsync(domain, new StartOptions { AutoDestroy = true });
        int id = domain.Now.Id;
        await lab.Host.DestroyAsync(domain);
        await lab.Host.StartAsync(domain, new StartOptions());
        lab.Host.EndWithItsStarter(domain, id);
        await lab.Host.WhenIdleAsync();
        domain.Now.IsActive.ShouldBeTrue();
        lab.Host.EndWithItsStarter(domain, domain.Now.Id);
        await lab.Host.WhenIdleAsync();
        domain.Now.IsActive.ShouldBeFalse();
    }
}
