using System.Net.Sockets;
using System.Text;
using Hospes.Store.Client;
using Hospes.Store.Quotas;
using Hospes.Store.Rings;
using Hospes.Store.Tests.Support;
using Hospes.Store.Wire;

namespace Hospes.Store.Tests.Server;

/// <summary>The sockets: framing, several requests in flight, limits, other clients' peace.</summary>
public sealed class SocketTests : IDisposable
{
    private readonly RunningServer _server = new(options => options with
    {
        ReadOnlySocketPath = options.SocketPath + "_ro",
        GuestSocketPaths = new Dictionary<ushort, string> { [5] = options.SocketPath + "5" },
    });

    public void Dispose() => _server.Dispose();

    private Socket Connect(string suffix = "") => _server.Connect(suffix);

    private static byte[] Message(XsMessageType type, string payload, uint id = 1) => RingDriver.Message(type, id, 0, Encoding.Latin1.GetBytes(payload.Replace('|', '\0')));

    private static Received Receive(Socket socket) => RunningServer.Receive(socket);

    [Fact]
    public void AMessageMayComeByteByByte()
    {
        using Socket socket = Connect();
        foreach (byte b in Message(XsMessageType.Read, "/tool|")) socket.Send([b]);
        Receive(socket).Type.ShouldBe(XsMessageType.Read);
    }

    [Fact]
    public async Task RepliesComeInOrderHoweverManyRequestsAreInFlight()
    {
        using Socket socket = Connect();
        const int count = 20_000;
        byte[] all = [.. Enumerable.Range(0, count).SelectMany(i => Message(i % 3 == 0 ? XsMessageType.Write : XsMessageType.Read, i % 3 == 0 ? $"/n/{i % 50}|{i}" : $"/n/{i % 50}|", (uint)i))];
        Task send = Task.Run(() => socket.Send(all));
        for (uint i = 0; i < count; i++) Receive(socket).RequestId.ShouldBe(i);
        await send;
    }

    [Fact]
    public async Task AConnectionThatFloodsGetsItsRepliesTooAndIsWaitedForAgainAfterwards()
    {
        const int count = 30_000;
        using Socket flood = Connect();
        byte[] all = [.. Enumerable.Range(0, count).SelectMany(i => Message(XsMessageType.Read, "/tool|", (uint)i)), .. Message(XsMessageType.Read, "/tool|", count)];
        await using XenStoreClient other = await XenStoreClient.ConnectAsync(_server.Socket);
        // The last request is cut in two, so that the flood runs out in the middle of a message.
        Task send = Task.Run(() => flood.Send(all[..^10]));
        Task receive = Task.Run(() =>
        {
            for (uint i = 0; i < count; i++) Receive(flood).RequestId.ShouldBe(i);
        });
        for (int i = 0; !receive.IsCompleted; i++) await other.WriteAsync("/beside", $"{i}");
        await send;
        await receive;
        flood.Send(all[^10..]);
        Receive(flood).RequestId.ShouldBe((uint)count);
        for (uint i = 0; i < 3; i++)
        {
            flood.Send(Message(XsMessageType.Read, "/tool|", i));
            Receive(flood).RequestId.ShouldBe(i);
        }
    }

    [Fact]
    public void AConnectionThatFloodsAndGoesIsForgotten()
    {
        using (Socket flood = Connect())
        {
            flood.Send(Message(XsMessageType.Watch, "/w|t|"));
            flood.Send([.. Enumerable.Range(0, 5000).SelectMany(i => Message(XsMessageType.Write, $"/flood/{i}|", (uint)i))]);
        }
        SpinWait.SpinUntil(() =>
        {
            int left = 1;
            _server.Server.Invoke(() => left = _server.Server.State.Watches.Count);
            return left == 0;
        }, TimeSpan.FromSeconds(20)).ShouldBeTrue();
    }

    [Theory]
    [InlineData(4097u)]
    [InlineData(uint.MaxValue)]
    public void APayloadThatIsTooLongEndsTheConnection(uint length)
    {
        using Socket other = Connect();
        using Socket socket = Connect();
        var header = new byte[XsWire.HeaderSize];
        XsWire.WriteHeader(header, XsMessageType.Read, 1, 0, (int)length);
        socket.Send(Message(XsMessageType.Watch, "/w|t|"));
        Receive(socket).Type.ShouldBe(XsMessageType.Watch);
        Receive(socket).Type.ShouldBe(XsMessageType.WatchEvent);
        socket.Send(header);
        Should.Throw<Exception>(() => Receive(socket));
        other.Send(Message(XsMessageType.Read, "/tool|"));
        Receive(other).Type.ShouldBe(XsMessageType.Read);
        _server.Server.Invoke(() => _server.Server.State.Watches.Count.ShouldBe(0));
    }

    [Fact]
    public void TheLargestPayloadIsFine()
    {
        using Socket socket = Connect();
        socket.Send(Message(XsMessageType.Write, "/v|" + new string('x', XsWire.PayloadMax - 3)));
        Receive(socket).Strings.ShouldBe(["OK"]);
        socket.Send(Message(XsMessageType.Read, "/v|"));
        Receive(socket).Payload.Length.ShouldBe(XsWire.PayloadMax - 3);
    }

    [Fact]
    public void TheReadOnlySocketOnlyReads()
    {
        using Socket socket = Connect("_ro");
        socket.Send(Message(XsMessageType.Read, "/tool|"));
        Receive(socket).Type.ShouldBe(XsMessageType.Read);
        socket.Send(Message(XsMessageType.Write, "/x|1"));
        Receive(socket).Strings.ShouldBe(["EROFS"]);
    }

    [Fact]
    public void AGuestsSocketIsTheGuests()
    {
        using Socket socket = Connect("5");
        socket.Send(Message(XsMessageType.Write, "/x|1"));
        Receive(socket).Strings.ShouldBe(["EACCES"]);
        using Socket control = Connect();
        control.Send(Message(XsMessageType.IsDomainIntroduced, "5|"));
        Receive(control).Strings.ShouldBe(["T"]);
        control.Send(Message(XsMessageType.Release, "5|"));
        Receive(control).Strings.ShouldBe(["OK"]);
        Should.Throw<Exception>(() => Receive(socket));
    }

    [Fact]
    public async Task AClientThatStopsReadingHoldsUpNobody()
    {
        using Socket deaf = Connect();
        deaf.Send(Message(XsMessageType.Watch, "/w|t|"));
        byte[] flood = [.. Enumerable.Range(0, 200).SelectMany(_ => Message(XsMessageType.GetPermissions, "/tool|"))];
        deaf.Blocking = false;
        for (int i = 0; i < 2000; i++)
        {
            try
            {
                deaf.Send(flood);
            }
            catch (SocketException full) when (full.SocketErrorCode == SocketError.WouldBlock)
            {
                break;
            }
        }
        await using XenStoreClient client = await XenStoreClient.ConnectAsync(_server.Socket);
        for (int i = 0; i < 2000; i++) await client.WriteAsync("/w/x", $"{i}");
        (await client.ReadTextAsync("/w/x")).ShouldBe("1999");
        _server.Server.Invoke(() => _server.Server.Loop.Connections.Max(c => c.Session.Output.Length).ShouldBeLessThan(4 * 1024 * 1024));
    }

    [Fact]
    public async Task AClientWhoseRepliesPileUpGetsThemAllWhenItReads()
    {
        using Socket socket = Connect();
        byte[] value = Message(XsMessageType.Write, "/big|" + new string('x', 4000));
        socket.Send(value);
        Receive(socket);
        const int count = 3000;
        Task send = Task.Run(() => socket.Send([.. Enumerable.Range(0, count).SelectMany(i => Message(XsMessageType.Read, "/big|", (uint)i))]));
        for (uint i = 0; i < count; i++) Receive(socket).RequestId.ShouldBe(i);
        await send;
    }

    [Fact]
    public void ConnectionsThatEndLeaveNothing()
    {
        for (int round = 0; round < 50; round++)
        {
            using Socket socket = Connect();
            socket.Send([.. Message(XsMessageType.Watch, "/w|t|"), .. Message(XsMessageType.TransactionStart, "|"), .. "half"u8]);
            Receive(socket);
        }
        using Socket last = Connect();
        last.Send(Message(XsMessageType.Read, "/tool|"));
        Receive(last);
        SpinWait.SpinUntil(() =>
        {
            int left = 1;
            _server.Server.Invoke(() => left = _server.Server.State.Watches.Count + _server.Server.Transactions.OpenCount);
            return left == 0;
        }, TimeSpan.FromSeconds(20)).ShouldBeTrue();
    }

    [Fact]
    public void ARingIsServedByTheRunningServer()
    {
        var page = new ArrayRingPage();
        using var signalled = new AutoResetEvent(false);
        _server.Server.OfferRing(9, page, () => signalled.Set());
        _server.Server.IntroduceDomain(9);
        var driver = new RingDriver(page, () => _server.Server.SignalRing(9));
        driver.Write(RingDriver.Message(XsMessageType.GetDomainPath, 3, 0, "9\0"u8));
        XsMessageType type = default;
        byte[] payload = [];
        SpinWait.SpinUntil(() => driver.TryReceive(out type, out _, out payload), TimeSpan.FromSeconds(20)).ShouldBeTrue();
        Encoding.ASCII.GetString(payload).ShouldBe("/local/domain/9\0");
        _server.Server.ReportShutDown(9);
        _server.Server.ReleaseDomain(9);
        _server.Server.Invoke(() => _server.Server.State.Domains.ContainsKey(9).ShouldBeFalse());
    }
}
