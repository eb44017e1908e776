using System.CommandLine;
using System.Runtime.InteropServices;
using Hospes.Cli.CommandLine;
using Hospes.Store.Engine;
using Hospes.Store.Quotas;
using Hospes.Store.Server;

namespace Hospes.Cli.Store;

/// <summary><c>hospes store serve</c>: the server.</summary>
internal static class ServeCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Surroundings surroundings)
    {
        Option<string?> socket = OptionValue.Text("--socket", "PATH", "Serve at this Unix socket, for clients with all rights.");
        Option<string?> readOnly = OptionValue.Text("--read-only-socket", "PATH", "Serve at this Unix socket, too, for clients that may only read.");
        Option<string[]> guests = new("--guest")
        {
            HelpName = "DOMID=PATH", Description = "Serve at this Unix socket clients that are taken for the domain. May be given again.", Arity = ArgumentArity.OneOrMore,
        };
        Option<string?> data = OptionValue.Text("--data", "DIR", "Keep the tree in this folder across restarts and crashes.");
        Option<SyncPolicy> sync = OptionValue.Create("--sync", "POLICY", "When a change is on disk: always (before its reply), second (a second later at most), never (when the system likes).",
            (string text, out SyncPolicy value) =>
            {
                (value, bool known) = text switch
                {
                    "always" => (SyncPolicy.Always, true),
                    "second" => (SyncPolicy.EverySecond, true),
                    "never" => (SyncPolicy.Never, true),
                    _ => (default, false),
                };
                return known ? null : "is none of always, second and never";
            }, SyncPolicy.EverySecond);
        Option<StoreQuotas?> quotas = OptionValue.Create("--quotas", "SET", "Begin with the limits of Xen's C daemon (c) or of its OCaml daemon (ocaml).",
            (string text, out StoreQuotas? value) => (value = text switch { "c" => StoreQuotas.Reference, "ocaml" => StoreQuotas.OCaml, _ => null }) is null ? "is neither c nor ocaml" : null, StoreQuotas.Reference);
        Option<string[]> quota = new("--quota") { HelpName = "NAME=N", Description = "Set one limit; 0 turns it off. May be given again.", Arity = ArgumentArity.OneOrMore };
        Option<string?> log = OptionValue.Text("--log", "FILE", "Append log lines to this file instead of standard error.");
        Option<bool> takeOver = OptionValue.Switch("--take-over", "Take sockets, clients, watches and transactions over from the server at --socket, which then ends.");
        var command = new ManualCommand("serve", "serve a store", new ManualPage
        {
            Description =
            [
                "Serves a XenStore at Unix sockets until it is ended by SIGTERM or SIGINT. Prints one line when it is ready.",
                "Limits (--quota): " + string.Join(", ", Enumerable.Range(0, QuotaNames.Count).Select(i => QuotaNames.NameOf((QuotaItem)i))) + ". They hold for guests, not for clients with all rights.",
            ],
            ExitStatuses = [("0", "Ended as asked, or a successor took over."), ("2", "Bad arguments, or a socket or folder cannot be used.")],
            Variables = [StoreCommand.SocketVariable],
            Examples =
            [
                ("hospes store serve --socket /tmp/store", "Then: XENSTORED_PATH=/tmp/store xenstore-ls -f"),
                ("hospes store serve --socket /tmp/store --data /var/lib/store --sync always", "Lose nothing that was acknowledged."),
                ("hospes store serve --socket /tmp/store --guest 5=/tmp/guest5", "Try what domain 5 may do."),
            ],
            SeeAlso = ["hospes store ls", "hospes store control"],
        })
        { socket, readOnly, guests, data, sync, quotas, quota, log, takeOver };
        command.SetAction(result =>
        {
            string path = result.GetValue(socket) ?? surroundings.Variable("XENSTORED_PATH") ?? "/run/xenstored/socket";
            if (!TryGuests(result.GetValue(guests) ?? [], out Dictionary<ushort, string> guestPaths, out string? wrong)
                || !TryQuotas(result.GetValue(quotas)!, result.GetValue(quota) ?? [], out StoreQuotas limits, out wrong))
                return surroundings.Fail(new Failure(FailureKind.Arguments, wrong!, "see 'hospes store serve --help'"));
            return Serve(surroundings, path, result.GetValue(log), result.GetValue(takeOver), logger => new StoreServerOptions
            {
                SocketPath = path,
                ReadOnlySocketPath = result.GetValue(readOnly),
                GuestSocketPaths = guestPaths,
                Quotas = limits,
                DataDirectory = result.GetValue(data),
                Sync = result.GetValue(sync),
                Log = logger,
                Rehearses = true,
            });
        });
        return command;
    }

    private static int Serve(Surroundings surroundings, string path, string? logPath, bool takesOver, Func<IStoreLog, StoreServerOptions> options)
    {
        try
        {
            using FileStoreLog? file = logPath is null ? null : new FileStoreLog(logPath);
            IStoreLog logger = file is null ? new WriterLog(surroundings.Error) : file;
            using StoreServer server = takesOver ? StoreServer.TakeOver(options(logger)) : new StoreServer(options(logger));
            using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Stop(context, server));
            using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Stop(context, server));
            surroundings.Out.WriteLine($"serving at {path}");
            surroundings.Out.Flush();
            server.Run();
            return ExitStatus.Done;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or InvalidDataException)
        {
            return surroundings.Fail(new Failure(FailureKind.File, failure.Message.TrimEnd('.'), "choose a socket and folder that can be written"));
        }
    }

    private static void Stop(PosixSignalContext context, StoreServer server)
    {
        context.Cancel = true;
        server.Stop();
    }

    private static bool TryGuests(string[] words, out Dictionary<ushort, string> guests, out string? wrong)
    {
        guests = [];
        foreach (string word in words)
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0 || !ushort.TryParse(word.AsSpan(0, equals), out ushort domain) || domain == 0 || domain >= 0x7FF0 || equals == word.Length - 1)
            {
                wrong = $"--guest '{word}' is not a domain id, '=' and a path";
                return false;
            }
            guests[domain] = word[(equals + 1)..];
        }
        wrong = null;
        return true;
    }

    private static bool TryQuotas(StoreQuotas start, string[] words, out StoreQuotas quotas, out string? wrong)
    {
        quotas = start;
        foreach (string word in words)
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            bool soft = word.StartsWith(QuotaNames.SoftPrefix, StringComparison.Ordinal);
            if (equals < 0 || !uint.TryParse(word.AsSpan(equals + 1), out uint value)
                || !QuotaNames.TryParse(word[(soft ? QuotaNames.SoftPrefix.Length : 0)..equals], out QuotaItem item) || (soft && item != QuotaItem.Memory))
            {
                wrong = $"--quota '{word}' is not the name of a limit, '=' and a number";
                return false;
            }
            quotas = (soft, item) switch
            {
                (true, _) => quotas with { SoftMemory = value },
                (_, QuotaItem.Nodes) => quotas with { Nodes = value },
                (_, QuotaItem.Watches) => quotas with { Watches = value },
                (_, QuotaItem.Outstanding) => quotas with { Outstanding = value },
                (_, QuotaItem.Memory) => quotas with { Memory = value },
                (_, QuotaItem.Transactions) => quotas with { Transactions = value },
                (_, QuotaItem.TransactionNodes) => quotas with { TransactionNodes = value },
                (_, QuotaItem.NodePermissions) => quotas with { NodePermissions = value },
                (_, QuotaItem.PathLength) => quotas with { PathLength = value },
                (_, QuotaItem.NodeSize) => quotas with { NodeSize = value },
                _ => quotas with { UnreadEvents = value },
            };
        }
        wrong = null;
        return true;
    }

    private sealed class WriterLog(TextWriter writer) : IStoreLog
    {
        public void Write(string line) => writer.WriteLine($"hospes: {line}");
    }
}
