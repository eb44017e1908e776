using System.CommandLine;
using System.Text;
using Hospes.Cli.CommandLine;
using Hospes.Store.Client;
using Hospes.Store.Tree;

namespace Hospes.Cli.Store;

/// <summary>The tools that read and change single nodes.</summary>
internal static class NodeTools
{
    /// <summary>Makes the commands.</summary>
    public static IEnumerable<Command> Create(Surroundings surroundings) =>
        [Read(surroundings), Write(surroundings), Exists(surroundings), ListNames(surroundings), Remove(surroundings), MakeDirectory(surroundings), ChangeMode(surroundings), Permissions(surroundings)];

    private static Argument<string[]> Paths(string description) => new("path") { HelpName = "PATH", Description = description, Arity = ArgumentArity.OneOrMore };

    private static ManualPage Page(string description, params (string, string)[] examples) => new()
    {
        Description = [description],
        ExitStatuses = StoreCommand.Statuses,
        Variables = [StoreCommand.SocketVariable],
        Examples = examples,
    };

    private static Option<bool> Short(string name, string letter, string description)
    {
        Option<bool> option = OptionValue.Switch(name, description);
        option.Aliases.Add(letter);
        return option;
    }

    private static ManualCommand Read(Surroundings surroundings)
    {
        Option<string?> socket = StoreCommand.SocketOption();
        Option<bool> prefix = Short("--prefix", "-p", "Write 'PATH: ' before each value.");
        Option<bool> raw = Short("--raw", "-R", "Write values as they are instead of escaped.");
        Argument<string[]> paths = Paths("Nodes to read.");
        var command = new ManualCommand("read", "show values", Page("Writes each node's value on a line.", ("hospes store read -p domid name", "Two relative nodes."))) { paths, prefix, raw, socket };
        command.SetAction((result, cancellation) => StoreCommand.WithClientAsync(surroundings, result.GetValue(socket), async client =>
        {
            foreach (string path in result.GetRequiredValue(paths))
            {
                byte[] value = await client.ReadAsync(path, cancellation).ConfigureAwait(false);
                if (result.GetValue(prefix)) surroundings.Out.Write($"{path}: ");
                surroundings.Out.WriteLine(result.GetValue(raw) ? Encoding.UTF8.GetString(value) : ValueText.Escape(value));
            }
            return ExitStatus.Done;
        }));
        return command;
    }

    private static ManualCommand Write(Surroundings surroundings)
    {
        Option<string?> socket = StoreCommand.SocketOption();
        Option<bool> raw = Short("--raw", "-R", "Take values as they are instead of escaped.");
        Argument<string[]> words = new("words") { HelpName = "PATH VALUE", Description = "Nodes, each followed by its value.", Arity = ArgumentArity.OneOrMore };
        var command = new ManualCommand("write", "set values", Page("Sets the values of nodes, all of them or none.", ("hospes store write /a 1 /b 2", "Both in one transaction."))) { words, raw, socket };
        command.SetAction((result, cancellation) =>
        {
            string[] all = result.GetRequiredValue(words);
            if (all.Length % 2 != 0) return Task.FromResult(surroundings.Fail(new Failure(FailureKind.Arguments, $"'{all[^1]}' has no value", "give each path a value")));
            return StoreCommand.WithClientAsync(surroundings, result.GetValue(socket), async client =>
            {
                await client.RunAsync(async transaction =>
                {
                    for (int i = 0; i < all.Length; i += 2)
                        await transaction.WriteAsync(all[i], result.GetValue(raw) ? Encoding.UTF8.GetBytes(all[i + 1]) : ValueText.Unescape(all[i + 1]), cancellation).ConfigureAwait(false);
                }, cancellation).ConfigureAwait(false);
                return ExitStatus.Done;
            });
        });
        return command;
    }

    private static ManualCommand Exists(Surroundings surroundings)
    {
        Option<string?> socket = StoreCommand.SocketOption();
        Argument<string[]> paths = Paths("Nodes to look for.");
        var command = new ManualCommand("exists", "say whether nodes exist", Page("Ends with status 0 when all nodes exist and with 1 when one does not.")) { paths, socket };
        command.SetAction((result, cancellation) => StoreCommand.WithClientAsync(surroundings, result.GetValue(socket), async client =>
        {
            foreach (string path in result.GetRequiredValue(paths))
                if (!await client.ExistsAsync(path, cancellation).ConfigureAwait(false)) return ExitStatus.No;
            return ExitStatus.Done;
        }));
        return command;
    }

    private static ManualCommand ListNames(Surroundings surroundings)
    {
        Option<string?> socket = StoreCommand.SocketOption();
        Option<bool> prefix = Short("--prefix", "-p", "Write whole paths.");
        Argument<string[]> paths = Paths("Nodes whose children to list.");
        var command = new ManualCommand("list", "list children", Page("Writes the names of each node's children, in the order of their creation.")) { paths, prefix, socket };
        command.SetAction((result, cancellation) => StoreCommand.WithClientAsync(surroundings, result.GetValue(socket), async client =>
        {
            foreach (string path in result.GetRequiredValue(paths))
                foreach (string name in await client.ListAsync(path, cancellation).ConfigureAwait(false))
                    surroundings.Out.WriteLine(result.GetValue(prefix) ? $"{path.TrimEnd('/')}/{name}" : name);
            return ExitStatus.Done;
        }));
        return command;
    }

    private static ManualCommand Remove(Surroundings surroundings)
    {
        Option<string?> socket = StoreCommand.SocketOption();
        Option<bool> tidy = Short("--tidy", "-t", "Remove parents that are left without children and value, too.");
        Argument<string[]> paths = Paths("Nodes to remove, with all below them.");
        var command = new ManualCommand("rm", "remove nodes", Page("Removes nodes with all below them, all of them or none.")) { paths, tidy, socket };
        command.SetAction((result, cancellation) => StoreCommand.WithClientAsync(surroundings, result.GetValue(socket), async client =>
        {
            await client.RunAsync(async transaction =>
            {
                foreach (string path in result.GetRequiredValue(paths))
                {
                    await transaction.RemoveAsync(path, cancellation).ConfigureAwait(false);
                    string parent = path;
                    while (result.GetValue(tidy) && parent.LastIndexOf('/') is > 0 and int slash)
                    {
                        parent = parent[..slash];
                        if ((await transaction.ReadAsync(parent, cancellation).ConfigureAwait(false)).Length != 0
                            || (await transaction.ListAsync(parent, cancellation).ConfigureAwait(false)).Count != 0) break;
                        await transaction.RemoveAsync(parent, cancellation).ConfigureAwait(false);
                    }
                }
            }, cancellation).ConfigureAwait(false);
            return ExitStatus.Done;
        }));
        return command;
    }

    private static ManualCommand MakeDirectory(Surroundings surroundings)
    {
        Option<string?> socket = StoreCommand.SocketOption();
        Argument<string[]> paths = Paths("Nodes to create where missing.");
        var command = new ManualCommand("mkdir", "create nodes", Page("Creates nodes with their parents, where missing; existing ones are left alone.")) { paths, socket };
        command.SetAction((result, cancellation) => StoreCommand.WithClientAsync(surroundings, result.GetValue(socket), async client =>
        {
            foreach (string path in result.GetRequiredValue(paths)) await client.MakeDirectoryAsync(path, cancellation).ConfigureAwait(false);
            return ExitStatus.Done;
        }));
        return command;
    }

    private static ManualCommand ChangeMode(Surroundings surroundings)
    {
        Option<string?> socket = StoreCommand.SocketOption();
        Option<bool> recursive = Short("--recursive", "-r", "Change everything below, too.");
        Option<bool> upwards = Short("--upwards", "-u", "Change the parents, too, up to the root.");
        Argument<string> path = new("path") { HelpName = "PATH", Description = "The node." };
        Argument<string[]> modes = new("mode") { HelpName = "MODE", Description = "Letter r, w, b or n and a domain id; the first is the owner's.", Arity = ArgumentArity.OneOrMore };
        var command = new ManualCommand("chmod", "set permissions", Page("Sets a node's permissions. The first mode names the owner and what all others may do; further ones name exceptions.",
            ("hospes store chmod /data n0 r5", "Owned by 0, read by 5, closed to others."))) { path, modes, recursive, upwards, socket };
        command.SetAction((result, cancellation) =>
        {
            var entries = new List<NodePermission>();
            foreach (string mode in result.GetRequiredValue(modes))
            {
                if (!NodePermission.TryParse(Encoding.UTF8.GetBytes(mode), out NodePermission entry))
                    return Task.FromResult(surroundings.Fail(new Failure(FailureKind.Arguments, $"'{mode}' is not a letter r, w, b or n and a domain id", "write for example r5")));
                entries.Add(entry);
            }
            return StoreCommand.WithClientAsync(surroundings, result.GetValue(socket), async client =>
            {
                await client.RunAsync(async transaction =>
                {
                    string node = result.GetRequiredValue(path);
                    if (result.GetValue(recursive)) await ChangeBelowAsync(transaction, node, entries, cancellation).ConfigureAwait(false);
                    else await transaction.SetPermissionsAsync(node, entries, cancellation).ConfigureAwait(false);
                    while (result.GetValue(upwards) && node.LastIndexOf('/') is > 0 and int slash)
                    {
                        node = node[..slash];
                        await transaction.SetPermissionsAsync(node, entries, cancellation).ConfigureAwait(false);
                    }
                }, cancellation).ConfigureAwait(false);
                return ExitStatus.Done;
            });
        });
        return command;
    }

    private static async Task ChangeBelowAsync(XenStoreTransaction transaction, string path, List<NodePermission> entries, CancellationToken cancellation)
    {
        await transaction.SetPermissionsAsync(path, entries, cancellation).ConfigureAwait(false);
        foreach (string name in await transaction.ListAsync(path, cancellation).ConfigureAwait(false))
            await ChangeBelowAsync(transaction, $"{path.TrimEnd('/')}/{name}", entries, cancellation).ConfigureAwait(false);
    }

    private static ManualCommand Permissions(Surroundings surroundings)
    {
        Option<string?> socket = StoreCommand.SocketOption();
        Argument<string[]> paths = Paths("Nodes whose permissions to show.");
        var command = new ManualCommand("perms", "show permissions", Page("Writes each node's permissions on a line; the first entry is the owner's.")) { paths, socket };
        command.SetAction((result, cancellation) => StoreCommand.WithClientAsync(surroundings, result.GetValue(socket), async client =>
        {
            foreach (string path in result.GetRequiredValue(paths))
                surroundings.Out.WriteLine(string.Join(' ', await client.GetPermissionsAsync(path, cancellation).ConfigureAwait(false)));
            return ExitStatus.Done;
        }));
        return command;
    }
}
