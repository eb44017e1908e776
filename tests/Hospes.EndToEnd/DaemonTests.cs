using System.Diagnostics;
using System.Text;
using Hospes.Libvirt.Client;

namespace Hospes.EndToEnd;

/// <summary><c>hospes daemon</c> with real machines, and virsh; kernels of a few bytes.</summary>
public sealed class DaemonTests : IAsyncLifetime
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);
    private readonly string _folder = Directory.CreateTempSubdirectory("hd").FullName;
    private Process? _daemon;

    private string SocketPath => Path.Combine(_folder, "s");

    public Task InitializeAsync() => StartAsync();

    public async Task DisposeAsync()
    {
        using (LibvirtClient client = LibvirtClient.Connect(SocketPath))
        {
            foreach (RemoteDomain domain in client.List().Where(static domain => domain.Id > 0)) client.Act(12, domain);
        }
        await EndAsync("TERM");
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task AGuestIsTalkedToAndPowersOff()
    {
        await DefineAsync("echo", TestKernels.Echo);
        (await VirshAsync("start", "echo")).ShouldBe("");
        (await VirshAsync("domstate", "--reason", "echo")).ShouldBe("running (booted)");
        (await VirshAsync("domstats", "echo")).ShouldContain("vcpu.0.state=1");
        (await VirshAsync("vcpuinfo", "echo")).ShouldContain("State:          running");
        using (LibvirtClient client = LibvirtClient.Connect(SocketPath))
        {
            (Action<ReadOnlyMemory<byte>> send, Func<byte[]> receive) = client.OpenConsole(client.Find("echo"));
            send("hello"u8.ToArray());
            var heard = new StringBuilder();
            while (heard.Length < 5) heard.Append(Encoding.ASCII.GetString(await Task.Run(receive).WaitAsync(s_patience)));
            heard.ToString().ShouldBe("hello");
            send("q"u8.ToArray());
        }
        await EventuallyAsync("echo", "shut off (shutdown)");
    }

    [Fact]
    public async Task AMachineIsHeldResetAndEnded()
    {
        await DefineAsync("spin", TestKernels.Spin);
        await VirshAsync("start", "--paused", "spin");
        (await VirshAsync("domstate", "--reason", "spin")).ShouldBe("paused (user)");
        await VirshAsync("resume", "spin");
        await VirshAsync("suspend", "spin");
        await VirshAsync("resume", "spin");
        // The kernel has no driver for it: the balloon is asked, and nothing comes of it.
        await VirshAsync("setmem", "spin", "32M", "--live");
        (await VirshAsync("dommemstat", "spin")).ShouldContain("actual 65536");
        await VirshAsync("reset", "spin");
        (await VirshAsync("domstate", "--reason", "spin")).ShouldBe("running (unpaused)");
        await VirshAsync("destroy", "spin");
        (await VirshAsync("domstate", "--reason", "spin")).ShouldBe("shut off (destroyed)");
        Directory.GetDirectories(Path.Combine(_folder, "run")).ShouldBeEmpty();
        await VirshAsync("start", "spin");
        await VirshAsync("destroy", "--graceful", "spin");
        (await VirshAsync("domstate", "--reason", "spin")).ShouldBe("shut off (destroyed)");
    }

    [Fact]
    public async Task AKilledDaemonsMachineIsFoundAgain()
    {
        await DefineAsync("spin", TestKernels.Spin);
        await VirshAsync("start", "spin");
        await VirshAsync("autostart", "spin");
        await EndAsync("KILL");
        await StartAsync();
        (await VirshAsync("domstate", "--reason", "spin")).ShouldBe("running (booted)");
        (await VirshAsync("domid", "spin")).ShouldBe("1");
        await VirshAsync("suspend", "spin");
        (await VirshAsync("domstate", "--reason", "spin")).ShouldBe("paused (user)");
        await VirshAsync("destroy", "spin");
        await EndAsync("KILL");
        await StartAsync();
        await EventuallyAsync("spin", "running (booted)");
    }

    [Fact]
    public async Task WhatCannotStartSaysWhy()
    {
        await DefineAsync("bad", TestKernels.Spin, "<disk type='file'><driver type='raw'/><source file='/nowhere/disk'/><target dev='vda'/></disk>");
        (await FailAsync("start", "bad")).ShouldContain("Cannot access storage file '/nowhere/disk'");
        await DefineAsync("junk", "no kernel"u8.ToArray());
        (await FailAsync("start", "junk")).ShouldContain("the machine did not start");
        (await VirshAsync("domstate", "--reason", "junk")).ShouldBe("shut off (unknown)");
    }

    [Fact]
    public async Task HospesItselfIsAClient()
    {
        await DefineAsync("spin", TestKernels.Spin);
        (await HospesAsync("list")).ShouldContain("shut off");
        await HospesAsync("start", "spin");
        (await HospesAsync("list")).ShouldBe("1     spin                           running\n");
        (await HospesAsync("xml", "spin")).ShouldContain("<domain type=\"qemu\" id=\"1\">");
        await HospesAsync("destroy", "spin");
        (await HospesAsync("list")).ShouldContain("shut off");
        Ran nobody = await HospesProcess.RunAsync("", s_patience, "domain", "start", "nobody", "--socket", SocketPath);
        nobody.Status.ShouldBe(1);
        nobody.Error.ShouldBe("hospes: Domain not found: no domain with matching name 'nobody'\n");
    }

    private async Task StartAsync()
    {
        _daemon = HospesProcess.Start("daemon", "--socket", SocketPath, "--state", _folder);
        string? line = await _daemon.StandardOutput.ReadLineAsync().WaitAsync(s_patience);
        line.ShouldNotBeNull(await ErrorOf(_daemon)).ShouldStartWith("virsh -c 'hospes+unix:///");
        line.ShouldEndWith($"?socket={SocketPath}'");
    }

    private static async Task<string> ErrorOf(Process daemon) => daemon.HasExited ? await daemon.StandardError.ReadToEndAsync() : "";

    private async Task EndAsync(string signal)
    {
        await DebianGuest.RunAsync("kill", $"-{signal}", $"{_daemon!.Id}");
        await _daemon.WaitForExitAsync().WaitAsync(s_patience);
        _daemon.Dispose();
    }

    private async Task DefineAsync(string name, byte[] kernel, string devices = "")
    {
        string image = Path.Combine(_folder, $"{name}.kernel"), document = Path.Combine(_folder, $"{name}.xml");
        await File.WriteAllBytesAsync(image, kernel);
        await File.WriteAllTextAsync(document, $"""
            <domain type='qemu'><name>{name}</name><memory unit='MiB'>64</memory><os><type>hvm</type><kernel>{image}</kernel></os>
            <devices><serial type='pty'/>{devices}</devices></domain>
            """);
        await VirshAsync("define", document);
    }

    private async Task<string> VirshAsync(params string[] arguments)
    {
        (int status, string output, string error) = await TryVirshAsync(arguments);
        (status, error).ShouldBe((0, ""), $"virsh {string.Join(' ', arguments)}");
        return output.Trim();
    }

    private async Task<string> FailAsync(params string[] arguments)
    {
        (int status, _, string error) = await TryVirshAsync(arguments);
        status.ShouldNotBe(0);
        return error;
    }

    private async Task<(int Status, string Output, string Error)> TryVirshAsync(string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo("virsh", ["-q", "-c", $"hospes+unix:///system?socket={SocketPath}", .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync().WaitAsync(s_patience);
        await process.WaitForExitAsync();
        return (process.ExitCode, output, await error);
    }

    private async Task<string> HospesAsync(params string[] arguments)
    {
        Ran ran = await HospesProcess.RunAsync("", s_patience, ["domain", .. arguments, "--socket", SocketPath]);
        (ran.Status, ran.Error).ShouldBe((0, ""));
        return ran.Out;
    }

    private async Task EventuallyAsync(string name, string state)
    {
        string last = "";
        for (int i = 0; i < 200 && (last = await VirshAsync("domstate", "--reason", name)) != state; i++) await Task.Delay(50);
        last.ShouldBe(state);
    }
}
