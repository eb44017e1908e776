using System.Diagnostics;

namespace Hospes.EndToEnd;

/// <summary>Debian's virt-manager on a screen that nobody sees: it lists domains, and opens the window of one, with its console, and that of the host. The picture of the former stays beside the test's program as <c>virt-manager.png</c>.</summary>
public sealed class VirtManagerTests : DaemonLab
{
    /// <summary>Reads the cells of all tables on the screen by what programs tell to those who cannot see it (AT-SPI), until one has all the words.</summary>
    private const string Reader = """
        import sys, time, gi
        gi.require_version('Atspi', '2.0')
        from gi.repository import Atspi

        def cells(item, depth=0):
            if item is None or depth > 40:
                return
            if item.get_role() == Atspi.Role.TABLE_CELL:
                yield (item.get_name() or '') + ' ' + (Atspi.Text.get_text(item, 0, -1) if 'Text' in Atspi.Accessible.get_interfaces(item) else '')
            for i in range(item.get_child_count()):
                yield from cells(item.get_child_at_index(i), depth + 1)

        for _ in range(600):
            seen = []
            try:
                desktop = Atspi.get_desktop(0)
                for i in range(desktop.get_child_count()):
                    seen += cells(desktop.get_child_at_index(i))
            except gi.repository.GLib.Error:
                pass
            if any(all(word in cell for word in sys.argv[1:]) for cell in seen):
                print('listed')
                sys.exit(0)
            time.sleep(0.2)
        sys.exit('only ' + repr(seen))
        """;

    [Fact]
    public async Task TheListShowsADomainAndWhatItDoes()
    {
        await DefineAsync("spinning", TestKernels.Spin);
        await VirshAsync("start", "spinning");
        await DefineAsync("resting", TestKernels.Spin);
        string script = Path.Combine(Folder, "reader.py");
        await File.WriteAllTextAsync(script, Reader);
        await OnScreenAsync(async display =>
        {
            // One session for both: the program that reads finds the one that shows by its bus.
            ProcessStartInfo start = On(display, "dbus-run-session", "--", "sh", "-c",
                "virt-manager --no-fork --connect \"$1\" & manager=$!; /usr/bin/python3 \"$0\" spinning Running && /usr/bin/python3 \"$0\" resting Shutoff; status=$?; kill $manager; exit $status", script, Uri);
            start.Environment["NO_AT_BRIDGE"] = "0";
            using Process session = Process.Start(start)!;
            Task<string> error = session.StandardError.ReadToEndAsync();
            string output = await session.StandardOutput.ReadToEndAsync().WaitAsync(2 * s_patience);
            await session.WaitForExitAsync();
            output.ShouldEndWith("listed\nlisted\n", Case.Sensitive, await error);
        });
    }

    [Fact]
    public async Task TheWindowsOfADomainAndOfTheHostOpen()
    {
        await DefineAsync("spinning", TestKernels.Spin);
        await VirshAsync("start", "spinning");
        await OnScreenAsync(async display =>
        {
            using (Process manager = Process.Start(On(display, "dbus-run-session", "--", "virt-manager", "--no-fork", "--connect", Uri, "--show-domain-console", "spinning"))!)
            {
                await WindowAsync(display, "^spinning on", manager);
                await RunAsync(display, "import", "-window", "root", Path.Combine(AppContext.BaseDirectory, "virt-manager.png"));
                await KillAsync(manager);
            }
            using (Process manager = Process.Start(On(display, "dbus-run-session", "--", "virt-manager", "--no-fork", "--connect", Uri, "--show-host-summary"))!)
            {
                await WindowAsync(display, "Connection Details$|^Virtual Machine Manager$", manager);
                await KillAsync(manager);
            }
        });
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

    /// <summary>Does something with a screen of its own.</summary>
    private static async Task OnScreenAsync(Func<string, Task> work)
    {
        using Process screen = Process.Start(new ProcessStartInfo("Xvfb", ["-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        try
        {
            await work(":" + await screen.StandardOutput.ReadLineAsync().WaitAsync(s_patience));
        }
        finally
        {
            // What is shown there ends with it.
            await KillAsync(screen);
        }
    }

    private static async Task KillAsync(Process process)
    {
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
    }

    private async Task WindowAsync(string display, string title, Process manager)
    {
        Task<string> said = manager.StandardError.ReadToEndAsync();
        for (long end = Environment.TickCount64 + (long)s_patience.TotalMilliseconds; (await RunAsync(display, "xdotool", "search", "--onlyvisible", "--name", title)).Status != 0;)
        {
            manager.HasExited.ShouldBeFalse(manager.HasExited ? await said : "");
            (Environment.TickCount64 < end).ShouldBeTrue($"no window '{title}'");
            await Task.Delay(200);
        }
    }
}
