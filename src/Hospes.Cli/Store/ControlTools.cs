using System.CommandLine;
using Hospes.Cli.CommandLine;

namespace Hospes.Cli.Store;

/// <summary>The tools that talk to the server about itself.</summary>
internal static class ControlTools
{
    /// <summary><c>hospes store control</c>.</summary>
    public static Command Control(Surroundings surroundings)
    {
        Option<string?> socket = StoreCommand.SocketOption();
        Argument<string[]> words = new("words") { HelpName = "COMMAND", Description = "The command and its parameters; 'help' lists them.", Arity = ArgumentArity.OneOrMore };
        var command = new ManualCommand("control", "send a control command", new ManualPage
        {
            Description = ["Sends a control command to the server and writes its answer."],
            ExitStatuses = StoreCommand.Statuses,
            Variables = [StoreCommand.SocketVariable],
            Examples = [("hospes store control quota 5", "What domain 5 uses."), ("hospes store control check", "Check the store against itself; faults go to its log.")],
        })
        { words, socket };
        command.SetAction((result, cancellation) => StoreCommand.WithClientAsync(surroundings, result.GetValue(socket), async client =>
        {
            surroundings.Out.WriteLine((await client.ControlAsync(result.GetRequiredValue(words), cancellation).ConfigureAwait(false)).TrimEnd('\n'));
            return ExitStatus.Done;
        }));
        return command;
    }
}
