using System.Diagnostics;

namespace Hospes.EndToEnd;

/// <summary><c>hospes run</c> on a terminal, which script(1) makes.</summary>
public sealed class TerminalTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly string _kernel = Path.GetTempFileName();

    public TerminalTests() => File.WriteAllBytes(_kernel, TestKernels.Echo);

    public void Dispose() => File.Delete(_kernel);

    [Fact]
    public async Task TheLeavingKeyStopsTheGuestAndTheTerminalIsAsBefore()
    {
        string hospes = $"dotnet {Path.Combine(AppContext.BaseDirectory, "hospes.dll")} run --engine soft --kernel {_kernel}";
        Ran ran = await OnTerminalAsync($"stty -g; {hospes}; echo status $?; stty -g", ["x", "\u0003y"], "\u001d");
        string[] lines = ran.Out.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        lines[^1].ShouldBe(lines[0], "the terminal's settings after and before");
        // Ctrl-C is a key like any other: the guest got it and repeated it.
        ran.Out.ShouldContain("x\u0003y");
        ran.Out.ShouldContain("Ctrl-] leaves");
        ran.Out.ShouldContain("status 130");
    }

    [Fact]
    public async Task AFailureLeavesTheTerminalAsBefore()
    {
        File.WriteAllText(_kernel, "no kernel");
        Ran ran = await OnTerminalAsync($"stty -g; dotnet {Path.Combine(AppContext.BaseDirectory, "hospes.dll")} run --engine soft --kernel {_kernel}; echo status $?; stty -g", [], "");
        string[] lines = ran.Out.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        lines[^1].ShouldBe(lines[0]);
        ran.Out.ShouldContain("status 2");
    }

    /// <summary>Runs a shell command on a terminal: types keys once the console is the guest's, each when the guest repeated those before, then the last.</summary>
    private static async Task<Ran> OnTerminalAsync(string command, string[] repeated, string last)
    {
        var start = new ProcessStartInfo("script", ["-q", "-e", "-c", command, "/dev/null"]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        using var end = new CancellationTokenSource(Patience);
        var text = new System.Text.StringBuilder();
        char[] buffer = new char[1024];
        if (repeated.Length > 0) await UntilAsync("stops the guest\r\n");
        foreach (string keys in repeated)
        {
            await TypeAsync(keys);
            await UntilAsync(keys);
        }

        await TypeAsync(last);
        for (int read; (read = await process.StandardOutput.ReadAsync(buffer, end.Token)) > 0;) text.Append(buffer, 0, read);
        await process.WaitForExitAsync(end.Token);
        return new Ran(process.ExitCode, text.ToString(), "");

        async Task UntilAsync(string wanted)
        {
            while (!text.ToString().EndsWith(wanted, StringComparison.Ordinal))
            {
                int read = await process.StandardOutput.ReadAsync(buffer, end.Token);
                if (read == 0) throw new InvalidOperationException($"the terminal ended before '{wanted}': {text}");
                text.Append(buffer, 0, read);
            }
        }

        async Task TypeAsync(string keys)
        {
            await process.StandardInput.WriteAsync(keys);
            await process.StandardInput.FlushAsync();
        }
    }
}
