using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Daemon;
using Hospes.Domains;
using Hospes.Domains.Drivers;
using Hospes.Domains.Events;
using Hospes.Domains.Lifecycle;
using Hospes.Domains.Operations;

namespace Hospes.Cli.Domains;

/// <summary><c>hospes domain plan</c>: what would be done, and what would undo it.</summary>
internal static partial class PlanTool
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Surroundings surroundings)
    {
        var plan = new ManualCommand("plan", "say what an operation would do", DomainCommand.Page("Says the steps of an operation, without doing any."));
        plan.Add(Start(surroundings));
        return plan;
    }

    private static ManualCommand Start(Surroundings surroundings)
    {
        Option<string?> socket = DomainCommand.SocketOption();
        Option<bool> paused = OptionValue.Switch("--paused", "As if it was started with its processors held.");
        Option<bool> json = OptionValue.Switch("--json", "Write the steps as a JSON array of step and undo.");
        Argument<string> name = DomainCommand.NameArgument();
        var command = new ManualCommand("start", "say what starting a domain would do",
            DomainCommand.Page(
                "Says the steps that starting a domain takes, in their order, and beside each what undoes it when a later one fails. Nothing is done. "
                    + "The definition is the daemon's; hooks are those of the usual folder.",
                ("hospes domain plan start guest", "What 'hospes domain start guest' would do.")))
        { name, socket, paused, json };
        command.SetAction(result => DomainCommand.With(surroundings, result.GetValue(socket), client =>
        {
            Hospes.Domains.Outcome<PlannedStep[]> planned = Plan(surroundings, client.Xml(client.Find(result.GetValue(name)!), inactive: true), result.GetValue(paused));
            if (planned.Failure is { } failure) return surroundings.Fail(new Failure(FailureKind.Host, failure.Detail, "see the document with 'hospes domain xml'"));
            if (result.GetValue(json)) surroundings.Out.WriteLine(JsonSerializer.Serialize(planned.Value, PlanJson.Default.PlannedStepArray));
            else Write(surroundings, planned.Value);
            return ExitStatus.Done;
        }));
        return command;
    }

    /// <summary>Steps are made of a definition; who carries them out does not matter to the list, so that a simulated host can make it.</summary>
    private static Hospes.Domains.Outcome<PlannedStep[]> Plan(Surroundings surroundings, string xml, bool paused)
    {
        using var host = new DomainHost(new DomainHostOptions
        {
            Driver = new SimulatedHost(surroundings.Clock, SimulatedHost.DefaultProfile),
            Hooks = new HookFolder(Path.GetFullPath(DaemonFolders.Hooks(surroundings)), surroundings.Clock),
            Clock = surroundings.Clock,
            Events = new EventLog(surroundings.Clock),
        });
        Hospes.Domains.Outcome<ManagedDomain> defined = host.DefineAsync(xml).AsTask().GetAwaiter().GetResult();
        return defined.Failure is { } failure ? failure : host.PlanStart(defined.Value, paused).ToArray();
    }

    private static void Write(Surroundings surroundings, PlannedStep[] steps)
    {
        int width = steps.Max(static step => step.Step.Length);
        for (int i = 0; i < steps.Length; i++)
        {
            string number = (i + 1).ToString(CultureInfo.InvariantCulture);
            surroundings.Out.WriteLine(steps[i].Undo is { } undo ? $"{number,3}. {steps[i].Step.PadRight(width)}   undone by: {undo}" : $"{number,3}. {steps[i].Step}");
        }
    }

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
    [JsonSerializable(typeof(PlannedStep[]))]
    private sealed partial class PlanJson : JsonSerializerContext;
}
