using Hospes.Store.Engine;
using Hospes.Store.Native;
using Hospes.Store.Quotas;
using Hospes.Store.Requests;
using Hospes.Store.Tree;
using Hospes.Store.Wire;

namespace Hospes.Store.Server;

/// <summary>
/// One client at a Unix socket. Holds an input buffer only while a part of a message, or requests beyond its share of this round, wait.
/// </summary>
internal sealed class SocketConnection : ISessionCarrier
{
    /// <summary>Replies that may wait before no more requests are read from the client.</summary>
    private const long OutputWaitMax = 1024 * 1024;

    private readonly StoreLoop _loop;
    private byte[]? _input;
    private int _start;
    private int _end;
    private int _watched = Linux.EventIn;

    /// <summary>Requests wait because the client does not read its replies.</summary>
    private bool _isStalled;

    public SocketConnection(StoreLoop loop, int descriptor, DomainState domain, bool isReadOnly)
    {
        _loop = loop;
        Descriptor = descriptor;
        Session = new Session(domain, this, loop.State.Segments, isReadOnly);
    }

    public int Descriptor { get; }

    public Session Session { get; }

    public bool IsClosed { get; private set; }

    /// <summary>In the loop's list of connections with output.</summary>
    public bool IsDirty { get; set; }

    /// <summary>In the loop's list of connections with requests left over, or of those that flood.</summary>
    public bool IsReady { get; set; }

    /// <summary>Had more requests than its share, and has not run out of them since. Such a connection is not waited for, but looked at when the floods' budget allows.</summary>
    public bool IsFlooding { get; private set; }

    /// <summary>Bytes read but not carried out, for a successor.</summary>
    public ReadOnlySpan<byte> Unprocessed => _input is null ? default : _input.AsSpan(_start, _end - _start);

    public void OutputWaits(Session session) => _loop.MarkDirty(this);

    public void InputMayContinue(Session session) => _loop.MarkReady(this);

    public void End(Session session, SessionEnd reason)
    {
        _loop.State.Log?.Write($"connection of domain {Session.Domain.Id} ended: {reason}");
        Close();
    }

    public void Close()
    {
        if (IsClosed) return;
        IsClosed = true;
        _loop.Closing(this);
    }

    /// <summary>Frees what the connection holds and closes its descriptor.</summary>
    public void Dispose()
    {
        ReturnInput();
        Session.MarkEnded();
        Linux.Unwatch(_loop.Epoll, Descriptor);
        Linux.Close(Descriptor);
    }

    public void Adopt(ReadOnlySpan<byte> unprocessed)
    {
        if (unprocessed.IsEmpty) return;
        Keep(unprocessed);
        _loop.MarkReady(this);
    }

    /// <summary>Reads once and carries out what arrived, up to the connection's share of requests.</summary>
    public void OnReadable(int share)
    {
        if (IsClosed || Session.IsHeld) return;
        int left = share;
        if (!ReceiveAndProcess(ref left)) return;
        // A client that sends header and payload apart (libxenstore does) is usually just about to send the payload.
        if (_input is not null && left == share && !IsClosed) ReceiveAndProcess(ref left);
    }

    /// <summary>Carries out requests that were read in an earlier round; for a connection that floods, also what has come since.</summary>
    public void OnReady(int share)
    {
        IsReady = false;
        if (!MayGoOn) return;
        int left = share;
        if (_input is not null) ProcessKept(ref left);
        if (IsFlooding && left == share && MayGoOn) IsFlooding = ReceiveAndProcess(ref left);
        if (IsFlooding && MayGoOn) _loop.MarkReady(this);
        if (!IsClosed) UpdateInterest();
    }

    private bool MayGoOn => !IsClosed && !Session.IsHeld && !_isStalled;

    private void ProcessKept(ref int share)
    {
        _start += Process(_input.AsSpan(_start, _end - _start), ref share);
        if (_start == _end) ReturnInput();
    }

    private bool ReceiveAndProcess(ref int share)
    {
        if (_input is null)
        {
            Span<byte> shared = _loop.ReceiveBuffer;
            int received = Linux.Receive(Descriptor, shared);
            if (!Check(received)) return false;
            int used = Process(shared[..received], ref share);
            if (used < received && !IsClosed) Keep(shared[used..received]);
        }
        else
        {
            if (_end == _input.Length)
            {
                _input.AsSpan(_start, _end - _start).CopyTo(_input);
                _end -= _start;
                _start = 0;
            }
            if (_end == _input.Length) return false;
            int received = Linux.Receive(Descriptor, _input.AsSpan(_end));
            if (!Check(received)) return false;
            _end += received;
            ProcessKept(ref share);
        }
        if (!IsClosed) UpdateInterest();
        return true;
    }

    private bool Check(int received)
    {
        if (received > 0) return true;
        if (received == 0 || Linux.LastError is not (Linux.TryAgain or Linux.Interrupted)) Close();
        return false;
    }

    /// <summary>Carries out whole messages from the front of the bytes; gives the bytes used.</summary>
    private int Process(ReadOnlySpan<byte> bytes, ref int share)
    {
        int used = 0;
        LookupAhead ahead = _loop.State.Tree.Ahead;
        int prepared = ahead.IsWorthwhile ? 0 : int.MaxValue;
        while (bytes.Length - used >= XsWire.HeaderSize)
        {
            XsHeader header = XsHeader.Read(bytes[used..]);
            if (header.Length > XsWire.PayloadMax)
            {
                Session.End(SessionEnd.PayloadTooLong);
                return bytes.Length;
            }
            int length = XsWire.HeaderSize + (int)header.Length;
            if (bytes.Length - used < length) break;
            if (share <= 0 || Session.Output.Length > OutputWaitMax)
            {
                if (share > 0)
                {
                    _isStalled = true;
                    break;
                }
                IsFlooding = true;
                _loop.MarkReady(this);
                break;
            }
            if (used >= prepared && share > 1) prepared = RequestsAhead.Prepare(ahead, bytes, used);
            if (_loop.Process(Session, header, bytes.Slice(used + XsWire.HeaderSize, (int)header.Length)) == RequestOutcome.Held) break;
            used += length;
            share -= ShareOf((XsMessageType)header.Type);
            if (IsClosed) return bytes.Length;
        }
        if (!Session.Output.IsEmpty) _loop.MarkDirty(this);
        return used;
    }

    /// <summary>What a request counts in the connection's share: one that makes the store hold something costs more than it takes to carry out.</summary>
    private static int ShareOf(XsMessageType type) => type is XsMessageType.Watch or XsMessageType.TransactionStart or XsMessageType.Control ? 4 : 1;

    /// <summary>Sends what waits, as far as the socket takes it.</summary>
    public void Flush()
    {
        OutputQueue output = Session.Output;
        while (!output.IsEmpty)
        {
            ReadOnlySpan<byte> bytes = output.Peek();
            int sent = Linux.Send(Descriptor, bytes);
            if (sent < 0)
            {
                if (Linux.LastError is Linux.TryAgain or Linux.Interrupted) break;
                Close();
                return;
            }
            output.Consume(sent);
            if (sent < bytes.Length) break;
        }
        if (_isStalled && output.Length <= OutputWaitMax)
        {
            _isStalled = false;
            _loop.MarkReady(this);
        }
        UpdateInterest();
    }

    private void UpdateInterest()
    {
        bool full = _input is not null && _end - _start >= _input.Length - XsWire.HeaderSize;
        bool reads = !Session.IsHeld && !IsReady && !IsFlooding && !full && Session.Output.Length <= OutputWaitMax;
        int wanted = (reads ? Linux.EventIn : 0) | (Session.Output.IsEmpty ? 0 : Linux.EventOut);
        // A connection whose output is flushed at the end of this round needs no notice of room.
        if (IsDirty) wanted = (wanted & Linux.EventIn) | (_watched & Linux.EventOut);
        if (wanted == _watched) return;
        _watched = wanted;
        Linux.Rewatch(_loop.Epoll, Descriptor, wanted);
    }

    private void Keep(ReadOnlySpan<byte> rest)
    {
        _input = _loop.RentInput(rest.Length);
        rest.CopyTo(_input);
        _start = 0;
        _end = rest.Length;
        UpdateInterest();
    }

    private void ReturnInput()
    {
        if (_input is null) return;
        _loop.ReturnInput(_input);
        _input = null;
        _start = _end = 0;
    }
}
