using System.CommandLine;
using System.Net.Sockets;
using Hospes.Cli.CommandLine;
using Hospes.Store.Client;

namespace Hospes.Cli.Store;

/// <summary><c>hospes store</c>: the XenStore server and the tools for one.</summary>
internal static class StoreCommand
{
    /// <summary>Exit statuses of the tools.</summary>
    public static readonly IReadOnlyList<(string Status, string Meaning)> Statuses =
        [("0", "Done."), ("1", "The store refused, or what was asked about does not exist."), ("2", "Bad arguments, or no store answers.")];

    /// <summary>The variable that names the socket.</summary>
    public static readonly (string Name, string Effect) SocketVariable =
        ("XENSTORED_PATH", "The store's socket, where --socket is not given; /run/xenstored/socket when not set.");

    /// <summary>Makes the command.</summary>
    public static Command Create(Surroundings surroundings)
    {
        var store = new ManualCommand("store", "serve and use a XenStore", new ManualPage
        {
            Description = ["A XenStore that any XenStore client can use, and tools that can use any XenStore. The tools take the flags of Xen's xenstore-* programs."],
            Variables = [SocketVariable],
        });
        store.Add(ServeCommand.Create(surroundings));
        foreach (Command tool in NodeTools.Create(surroundings)) store.Add(tool);
        store.Add(ListingTools.Ls(surroundings));
        store.Add(WatchTools.Watch(surroundings));
        store.Add(WatchTools.Wait(surroundings));
        store.Add(ControlTools.Control(surroundings));
        store.Add(StreamTools.Dump(surroundings));
        store.Add(StreamTools.Restore(surroundings));
        store.Add(TopTool.Create(surroundings));
        return store;
    }

    /// <summary>The option that every tool has.</summary>
    public static Option<string?> SocketOption() => OptionValue.Text("--socket", "PATH", "Use the store at this Unix socket.");

    /// <summary>Connects, does the work, and turns what can go wrong into an exit status.</summary>
    public static async Task<int> WithClientAsync(Surroundings surroundings, string? socket, Func<XenStoreClient, Task<int>> work)
    {
        string path = socket ?? (surroundings.Variable("XENSTORED_PATH") is { Length: > 0 } set ? set : XenStoreClient.DefaultPath);
        try
        {
            await using XenStoreClient client = await XenStoreClient.ConnectAsync(path).ConfigureAwait(false);
            return await work(client).ConfigureAwait(false);
        }
        catch (XenStoreException refused)
        {
            surroundings.Error.WriteLine($"hospes: {refused.Message}");
            return ExitStatus.No;
        }
        catch (Exception failure) when (failure is SocketException or ArgumentException)
        {
            return surroundings.Fail(new Failure(FailureKind.Network, $"no store answers at {path} ({failure.Message})", "start one with 'hospes store serve --socket PATH', or name its socket"));
        }
        catch (IOException lost)
        {
            return surroundings.Fail(new Failure(FailureKind.Network, lost.Message, "see whether the store still runs"));
        }
    }
}
