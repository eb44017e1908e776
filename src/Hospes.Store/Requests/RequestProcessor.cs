using System.Text;
using Hospes.Store.Engine;
using Hospes.Store.Quotas;
using Hospes.Store.Transactions;
using Hospes.Store.Tree;
using Hospes.Store.Wire;

namespace Hospes.Store.Requests;

/// <summary>What became of a request.</summary>
internal enum RequestOutcome
{
    /// <summary>It was carried out or refused, and the reply is queued.</summary>
    Answered,
    /// <summary>It must wait (see TransactionManager, starvation); give it again later, unchanged.</summary>
    Held,
}

/// <summary>One request while it is carried out.</summary>
internal readonly ref struct Request
{
    public required Session Session { get; init; }

    public required XsHeader Header { get; init; }

    public required ReadOnlySpan<byte> Payload { get; init; }

    public Transaction? Transaction { get; init; }

    public OutputQueue Output => Session.Output;

    public XsMessageType Type => (XsMessageType)Header.Type;

    public void Acknowledge() => Messages.Reply(Output, Type, Header, "OK\0"u8);
}

/// <summary>
/// Turns requests into replies. Never throws for anything that a client sends; the one place where an <see cref="XsError"/> becomes
/// bytes. Belongs to the store's thread.
/// </summary>
internal sealed partial class RequestProcessor(StoreState state, TransactionManager transactions, IDomainHost host)
{
    private readonly byte[] _pathBuffer = new byte[XsWire.PayloadMax + 64];

    private StoreTree Tree => state.Tree;

    /// <summary>Carries out one request.</summary>
    /// <param name="session">Who asks.</param>
    /// <param name="header">The request's header; its length is that of the payload and at most the protocol's limit.</param>
    /// <param name="payload">The payload; not kept.</param>
    public RequestOutcome Process(Session session, in XsHeader header, ReadOnlySpan<byte> payload)
    {
        XsError error = XsError.None;
        bool held = false;
        if (!IsKnown(header.Type)) error = XsError.NotSupported;
        else
        {
            var type = (XsMessageType)header.Type;
            if (!session.IsPrivileged && NeedsPrivilege(type)) error = XsError.AccessDenied;
            else if (session.IsReadOnly && Changes(type)) error = XsError.ReadOnly;
            else
            {
                Transaction? transaction = null;
                if (header.TransactionId != 0 && type is not (XsMessageType.Watch or XsMessageType.Unwatch)
                    && !session.Transactions.TryGetValue(header.TransactionId, out transaction)) error = XsError.NotFound;
                else error = Dispatch(new Request { Session = session, Header = header, Payload = payload, Transaction = transaction }, out held);
            }
        }
        if (held) return RequestOutcome.Held;
        if (error != XsError.None) Refuse(session, header, error);
        if (state.TracesRequests) Trace(session, header, payload, error);
        return RequestOutcome.Answered;
    }

    private XsError Dispatch(in Request request, out bool held)
    {
        held = false;
        switch (request.Type)
        {
            case XsMessageType.Read: return Read(request);
            case XsMessageType.Write: return Write(request, out held);
            case XsMessageType.Directory: return Directory(request);
            case XsMessageType.DirectoryPart: return DirectoryPart(request);
            case XsMessageType.GetPermissions: return GetPermissions(request);
            case XsMessageType.MakeDirectory: return MakeDirectory(request, out held);
            case XsMessageType.Remove: return Remove(request, out held);
            case XsMessageType.SetPermissions: return SetPermissions(request, out held);
            case XsMessageType.TransactionStart: return TransactionStart(request);
            case XsMessageType.TransactionEnd: return TransactionEnd(request, out held);
            case XsMessageType.Watch: return Watch(request);
            case XsMessageType.Unwatch: return Unwatch(request);
            case XsMessageType.ResetWatches: return ResetWatches(request);
            case XsMessageType.Introduce: return Introduce(request);
            case XsMessageType.Release: return Release(request);
            case XsMessageType.GetDomainPath: return GetDomainPath(request);
            case XsMessageType.IsDomainIntroduced: return IsDomainIntroduced(request);
            case XsMessageType.Resume: return Resume(request);
            case XsMessageType.SetTarget: return SetTarget(request);
            case XsMessageType.GetFeature: return GetFeature(request);
            case XsMessageType.SetFeature: return SetFeature(request);
            case XsMessageType.GetQuota: return GetQuota(request);
            case XsMessageType.SetQuota: return SetQuota(request);
            case XsMessageType.Control: return Control(request);
            default: return XsError.NotSupported;
        }
    }

    private static bool IsKnown(uint type) =>
        type < XsWire.TypeCount && (XsMessageType)type is not (XsMessageType.WatchEvent or XsMessageType.Error or XsMessageType.Restrict);

    private static bool NeedsPrivilege(XsMessageType type) => type is XsMessageType.Control or XsMessageType.Introduce or XsMessageType.Release
        or XsMessageType.IsDomainIntroduced or XsMessageType.Resume or XsMessageType.SetTarget or XsMessageType.SetFeature
        or XsMessageType.GetQuota or XsMessageType.SetQuota;

    private static bool Changes(XsMessageType type) => type is XsMessageType.Write or XsMessageType.MakeDirectory or XsMessageType.Remove
        or XsMessageType.SetPermissions or XsMessageType.Introduce or XsMessageType.Release or XsMessageType.Resume or XsMessageType.SetTarget
        or XsMessageType.SetFeature or XsMessageType.SetQuota or XsMessageType.Control;

    private static void Refuse(Session session, in XsHeader header, XsError error)
    {
        ReadOnlySpan<byte> name = XsErrorNames.ToWire(error);
        Span<byte> reply = Messages.ReplyOf(session.Output, XsMessageType.Error, header, name.Length + 1);
        name.CopyTo(reply);
        reply[^1] = 0;
    }

    private void Trace(Session session, in XsHeader header, ReadOnlySpan<byte> payload, XsError error) =>
        state.Log?.Write($"domain {session.Domain.Id} tx {header.TransactionId} {(XsMessageType)header.Type} "
            + $"{Encoding.Latin1.GetString(payload[..Math.Min(payload.Length, 200)]).Replace('\0', ' ').TrimEnd()} -> {error}");

    /// <summary>The payload's one string, which must take up all of it with its nul.</summary>
    private static bool TryOneString(ReadOnlySpan<byte> payload, out ReadOnlySpan<byte> text)
    {
        int nul = payload.IndexOf((byte)0);
        text = nul < 0 ? default : payload[..nul];
        return nul >= 0 && nul == payload.Length - 1;
    }

    /// <summary>Takes one string with its nul off the front of the payload.</summary>
    private static bool TryTakeString(ref ReadOnlySpan<byte> payload, out ReadOnlySpan<byte> text)
    {
        int nul = payload.IndexOf((byte)0);
        if (nul < 0)
        {
            text = default;
            return false;
        }
        text = payload[..nul];
        payload = payload[(nul + 1)..];
        return true;
    }

    /// <summary>
    /// Checks a path as a client gave it, and makes a relative one absolute. The result stands in the request or in a buffer that the
    /// next call uses again.
    /// </summary>
    private bool TryPath(Session session, ReadOnlySpan<byte> given, bool allowSpecial, out ReadOnlySpan<byte> path)
    {
        path = given;
        if (!StorePath.IsWellFormed(given)) return false;
        if (given[0] == (byte)'@')
        {
            if (!allowSpecial || given.Length > XsWire.RelativePathMax) return false;
        }
        else if (given[0] != (byte)'/')
        {
            ReadOnlySpan<byte> start = session.Domain.BasePath;
            if (given.Length > XsWire.RelativePathMax) return false;
            start.CopyTo(_pathBuffer);
            _pathBuffer[start.Length] = (byte)'/';
            given.CopyTo(_pathBuffer.AsSpan(start.Length + 1));
            path = _pathBuffer.AsSpan(0, start.Length + 1 + given.Length);
        }
        if (path.Length > XsWire.AbsolutePathMax) return false;
        return session.IsPrivileged || !session.Domain.Exceeds(QuotaItem.PathLength, StorePath.CountedLength(path));
    }

    /// <summary>
    /// The error for a node that the caller may not have. That it does not exist is told only to who could use the deepest ancestor that
    /// does exist (xenstore's rule that errors tell nothing about what is hidden).
    /// </summary>
    private static XsError Hidden(NodeAccess ofAncestor, NodeAccess wanted) => (ofAncestor & wanted) != 0 ? XsError.NotFound : XsError.AccessDenied;
}
