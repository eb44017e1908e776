using System.Diagnostics;
using Hospes.Cli.CommandLine;

namespace Hospes.Cli.Tests;

/// <summary>What one call of the command line gave.</summary>
internal sealed record Ran(int Status, string Out, string Error);

/// <summary>Calls the command line, in this process or in one of its own.</summary>
internal static class HospesProgram
{
    /// <summary>Calls it in this process, without a terminal and with an environment of its own.</summary>
    public static async Task<Ran> InProcessAsync(IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int status = await HospesCommandLine.RunAsync(arguments, new Surroundings { Out = output, Error = error, Variable = name => environment.GetValueOrDefault(name) });
        return new Ran(status, output.ToString(), error.ToString());
    }

    /// <summary>Calls it in this process with an empty environment.</summary>
    public static Task<Ran> InProcessAsync(params string[] arguments) => InProcessAsync(new Dictionary<string, string>(), arguments);

    /// <summary>Calls it as people do: a process of its own.</summary>
    public static async Task<Ran> ProcessAsync(IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "hospes.dll"));
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new Ran(process.ExitCode, output, await error);
    }

    /// <summary>Runs a program of the host to its end and gives what it wrote.</summary>
    public static async Task<Ran> HostAsync(string program, IEnumerable<string> arguments, string? folder = null, byte[]? input = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, WorkingDirectory = folder ?? "" };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (input is not null) await process.StandardInput.BaseStream.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return new Ran(process.ExitCode, await output, await error);
    }
}
