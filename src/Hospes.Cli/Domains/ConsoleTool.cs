using System.CommandLine;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Native;
using Hospes.Cli.Run;
using Hospes.Libvirt.Client;

namespace Hospes.Cli.Domains;

/// <summary><c>hospes domain console</c>: a domain's serial port on this terminal.</summary>
internal static class ConsoleTool
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Surroundings surroundings)
    {
        Option<string?> socket = DomainCommand.SocketOption();
        Argument<string> name = DomainCommand.NameArgument();
        var command = new ManualCommand("console", "use a domain's console", DomainCommand.Page("Connects this terminal with the first serial port of a running domain. Ctrl-] leaves.")) { name, socket };
        command.SetAction(result => DomainCommand.With(surroundings, result.GetValue(socket), client => Connect(surroundings, client, result.GetValue(name)!)));
        return command;
    }

    private static int Connect(Surroundings surroundings, LibvirtClient client, string name)
    {
        (Action<ReadOnlyMemory<byte>> send, Func<byte[]> receive) = client.OpenConsole(client.Find(name));
        using Terminal? raw = surroundings.InIsTerminal ? Terminal.TryEnterRaw() : null;
        using Stream output = StandardStream.Open(StandardStream.Output);
        var keys = new Thread(() =>
        {
            using Stream input = StandardStream.Open(StandardStream.Input);
            // Who leaves ends the connection, and with it what waits for the guest.
            if (ConsoleKeys.Pump(input, surroundings.InIsTerminal, send)) client.Dispose();
        })
        { IsBackground = true };
        keys.Start();
        try
        {
            while (receive() is { Length: > 0 } bytes)
            {
                output.Write(bytes);
                output.Flush();
            }
        }
        catch (Exception end) when (end is System.Net.Sockets.SocketException or ObjectDisposedException)
        {
            // The person left.
        }
        return ExitStatus.Done;
    }
}
