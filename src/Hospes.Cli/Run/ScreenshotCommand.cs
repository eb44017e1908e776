using System.CommandLine;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Hospes.Cli.CommandLine;
using Hospes.Qmp;
using Hospes.Qmp.Client;

namespace Hospes.Cli.Run;

/// <summary><c>hospes screenshot</c>: what is to be seen on a guest's screen, as a file.</summary>
internal static class ScreenshotCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Surroundings surroundings)
    {
        Option<string?> qmp = OptionValue.Text("--qmp", "PATH", "The guest's QMP socket: that of --qmp of 'hospes run' or 'hospes vmm'.");
        Option<string?> output = OptionValue.Text("--output", "FILE", "Where the picture goes: as PPM when the name ends with .ppm, else as PNG.");
        Option<string?> device = OptionValue.Text("--device", "ID", "The graphics adapter; the first one when absent.");
        Option<int> head = OptionValue.Whole("--head", "N", "Which screen of the adapter, from 0; needs --device.", 0, 15, 0);
        qmp.Required = true;
        output.Required = true;
        var command = new ManualCommand("screenshot", "write what a guest shows to a file", new ManualPage
        {
            Description = ["Asks a guest that runs with --screen or --vnc, or with a virtio-gpu-pci, for its picture. The guest does not notice."],
            ExitStatuses = [("0", "The file is written."), ("1", "The guest has no such screen, or the file cannot be written."), ("2", "Bad arguments, or nobody listens on the socket.")],
            Examples = [("hospes screenshot --qmp /run/user/1000/guest.qmp --output guest.png", "Look at a guest.")],
            SeeAlso = ["hospes run"],
        })
        { qmp, output, device, head };
        command.SetAction(async (result, cancellation) =>
        {
            string socket = result.GetValue(qmp)!, file = Path.GetFullPath(result.GetValue(output)!);
            var arguments = new JsonObject { ["filename"] = file, ["format"] = file.EndsWith(".ppm", StringComparison.OrdinalIgnoreCase) ? "ppm" : "png" };
            if (result.GetValue(device) is { } adapter)
            {
                arguments["device"] = adapter;
                arguments["head"] = result.GetValue(head);
            }
            try
            {
                using var peer = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await peer.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellation).ConfigureAwait(false);
                await using QmpClient client = await QmpClient.ConnectAsync(new NetworkStream(peer), cancellation).ConfigureAwait(false);
                QmpReply reply = await client.ExecuteAsync("screendump", arguments, cancellation).ConfigureAwait(false);
                if (reply.Error is not { } error) return ExitStatus.Done;
                surroundings.Note(error.Description);
                return ExitStatus.No;
            }
            catch (Exception refused) when (refused is SocketException or IOException or ArgumentException or QmpClientException)
            {
                return surroundings.Fail(new Failure(FailureKind.Host, $"--qmp '{socket}': {refused.Message.TrimEnd('.')}", "name the QMP socket of a guest that runs"));
            }
        });
        return command;
    }
}
