using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.IO.Pipes;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Native;
using Hospes.Vmm.CommandLine;

namespace Hospes.Cli.Vmm;

/// <summary>
/// A domain in the background (<c>-daemonize</c>). A process of .NET can't fork, so that it starts itself again; the first one relays what the second
/// says, and ends when that is ready or has failed.
/// </summary>
internal sealed class Daemon : IDisposable
{
    /// <summary>The environment variable with the pipe's descriptor, for the process in the background.</summary>
    private const string Variable = "HOSPES_VMM_READY";

    /// <summary>What a line begins with that tells how the process is confined.</summary>
    private const string Confined = "confined: ";

    private readonly AnonymousPipeClientStream _ready;

    private Daemon(AnonymousPipeClientStream ready) => _ready = ready;

    /// <summary>In the process in the background, the way to tell that it is ready; null in any other.</summary>
    public static Daemon? TryJoin()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } handle) return null;
        // Its own children are not to take part.
        Environment.SetEnvironmentVariable(Variable, null);
        if (!int.TryParse(handle, NumberStyles.None, CultureInfo.InvariantCulture, out int descriptor)) return null;
        Session.Keep(descriptor);
        Session.Leave();
        return new Daemon(new AnonymousPipeClientStream(PipeDirection.Out, handle));
    }

    /// <summary>Starts the process in the background and waits until it is ready.</summary>
    /// <param name="arguments">The arguments of <c>hospes vmm</c>.</param>
    /// <param name="surroundings">Where what it says meanwhile goes.</param>
    /// <param name="confined">Whether it is confined; what applies is told then, in a line that begins with <see cref="Confined"/>.</param>
    /// <param name="rules">What it may use, beside what every such process needs; null for everything.</param>
    /// <returns>The exit status: 0 when it is ready, else its own.</returns>
    public static async Task<int> LaunchAsync(IReadOnlyList<string> arguments, Surroundings surroundings, bool confined, ConfinementRules? rules)
    {
        await using var pipe = new AnonymousPipeServerStream(PipeDirection.In, HandleInheritability.Inheritable);
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        // Run by the runtime's own program, the first argument is this one's.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
        start.ArgumentList.Add("vmm");
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        start.Environment[Variable] = pipe.GetClientHandleAsString();
        using Process process = confined ? StartConfined(start, rules, surroundings) : Process.Start(start)!;
        pipe.DisposeLocalCopyOfClientHandle();
        process.StandardInput.Close();
        Task said = RelayAsync(process.StandardOutput, surroundings.Out), wrong = RelayAsync(process.StandardError, surroundings.Error);
        bool ready = await pipe.ReadAsync(new byte[1]).ConfigureAwait(false) == 1;
        if (ready)
        {
            await Task.WhenAll(said, wrong).ConfigureAwait(false);
            return ExitStatus.Done;
        }
        await process.WaitForExitAsync().ConfigureAwait(false);
        await Task.WhenAll(said, wrong).ConfigureAwait(false);
        return process.ExitCode == 0 ? 1 : process.ExitCode;
    }

    /// <summary>Tells that the domain is ready, and leaves the standard streams and the folder.</summary>
    public void Ready()
    {
        Session.CloseStandardStreams();
        Environment.CurrentDirectory = "/";
        try
        {
            _ready.WriteByte(1);
        }
        catch (IOException)
        {
            // Whoever waited went away; the domain runs all the same.
        }
        _ready.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose() => _ready.Dispose();

    /// <summary>Starts it on a thread that is confined, and ends then: what a thread starts is confined as it is.</summary>
    private static Process StartConfined(ProcessStartInfo start, ConfinementRules? rules, Surroundings surroundings)
    {
        ConfinementRules? all = rules is null ? null : ProcessNeeds.Add(rules, start.FileName);
        // Diagnostic sockets of .NET would be outside its folder.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        Process? process = null;
        Exception? failure = null;
        string applied = "";
        var thread = new Thread(() =>
        {
            try
            {
                applied = Confinement.Apply(all);
                process = Process.Start(start);
            }
            catch (Win32Exception fault)
            {
                failure = fault;
            }
        });
        thread.Start();
        thread.Join();
        surroundings.Out.WriteLine(Confined + applied);
        surroundings.Out.Flush();
        return process ?? throw failure!;
    }

    private static async Task RelayAsync(StreamReader from, TextWriter to)
    {
        while (await from.ReadLineAsync().ConfigureAwait(false) is { } line) await to.WriteLineAsync(line).ConfigureAwait(false);
    }
}
