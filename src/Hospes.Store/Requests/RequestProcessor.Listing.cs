using Hospes.Store.Engine;
using Hospes.Store.Transactions;
using Hospes.Store.Tree;
using Hospes.Store.Wire;

namespace Hospes.Store.Requests;

/// <content>Lists of children, whole and in parts.</content>
internal sealed partial class RequestProcessor
{
    private byte[] _wholeList = [];

    private XsError Directory(in Request request)
    {
        if (!TryOneString(request.Payload, out ReadOnlySpan<byte> given) || !TryPath(request.Session, given, false, out ReadOnlySpan<byte> path)) return XsError.Invalid;
        if (request.Transaction is not null)
        {
            XsError seen = View(request, path, NodeAccess.Read, Touch.Content | Touch.Children, out Viewed viewed);
            if (seen != XsError.None) return seen;
            int total = transactions.ListChildren(request.Transaction, path, viewed, _listBuffer);
            if (total > XsWire.PayloadMax) return XsError.TooBig;
            Messages.Reply(request.Output, XsMessageType.Directory, request.Header, _listBuffer.AsSpan(0, total));
            return XsError.None;
        }
        XsError error = FindForReading(request.Session, path, out int node);
        if (error != XsError.None) return error;
        int length = Tree[node].ChildrenLength;
        if (length > XsWire.PayloadMax) return XsError.TooBig;
        Span<byte> list = Messages.ReplyOf(request.Output, XsMessageType.Directory, request.Header, length);
        for (int child = Tree[node].FirstChild; child != 0; child = Tree[child].NextSibling)
        {
            if (Tree[child].IsRemoved) continue;
            ReadOnlySpan<byte> name = Tree.NameOf(child);
            name.CopyTo(list);
            list[name.Length] = 0;
            list = list[(name.Length + 1)..];
        }
        return XsError.None;
    }

    /// <summary>
    /// The reply is the node's generation, then as many names as fit, from the byte offset given; after the last name of the list an
    /// empty name. The place where a part ends is remembered, so that reading a long list to its end walks it once.
    /// </summary>
    private XsError DirectoryPart(in Request request)
    {
        ReadOnlySpan<byte> rest = request.Payload;
        if (!TryTakeString(ref rest, out ReadOnlySpan<byte> given) || !TryTakeString(ref rest, out ReadOnlySpan<byte> number) || !rest.IsEmpty) return XsError.Invalid;
        if (!TryPath(request.Session, given, false, out ReadOnlySpan<byte> path)) return XsError.Invalid;
        if (!StorePath.TryParseNumber(number, out uint offset) || offset > int.MaxValue) return XsError.Invalid;
        if (request.Transaction is not null) return DirectoryPartInTransaction(request, path, (int)offset);
        XsError error = FindForReading(request.Session, path, out int node);
        if (error != XsError.None) return error;

        ulong generation = Math.Max(Tree[node].Generation, Tree[node].ChildGeneration);
        int start = FormatNumber(_listBuffer, generation);
        int room = XsWire.PayloadMax - start - 1;
        int length = start;
        if (offset >= (uint)Tree[node].ChildrenLength)
        {
            _listBuffer[length++] = 0;
            Messages.Reply(request.Output, XsMessageType.DirectoryPart, request.Header, _listBuffer.AsSpan(0, length));
            return XsError.None;
        }
        (int child, int at) = Seek(request.Session, node, generation, (int)offset);
        int skip = (int)offset - at;
        while (child != 0)
        {
            ReadOnlySpan<byte> name = Tree.NameOf(child)[skip..];
            if (length - start + name.Length + 1 > room) break;
            name.CopyTo(_listBuffer.AsSpan(length));
            length += name.Length;
            _listBuffer[length++] = 0;
            at += skip + name.Length + 1;
            skip = 0;
            child = Tree.SkipRemoved(Tree[child].NextSibling);
        }
        request.Session.Cursor = new ListingCursor(node, generation, at, child);
        if (child == 0) _listBuffer[length++] = 0;
        Messages.Reply(request.Output, XsMessageType.DirectoryPart, request.Header, _listBuffer.AsSpan(0, length));
        return XsError.None;
    }

    /// <summary>The child whose name holds the byte at the offset, and where that name begins.</summary>
    private (int Child, int At) Seek(Session session, int node, ulong generation, int offset)
    {
        ListingCursor cursor = session.Cursor;
        if (cursor.Node == node && cursor.Generation == generation && cursor.Offset == offset && cursor.Child != 0) return (cursor.Child, offset);
        int at = 0;
        int child = Tree.SkipRemoved(Tree[node].FirstChild);
        while (child != 0 && at + Tree[child].NameLength + 1 <= offset)
        {
            at += Tree[child].NameLength + 1;
            child = Tree.SkipRemoved(Tree[child].NextSibling);
        }
        return (child, at);
    }

    private XsError DirectoryPartInTransaction(in Request request, ReadOnlySpan<byte> path, int offset)
    {
        XsError error = View(request, path, NodeAccess.Read, Touch.Content | Touch.Children, out Viewed viewed);
        if (error != XsError.None) return error;
        int total = transactions.ListChildren(request.Transaction!, path, viewed, _wholeList);
        if (total > _wholeList.Length)
        {
            _wholeList = new byte[total * 2];
            transactions.ListChildren(request.Transaction!, path, viewed, _wholeList);
        }
        int start = FormatNumber(_listBuffer, request.Transaction!.Base + (ulong)request.Transaction.Count);
        int length = start;
        if (offset < total)
        {
            ReadOnlySpan<byte> list = _wholeList.AsSpan(offset, total - offset);
            int room = XsWire.PayloadMax - start - 1;
            int fits = list.Length <= room ? list.Length : list[..room].LastIndexOf((byte)0) + 1;
            list[..fits].CopyTo(_listBuffer.AsSpan(start));
            length += fits;
            if (fits < list.Length)
            {
                Messages.Reply(request.Output, XsMessageType.DirectoryPart, request.Header, _listBuffer.AsSpan(0, length));
                return XsError.None;
            }
        }
        _listBuffer[length++] = 0;
        Messages.Reply(request.Output, XsMessageType.DirectoryPart, request.Header, _listBuffer.AsSpan(0, length));
        return XsError.None;
    }
}
