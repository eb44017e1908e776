using System.CommandLine;
using Hospes.Cli.CommandLine;
using Hospes.Store.Client;
using Hospes.Store.Tree;
using Hospes.Store.Wire;

namespace Hospes.Cli.Store;

/// <summary><c>hospes store ls</c>: a subtree.</summary>
internal static class ListingTools
{
    /// <summary>Makes the command.</summary>
    public static Command Ls(Surroundings surroundings)
    {
        Option<string?> socket = StoreCommand.SocketOption();
        Option<bool> full = OptionValue.Switch("--full", "Write whole paths, one node a line, without indentation.");
        full.Aliases.Add("-f");
        Option<bool> permissions = OptionValue.Switch("--permissions", "Write permissions, too.");
        permissions.Aliases.Add("-p");
        Argument<string[]> paths = new("path") { HelpName = "PATH", Description = "Where to begin; the root when not given.", Arity = ArgumentArity.ZeroOrMore };
        var command = new ManualCommand("ls", "show a subtree", new ManualPage
        {
            Description = ["Shows the nodes below a path with their values, in the order of their creation; on a terminal as a coloured tree."],
            ExitStatuses = StoreCommand.Statuses,
            Variables = [StoreCommand.SocketVariable, ("NO_COLOR", "When set to anything, output is never coloured.")],
            Examples = [("hospes store ls -f /local/domain", "All that is known of domains, by whole paths.")],
        })
        { paths, full, permissions, socket };
        command.SetAction((result, cancellation) => StoreCommand.WithClientAsync(surroundings, result.GetValue(socket), async client =>
        {
            var listing = new Listing(surroundings, client, result.GetValue(full), result.GetValue(permissions), cancellation);
            string[] from = result.GetValue(paths) is { Length: > 0 } given ? given : ["/"];
            foreach (string path in from) await listing.ShowBelowAsync(path, "", 0).ConfigureAwait(false);
            return ExitStatus.Done;
        }));
        return command;
    }

    private sealed class Listing(Surroundings surroundings, XenStoreClient client, bool full, bool withPermissions, CancellationToken cancellation)
    {
        private bool IsTree => surroundings.OutIsTerminal && !full;

        public async Task ShowBelowAsync(string path, string indent, int depth)
        {
            IReadOnlyList<string> names;
            try
            {
                names = await client.ListAsync(path, cancellation).ConfigureAwait(false);
            }
            catch (XenStoreException refused) when (depth > 0 && refused.Error is XsError.NotFound or XsError.AccessDenied)
            {
                // The node went away, or may not be listed; the rest is still worth showing.
                return;
            }
            for (int i = 0; i < names.Count; i++)
            {
                string child = $"{path.TrimEnd('/')}/{names[i]}";
                bool last = i == names.Count - 1;
                await ShowAsync(child, names[i], IsTree ? indent + (last ? "└─ " : "├─ ") : indent).ConfigureAwait(false);
                await ShowBelowAsync(child, IsTree ? indent + (last ? "   " : "│  ") : indent + " ", depth + 1).ConfigureAwait(false);
            }
        }

        private async Task ShowAsync(string path, string name, string indent)
        {
            byte[]? value;
            try
            {
                value = await client.TryReadAsync(path, cancellation).ConfigureAwait(false);
            }
            catch (XenStoreException refused) when (refused.Error == XsError.AccessDenied)
            {
                value = null;
            }
            string shown = value is null ? "" : $" = \"{ValueText.Escape(value)}\"";
            string access = withPermissions ? $"   ({await PermissionsAsync(path).ConfigureAwait(false)})" : "";
            surroundings.Out.WriteLine(IsTree
                ? $"\e[2m{indent}\e[0m\e[36m{name}\e[0m\e[32m{shown}\e[0m\e[2m{access}\e[0m"
                : (full ? path : indent + name) + shown + access);
        }

        private async Task<string> PermissionsAsync(string path)
        {
            try
            {
                return string.Join(',', (await client.GetPermissionsAsync(path, cancellation).ConfigureAwait(false)).Select(static (NodePermission entry) => entry.ToString()));
            }
            catch (XenStoreException refused)
            {
                return refused.Error.ToString();
            }
        }
    }
}
