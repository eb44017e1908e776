using Hospes.Libvirt.Client;

namespace Hospes.EndToEnd;

/// <summary>Many machines at once.</summary>
public sealed class DaemonCrowdTests : DaemonLab
{
    private const int Domains = 50;

    /// <summary>virDomainCreate, virDomainSuspend and VIR_DOMAIN_RUNNING.</summary>
    private const int Create = 9, Suspend = 34, Running = 1;

    [Fact]
    public async Task FiftyDomainsStartAtOnce()
    {
        (string kernel, string package) = await DebianGuest.ImageAsync();
        string initrd = Path.Combine(Folder, "root.cpio");
        await DebianGuest.WriteRootAsync(initrd, package, [], "echo up; while true; do sleep 3600; done");
        using LibvirtClient looker = LibvirtClient.Connect(SocketPath);
        for (int i = 0; i < Domains; i++)
        {
            looker.Define($"""
                <domain type='qemu'><name>d{i}</name><memory unit='MiB'>64</memory>
                <os><type>hvm</type><kernel>{kernel}</kernel><initrd>{initrd}</initrd><cmdline>console=ttyS0 quiet</cmdline></os><devices><serial type='pty'/></devices></domain>
                """);
        }
        RemoteDomain[] domains = [.. looker.List()];
        domains.Length.ShouldBe(Domains);
        // Each by a client of its own; held when it runs, for fifty guests that boot are not what this is about.
        await Task.WhenAll(domains.Select(domain => Task.Factory.StartNew(
            () =>
            {
                using LibvirtClient client = LibvirtClient.Connect(SocketPath);
                client.Act(Create, domain);
                client.State(domain).State.ShouldBe(Running);
                client.Act(Suspend, domain);
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        looker.List().Select(static domain => domain.Id).Order().ShouldBe(Enumerable.Range(1, Domains));
        (await VirshAsync("list", "--name", "--state-paused")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(Domains);
        (await VirshAsync("domstats", "--state", "--cpu-total", "--balloon")).Split("balloon.maximum=65536").Length.ShouldBe(Domains + 1);
        await VirshAsync("resume", "d0");
        await EventuallyAsync("d0", "running (unpaused)");
    }
}
