using System.Diagnostics;
using Hospes.Store.Tests.Support;

namespace Hospes.Store.Tests.RealClients;

/// <summary>"hospes store" as people run it: processes of their own.</summary>
public sealed class ServeCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<Process> _servers = [];

    private string Socket => _folder.File("socket");

    public void Dispose()
    {
        foreach (Process server in _servers)
        {
            if (!server.HasExited) server.Kill();
            server.WaitForExit();
            server.Dispose();
        }
        _folder.Dispose();
    }

    private async Task<Process> ServeAsync(params string[] more)
    {
        Process server = Programs.Start(Socket, "dotnet", [Path.Combine(AppContext.BaseDirectory, "hospes.dll"), "store", "serve", "--socket", Socket, .. more]);
        _servers.Add(server);
        (await server.StandardOutput.ReadLineAsync()).ShouldBe($"serving at {Socket}");
        return server;
    }

    private Task<ProgramResult> Tool(params string[] words) => Programs.RunAsync(Socket, "dotnet", [Path.Combine(AppContext.BaseDirectory, "hospes.dll"), "store", .. words]);

    [Fact]
    public async Task TheToolsTalkToTheServer()
    {
        await ServeAsync("--quota", "nodes=5", "--guest", $"7={Socket}7");
        (await Tool("write", "/a/b", "1", "/c", "x\\ny\\x01")).Good.ShouldBe("");
        (await Tool("read", "-p", "/a/b", "/c")).Good.ShouldBe("/a/b: 1\n/c: x\\ny\\001\n");
        (await Tool("exists", "/a/b")).Status.ShouldBe(0);
        (await Tool("exists", "/a/none")).Status.ShouldBe(1);
        (await Tool("list", "-p", "/a")).Good.ShouldBe("/a/b\n");
        (await Tool("chmod", "-r", "/a", "n7", "r8")).Good.ShouldBe("");
        (await Tool("perms", "/a/b")).Good.ShouldBe("n7 r8\n");
        (await Tool("ls", "-f", "-p", "/a")).Good.ShouldBe("/a/b = \"1\"   (n7,r8)\n");
        (await Tool("mkdir", "/d/e")).Good.ShouldBe("");
        (await Tool("rm", "-t", "/d/e")).Good.ShouldBe("");
        (await Tool("exists", "/d")).Status.ShouldBe(1);
        (await Tool("wait", "--timeout", "20", "/a/b", "1")).Status.ShouldBe(0);
        (await Tool("wait", "--gone", "/none")).Status.ShouldBe(0);
        (await Tool("wait", "--timeout", "1", "/none")).Status.ShouldBe(1);
        (await Tool("watch", "-n", "1", "/a")).Good.ShouldBe("/a\n");
        (await Tool("control", "quota")).Good.ShouldContain("nodes            :        5");
        (await Tool("top", "-n", "1")).Good.ShouldContain("operations/s");
        ProgramResult refused = await Tool("read", "/none");
        refused.Status.ShouldBe(1);
        refused.Error.ShouldContain("ENOENT");
        (await Tool("write", "/odd")).Status.ShouldBe(2);
        (await Programs.RunAsync(Socket + "7", "xenstore-read", "/a/b")).Good.ShouldBe("1\n");
        (await Programs.RunAsync(Socket + "7", "xenstore-read", "/c")).Status.ShouldNotBe(0);
        (await Programs.RunAsync(Socket, "xenstore-ls", "-f", "/a")).Good.ShouldBe("/a/b = \"1\"\n");
    }

    [Fact]
    public async Task NothingAcknowledgedIsLostWhenTheServerIsKilled()
    {
        string data = _folder.File("data");
        Process server = await ServeAsync("--data", data, "--sync", "always");
        int acknowledged = 0;
        await using (Hospes.Store.Client.XenStoreClient client = await Hospes.Store.Client.XenStoreClient.ConnectAsync(Socket))
        {
            Task killer = Task.Run(() =>
            {
                SpinWait.SpinUntil(() => Volatile.Read(ref acknowledged) > 40);
                server.Kill();
            });
            await Should.ThrowAsync<IOException>(async () =>
            {
                for (int i = 1; ; i++)
                {
                    await client.RunAsync(async tx =>
                    {
                        await tx.WriteAsync("/first", $"{i}");
                        await tx.WriteAsync("/second", $"{i}");
                    });
                    Volatile.Write(ref acknowledged, i);
                }
            });
            await killer;
        }
        await server.WaitForExitAsync();
        await ServeAsync("--data", data);
        int first = int.Parse((await Tool("read", "/first")).Good), second = int.Parse((await Tool("read", "/second")).Good);
        first.ShouldBe(second);
        first.ShouldBeInRange(acknowledged, acknowledged + 1);
    }

    [Fact]
    public async Task DumpAndRestoreCarryATreeOver()
    {
        await ServeAsync();
        await Tool("write", "/a/z", "1", "/a/b", "\\x00\\xff");
        await Tool("chmod", "/a/b", "n5", "r6");
        (await Tool("dump", _folder.File("tree.xs"))).Good.ShouldBe("");
        await Tool("rm", "/a");
        (await Tool("restore", _folder.File("tree.xs"))).Status.ShouldBe(0);
        (await Tool("ls", "-f", "-p", "/a")).Good.ShouldBe("/a/z = \"1\"   (n0)\n/a/b = \"\\000\\xff\"   (n5,r6)\n");
        await File.WriteAllTextAsync(_folder.File("bad"), "no stream");
        (await Tool("restore", _folder.File("bad"))).Status.ShouldBe(2);
    }

    [Fact]
    public async Task ASuccessorProcessTakesOver()
    {
        Process first = await ServeAsync();
        using Process watch = Programs.Start(Socket, "xenstore-watch", "-n", "2", "/w");
        (await watch.StandardOutput.ReadLineAsync()).ShouldBe("/w");
        await ServeAsync("--take-over");
        await first.WaitForExitAsync();
        first.ExitCode.ShouldBe(0);
        (await Programs.RunAsync(Socket, "xenstore-write", "/w/x", "1")).Good.ShouldBe("");
        (await watch.StandardOutput.ReadLineAsync()).ShouldBe("/w/x");
        await watch.WaitForExitAsync();
        watch.ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task ItEndsWhenAskedAndTakesItsSocketAway()
    {
        Process server = await ServeAsync();
        using Process kill = Process.Start("kill", $"-TERM {server.Id}");
        await server.WaitForExitAsync();
        server.ExitCode.ShouldBe(0);
        File.Exists(Socket).ShouldBeFalse();
        (await Tool("read", "/tool")).Status.ShouldBe(2);
    }

    [Theory]
    [InlineData("--quota", "none=1")]
    [InlineData("--quota", "nodes=x")]
    [InlineData("--guest", "0=/tmp/x")]
    [InlineData("--guest", "5")]
    [InlineData("--sync", "sometimes")]
    [InlineData("--quotas", "rust")]
    public async Task BadArgumentsAreRefused(string option, string value) => (await Tool("serve", "--socket", Socket, option, value)).Status.ShouldBe(2);
}
