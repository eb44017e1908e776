using System.CommandLine;
using Hospes.Builder;
using Hospes.Cli.CommandLine;
using Hospes.Vmm.CommandLine;

namespace Hospes.Cli.Vmm;

/// <summary><c>hospes vmm</c>: one domain in a process of its own, by QEMU's command line.</summary>
internal static class VmmCommand
{
    /// <summary>Its name among the commands.</summary>
    public const string Name = "vmm";

    /// <summary>Runs it.</summary>
    /// <param name="arguments">The arguments behind the command's name, in QEMU's form.</param>
    /// <param name="surroundings">The process.</param>
    /// <param name="manual">Makes the command with its manual page, where that is asked for.</param>
    /// <returns>The exit status.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, Surroundings surroundings, Func<Command> manual)
    {
        var messages = new Messages(surroundings);
        if (CommandLineParser.TryParse(arguments, out string? error) is not { } line) return messages.Fail(error!);
        if (line.WantsManual)
        {
            new ManualWriter(surroundings.Out, surroundings.OutIsTerminal, surroundings.Columns).Write(manual());
            return ExitStatus.Done;
        }
        if (line.Answer is { } answer)
        {
            surroundings.Out.Write(answer);
            return ExitStatus.Done;
        }
        messages.HasTime = line.TimestampMessages;
        messages.Guest = line.NameMessages ? line.Name : null;
        using var daemon = Daemon.TryJoin();
        if (line.Sandbox is not null && !line.Daemonize) return messages.Fail("-sandbox on: only a process in the background is confined; add -daemonize");
        if (line.Daemonize && daemon is null)
        {
            ConfinementRules? rules = line.Sandbox?.Rules is { } file ? ConfinementRules.TryRead(file, out error) : null;
            if (line.Sandbox?.Rules is { } named && rules is null) return messages.Fail($"-sandbox on,rules={named}: {error}");
            return await Daemon.LaunchAsync(arguments, surroundings, line.Sandbox is not null, rules).ConfigureAwait(false);
        }
        foreach (string warning in line.Warnings) messages.Say($"warning: {warning}");
        if (line.Kernel is null) return messages.Fail("no kernel: -kernel is missing");
        if (!BootPayload.TryOpenKernel(line.Kernel, out BootPayload? kernel, out BuildFailure? failure)) return messages.Fail($"could not open kernel file '{line.Kernel}': {Sentence(failure!)}");
        BootPayload? initrd = null;
        if (line.Initrd is not null && !BootPayload.TryOpen(line.Initrd, out initrd, out failure)) return messages.Fail($"could not open initrd file '{line.Initrd}': {Sentence(failure!)}");
        using var pid = line.PidFile is null ? null : PidFile.TryCreate(line.PidFile, out error);
        if (line.PidFile is not null && pid is null) return messages.Fail(error!);
        return await new DomainProcess(line, surroundings, messages, daemon).RunAsync(kernel!, initrd).ConfigureAwait(false);
    }

    private static string Sentence(BuildFailure failure) =>
        failure.Detail is null ? BuildErrors.Cause(failure.Error) : $"{BuildErrors.Cause(failure.Error)} ({failure.Detail.TrimEnd('.')})";
}
