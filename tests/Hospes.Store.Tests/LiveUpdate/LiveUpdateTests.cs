using System.Net.Sockets;
using Hospes.Store.Client;
using Hospes.Store.Server;
using Hospes.Store.Tests.Support;
using Hospes.Store.Wire;

namespace Hospes.Store.Tests.LiveUpdate;

/// <summary>A successor takes over sockets, watches and open transactions, and clients notice nothing.</summary>
public sealed class LiveUpdateTests
{
    [Fact]
    public async Task ClientsWatchesAndTransactionsGoOn()
    {
        using var first = new RunningServer(options => options with { GuestSocketPaths = new Dictionary<ushort, string> { [5] = options.SocketPath + "5" } });
        await using XenStoreClient client = await XenStoreClient.ConnectAsync(first.Socket);
        await using XenStoreClient guest = await XenStoreClient.ConnectAsync(first.Socket + "5");
        await client.WriteAsync("/kept/a", "1");
        await client.WriteAsync("/local/domain/5/x", "guest's");
        await client.SetPermissionsAsync("/local/domain/5/x", [new(5, Tree.NodeAccess.None)]);
        uint healthy = await BeginAsync(client), doomed = await BeginAsync(client);
        await client.CallAsync(XsMessageType.Write, "/kept/tx\0v"u8.ToArray(), healthy);
        await client.CallAsync(XsMessageType.Read, "/kept/a\0"u8.ToArray(), doomed);
        await client.WriteAsync("/kept/a", "2");
        IAsyncEnumerator<WatchEvent> watch = client.WatchAsync("/kept").GetAsyncEnumerator();
        (await watch.MoveNextAsync()).ShouldBeTrue();
        await using XenStoreClient idle = await XenStoreClient.ConnectAsync(first.Socket);

        using StoreServer second = StoreServer.TakeOver(first.Options);
        // The old server ends its thread by itself, shortly after it has handed over.
        SpinWait.SpinUntil(() => !first.Server.IsRunning, TimeSpan.FromSeconds(30)).ShouldBeTrue();
        second.Start();

        (await client.ReadTextAsync("/kept/a")).ShouldBe("2");
        (await guest.ReadTextAsync("x")).ShouldBe("guest's");
        (await Should.ThrowAsync<XenStoreException>(() => guest.ReadAsync("/kept/a"))).Error.ShouldBe(XsError.AccessDenied);
        await idle.WriteAsync("/kept/b", "3");
        (await watch.MoveNextAsync()).ShouldBeTrue();
        watch.Current.Path.ShouldBe("/kept/b");
        (await client.CallAsync(XsMessageType.TransactionEnd, "T\0"u8.ToArray(), healthy)).ShouldBe("OK\0"u8.ToArray());
        (await client.ReadTextAsync("/kept/tx")).ShouldBe("v");
        (await Should.ThrowAsync<XenStoreException>(() => client.CallAsync(XsMessageType.TransactionEnd, "T\0"u8.ToArray(), doomed))).Error.ShouldBe(XsError.TryAgain);
        await using XenStoreClient late = await XenStoreClient.ConnectAsync(first.Socket);
        (await late.ListAsync("/kept")).ShouldBe(["a", "b", "tx"]);
        second.Invoke(() => Requests.StoreCheck.Run(second.State).ShouldBeEmpty());
    }

    private static async Task<uint> BeginAsync(XenStoreClient client) =>
        uint.Parse(System.Text.Encoding.ASCII.GetString(await client.CallAsync(XsMessageType.TransactionStart, new byte[1], 0)).TrimEnd('\0'));

    [Fact]
    public async Task HalfAMessageAndAFolderGoOverToo()
    {
        using var folder = new TemporaryFolder();
        using var first = new RunningServer(options => options with { DataDirectory = folder.File("data"), Sync = SyncPolicy.Never });
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(first.Socket));
        byte[] message = Rings.RingDriverMessage();
        await socket.SendAsync(message.AsMemory(0, 20));
        await using (XenStoreClient client = await XenStoreClient.ConnectAsync(first.Socket)) await client.WriteAsync("/before", "1");
        using (StoreServer second = StoreServer.TakeOver(first.Options))
        {
            second.Start();
            await socket.SendAsync(message.AsMemory(20));
            var reply = new byte[19];
            int got = 0;
            while (got < reply.Length) got += await socket.ReceiveAsync(reply.AsMemory(got));
            await using XenStoreClient client = await XenStoreClient.ConnectAsync(first.Socket);
            await client.WriteAsync("/after", "2");
        }
        using var third = new RunningServer(options => options with { DataDirectory = folder.File("data") });
        await using XenStoreClient last = await XenStoreClient.ConnectAsync(third.Socket);
        (await last.ReadTextAsync("/before")).ShouldBe("1");
        (await last.ReadTextAsync("/after")).ShouldBe("2");
        (await last.ReadTextAsync("/half")).ShouldBe("whole");
    }

    [Fact]
    public async Task ASuccessorThatFailsLeavesTheServerAsItIs()
    {
        using var first = new RunningServer();
        await using XenStoreClient client = await XenStoreClient.ConnectAsync(first.Socket);
        using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(first.Socket));
            await socket.SendAsync(Hospes.Store.Rings.RingDriver.Message(XsMessageType.Control, 1, 0, "live-update\0hand-over\0"u8));
            await socket.ReceiveAsync(new byte[4]);
        }
        await client.WriteAsync("/still", "here");
        (await client.ReadTextAsync("/still")).ShouldBe("here");
        first.Log.Lines.ShouldContain(line => line.Contains("did not take over"));
    }

    [Fact]
    public async Task TheControlCommandChecksItsSteps()
    {
        using var first = new RunningServer();
        await using XenStoreClient client = await XenStoreClient.ConnectAsync(first.Socket);
        (await client.ControlAsync(["live-update", "-s"])).ShouldBe("EINVAL");
        (await client.ControlAsync(["live-update", "-f", "/none"])).ShouldBe("ENOENT");
        (await client.ControlAsync(["live-update", "-f", "/bin/true"])).ShouldBe("OK");
        (await client.ControlAsync(["live-update", "-c", "--log /dev/null"])).ShouldBe("OK");
        (await client.ControlAsync(["live-update", "-a"])).ShouldBe("OK");
        (await client.ControlAsync(["live-update", "-s", "-t", "5"])).ShouldBe("EINVAL");
        (await client.ControlAsync(["live-update", "?"])).ShouldBe("EINVAL");
    }

    private static class Rings
    {
        public static byte[] RingDriverMessage() => Hospes.Store.Rings.RingDriver.Message(XsMessageType.Write, 1, 0, "/half\0whole"u8);
    }
}
