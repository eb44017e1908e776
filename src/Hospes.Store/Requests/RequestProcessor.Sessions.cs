using Hospes.Store.Engine;
using Hospes.Store.Quotas;
using Hospes.Store.Transactions;
using Hospes.Store.Tree;
using Hospes.Store.Wire;

namespace Hospes.Store.Requests;

/// <content>Transactions and watches.</content>
internal sealed partial class RequestProcessor
{
    private XsError TransactionStart(in Request request)
    {
        if (request.Transaction is not null) return XsError.Busy;
        DomainState domain = request.Session.Domain;
        if (domain.WouldExceed(QuotaItem.Transactions, 1))
        {
            state.Refuse(domain, QuotaItem.Transactions, default);
            return XsError.NoSpace;
        }
        Transaction transaction = transactions.Begin(request.Session);
        int length = FormatNumber(_listBuffer, transaction.Id);
        Messages.Reply(request.Output, XsMessageType.TransactionStart, request.Header, _listBuffer.AsSpan(0, length));
        return XsError.None;
    }

    private XsError TransactionEnd(in Request request, out bool held)
    {
        held = false;
        bool commit = request.Payload.SequenceEqual("T\0"u8);
        if (!commit && !request.Payload.SequenceEqual("F\0"u8)) return XsError.Invalid;
        if (request.Transaction is null) return XsError.NotFound;
        if (commit && (held = transactions.MustWait(request.Session, XsMessageType.TransactionEnd, request.Transaction, default))) return XsError.None;
        XsError error = XsError.None;
        if (commit) error = transactions.Commit(request.Transaction);
        else transactions.Abort(request.Transaction);
        if (error == XsError.None) request.Acknowledge();
        return error;
    }

    private XsError Watch(in Request request)
    {
        Session session = request.Session;
        ReadOnlySpan<byte> rest = request.Payload;
        if (!TryTakeString(ref rest, out ReadOnlySpan<byte> given) || !TryTakeString(ref rest, out ReadOnlySpan<byte> token)) return XsError.Invalid;
        int depth = -1;
        if (TryTakeString(ref rest, out ReadOnlySpan<byte> depthText))
        {
            if ((session.Domain.Features & XsFeatures.WatchDepth) == 0 || !rest.IsEmpty) return XsError.Invalid;
            if (!StorePath.TryParseNumber(depthText, out uint levels) || levels > int.MaxValue) return XsError.Invalid;
            depth = (int)levels;
        }
        if (!TryPath(session, given, true, out ReadOnlySpan<byte> path)) return XsError.Invalid;
        if (state.Watches.Contains(session, path, token)) return XsError.Exists;
        DomainState domain = session.Domain;
        if (domain.WouldExceed(QuotaItem.Watches, 1))
        {
            state.Refuse(domain, QuotaItem.Watches, path);
            return XsError.NoSpace;
        }
        if (IsOutOfMemory(domain, path.Length + token.Length, path)) return XsError.NoMemory;
        Watches.Watch watch = state.Watches.Add(session, path, token, depth, path.Length - given.Length)!;
        ChargeWatch(watch, path.Length, 1);
        request.Acknowledge();
        state.Deliver(watch, path);
        return XsError.None;
    }

    private XsError Unwatch(in Request request)
    {
        ReadOnlySpan<byte> rest = request.Payload;
        Session session = request.Session;
        if (!TryTakeString(ref rest, out ReadOnlySpan<byte> given) || !TryTakeString(ref rest, out ReadOnlySpan<byte> token)) return XsError.Invalid;
        if (!TryPath(session, given, true, out ReadOnlySpan<byte> path)) return XsError.Invalid;
        if (!state.Watches.Remove(session, path, token)) return XsError.NotFound;
        session.Domain.Add(QuotaItem.Watches, -1);
        session.Domain.Add(QuotaItem.Memory, -(path.Length + token.Length));
        request.Acknowledge();
        return XsError.None;
    }

    private XsError ResetWatches(in Request request)
    {
        DropWatches(request.Session);
        transactions.AbortAll(request.Session);
        request.Acknowledge();
        return XsError.None;
    }

    /// <summary>Drops everything that a session holds in the store.</summary>
    public void Drop(Session session)
    {
        DropWatches(session);
        transactions.AbortAll(session);
    }

    /// <summary>Removes all watches of a session and gives their quota back (XSA-330).</summary>
    private void DropWatches(Session session)
    {
        foreach (Watches.Watch watch in session.Watches.Values) ChargeWatch(watch, PathLength(watch.Point), -1);
        state.Watches.RemoveAll(session);
    }

    private static void ChargeWatch(Watches.Watch watch, int pathLength, int sign)
    {
        DomainState domain = watch.Session.Domain;
        domain.Add(QuotaItem.Watches, sign);
        domain.Add(QuotaItem.Memory, sign * (pathLength + watch.Token.Length));
    }

    private static int PathLength(Watches.WatchPoint point)
    {
        int length = 0;
        bool special = point.Name.Length > 0 && point.Name[0] == (byte)'@' && point.Parent?.Id == Watches.WatchTable.SpecialId;
        for (Watches.WatchPoint? at = point; at?.Parent is not null; at = at.Parent) length += at.Name.Length + 1;
        return special ? length - 1 : Math.Max(length, 1);
    }
}
