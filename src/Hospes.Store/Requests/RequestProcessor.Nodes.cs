using System.Buffers.Text;
using Hospes.Store.Engine;
using Hospes.Store.Quotas;
using Hospes.Store.Transactions;
using Hospes.Store.Tree;
using Hospes.Store.Wire;

namespace Hospes.Store.Requests;

/// <content>Reading and changing nodes.</content>
internal sealed partial class RequestProcessor
{
    private const int PermissionsMax = 4096 / 3;

    private readonly byte[] _listBuffer = new byte[XsWire.PayloadMax];
    private readonly NodePermission[] _permissionBuffer = new NodePermission[PermissionsMax];

    private XsError Read(in Request request)
    {
        if (!TryOneString(request.Payload, out ReadOnlySpan<byte> given) || !TryPath(request.Session, given, false, out ReadOnlySpan<byte> path)) return XsError.Invalid;
        if (request.Transaction is not null) return ReadInTransaction(request, path);
        XsError error = FindForReading(request.Session, path, out int node);
        if (error != XsError.None) return error;
        Messages.Reply(request.Output, XsMessageType.Read, request.Header, Tree.ValueOf(node));
        return XsError.None;
    }

    private XsError ReadInTransaction(in Request request, ReadOnlySpan<byte> path)
    {
        XsError error = View(request, path, NodeAccess.Read, Touch.Content, out Viewed viewed);
        if (error != XsError.None) return error;
        Messages.Reply(request.Output, XsMessageType.Read, request.Header, transactions.ValueOf(request.Transaction!, viewed));
        return XsError.None;
    }

    private XsError FindForReading(Session session, ReadOnlySpan<byte> path, out int node) => Find(session, path, NodeAccess.Read, out node, out _);

    /// <summary>Finds a node in the present that the caller may use in the wanted way; on NotFound the deepest ancestor is in <paramref name="deepest"/>.</summary>
    private XsError Find(Session session, ReadOnlySpan<byte> path, NodeAccess wanted, out int node, out int deepest)
    {
        (node, deepest, _) = Tree.Locate(path);
        if (deepest == 0) deepest = StoreTree.Root;
        if (session.IsPrivileged) return node == 0 ? XsError.NotFound : XsError.None;
        NodeAccess access = StoreState.AccessOf(Tree.PermissionsOf(deepest), session.Rights);
        if (node == 0) return Hidden(access, wanted);
        return (access & wanted) == wanted ? XsError.None : XsError.AccessDenied;
    }

    /// <summary>The same inside of a transaction; notes what was seen.</summary>
    private XsError View(in Request request, ReadOnlySpan<byte> path, NodeAccess wanted, Touch touch, out Viewed viewed)
    {
        Transaction transaction = request.Transaction!;
        viewed = transactions.View(transaction, path);
        int index = transactions.Note(transaction, path, viewed, touch);
        if (index == 0) return XsError.NoSpace;
        viewed = viewed with { Index = index };
        if (viewed.Exists)
            return (StoreState.AccessOf(transactions.PermissionsOf(transaction, viewed), request.Session.Rights) & wanted) == wanted ? XsError.None : XsError.AccessDenied;
        if (request.Session.IsPrivileged) return XsError.NotFound;
        ReadOnlySpan<byte> above = path[0] == (byte)'/' ? path[..viewed.AncestorLength] : "/"u8;
        Viewed ancestor = transactions.View(transaction, above);
        if (transactions.Note(transaction, above, ancestor, Touch.Content) == 0) return XsError.NoSpace;
        return Hidden(StoreState.AccessOf(transactions.PermissionsOf(transaction, ancestor), request.Session.Rights), wanted);
    }

    private XsError Write(in Request request, out bool held)
    {
        held = false;
        ReadOnlySpan<byte> value = request.Payload;
        if (!TryTakeString(ref value, out ReadOnlySpan<byte> given) || !TryPath(request.Session, given, false, out ReadOnlySpan<byte> path)) return XsError.Invalid;
        if (held = transactions.MustWait(request.Session, XsMessageType.Write, request.Transaction, path)) return XsError.None;
        XsError error = request.Transaction is null ? WriteNow(request.Session, path, value) : WriteInTransaction(request, path, value);
        if (error == XsError.None) request.Acknowledge();
        return error;
    }

    private XsError WriteNow(Session session, ReadOnlySpan<byte> path, ReadOnlySpan<byte> value)
    {
        XsError error = Find(session, path, NodeAccess.Write, out int node, out int deepest);
        if (error == XsError.NotFound) return CreateNow(session, path, value, deepest);
        if (error != XsError.None) return error;
        if (!session.IsPrivileged)
        {
            if (IsTooLarge(session.Domain, Tree.PermissionsOf(node), value.Length, Tree[node].ChildrenLength, path)) return XsError.NoSpace;
            if (IsOutOfMemory(session.Domain, value.Length - Tree[node].ValueLength, path)) return XsError.NoMemory;
        }
        state.Write(node, path, value);
        return XsError.None;
    }

    private XsError CreateNow(Session session, ReadOnlySpan<byte> path, ReadOnlySpan<byte> value, int deepest)
    {
        PermissionSet permissions = Inherited(session, Tree.PermissionsOf(deepest));
        if (!session.IsPrivileged)
        {
            int levels = MissingLevels(path, deepest);
            if (session.Domain.WouldExceed(QuotaItem.Nodes, levels))
            {
                state.Refuse(session.Domain, QuotaItem.Nodes, path);
                return XsError.NoSpace;
            }
            if (IsTooLarge(session.Domain, permissions, value.Length, 0, path)
                || IsTooLarge(session.Domain, Tree.PermissionsOf(deepest), Tree[deepest].ValueLength, Tree[deepest].ChildrenLength + StorePath.Name(path).Length + 1, path)) return XsError.NoSpace;
            if (IsOutOfMemory(session.Domain, StoreState.SizeOf(permissions, value.Length, 0) + path.Length + (levels * 32), path)) return XsError.NoMemory;
        }
        int node = state.CreateMissing(path, value, permissions);
        state.Fire(path, node, exactOnly: false, null);
        return XsError.None;
    }

    private XsError WriteInTransaction(in Request request, ReadOnlySpan<byte> path, ReadOnlySpan<byte> value)
    {
        XsError error = View(request, path, NodeAccess.Write, Touch.Content, out Viewed viewed);
        if (error is not (XsError.None or XsError.NotFound)) return error;
        Session session = request.Session;
        if (viewed.Exists)
        {
            if (IsTooLarge(session.Domain, transactions.PermissionsOf(request.Transaction!, viewed), value.Length, viewed.BaseNode == 0 ? 0 : Tree[viewed.BaseNode].ChildrenLength, path)) return XsError.NoSpace;
            return transactions.Write(request.Transaction!, path, viewed, value);
        }
        return CreateInTransaction(request, path, viewed, value);
    }

    private XsError CreateInTransaction(in Request request, ReadOnlySpan<byte> path, in Viewed viewed, ReadOnlySpan<byte> value)
    {
        Viewed ancestor = transactions.View(request.Transaction!, path[..viewed.AncestorLength]);
        PermissionSet permissions = Inherited(request.Session, transactions.PermissionsOf(request.Transaction!, ancestor));
        if (IsTooLarge(request.Session.Domain, permissions, value.Length, 0, path)) return XsError.NoSpace;
        permissions.References++;
        XsError error = transactions.Create(request.Transaction!, path, viewed, value, permissions);
        Tree.Permissions.Release(permissions.Id);
        return error;
    }

    private XsError MakeDirectory(in Request request, out bool held)
    {
        held = false;
        if (!TryOneString(request.Payload, out ReadOnlySpan<byte> given) || !TryPath(request.Session, given, false, out ReadOnlySpan<byte> path)) return XsError.Invalid;
        if (held = transactions.MustWait(request.Session, XsMessageType.MakeDirectory, request.Transaction, path)) return XsError.None;
        XsError error;
        if (request.Transaction is null)
        {
            error = Find(request.Session, path, NodeAccess.Write, out _, out int deepest);
            if (error == XsError.NotFound) error = CreateNow(request.Session, path, default, deepest);
        }
        else
        {
            error = View(request, path, NodeAccess.Write, Touch.Content, out Viewed viewed);
            if (error == XsError.NotFound) error = CreateInTransaction(request, path, viewed, default);
        }
        if (error == XsError.None) request.Acknowledge();
        return error;
    }

    private XsError Remove(in Request request, out bool held)
    {
        held = false;
        if (!TryOneString(request.Payload, out ReadOnlySpan<byte> given) || !TryPath(request.Session, given, false, out ReadOnlySpan<byte> path)) return XsError.Invalid;
        if (held = transactions.MustWait(request.Session, XsMessageType.Remove, request.Transaction, path)) return XsError.None;
        XsError error = request.Transaction is null ? RemoveNow(request.Session, path) : RemoveInTransaction(request, path);
        if (error == XsError.None) request.Acknowledge();
        return error;
    }

    private XsError RemoveNow(Session session, ReadOnlySpan<byte> path)
    {
        XsError error = Find(session, path, NodeAccess.Write, out int node, out int deepest);
        if (error == XsError.NotFound) return IsDirectParent(path, deepest) ? XsError.None : XsError.NotFound;
        if (error != XsError.None) return error;
        if (node == StoreTree.Root) return XsError.Invalid;
        state.Remove(node, path);
        return XsError.None;
    }

    private XsError RemoveInTransaction(in Request request, ReadOnlySpan<byte> path)
    {
        XsError error = View(request, path, NodeAccess.Write, Touch.Content, out Viewed viewed);
        if (error == XsError.NotFound) return viewed.AncestorLength == StorePath.Parent(path).Length ? XsError.None : XsError.NotFound;
        if (error != XsError.None) return error;
        return path.Length == 1 ? XsError.Invalid : transactions.Remove(request.Transaction!, path, viewed);
    }

    private XsError GetPermissions(in Request request)
    {
        if (!TryOneString(request.Payload, out ReadOnlySpan<byte> given) || !TryPath(request.Session, given, true, out ReadOnlySpan<byte> path)) return XsError.Invalid;
        XsError error;
        PermissionSet permissions;
        if (request.Transaction is null)
        {
            error = FindForReading(request.Session, path, out int node);
            permissions = Tree.PermissionsOf(node == 0 ? StoreTree.Root : node);
        }
        else
        {
            error = View(request, path, NodeAccess.Read, Touch.Content, out Viewed viewed);
            permissions = error == XsError.None ? transactions.PermissionsOf(request.Transaction, viewed) : Tree.PermissionsOf(StoreTree.Root);
        }
        if (error != XsError.None) return error;
        int length = 0;
        foreach (NodePermission entry in permissions.Entries)
        {
            if (length + NodePermission.TextMax > _listBuffer.Length) return XsError.TooBig;
            length += entry.Format(_listBuffer.AsSpan(length));
        }
        Messages.Reply(request.Output, XsMessageType.GetPermissions, request.Header, _listBuffer.AsSpan(0, length));
        return XsError.None;
    }

    private XsError SetPermissions(in Request request, out bool held)
    {
        held = false;
        ReadOnlySpan<byte> rest = request.Payload;
        Session session = request.Session;
        if (!TryTakeString(ref rest, out ReadOnlySpan<byte> given)) return XsError.Invalid;
        int count = 0;
        while (TryTakeString(ref rest, out ReadOnlySpan<byte> text))
        {
            if (count == PermissionsMax || !NodePermission.TryParse(text, out NodePermission entry)) return XsError.Invalid;
            bool ignored = entry.Domain == XsWire.DomainAny ? (session.Domain.Features & XsFeatures.DomainAny) == 0 : !host.MayExist(entry.Domain);
            _permissionBuffer[count++] = entry with { Ignored = ignored };
        }
        if (count == 0) return XsError.Invalid;
        if (session.Domain.Exceeds(QuotaItem.NodePermissions, count))
        {
            state.Refuse(session.Domain, QuotaItem.NodePermissions, given);
            return XsError.NoSpace;
        }
        if (_permissionBuffer[0].Ignored) return XsError.NotFound;
        if (!TryPath(session, given, true, out ReadOnlySpan<byte> path)) return XsError.Invalid;
        if (held = transactions.MustWait(session, XsMessageType.SetPermissions, request.Transaction, path)) return XsError.None;

        const NodeAccess wanted = NodeAccess.Write | NodeAccess.Owner;
        XsError error;
        Viewed viewed = default;
        int node = 0;
        if (request.Transaction is null) error = Find(session, path, wanted, out node, out _);
        else error = View(request, path, wanted, Touch.Content, out viewed);
        if (error != XsError.None) return error;
        PermissionSet old = request.Transaction is null ? Tree.PermissionsOf(node) : transactions.PermissionsOf(request.Transaction, viewed);
        if (!session.IsPrivileged && _permissionBuffer[0].Domain != old.Owner) return XsError.NotPermitted;
        PermissionSet permissions = Tree.Permissions.Intern(_permissionBuffer.AsSpan(0, count));
        permissions.References++;
        if (request.Transaction is not null) error = transactions.SetPermissions(request.Transaction, path, viewed, permissions);
        else if (!session.IsPrivileged && IsTooLarge(session.Domain, permissions, Tree[node].ValueLength, Tree[node].ChildrenLength, path)) error = XsError.NoSpace;
        else state.SetPermissions(node, path, permissions);
        Tree.Permissions.Release(permissions.Id);
        if (error == XsError.None) request.Acknowledge();
        return error;
    }

    private PermissionSet Inherited(Session session, PermissionSet parent) =>
        session.IsPrivileged ? parent : Tree.Permissions.WithOwner(parent, session.Domain.Id);

    private bool IsTooLarge(DomainState domain, PermissionSet permissions, int valueLength, int childrenLength, ReadOnlySpan<byte> path)
    {
        int size = StoreState.SizeOf(permissions, valueLength, childrenLength);
        domain.Note(QuotaItem.NodeSize, size);
        if (!domain.Exceeds(QuotaItem.NodeSize, size)) return false;
        state.Refuse(domain, QuotaItem.NodeSize, path);
        return true;
    }

    private bool IsOutOfMemory(DomainState domain, long amount, ReadOnlySpan<byte> path)
    {
        if (amount <= 0 || !domain.WouldExceed(QuotaItem.Memory, amount)) return false;
        state.Refuse(domain, QuotaItem.Memory, path);
        return true;
    }

    private int MissingLevels(ReadOnlySpan<byte> path, int deepest)
    {
        int have = 0;
        for (int node = deepest; node != StoreTree.Root && node != 0; node = Tree[node].Parent) have++;
        return path.Count((byte)'/') - have;
    }

    private bool IsDirectParent(ReadOnlySpan<byte> path, int deepest) => MissingLevels(path, deepest) == 1;

    private static int FormatNumber(Span<byte> at, ulong value)
    {
        Utf8Formatter.TryFormat(value, at, out int digits);
        at[digits] = 0;
        return digits + 1;
    }
}
