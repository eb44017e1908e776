using System.Text;
using Hospes.Libvirt.Client;

namespace Hospes.EndToEnd;

/// <summary><c>hospes daemon</c> with real machines, and virsh; kernels of a few bytes.</summary>
public sealed class DaemonTests : DaemonLab
{
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
        Directory.GetDirectories(Path.Combine(Folder, "run")).ShouldBeEmpty();
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
        (await HospesAsync("plan", "start", "spin")).ShouldContain("create the machine, held, and build its memory   undone by: end the machine\n");
        (await HospesAsync("plan", "start", "spin", "--json")).ShouldStartWith("[{\"step\":");
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

    private async Task<string> HospesAsync(params string[] arguments)
    {
        Ran ran = await HospesProcess.RunAsync("", s_patience, ["domain", .. arguments, "--socket", SocketPath]);
        (ran.Status, ran.Error).ShouldBe((0, ""));
        return ran.Out;
    }
}
