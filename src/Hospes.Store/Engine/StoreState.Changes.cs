using Hospes.Store.Quotas;
using Hospes.Store.Tree;
using Hospes.Store.Watches;
using Hospes.Store.Wire;

namespace Hospes.Store.Engine;

/// <content>Changes of the present tree, and the events that follow from them.</content>
internal sealed partial class StoreState
{
    private readonly byte[] _removalPath = new byte[XsWire.PayloadMax];

    /// <summary>Replaces a node's value.</summary>
    public void Write(int node, ReadOnlySpan<byte> path, ReadOnlySpan<byte> value, bool fire = true)
    {
        Charge(node, QuotaItem.Memory, value.Length - Tree[node].ValueLength);
        Tree.SetValue(node, value);
        Changes?.Written(path, value);
        if (fire) Fire(path, node, exactOnly: false, null);
    }

    /// <summary>Replaces a node's permissions; a watcher that could read it before is told, too.</summary>
    public void SetPermissions(int node, ReadOnlySpan<byte> path, PermissionSet permissions, bool fire = true)
    {
        PermissionSet old = Tree.PermissionsOf(node);
        old.References++;
        Charge(node, QuotaItem.Memory, -CostOf(ref Tree[node]));
        Charge(node, QuotaItem.Nodes, -1);
        Tree.SetPermissions(node, permissions);
        Charge(node, QuotaItem.Memory, CostOf(ref Tree[node]));
        Charge(node, QuotaItem.Nodes, 1);
        Changes?.PermissionsSet(path, permissions);
        if (fire) Fire(path, node, exactOnly: false, old);
        Tree.Permissions.Release(old.Id);
    }

    /// <summary>Creates a path that does not exist, with the missing part of its ancestry; each new node gets the same permissions. No event.</summary>
    public int CreateMissing(ReadOnlySpan<byte> path, ReadOnlySpan<byte> value, PermissionSet permissions)
    {
        permissions.References++;
        if (path[0] != (byte)'/')
        {
            int special = Tree.Create(0, path, value, permissions);
            AccountNew(special, 0);
            Changes?.Created(path, value, permissions);
            Tree.Permissions.Release(permissions.Id);
            return special;
        }
        (int node, int parent, int at) = Tree.Locate(path);
        Changes?.BeginGroup();
        while (at < path.Length)
        {
            int length = path[at..].IndexOf((byte)'/');
            bool last = length < 0;
            if (last) length = path.Length - at;
            node = Tree.Create(parent, path.Slice(at, length), last ? value : default, permissions);
            AccountNew(node, parent);
            Changes?.Created(path[..(at + length)], last ? value : default, permissions);
            parent = node;
            at += length + 1;
        }
        Changes?.EndGroup();
        Tree.Permissions.Release(permissions.Id);
        return node;
    }

    /// <summary>
    /// Removes a node with all below it, children first. Events: the node's own removal to all watches at and above it; for each node
    /// below, to the watches on exactly that node (xenstore.txt, WATCH_EVENT).
    /// </summary>
    public void Remove(int top, ReadOnlySpan<byte> path, bool fire = true)
    {
        Changes?.Removed(path);
        bool watchedBelow = fire && Watches.AnyAtOrBelow(path);
        path.CopyTo(_removalPath);
        int length = path.Length;
        int node = top;
        while (true)
        {
            int child = Tree.SkipRemoved(Tree[node].FirstChild);
            if (child != 0)
            {
                node = child;
                if (watchedBelow) length = Descend(node, length);
                continue;
            }
            int parent = Tree[node].Parent;
            if (node == top)
            {
                if (fire) Fire(_removalPath.AsSpan(0, length), node, exactOnly: false, null);
                RemoveOne(node, parent);
                return;
            }
            if (watchedBelow)
            {
                Fire(_removalPath.AsSpan(0, length), node, exactOnly: true, null);
                length -= Tree[node].NameLength + 1;
            }
            RemoveOne(node, parent);
            node = parent;
        }
    }

    private int Descend(int node, int length)
    {
        if (length > 1) _removalPath[length++] = (byte)'/';
        ReadOnlySpan<byte> name = Tree.NameOf(node);
        name.CopyTo(_removalPath.AsSpan(length));
        return length + name.Length;
    }

    private void RemoveOne(int node, int parent)
    {
        Charge(node, QuotaItem.Memory, -CostOf(ref Tree[node]));
        Charge(node, QuotaItem.Nodes, -1);
        Charge(parent, QuotaItem.Memory, -(Tree[node].NameLength + 1));
        Tree.Remove(node);
    }

    private void AccountNew(int node, int parent)
    {
        Charge(node, QuotaItem.Memory, CostOf(ref Tree[node]));
        Charge(node, QuotaItem.Nodes, 1);
        if (parent != 0) Charge(parent, QuotaItem.Memory, Tree[node].NameLength + 1);
    }

    private void Charge(int node, QuotaItem item, long amount)
    {
        DomainState owner = DomainOf(Tree.PermissionsOf(node).Owner);
        owner.Add(item, amount);
        if (item == QuotaItem.Memory && amount > 0) NoteMemory(owner);
    }

    /// <summary>Queues an event for every watch that a change concerns and whose client may know of it.</summary>
    public void Fire(ReadOnlySpan<byte> path, int node, bool exactOnly, PermissionSet? oldPermissions)
    {
        List<Watch> matches = Watches.Match(path, exactOnly);
        for (int i = 0; i < matches.Count; i++)
        {
            Watch watch = matches[i];
            if (MayKnowOf(watch.Session, node, oldPermissions)) Deliver(watch, path);
        }
    }

    /// <summary>Queues the events of a domain's coming or going. Clients need read access to the special node.</summary>
    public void FireSpecial(ReadOnlySpan<byte> name, ReadOnlySpan<byte> nameWithDomain)
    {
        int node = Tree.Locate(name).Node;
        if (node == 0) return;
        PermissionSet permissions = Tree.PermissionsOf(node);
        List<Watch> matches = Watches.MatchSpecial(name, nameWithDomain);
        for (int i = 0; i < matches.Count; i++)
        {
            Watch watch = matches[i];
            if ((AccessOf(permissions, watch.Session.Rights) & NodeAccess.Read) != 0)
                Deliver(watch, nameWithDomain.IsEmpty ? name : nameWithDomain);
        }
    }

    /// <summary>A client learns of a change when it can read the node, or could before, or can read the node's parent (XSA-115).</summary>
    private bool MayKnowOf(Session session, int node, PermissionSet? oldPermissions)
    {
        if (session.IsPrivileged) return true;
        NodeRights rights = session.Rights;
        if (oldPermissions is not null && (AccessOf(oldPermissions, rights) & NodeAccess.Read) != 0) return true;
        if ((AccessOf(Tree.PermissionsOf(node), rights) & NodeAccess.Read) != 0) return true;
        int parent = Tree[node].Parent;
        return parent != 0 && (AccessOf(Tree.PermissionsOf(parent), rights) & NodeAccess.Read) != 0;
    }

    /// <summary>Queues one event; one that would be longer than a payload may be is not sent (XSA-324).</summary>
    public void Deliver(Watch watch, ReadOnlySpan<byte> path)
    {
        Session session = watch.Session;
        path = path[watch.PrefixLength..];
        int length = path.Length + watch.Token.Length + 2;
        if (length > XsWire.PayloadMax || session.IsEnded) return;
        if (session.IsPrivileged)
        {
            if (session.Output.Length > Limits.PrivilegedOutputMax)
            {
                session.End(SessionEnd.TooFarBehind);
                return;
            }
            Messages.Event(session.Output, path, watch.Token, long.MaxValue);
        }
        else
        {
            DomainState domain = session.Domain;
            if (domain.WouldExceed(QuotaItem.UnreadEvents, 1))
            {
                Refuse(domain, QuotaItem.UnreadEvents, path);
                return;
            }
            if (domain.WouldExceed(QuotaItem.Memory, XsWire.HeaderSize + length))
            {
                Refuse(domain, QuotaItem.Memory, path);
                return;
            }
            HasUnreadEvents = true;
            Messages.Event(session.Output, path, watch.Token, Now + (long)Quotas.UnreadEventTime.TotalMilliseconds);
        }
        session.OutputWaits();
    }
}
