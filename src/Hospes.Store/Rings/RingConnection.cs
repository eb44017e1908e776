using Hospes.Store.Engine;
using Hospes.Store.Quotas;
using Hospes.Store.Requests;
using Hospes.Store.Wire;

namespace Hospes.Store.Rings;

/// <summary>Carries out one request of a ring.</summary>
internal delegate RequestOutcome RingRequest(Session session, in XsHeader header, ReadOnlySpan<byte> payload);

/// <summary>
/// The store's side of one guest's ring. The guest is hostile: offsets are read once and checked, data is copied out before it is looked
/// at, and a guest that breaks the rules loses its connection and nothing else. Belongs to the store's thread.
/// </summary>
internal sealed class RingConnection : ISessionCarrier
{
    /// <summary>Requests in one go, so that a guest that fills its ring as fast as it is emptied does not hold up the others.</summary>
    private const int ShareOfRound = 16;

    private readonly RingRequest _process;
    private readonly Action<Session> _drop;
    private readonly Action<RingConnection> _again;
    private readonly StoreState _state;
    private readonly byte[] _message = new byte[XsWire.HeaderSize + XsWire.PayloadMax];
    private int _have;
    private bool _isHeld;

    public RingConnection(StoreState state, DomainState domain, IRingPage page, Action notify, RingRequest process, Action<Session> drop, Action<RingConnection> again)
    {
        _state = state;
        _process = process;
        _drop = drop;
        _again = again;
        Domain = domain;
        Page = page;
        Notify = notify;
        Session = new Session(domain, this, state.Segments, isReadOnly: false);
    }

    public DomainState Domain { get; }

    public IRingPage Page { get; private set; }

    public Action Notify { get; private set; }

    public Session Session { get; }

    /// <summary>Why the connection was given up; only a reconnection asked for by the guest, or INTRODUCE, brings it back.</summary>
    public RingError Failure { get; private set; }

    /// <summary>Looks at the ring: the guest has signalled, or there is output.</summary>
    public void Serve()
    {
        if (Page.ReadWord(RingLayout.Connection) == 1 && (Domain.Features & XsFeatures.RingReconnect) != 0)
        {
            Reset();
            Notify();
            return;
        }
        bool moved = false;
        for (int served = 0; Failure == RingError.None && TakeRequest(ref moved);)
        {
            if (++served < ShareOfRound) continue;
            _again(this);
            break;
        }
        if (Failure == RingError.None) moved |= SendOutput();
        if (moved) Notify();
    }

    /// <summary>Reads from the ring until one request is complete and carried out; false when there is none, or it must wait.</summary>
    private bool TakeRequest(ref bool moved)
    {
        if (_isHeld || !MayRead()) return false;
        while (true)
        {
            int need = XsWire.HeaderSize;
            if (_have >= XsWire.HeaderSize)
            {
                XsHeader header = XsHeader.Read(_message);
                if (header.Length > XsWire.PayloadMax)
                {
                    Fail(RingError.Protocol);
                    return false;
                }
                need += (int)header.Length;
                if (_have == need)
                {
                    _isHeld = _process(Session, header, _message.AsSpan(XsWire.HeaderSize, (int)header.Length)) == RequestOutcome.Held;
                    if (_isHeld) return false;
                    _have = 0;
                    moved |= SendOutput();
                    return true;
                }
            }
            int read = Receive(_message.AsSpan(_have, need - _have));
            if (read <= 0) return false;
            moved = true;
            _have += read;
        }
    }

    /// <summary>A guest with too many unread replies, or too much memory in use, is not read from until that is over.</summary>
    private bool MayRead() => !Domain.WouldExceed(QuotaItem.Outstanding, 1) && !Domain.WouldExceed(QuotaItem.Memory, 0);

    private int Receive(Span<byte> destination)
    {
        uint consumer = Page.ReadWord(RingLayout.RequestConsumer);
        uint available = Page.ReadWord(RingLayout.RequestProducer) - consumer;
        if (available > RingLayout.RingSize)
        {
            Fail(RingError.Offset);
            return -1;
        }
        int count = (int)Math.Min(available, (uint)destination.Length);
        int at = (int)(consumer % RingLayout.RingSize);
        int first = Math.Min(count, RingLayout.RingSize - at);
        Page.Read(RingLayout.Requests + at, destination[..first]);
        Page.Read(RingLayout.Requests, destination[first..count]);
        if (count > 0) Page.WriteWord(RingLayout.RequestConsumer, consumer + (uint)count);
        return count;
    }

    private bool SendOutput()
    {
        OutputQueue output = Session.Output;
        bool moved = false;
        while (!output.IsEmpty)
        {
            ReadOnlySpan<byte> bytes = output.Peek();
            uint producer = Page.ReadWord(RingLayout.ReplyProducer);
            uint used = producer - Page.ReadWord(RingLayout.ReplyConsumer);
            if (used > RingLayout.RingSize)
            {
                Fail(RingError.Offset);
                return true;
            }
            int count = (int)Math.Min(RingLayout.RingSize - used, (uint)bytes.Length);
            if (count == 0) break;
            int at = (int)(producer % RingLayout.RingSize);
            int first = Math.Min(count, RingLayout.RingSize - at);
            Page.Write(RingLayout.Replies + at, bytes[..first]);
            Page.Write(RingLayout.Replies, bytes[first..count]);
            Page.WriteWord(RingLayout.ReplyProducer, producer + (uint)count);
            output.Consume(count);
            moved = true;
        }
        return moved;
    }

    /// <summary>Begins anew: no data in either direction, no watches, no transactions; then the guest may go on.</summary>
    public void Reset()
    {
        _drop(Session);
        Session.Output.Clear();
        _have = 0;
        _isHeld = false;
        Failure = RingError.None;
        foreach (int offset in (ReadOnlySpan<int>)[RingLayout.RequestConsumer, RingLayout.RequestProducer, RingLayout.ReplyConsumer, RingLayout.ReplyProducer])
            Page.WriteWord(offset, 0);
        Page.WriteWord(RingLayout.Features, (uint)Domain.Features);
        Page.WriteWord(RingLayout.Error, (uint)RingError.None);
        Page.WriteWord(RingLayout.Connection, 0);
    }

    /// <summary>Goes on with another page or signal, after INTRODUCE.</summary>
    public void Rebind(IRingPage page, Action notify)
    {
        Page = page;
        Notify = notify;
        Reset();
    }

    private void Fail(RingError error)
    {
        Failure = error;
        _state.Log?.Write($"ring of domain {Domain.Id} given up: {error}");
        if ((Domain.Features & XsFeatures.RingError) != 0) Page.WriteWord(RingLayout.Error, (uint)error);
        _drop(Session);
        Session.Output.Clear();
        _have = 0;
        Notify();
    }

    public void OutputWaits(Session session) => _again(this);

    public void InputMayContinue(Session session)
    {
        _isHeld = false;
        _again(this);
    }

    public void End(Session session, SessionEnd reason) => Fail(RingError.Communication);
}
