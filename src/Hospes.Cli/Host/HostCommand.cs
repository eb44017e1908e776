using System.CommandLine;
using System.Text.Json;
using Hospes.Cli.CommandLine;

namespace Hospes.Cli.Host;

/// <summary><c>hospes host</c>: what this host can do.</summary>
internal static class HostCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Surroundings surroundings)
    {
        var host = new ManualCommand("host", "look at this host", new ManualPage
        {
            Description = ["Says what this host offers to guests."],
        });
        host.Add(Check(surroundings));
        return host;
    }

    private static ManualCommand Check(Surroundings surroundings)
    {
        Option<bool> json = OptionValue.Switch("--json", "Write the findings as a JSON array of name, verdict, found and remedy.");
        var command = new ManualCommand("check", "say what this host can do", new ManualPage
        {
            Description =
            [
                "Looks at the processor, KVM, memory, huge pages, user namespaces, control groups, networks and the tools that check signatures. "
                    + "Each line says pass, warn or fail; below a warn or fail stands what to do about it.",
                "Nothing here is needed for a guest on the software processor but an x86-64 host and memory: everything else is a warning.",
            ],
            ExitStatuses = [("0", "Guests run here, perhaps with warnings."), ("1", "At least one line says fail."), ("2", "Bad arguments.")],
            Examples = [("hospes host check --json | jq '.[] | select(.verdict != \"pass\")'", "What to look at.")],
        })
        { json };
        command.SetAction(result =>
        {
            IReadOnlyList<HostFinding> findings = HostChecks.Run(new HostView { Variable = surroundings.Variable });
            if (result.GetValue(json)) surroundings.Out.WriteLine(JsonSerializer.Serialize([.. findings], HostJson.Default.HostFindingArray));
            else Show(findings, surroundings);
            return findings.Any(static finding => finding.Verdict == HostVerdict.Fail) ? ExitStatus.No : ExitStatus.Done;
        });
        return command;
    }

    private static void Show(IReadOnlyList<HostFinding> findings, Surroundings surroundings)
    {
        int width = findings.Max(static finding => finding.Name.Length);
        foreach (HostFinding finding in findings)
        {
            (string word, int colour) = finding.Verdict switch
            {
                HostVerdict.Pass => ("pass", 32),
                HostVerdict.Warn => ("warn", 33),
                _ => ("fail", 31),
            };
            string verdict = surroundings.OutIsTerminal ? $"\e[{colour}m{word}\e[0m" : word;
            surroundings.Out.WriteLine($"{verdict}  {finding.Name.PadRight(width)}  {finding.Found}");
            if (finding.Remedy is not null) surroundings.Out.WriteLine($"{new string(' ', 6 + width + 2)}-> {finding.Remedy}");
        }
    }
}
