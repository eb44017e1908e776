namespace Hospes.EndToEnd;

/// <summary>What the host's kernel keeps from the processes of domains. Where the kernel lacks a part of it, less applies, and that is told.</summary>
public sealed class DaemonConfinementTests : DaemonLab
{
    [Fact]
    public async Task AMachineGetsAtItsOwnFilesOnly()
    {
        string inside = Path.Combine(Folder, "images", "inside"), outside = Path.Combine(Folder, "outside");
        foreach (string path in (string[])[inside, outside]) await File.WriteAllBytesAsync(path, new byte[1 << 20]);
        await DefineAsync("spin", TestKernels.Spin, "<interface type='user'/>");
        await VirshAsync("start", "spin");
        string[] status = await StatusAsync("spin");
        status.ShouldContain("NoNewPrivs:\t1");
        string confined = await VirshAsync("dominfo", "spin");
        confined.ShouldContain("Security model: hospes");
        confined.ShouldContain("no_new_privs, ");
        (await HospesInfoAsync("spin")).ShouldContain("confined  no_new_privs, ");
        // 2 is a filter (proc(5)).
        if (!confined.Contains("no seccomp", StringComparison.Ordinal)) status.ShouldContain("Seccomp:\t2");
        await VirshAsync("attach-disk", "spin", inside, "vdb", "--live");
        await VirshAsync("attach-interface", "spin", "network", "default", "--model", "virtio", "--live");
        if (!confined.Contains("no landlock", StringComparison.Ordinal)) (await FailAsync("attach-disk", "spin", outside, "vdc", "--live")).ShouldContain("denied");

        // Who wants a machine that gets at everything says so.
        await VirshAsync("destroy", "spin");
        await DefineAsync("free", $"<memory unit='MiB'>64</memory><os><type>hvm</type><kernel>{Path.Combine(Folder, "spin.kernel")}</kernel></os><seclabel type='none'/>");
        await VirshAsync("start", "free");
        (await StatusAsync("free")).ShouldContain("NoNewPrivs:\t0");
        (await VirshAsync("dominfo", "free")).ShouldNotContain("Security label");
        (await HospesInfoAsync("free")).ShouldContain("confined  no\n");
        await VirshAsync("attach-disk", "free", outside, "vdc", "--live");
    }

    private async Task<string[]> StatusAsync(string name)
    {
        string pid = await File.ReadAllTextAsync(Path.Combine(Folder, "run", (await VirshAsync("domuuid", name)).Replace("-", "", StringComparison.Ordinal), "pid"));
        return await File.ReadAllLinesAsync($"/proc/{pid.Trim()}/status");
    }

    private async Task<string> HospesInfoAsync(string name)
    {
        Ran ran = await HospesProcess.RunAsync("", s_patience, "domain", "info", name, "--socket", SocketPath);
        (ran.Status, ran.Error).ShouldBe((0, ""));
        return ran.Out;
    }
}
