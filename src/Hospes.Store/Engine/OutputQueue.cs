using Hospes.Store.Quotas;
using Hospes.Store.Wire;

namespace Hospes.Store.Engine;

/// <summary>Blocks of bytes that output queues borrow, so that an idle connection holds none and a busy one allocates none.</summary>
internal sealed class SegmentPool
{
    /// <summary>Bytes of a segment: some messages of the largest size, or hundreds of usual ones.</summary>
    public const int SegmentSize = 16 * 1024;

    private const int KeptMax = 1024;

    private readonly Stack<Segment> _free = new();

    public Segment Rent() => _free.TryPop(out Segment? segment) ? segment : new Segment();

    public void Return(Segment segment)
    {
        segment.Start = segment.End = 0;
        segment.Next = null;
        if (_free.Count < KeptMax) _free.Push(segment);
    }
}

internal sealed class Segment
{
    public byte[] Bytes { get; } = GC.AllocateUninitializedArray<byte>(SegmentPool.SegmentSize);

    public int Start;
    public int End;
    public Segment? Next;
}

/// <summary>
/// Messages on their way to one client, in order. For a client with limits every message is known by its length, so that memory and
/// unread events are counted, and events that were left unread for too long can be taken out.
/// </summary>
internal sealed class OutputQueue(SegmentPool pool, DomainState? charged)
{
    private readonly record struct Mark(int Length, bool IsEvent, long Deadline);

    private readonly Queue<Mark>? _marks = charged is null ? null : new Queue<Mark>();
    private Segment? _first;
    private Segment? _last;
    private int _sentOfFirst;

    /// <summary>Bytes that wait.</summary>
    public long Length { get; private set; }

    public bool IsEmpty => Length == 0;

    /// <summary>Room for one whole message, appended to the queue; the caller fills it at once.</summary>
    public Span<byte> Append(int length, bool isEvent = false, long deadline = long.MaxValue)
    {
        Segment? last = _last;
        if (last is null || SegmentPool.SegmentSize - last.End < length)
        {
            Segment segment = pool.Rent();
            if (last is null) _first = segment;
            else last.Next = segment;
            _last = last = segment;
        }
        Span<byte> room = last.Bytes.AsSpan(last.End, length);
        last.End += length;
        Length += length;
        if (_marks is not null)
        {
            _marks.Enqueue(new Mark(length, isEvent, deadline));
            charged!.Add(QuotaItem.Memory, length);
            charged.Add(isEvent ? QuotaItem.UnreadEvents : QuotaItem.Outstanding, 1);
        }
        return room;
    }

    /// <summary>Bytes that can be sent in one go.</summary>
    public ReadOnlySpan<byte> Peek() => _first is null ? default : _first.Bytes.AsSpan(_first.Start, _first.End - _first.Start);

    /// <summary>Takes bytes off the front.</summary>
    public void Consume(int count)
    {
        Length -= count;
        if (_marks is not null) ConsumeMarks(count);
        while (count > 0)
        {
            Segment first = _first!;
            int here = Math.Min(count, first.End - first.Start);
            first.Start += here;
            count -= here;
            if (first.Start < first.End) return;
            _first = first.Next;
            if (_first is null) _last = null;
            pool.Return(first);
        }
    }

    public void Clear()
    {
        while (Length > 0) Consume((int)Math.Min(Length, int.MaxValue));
    }

    /// <summary>Copies what waits.</summary>
    public byte[] ToArray()
    {
        var bytes = new byte[Length];
        int at = 0;
        for (Segment? segment = _first; segment is not null; segment = segment.Next)
        {
            segment.Bytes.AsSpan(segment.Start, segment.End - segment.Start).CopyTo(bytes.AsSpan(at));
            at += segment.End - segment.Start;
        }
        return bytes;
    }

    /// <summary>Bytes of a message at the front of which a part was sent already.</summary>
    public int RestOfPartlySent => _sentOfFirst == 0 || _marks is null ? 0 : _marks.Peek().Length - _sentOfFirst;

    /// <summary>Drops events whose time is over, except one that is partly sent; gives how many.</summary>
    public int DropExpiredEvents(long now)
    {
        if (_marks is null || !_marks.Any(mark => mark.Deadline <= now)) return 0;
        byte[] bytes = ToArray();
        Mark[] marks = [.. _marks];
        int sent = _sentOfFirst;
        _sentOfFirst = 0;
        _marks.Clear();
        foreach (Mark mark in marks)
        {
            charged!.Add(QuotaItem.Memory, -mark.Length);
            charged.Add(mark.IsEvent ? QuotaItem.UnreadEvents : QuotaItem.Outstanding, -1);
        }
        ReleaseSegments();
        int at = 0, dropped = 0;
        for (int i = 0; i < marks.Length; i++)
        {
            Mark mark = marks[i];
            int rest = i == 0 ? mark.Length - sent : mark.Length;
            if (mark.Deadline <= now && (i != 0 || sent == 0)) dropped++;
            else
            {
                bytes.AsSpan(at, rest).CopyTo(Append(mark.Length, mark.IsEvent, mark.Deadline)[(mark.Length - rest)..]);
                if (i == 0 && sent != 0)
                {
                    _first!.Start += sent;
                    Length -= sent;
                    _sentOfFirst = sent;
                }
            }
            at += rest;
        }
        return dropped;
    }

    private void ReleaseSegments()
    {
        for (Segment? segment = _first; segment is not null;)
        {
            Segment? next = segment.Next;
            pool.Return(segment);
            segment = next;
        }
        _first = _last = null;
        Length = 0;
    }

    private void ConsumeMarks(int count)
    {
        _sentOfFirst += count;
        while (_marks!.TryPeek(out Mark mark) && _sentOfFirst >= mark.Length)
        {
            _sentOfFirst -= mark.Length;
            _marks.Dequeue();
            charged!.Add(QuotaItem.Memory, -mark.Length);
            charged.Add(mark.IsEvent ? QuotaItem.UnreadEvents : QuotaItem.Outstanding, -1);
        }
    }
}

/// <summary>Puts whole messages into an output queue.</summary>
internal static class Messages
{
    public static void Reply(OutputQueue output, XsMessageType type, in XsHeader request, ReadOnlySpan<byte> payload)
    {
        Span<byte> message = output.Append(XsWire.HeaderSize + payload.Length);
        XsWire.WriteHeader(message, type, request.RequestId, request.TransactionId, payload.Length);
        payload.CopyTo(message[XsWire.HeaderSize..]);
    }

    /// <summary>Room for a reply's payload of a known length.</summary>
    public static Span<byte> ReplyOf(OutputQueue output, XsMessageType type, in XsHeader request, int length)
    {
        Span<byte> message = output.Append(XsWire.HeaderSize + length);
        XsWire.WriteHeader(message, type, request.RequestId, request.TransactionId, length);
        return message[XsWire.HeaderSize..];
    }

    public static void Event(OutputQueue output, ReadOnlySpan<byte> path, ReadOnlySpan<byte> token, long deadline)
    {
        int length = path.Length + token.Length + 2;
        Span<byte> message = output.Append(XsWire.HeaderSize + length, isEvent: true, deadline);
        XsWire.WriteHeader(message, XsMessageType.WatchEvent, 0, 0, length);
        message = message[XsWire.HeaderSize..];
        path.CopyTo(message);
        message[path.Length] = 0;
        token.CopyTo(message[(path.Length + 1)..]);
        message[^1] = 0;
    }
}
