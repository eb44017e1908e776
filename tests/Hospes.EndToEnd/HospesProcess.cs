using System.Diagnostics;

namespace Hospes.EndToEnd;

/// <summary>What one process gave.</summary>
internal sealed record Ran(int Status, string Out, string Error);

/// <summary>Runs <c>hospes</c> as people do: as a process.</summary>
internal static class HospesProcess
{
    /// <summary>Runs it to its end; a process that outlives the patience is ended and fails the test.</summary>
    public static async Task<Ran> RunAsync(string input, TimeSpan patience, params string[] arguments)
    {
        using Process process = Start(arguments);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        using var end = new CancellationTokenSource(patience);
        try
        {
            await process.WaitForExitAsync(end.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw new TimeoutException($"hospes {string.Join(' ', arguments)} did not end within {patience}: {await output}{await error}");
        }

        return new Ran(process.ExitCode, await output, await error);
    }

    /// <summary>Starts it.</summary>
    public static Process Start(params string[] arguments) => StartUnder([], arguments);

    /// <summary>Starts it by another program, which gets its command line.</summary>
    public static Process StartUnder(IReadOnlyList<string> program, IReadOnlyList<string> arguments)
    {
        // Whoever runs the tests may ignore signals (nohup does), and a child inherits that: env gives it the defaults back.
        var start = new ProcessStartInfo("env") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("--default-signal=HUP,INT,TERM");
        foreach (string word in program) start.ArgumentList.Add(word);
        start.ArgumentList.Add("dotnet");
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "hospes.dll"));
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }
}
