using System.CommandLine;
using Hospes.Cli.CommandLine;
using Hospes.Store.Client;

namespace Hospes.Cli.Store;

/// <summary>The tools that wait for changes.</summary>
internal static class WatchTools
{
    /// <summary><c>hospes store watch</c>.</summary>
    public static Command Watch(Surroundings surroundings)
    {
        Option<string?> socket = StoreCommand.SocketOption();
        Option<int> count = OptionValue.Whole("--count", "N", "End after this many changes; 0 for never.", 0, int.MaxValue, 0);
        count.Aliases.Add("-n");
        Argument<string[]> paths = new("path") { HelpName = "PATH", Description = "Paths to watch; special ones such as @releaseDomain, too.", Arity = ArgumentArity.OneOrMore };
        var command = new ManualCommand("watch", "show changes", new ManualPage
        {
            Description = ["Writes the path of every change at or below the watched paths. Each watch fires once at first."],
            ExitStatuses = StoreCommand.Statuses,
            Variables = [StoreCommand.SocketVariable],
            Examples = [("hospes store watch -n 3 /local/domain", "Two changes, after the first firing.")],
        })
        { paths, count, socket };
        command.SetAction((result, cancellation) => StoreCommand.WithClientAsync(surroundings, result.GetValue(socket), async client =>
        {
            int left = result.GetValue(count) is > 0 and int most ? most : int.MaxValue;
            using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            object gate = new();
            async Task FollowAsync(string path)
            {
                await foreach (WatchEvent fired in client.WatchAsync(path, cancellation: enough.Token).ConfigureAwait(false))
                {
                    lock (gate)
                    {
                        if (left <= 0) return;
                        surroundings.Out.WriteLine(fired.Path);
                        surroundings.Out.Flush();
                        if (--left == 0) enough.Cancel();
                    }
                }
            }
            try
            {
                await Task.WhenAll(result.GetRequiredValue(paths).Select(FollowAsync)).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (left == 0)
            {
                // The count is reached.
            }
            return ExitStatus.Done;
        }));
        return command;
    }

    /// <summary><c>hospes store wait</c>.</summary>
    public static Command Wait(Surroundings surroundings)
    {
        Option<string?> socket = StoreCommand.SocketOption();
        Option<int> seconds = OptionValue.Whole("--timeout", "SECONDS", "Give up after this time; 0 for never.", 0, 1_000_000, 0);
        Option<bool> gone = OptionValue.Switch("--gone", "Wait until the node does not exist.");
        Argument<string> path = new("path") { HelpName = "PATH", Description = "The node." };
        Argument<string?> value = new("value") { HelpName = "VALUE", Description = "Wait until the node has this value.", Arity = ArgumentArity.ZeroOrOne };
        var command = new ManualCommand("wait", "wait for a node", new ManualPage
        {
            Description = ["Waits until a node exists, or has a value, or is gone."],
            ExitStatuses = [("0", "It is so."), ("1", "The time is over, or the store refused."), ("2", "Bad arguments, or no store answers.")],
            Variables = [StoreCommand.SocketVariable],
            Examples = [("hospes store wait --timeout 30 /local/domain/5/device/vif/0/state 4", "Until the device is connected.")],
        })
        { path, value, gone, seconds, socket };
        command.SetAction((result, cancellation) => StoreCommand.WithClientAsync(surroundings, result.GetValue(socket), async client =>
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            if (result.GetValue(seconds) is > 0 and int time) limit.CancelAfter(TimeSpan.FromSeconds(time));
            string node = result.GetRequiredValue(path);
            byte[]? wanted = result.GetValue(value) is { } text ? ValueText.Unescape(text) : null;
            try
            {
                await foreach (WatchEvent _ in client.WatchAsync(node, cancellation: limit.Token).ConfigureAwait(false))
                {
                    byte[]? now = await client.TryReadAsync(node, limit.Token).ConfigureAwait(false);
                    bool met = result.GetValue(gone) ? now is null : now is not null && (wanted is null || now.AsSpan().SequenceEqual(wanted));
                    if (met) return ExitStatus.Done;
                }
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                // The time is over.
            }
            return ExitStatus.No;
        }));
        return command;
    }
}
