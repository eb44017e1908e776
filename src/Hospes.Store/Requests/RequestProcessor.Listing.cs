using Hospes.Store.Engine;
using Hospes.Store.Transactions;
using Hospes.Store.Tree;
using Hospes.Store.Wire;

namespace Hospes.Store.Requests;

/// <content>Lists of children, whole and in parts.</content>
internal sealed partial class RequestProcessor
{
    private readonly ChildLists _childLists = new(state.Tree);
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
        Tree.CopyChildNames(node, list);
        return XsError.None;
    }

    /// <summary>
    /// The reply is the node's generation, then as many names as fit, from the byte offset given; after the last name of the list an
    /// empty name.
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
        ReplyPart(request, generation, ListOf(node, generation), (int)offset);
        return XsError.None;
    }

    private ReadOnlySpan<byte> ListOf(int node, ulong generation)
    {
        int length = Tree[node].ChildrenLength;
        if (length > _listBuffer.Length) return _childLists.Get(node, generation);
        Tree.CopyChildNames(node, _listBuffer);
        return _listBuffer.AsSpan(0, length);
    }

    private void ReplyPart(in Request request, ulong generation, ReadOnlySpan<byte> list, int offset)
    {
        Span<byte> number = stackalloc byte[24];
        number = number[..FormatNumber(number, generation)];
        ReadOnlySpan<byte> names = offset < list.Length ? list[offset..] : default;
        int room = XsWire.PayloadMax - number.Length - 1;
        bool last = names.Length <= room;
        if (!last) names = names[..(names[..room].LastIndexOf((byte)0) + 1)];
        Span<byte> reply = Messages.ReplyOf(request.Output, XsMessageType.DirectoryPart, request.Header, number.Length + names.Length + (last ? 1 : 0));
        number.CopyTo(reply);
        names.CopyTo(reply[number.Length..]);
        if (last) reply[^1] = 0;
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
        ReplyPart(request, request.Transaction!.Base + (ulong)request.Transaction.Count, _wholeList.AsSpan(0, total), offset);
        return XsError.None;
    }
}
