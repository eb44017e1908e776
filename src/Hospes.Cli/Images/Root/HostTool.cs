using System.Diagnostics;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Host;

namespace Hospes.Cli.Images.Root;

/// <summary>Runs a program of the host that has to succeed.</summary>
internal static class HostTool
{
    /// <summary>Folders of programs that are not on every person's PATH.</summary>
    private const string MoreFolders = ":/usr/sbin:/sbin";

    /// <summary>The lines that are kept of what it says, for a failure.</summary>
    private const int KeptLines = 4;

    /// <summary>Whether a program is there.</summary>
    public static string? Find(Surroundings surroundings, string name) => HostPrograms.Find(name, variable => Environment(surroundings, variable));

    /// <summary>Runs it.</summary>
    /// <param name="surroundings">The environment.</param>
    /// <param name="program">The program, found on PATH and in the folders of administrators' programs.</param>
    /// <param name="package">The package that has it, for the failure's remedy.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="line">Told each line that it writes; null for nobody.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Null, or why it did not succeed.</returns>
    public static async Task<Failure?> RunAsync(Surroundings surroundings, string program, string package, IEnumerable<string> arguments, Action<string>? line, CancellationToken cancellation)
    {
        if (Find(surroundings, program) is not { } path) return new Failure(FailureKind.Host, $"'{program}' is not installed", $"install the package {package}");
        var start = new ProcessStartInfo(path, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.Environment["PATH"] = Environment(surroundings, "PATH");
        start.Environment["LC_ALL"] = "C";
        using Process process = Process.Start(start)!;
        var last = new Queue<string>();
        var gate = new Lock();
        process.OutputDataReceived += (_, received) => Take(received.Data);
        process.ErrorDataReceived += (_, received) => Take(received.Data);
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            await process.WaitForExitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return process.ExitCode == 0 ? null : new Failure(FailureKind.Host, $"{program} failed with status {process.ExitCode} ({string.Join("; ", last)})", "see what it says");

        void Take(string? text)
        {
            if (string.IsNullOrWhiteSpace(text)) return;
            lock (gate)
            {
                last.Enqueue(text.Trim());
                if (last.Count > KeptLines) last.Dequeue();
            }

            line?.Invoke(text.Trim());
        }
    }

    private static string? Environment(Surroundings surroundings, string variable) =>
        variable == "PATH" ? (surroundings.Variable("PATH") ?? "/usr/bin:/bin") + MoreFolders : surroundings.Variable(variable);
}
