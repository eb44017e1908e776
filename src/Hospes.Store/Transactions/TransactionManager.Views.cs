using Hospes.Store.Engine;
using Hospes.Store.Quotas;
using Hospes.Store.Tree;
using Hospes.Store.Wire;

namespace Hospes.Store.Transactions;

/// <summary>Where a path leads inside of a transaction.</summary>
/// <param name="Exists">The path exists, as the transaction sees it.</param>
/// <param name="Index">The touched path; 0 when the transaction has not touched it.</param>
/// <param name="BaseNode">The snapshot's node behind it; 0 when there is none or when it was removed in the transaction.</param>
/// <param name="AncestorLength">Length of the path, or when it does not exist, of its deepest ancestor that exists.</param>
internal readonly record struct Viewed(bool Exists, int Index, int BaseNode, int AncestorLength);

/// <content>What a transaction sees, and what it changes for itself.</content>
internal sealed partial class TransactionManager
{
    private readonly byte[] _childPath = new byte[XsWire.PayloadMax * 2];

    public Viewed View(Transaction transaction, ReadOnlySpan<byte> path)
    {
        if (transaction.Count == 0 || path[0] != (byte)'/')
        {
            int known = transaction.Find(path);
            if (known != 0) return new Viewed(!IsGone(transaction, known), known, BaseOf(transaction, known), path.Length);
            Located at = Tree.LocateAt(path, transaction.Base);
            return new Viewed(at.Node != 0, 0, at.Node, at.Node != 0 ? path.Length : AncestorLength(at.Rest));
        }
        int node = StoreTree.Root;
        int end = 1;
        int index = transaction.Find(path[..1]);
        bool exists = true;
        while (end < path.Length)
        {
            int start = end == 1 ? 1 : end + 1;
            int length = path[start..].IndexOf((byte)'/');
            int next = length < 0 ? path.Length : start + length;
            index = transaction.Find(path[..next]);
            if (index != 0)
            {
                exists = !IsGone(transaction, index);
                node = BaseOf(transaction, index);
            }
            else
            {
                node = node == 0 ? 0 : Tree.LocateChildAt(node, path[start..next], transaction.Base);
                exists = node != 0;
            }
            if (!exists) return new Viewed(false, next == path.Length ? index : transaction.Find(path), 0, end);
            end = next;
        }
        return new Viewed(exists, index, node, path.Length);
    }

    private static int AncestorLength(int rest) => Math.Max(rest - 1, 1);

    private static bool IsGone(Transaction transaction, int index) =>
        (transaction[index].Touch & Touch.Gone) != 0 || (transaction[index].BaseNode == 0 && (transaction[index].Touch & Touch.Created) == 0);

    private static int BaseOf(Transaction transaction, int index) =>
        (transaction[index].Touch & Touch.BaseRemoved) != 0 ? 0 : transaction[index].BaseNode;

    public PermissionSet PermissionsOf(Transaction transaction, in Viewed viewed) =>
        viewed.Index != 0 && transaction[viewed.Index].Permissions is { } own ? own : Tree.ViewAt(viewed.BaseNode, transaction.Base).Permissions;

    public ReadOnlySpan<byte> ValueOf(Transaction transaction, in Viewed viewed) =>
        viewed.Index != 0 && (transaction[viewed.Index].Touch & (Touch.Value | Touch.Created)) != 0
            ? transaction.ValueOf(viewed.Index)
            : Tree.ViewAt(viewed.BaseNode, transaction.Base).Value;

    /// <summary>Notes what the transaction saw or did; 0 when it has touched as many paths as it may.</summary>
    public int Note(Transaction transaction, ReadOnlySpan<byte> path, in Viewed viewed, Touch touch)
    {
        int index = viewed.Index;
        if (index == 0)
        {
            DomainState domain = transaction.Owner.Domain;
            if (domain.Exceeds(QuotaItem.TransactionNodes, transaction.Count + 1))
            {
                transaction.HasFailed = true;
                state.Refuse(domain, QuotaItem.TransactionNodes, path);
                return 0;
            }
            domain.Note(QuotaItem.TransactionNodes, transaction.Count + 1);
            index = transaction.Add(path, viewed.BaseNode);
            Recharge(transaction);
        }
        transaction[index].Touch |= touch;
        return index;
    }

    /// <summary>The names of a node's children as the transaction sees them, a nul after each; gives the bytes, of which at most the buffer's size is written.</summary>
    public int ListChildren(Transaction transaction, ReadOnlySpan<byte> path, in Viewed viewed, Span<byte> buffer)
    {
        int at = 0;
        bool changed = viewed.Index != 0 && (transaction[viewed.Index].Touch & Touch.ChildrenChanged) != 0;
        path.CopyTo(_childPath);
        int prefix = path.Length == 1 ? 1 : path.Length + 1;
        if (path.Length > 1) _childPath[path.Length] = (byte)'/';
        for (int child = viewed.BaseNode == 0 ? 0 : Tree[viewed.BaseNode].FirstChild; child != 0; child = Tree[child].NextSibling)
        {
            if (!Tree.IsVisibleAt(child, transaction.Base)) continue;
            ReadOnlySpan<byte> name = Tree.NameOf(child);
            if (changed)
            {
                name.CopyTo(_childPath.AsSpan(prefix));
                int index = transaction.Find(_childPath.AsSpan(0, prefix + name.Length));
                if (index != 0 && (transaction[index].Touch & Touch.BaseRemoved) != 0) continue;
            }
            at = AppendName(buffer, at, name);
        }
        if (viewed.Index != 0)
        {
            for (int created = transaction[viewed.Index].FirstCreated; created != 0; created = transaction[created].NextCreated)
                at = AppendName(buffer, at, StorePath.Name(transaction.PathOf(created)));
        }
        return at;
    }

    private static int AppendName(Span<byte> buffer, int at, ReadOnlySpan<byte> name)
    {
        if (at + name.Length + 1 <= buffer.Length)
        {
            name.CopyTo(buffer[at..]);
            buffer[at + name.Length] = 0;
        }
        return at + name.Length + 1;
    }

    /// <summary>Writes an existing path.</summary>
    public XsError Write(Transaction transaction, ReadOnlySpan<byte> path, in Viewed viewed, ReadOnlySpan<byte> value)
    {
        int index = Note(transaction, path, viewed, Touch.Content);
        if (index == 0) return XsError.NoSpace;
        bool first = !transaction[index].IsModified;
        transaction.SetValue(index, value);
        transaction[index].Touch |= Touch.Value | Touch.Event;
        if (first) transaction.MarkModified(index);
        return Recharge(transaction);
    }

    /// <summary>Replaces an existing path's permissions.</summary>
    public XsError SetPermissions(Transaction transaction, ReadOnlySpan<byte> path, in Viewed viewed, PermissionSet permissions)
    {
        int index = Note(transaction, path, viewed, Touch.Content);
        if (index == 0) return XsError.NoSpace;
        bool first = !transaction[index].IsModified;
        transaction.SetPermissions(index, permissions, Tree.Permissions);
        transaction[index].Touch |= Touch.Permissions | Touch.Event;
        if (first) transaction.MarkModified(index);
        return Recharge(transaction);
    }

    /// <summary>Creates a path that does not exist, with its missing ancestors.</summary>
    public XsError Create(Transaction transaction, ReadOnlySpan<byte> path, in Viewed viewed, ReadOnlySpan<byte> value, PermissionSet permissions)
    {
        int end = viewed.AncestorLength;
        Viewed above = View(transaction, path[..end]);
        int parent = Note(transaction, path[..end], above, Touch.ChildrenChanged);
        if (parent == 0) return XsError.NoSpace;
        while (end < path.Length)
        {
            int start = end == 1 ? 1 : end + 1;
            int length = path[start..].IndexOf((byte)'/');
            bool last = length < 0;
            int next = last ? path.Length : start + length;
            int index = Note(transaction, path[..next], View(transaction, path[..next]), Touch.Content | Touch.ChildrenChanged);
            if (index == 0) return XsError.NoSpace;
            transaction[index].Touch = (transaction[index].Touch | Touch.Created) & ~(Touch.Gone | Touch.Value);
            transaction.SetValue(index, last ? value : default);
            transaction.SetPermissions(index, permissions, Tree.Permissions);
            if (last) transaction[index].Touch |= Touch.Event;
            transaction.MarkModified(index);
            transaction.LinkCreated(parent, index);
            parent = index;
            end = next;
        }
        return Recharge(transaction);
    }

    /// <summary>Removes an existing path with all below it.</summary>
    public XsError Remove(Transaction transaction, ReadOnlySpan<byte> path, in Viewed viewed)
    {
        ReadOnlySpan<byte> parentPath = StorePath.Parent(path);
        int parent = Note(transaction, parentPath, View(transaction, parentPath), Touch.ChildrenChanged);
        int index = Note(transaction, path, viewed, Touch.Content);
        if (index == 0 || parent == 0) return XsError.NoSpace;
        for (int other = 1; other <= transaction.Count; other++)
        {
            if (other != index && StorePath.IsAtOrBelow(transaction.PathOf(other), path)) MakeGone(transaction, other, 0);
        }
        MakeGone(transaction, index, parent);
        transaction[index].FirstCreated = transaction[index].LastCreated = 0;
        transaction[index].Touch |= Touch.Event;
        transaction.MarkModified(index);
        return Recharge(transaction);
    }

    private static void MakeGone(Transaction transaction, int index, int parent)
    {
        ref TouchedPath touched = ref transaction[index];
        if ((touched.Touch & Touch.Created) != 0 && parent != 0) transaction.UnlinkCreated(parent, index);
        touched.Touch = (touched.Touch | Touch.Gone | (touched.BaseNode != 0 ? Touch.BaseRemoved : 0)) & ~(Touch.Created | Touch.Value | Touch.Permissions);
        touched.FirstCreated = touched.LastCreated = touched.NextCreated = 0;
    }

    /// <summary>Brings what the owner's domain is charged for up to what the transaction holds.</summary>
    private XsError Recharge(Transaction transaction)
    {
        DomainState domain = transaction.Owner.Domain;
        if (domain.IsPrivileged) return XsError.None;
        long holds = transaction.ByteCount + 64L * transaction.Count;
        domain.Add(QuotaItem.Memory, holds - transaction.Charged);
        transaction.Charged = holds;
        state.NoteMemory(domain);
        if (!domain.WouldExceed(QuotaItem.Memory, 0)) return XsError.None;
        transaction.HasFailed = true;
        state.Refuse(domain, QuotaItem.Memory, default);
        return XsError.NoMemory;
    }
}
