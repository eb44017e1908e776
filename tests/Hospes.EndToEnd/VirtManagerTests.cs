using System.Diagnostics;

namespace Hospes.EndToEnd;

/// <summary>Debian's virt-manager on a screen that nobody sees: it opens the window of a domain, with its console, and that of the host. The picture of the former stays beside the test's program as <c>virt-manager.png</c>.</summary>
public sealed class VirtManagerTests : DaemonLab
{
    [Fact]
    public async Task TheWindowsOfADomainAndOfTheHostOpen()
    {
        await DefineAsync("spinning", TestKernels.Spin);
        await VirshAsync("start", "spinning");
        using Process screen = Process.Start(new ProcessStartInfo("Xvfb", ["-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Process? manager = null;
        try
        {
            string display = ":" + await screen.StandardOutput.ReadLineAsync().WaitAsync(s_patience);
            manager = Process.Start(On(display, "dbus-run-session", "--", "virt-manager", "--no-fork", "--connect", Uri, "--show-domain-console", "spinning"))!;
            Task<string> said = manager.StandardError.ReadToEndAsync();
            await WindowAsync(display, "^spinning on", manager, said);
            await RunAsync(display, "import", "-window", "root", Path.Combine(AppContext.BaseDirectory, "virt-manager.png"));
            manager.Kill(entireProcessTree: true);
            await manager.WaitForExitAsync();
            manager.Dispose();
            manager = Process.Start(On(display, "dbus-run-session", "--", "virt-manager", "--no-fork", "--connect", Uri, "--show-host-summary"))!;
            await WindowAsync(display, "Connection Details$|^Virtual Machine Manager$", manager, manager.StandardError.ReadToEndAsync());
        }
        finally
        {
            if (manager is not null)
            {
                manager.Kill(entireProcessTree: true);
                await manager.WaitForExitAsync();
                manager.Dispose();
            }
            screen.Kill();
            await screen.WaitForExitAsync();
        }
        (await VirshAsync("domstate", "spinning")).ShouldBe("running");
    }

    private ProcessStartInfo On(string display, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in ((string, string)[])[("DISPLAY", display), ("HOME", Folder), ("GSETTINGS_BACKEND", "memory"), ("NO_AT_BRIDGE", "1"), ("LC_ALL", "C.UTF-8"), ("XDG_RUNTIME_DIR", Folder)]) start.Environment[name] = value;
        return start;
    }

    private async Task<(int Status, string Output)> RunAsync(string display, string program, params string[] arguments)
    {
        using Process process = Process.Start(On(display, program, arguments))!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync().WaitAsync(s_patience);
        await process.WaitForExitAsync();
        await error;
        return (process.ExitCode, output);
    }

    private async Task WindowAsync(string display, string title, Process manager, Task<string> said)
    {
        for (long end = Environment.TickCount64 + (long)s_patience.TotalMilliseconds; (await RunAsync(display, "xdotool", "search", "--onlyvisible", "--name", title)).Status != 0;)
        {
            manager.HasExited.ShouldBeFalse(manager.HasExited ? await said : "");
            (Environment.TickCount64 < end).ShouldBeTrue($"no window '{title}'");
            await Task.Delay(200);
        }
    }
}
