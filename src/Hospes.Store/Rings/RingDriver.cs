using System.Runtime.InteropServices;
using Hospes.Store.Wire;

namespace Hospes.Store.Rings;

/// <summary>
/// The guest's side of a ring, as a guest's driver has it: requests in, messages out. For guests that live in this process, and to test
/// the store's side. Not to be used from several threads at once.
/// </summary>
/// <param name="page">The shared page.</param>
/// <param name="notify">Signals the store.</param>
public sealed class RingDriver(IRingPage page, Action notify)
{
    private readonly List<byte> _received = [];

    /// <summary>Features that the store offers.</summary>
    public XsFeatures Features => (XsFeatures)page.ReadWord(RingLayout.Features);

    /// <summary>Why the store gave the connection up.</summary>
    public RingError Error => (RingError)page.ReadWord(RingLayout.Error);

    /// <summary>True while a reconnection that was asked for is not done.</summary>
    public bool IsReconnecting => page.ReadWord(RingLayout.Connection) != 0;

    /// <summary>Writes bytes to the store as far as the ring has room, and signals it; gives how many.</summary>
    /// <param name="bytes">The bytes.</param>
    public int Write(ReadOnlySpan<byte> bytes)
    {
        uint producer = page.ReadWord(RingLayout.RequestProducer);
        uint used = producer - page.ReadWord(RingLayout.RequestConsumer);
        if (used > RingLayout.RingSize) return 0;
        int count = (int)Math.Min(RingLayout.RingSize - used, (uint)bytes.Length);
        if (count == 0) return 0;
        int at = (int)(producer % RingLayout.RingSize);
        int first = Math.Min(count, RingLayout.RingSize - at);
        page.Write(RingLayout.Requests + at, bytes[..first]);
        page.Write(RingLayout.Requests, bytes[first..count]);
        page.WriteWord(RingLayout.RequestProducer, producer + (uint)count);
        notify();
        return count;
    }

    /// <summary>The bytes of one request.</summary>
    /// <param name="type">The message type.</param>
    /// <param name="requestId">Echoed in the reply.</param>
    /// <param name="transaction">The transaction, or 0.</param>
    /// <param name="payload">The payload.</param>
    public static byte[] Message(XsMessageType type, uint requestId, uint transaction, ReadOnlySpan<byte> payload)
    {
        var message = new byte[XsWire.HeaderSize + payload.Length];
        XsWire.WriteHeader(message, type, requestId, transaction, payload.Length);
        payload.CopyTo(message.AsSpan(XsWire.HeaderSize));
        return message;
    }

    /// <summary>Takes the next complete message; false when there is none yet.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="requestId">Its request id.</param>
    /// <param name="payload">Its payload.</param>
    /// <exception cref="IOException">The store announced a payload longer than the protocol allows.</exception>
    public bool TryReceive(out XsMessageType type, out uint requestId, out byte[] payload)
    {
        while (Drain())
        {
        }
        type = default;
        requestId = 0;
        payload = [];
        if (_received.Count < XsWire.HeaderSize) return false;
        XsHeader header = XsHeader.Read(CollectionsMarshal.AsSpan(_received));
        if (header.Length > XsWire.PayloadMax) throw new IOException("The store sent a payload longer than the protocol allows.");
        int length = XsWire.HeaderSize + (int)header.Length;
        if (_received.Count < length) return false;
        type = (XsMessageType)header.Type;
        requestId = header.RequestId;
        payload = CollectionsMarshal.AsSpan(_received)[XsWire.HeaderSize..length].ToArray();
        _received.RemoveRange(0, length);
        return true;
    }

    /// <summary>Asks the store to begin the connection anew.</summary>
    public void Reconnect()
    {
        _received.Clear();
        page.WriteWord(RingLayout.Connection, 1);
        notify();
    }

    /// <summary>Takes what the store wrote; true when there was something.</summary>
    public bool Drain()
    {
        uint consumer = page.ReadWord(RingLayout.ReplyConsumer);
        uint available = page.ReadWord(RingLayout.ReplyProducer) - consumer;
        if (available == 0 || available > RingLayout.RingSize) return false;
        Span<byte> bytes = stackalloc byte[(int)available];
        int at = (int)(consumer % RingLayout.RingSize);
        int first = Math.Min(bytes.Length, RingLayout.RingSize - at);
        page.Read(RingLayout.Replies + at, bytes[..first]);
        page.Read(RingLayout.Replies, bytes[first..]);
        page.WriteWord(RingLayout.ReplyConsumer, consumer + available);
        _received.AddRange(bytes);
        notify();
        return true;
    }
}
