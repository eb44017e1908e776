using System.Text;
using Hospes.Store.Engine;
using Hospes.Store.Quotas;
using Hospes.Store.Rings;
using Hospes.Store.Tests.Support;
using Hospes.Store.Wire;

namespace Hospes.Store.Tests.Rings;

/// <summary>The shared page (xenstore-ring.txt), with a guest's side that keeps the rules and one that does not.</summary>
public sealed class RingTests
{
    private readonly StoreHarness _store = new();
    private readonly ArrayRingPage _page = new();
    private readonly RingConnection _ring;
    private readonly RingDriver _driver;
    private readonly Queue<Action> _later = new();
    private int _signals;

    public RingTests()
    {
        _store.Introduce(5);
        _store.Write(_store.Control, "/local/domain/5", "");
        _store.SetPermissions(_store.Control, "/local/domain/5", "n5");
        _page.WriteWord(RingLayout.RequestProducer, 77);
        _ring = new RingConnection(_store.State, _store.State.DomainOf(5), _page, () => _signals++,
            (Session session, in XsHeader header, ReadOnlySpan<byte> payload) => _store.Processor.Process(session, header, payload), _store.Processor.Drop, ring => _later.Enqueue(ring.Serve));
        _ring.Reset();
        _driver = new RingDriver(_page, () => _ring!.Serve());
    }

    private void Settle()
    {
        for (int i = 0; i < 10_000 && _later.TryDequeue(out Action? action); i++) action();
    }

    private string Call(XsMessageType type, string payload, uint id = 1)
    {
        byte[] message = RingDriver.Message(type, id, 0, Encoding.Latin1.GetBytes(payload.Replace('|', '\0')));
        for (int sent = 0; sent < message.Length;)
        {
            int wrote = _driver.Write(message.AsSpan(sent));
            sent += wrote;
            Settle();
            wrote.ShouldBeGreaterThan(0);
        }
        while (true)
        {
            Settle();
            if (!_driver.TryReceive(out XsMessageType got, out uint gotId, out byte[] reply))
            {
                if (_later.Count == 0) throw new InvalidOperationException("no reply");
                continue;
            }
            if (got == XsMessageType.WatchEvent) continue;
            gotId.ShouldBe(id);
            return Encoding.Latin1.GetString(reply).TrimEnd('\0');
        }
    }

    [Fact]
    public void AGuestTalksThroughItsRing()
    {
        _driver.Features.ShouldBe(XsFeatures.All);
        Call(XsMessageType.Write, "data|hello").ShouldBe("OK");
        Call(XsMessageType.Read, "data|").ShouldBe("hello");
        _store.Read(_store.Control, "/local/domain/5/data").ShouldBe("hello");
        _signals.ShouldBeGreaterThan(0);
    }

    /// <summary>Xen's OCaml daemon took the offsets for numbers of 31 bits (XSA-420).</summary>
    [Theory]
    [InlineData(0u)]
    [InlineData(1u << 30)]
    [InlineData(1u << 31)]
    [InlineData(3u << 30)]
    public void Xsa420_OffsetsAreWholeWordsAndMayWrapInAMessage(uint boundary)
    {
        string value = new('v', 2000);
        for (uint start = 0; start < 3; start++)
        {
            foreach (int offset in new[] { RingLayout.RequestConsumer, RingLayout.RequestProducer, RingLayout.ReplyConsumer, RingLayout.ReplyProducer }) _page.WriteWord(offset, boundary - 501 - start * 333);
            Call(XsMessageType.Write, $"data{start}|{value}").ShouldBe("OK");
            Call(XsMessageType.Read, $"data{start}|").ShouldBe(value);
        }
        _ring.Failure.ShouldBe(RingError.None);
    }

    /// <summary>Xen's C daemon kept what a request had needed until its reply was read (XSA-416). Here only the reply's own bytes stay, and they are the guest's account's.</summary>
    [Fact]
    public void Xsa416_RepliesThatAreNotReadHoldNothingButThemselves()
    {
        for (int i = 0; i < 900; i++) _store.Write(_store.Control, $"/local/domain/5/list/entry{i}", "");
        _store.SetPermissions(_store.Control, "/local/domain/5/list", "n5");
        long before = _ring.Session.Domain.Used(QuotaItem.Memory);
        byte[] message = RingDriver.Message(XsMessageType.DirectoryPart, 1, 0, "list\00\0"u8);
        while (_driver.Write(message) == message.Length) Settle();
        long replies = _ring.Session.Domain.Used(QuotaItem.Outstanding);
        replies.ShouldBeInRange(1, 20);
        _ring.Session.Output.Length.ShouldBeLessThanOrEqualTo(replies * (XsWire.HeaderSize + XsWire.PayloadMax));
        (_ring.Session.Domain.Used(QuotaItem.Memory) - before).ShouldBeInRange(_ring.Session.Output.Length, replies * (XsWire.HeaderSize + XsWire.PayloadMax));
        while (_driver.Drain()) Settle();
        _ring.Session.Domain.Used(QuotaItem.Outstanding).ShouldBe(0);
        _ring.Session.Domain.Used(QuotaItem.Memory).ShouldBe(before);
        _ring.Session.Output.IsEmpty.ShouldBeTrue();
    }

    [Fact]
    public void EventsComeThroughTheRing()
    {
        Call(XsMessageType.Watch, "data|t|").ShouldBe("OK");
        while (_driver.TryReceive(out _, out _, out _))
        {
        }
        _store.Write(_store.Control, "/local/domain/5/data/x", "1");
        Settle();
        _driver.TryReceive(out XsMessageType type, out _, out byte[] payload).ShouldBeTrue();
        type.ShouldBe(XsMessageType.WatchEvent);
        Encoding.ASCII.GetString(payload).ShouldBe("data/x\0t\0");
    }

    [Theory]
    [InlineData(RingLayout.RequestProducer, 5000u)]
    [InlineData(RingLayout.RequestProducer, uint.MaxValue)]
    public void OffsetsThatMakeNoSenseEndTheConnection(int word, uint value)
    {
        _page.WriteWord(word, value);
        _ring.Serve();
        _driver.Error.ShouldBe(RingError.Offset);
        _ring.Failure.ShouldBe(RingError.Offset);
        _ring.Session.Watches.ShouldBeEmpty();
        _store.Read(_store.Control, "/tool").ShouldBe("");
    }

    [Fact]
    public void AReplyOffsetThatMakesNoSenseEndsTheConnection()
    {
        _page.WriteWord(RingLayout.ReplyConsumer, 3);
        _driver.Write(RingDriver.Message(XsMessageType.Read, 1, 0, "data\0"u8));
        _driver.Error.ShouldBe(RingError.Offset);
    }

    [Fact]
    public void APayloadThatIsTooLongEndsTheConnectionUntilItIsBegunAnew()
    {
        Call(XsMessageType.Watch, "data|t|").ShouldBe("OK");
        var header = new byte[XsWire.HeaderSize];
        XsWire.WriteHeader(header, XsMessageType.Read, 1, 0, XsWire.PayloadMax + 1);
        _driver.Write(header);
        _driver.Error.ShouldBe(RingError.Protocol);
        _store.State.Watches.Count.ShouldBe(0);
        _driver.Reconnect();
        _driver.IsReconnecting.ShouldBeFalse();
        _driver.Error.ShouldBe(RingError.None);
        Call(XsMessageType.Write, "data|x").ShouldBe("OK");
    }

    [Fact]
    public void AReconnectionDropsHalfMessagesWatchesAndTransactions()
    {
        Call(XsMessageType.Watch, "data|t|").ShouldBe("OK");
        Call(XsMessageType.TransactionStart, "|").ShouldBe("1");
        _driver.Write("half a message"u8);
        _driver.Reconnect();
        _store.State.Watches.Count.ShouldBe(0);
        _ring.Session.Transactions.ShouldBeEmpty();
        Call(XsMessageType.Read, "data|").ShouldBe("ENOENT");
    }

    [Fact]
    public void AGuestThatDoesNotReadIsNotReadFrom()
    {
        byte[] message = RingDriver.Message(XsMessageType.Read, 1, 0, "none\0"u8);
        int taken = 0;
        for (int i = 0; i < 1000; i++)
        {
            int wrote = _driver.Write(message);
            Settle();
            if (wrote < message.Length) break;
            taken++;
        }
        taken.ShouldBeLessThan(200);
        _ring.Session.Domain.Used(QuotaItem.Outstanding).ShouldBeLessThanOrEqualTo(20);
        _driver.Drain().ShouldBeTrue();
        Settle();
        _driver.Drain().ShouldBeTrue();
    }

    [Fact]
    public void AHostileGuestHarmsNobodyElse()
    {
        var random = new Random(1024);
        for (int round = 0; round < 20_000; round++)
        {
            if (random.Next(4) == 0) _page.WriteWord(random.Next(RingLayout.RequestConsumer / 4, RingLayout.PageSize / 4) * 4, (uint)random.Next());
            else
            {
                var noise = new byte[random.Next(64)];
                random.NextBytes(noise);
                _page.Write(random.Next(RingLayout.PageSize - 64), noise);
            }
            if (random.Next(50) == 0) _driver.Reconnect();
            if (random.Next(3) == 0) _page.WriteWord(RingLayout.RequestProducer, _page.ReadWord(RingLayout.RequestConsumer) + (uint)random.Next(600));
            _ring.Serve();
            Settle();
        }
        _store.Read(_store.Control, "/tool").ShouldBe("");
        _store.CheckIsSound();
        _driver.Reconnect();
        Call(XsMessageType.Write, "data|x").ShouldBe("OK");
    }
}
