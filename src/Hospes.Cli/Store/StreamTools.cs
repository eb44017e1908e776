using System.CommandLine;
using System.Runtime.CompilerServices;
using Hospes.Cli.CommandLine;
using Hospes.Store.Client;
using Hospes.Store.Persistence;
using Hospes.Store.Wire;

namespace Hospes.Cli.Store;

/// <summary>The tools that read and write Xen's migration stream.</summary>
internal static class StreamTools
{
    /// <summary><c>hospes store dump</c>.</summary>
    public static Command Dump(Surroundings surroundings)
    {
        Option<string?> socket = StoreCommand.SocketOption();
        Argument<string> file = new("file") { HelpName = "FILE", Description = "Where to write." };
        Argument<string> path = new("path") { HelpName = "PATH", Description = "Where to begin; the root when not given.", Arity = ArgumentArity.ZeroOrOne, DefaultValueFactory = static _ => "/" };
        var command = new ManualCommand("dump", "write the tree to a file", new ManualPage
        {
            Description = ["Writes the nodes with values and permissions as a XenStore migration stream, version 1, which Xen's own daemons read. What changes meanwhile may be in it or not."],
            ExitStatuses = StoreCommand.Statuses,
            Variables = [StoreCommand.SocketVariable],
            Examples = [("hospes store dump store.xs", "Everything.")],
            SeeAlso = ["hospes store restore"],
        })
        { file, path, socket };
        command.SetAction((result, cancellation) => StoreCommand.WithClientAsync(surroundings, result.GetValue(socket), async client =>
        {
            string to = result.GetRequiredValue(file);
            await using (FileStream stream = File.Create(to + ".new"))
                await MigrationStream.WriteAsync(stream, NodesAsync(client, result.GetValue(path)!, cancellation), cancellation).ConfigureAwait(false);
            File.Move(to + ".new", to, overwrite: true);
            return ExitStatus.Done;
        }));
        return command;
    }

    private static async IAsyncEnumerable<MigrationNode> NodesAsync(XenStoreClient client, string top, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (top == "/")
        {
            foreach (string special in (string[])["@introduceDomain", "@releaseDomain"])
                if (await TryGetAsync(client, special, cancellation).ConfigureAwait(false) is { } entries) yield return new MigrationNode(special, [], entries);
        }
        var left = new Stack<string>([top]);
        while (left.TryPop(out string? path))
        {
            byte[]? value = await client.TryReadAsync(path, cancellation).ConfigureAwait(false);
            if (value is null || await TryGetAsync(client, path, cancellation).ConfigureAwait(false) is not { } entries) continue;
            yield return new MigrationNode(path, value, entries);
            IReadOnlyList<string> names = await client.ListAsync(path, cancellation).ConfigureAwait(false);
            for (int i = names.Count - 1; i >= 0; i--) left.Push($"{path.TrimEnd('/')}/{names[i]}");
        }
    }

    private static async Task<IReadOnlyList<Hospes.Store.Tree.NodePermission>?> TryGetAsync(XenStoreClient client, string path, CancellationToken cancellation)
    {
        try
        {
            return await client.GetPermissionsAsync(path, cancellation).ConfigureAwait(false);
        }
        catch (XenStoreException refused) when (refused.Error is XsError.NotFound or XsError.Invalid)
        {
            return null;
        }
    }

    /// <summary><c>hospes store restore</c>.</summary>
    public static Command Restore(Surroundings surroundings)
    {
        Option<string?> socket = StoreCommand.SocketOption();
        Argument<string> file = new("file") { HelpName = "FILE", Description = "What to read." };
        var command = new ManualCommand("restore", "write a file's tree into the store", new ManualPage
        {
            Description = ["Reads a XenStore migration stream, version 1 or 2, and writes its nodes into the store. The stream is checked to its end first. Nodes that it does not hold are left alone; connections, watches and transactions are passed over."],
            ExitStatuses = StoreCommand.Statuses,
            Variables = [StoreCommand.SocketVariable],
            SeeAlso = ["hospes store dump"],
        })
        { file, socket };
        command.SetAction((result, cancellation) => StoreCommand.WithClientAsync(surroundings, result.GetValue(socket), async client =>
        {
            var nodes = new List<MigrationNode>();
            try
            {
                await using FileStream stream = File.OpenRead(result.GetRequiredValue(file));
                await foreach (MigrationNode node in MigrationStream.ReadAsync(stream, cancellation).ConfigureAwait(false)) nodes.Add(node);
            }
            catch (Exception failure) when (failure is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                return surroundings.Fail(new Failure(FailureKind.Format, failure.Message.TrimEnd('.'), "name a file that 'hospes store dump' or Xen wrote"));
            }
            foreach (MigrationNode node in nodes)
            {
                if (!node.Path.StartsWith('@')) await client.WriteAsync(node.Path, node.Value, cancellation).ConfigureAwait(false);
                await client.SetPermissionsAsync(node.Path, node.Permissions, cancellation).ConfigureAwait(false);
            }
            surroundings.Note($"{nodes.Count} nodes restored");
            return ExitStatus.Done;
        }));
        return command;
    }
}
