using Hospes.Store.Engine;
using Hospes.Store.Quotas;
using Hospes.Store.Tree;
using Hospes.Store.Wire;

namespace Hospes.Store.Transactions;

/// <summary>
/// Transactions: each is a snapshot with changes on top, checked against the present when it commits.
///
/// A commit conflicts exactly if, since the transaction began (base B), somebody else
///   changed or removed a node whose value, permissions or absence the transaction saw or which it wrote   (Touch.Content),
///   created or removed a child of a node whose children it listed                                        (Touch.Children),
///   changed anything below a node that it removed                                                        (Touch.BaseRemoved),
///   removed the parent of a node that it created.
/// Nothing else is a conflict: what others did elsewhere is merged, because only the transaction's own changes are carried out.
///
/// Trace, "g(X)" the generation of X, G that of the tree, two transactions and one plain write:
///   start        g(/a)=1  g(/b)=2  g(/c)=3           G=3
///   T1 begins    B1=3
///   T2 begins    B2=3
///   T1: read /a, write /b := 1                        (T1 has Content on /a and /b; nobody sees the 1)
///   T2: read /b, write /c := 2                        (T2 sees the old /b)
///   write /d := 3   creates /d                        g(/d)=4  children of / changed at 4   G=4
///   T1 commits: g(/a)=1, g(/b)=2, both at most B1=3; /d was not touched   -> merged, g(/b)=5   G=5
///   T2 commits: g(/b)=5 is more than B2=3                                  -> EAGAIN
///   had T2 only listed /, it would fail as well: children of / changed at 4
///   had T2 written /c without reading /b, it would be merged.
///
/// Starvation: a connection whose commits met <see cref="EngineLimits.StarvingAfter"/> conflicts in a row gets a turn. From that failed
/// commit on, for at most <see cref="EngineLimits.TurnTime"/>, requests of others that would change a path that the failed attempt touched are held back
/// (the whole connection waits, so order is kept); its next attempt on those paths cannot meet a conflict. The turn ends with the next commit of
/// that connection, or with the time. One turn at a time; whoever else starves gets the next. A guest's turn holds back guests only, never the
/// control domain, and a guest that lets its turn run out gets none until it has committed once.
/// </summary>
internal sealed partial class TransactionManager(StoreState state)
{
    private readonly Stack<Transaction> _pool = new();

    public int OpenCount { get; private set; }

    private StoreTree Tree => state.Tree;

    public Transaction Begin(Session session)
    {
        Transaction transaction = _pool.TryPop(out Transaction? pooled) ? pooled : new Transaction();
        while (session.NextTransactionId == 0 || session.Transactions.ContainsKey(session.NextTransactionId)) session.NextTransactionId++;
        transaction.Begin(session.NextTransactionId++, session);
        session.Transactions.Add(transaction.Id, transaction);
        session.Domain.Add(QuotaItem.Transactions, 1);
        Tree.Snapshots.Open(transaction, Tree.Generation);
        OpenCount++;
        return transaction;
    }

    /// <summary>Discards a transaction.</summary>
    public void Abort(Transaction transaction)
    {
        Close(transaction);
        Recycle(transaction);
    }

    public void AbortAll(Session session)
    {
        foreach (Transaction transaction in session.Transactions.Values.ToArray()) Abort(transaction);
        if (_turn is not null && ReferenceEquals(_turn.Session, session)) EndTurn();
    }

    /// <summary>Moves the oldest transactions to the present while too many old versions are kept for them.</summary>
    public void LimitKeptVersions()
    {
        while (Tree.KeptVersions > state.Limits.KeptVersionsMax && Tree.Snapshots.Oldest is Transaction oldest) MoveToPresent(oldest);
    }

    /// <summary>
    /// Gives a transaction the present as its snapshot. If nothing that it saw has changed, it cannot tell the difference; if something has,
    /// its commit is bound to fail, and it is marked so.
    /// </summary>
    public void MoveToPresent(Transaction transaction)
    {
        if (transaction.Base != Tree.Generation && !transaction.IsDoomed && HasConflict(transaction))
        {
            bool failed = transaction.HasFailed;
            Uncharge(transaction);
            transaction.Reset(Tree.Permissions);
            transaction.HasFailed = failed;
            transaction.IsDoomed = true;
        }
        Tree.Snapshots.Close(transaction);
        Tree.Snapshots.Open(transaction, Tree.Generation);
        Tree.Reclaim();
    }

    private void Close(Transaction transaction)
    {
        transaction.Owner.Transactions.Remove(transaction.Id);
        transaction.Owner.Domain.Add(QuotaItem.Transactions, -1);
        Tree.Snapshots.Close(transaction);
        Tree.Reclaim();
        OpenCount--;
    }

    private void Recycle(Transaction transaction)
    {
        Uncharge(transaction);
        transaction.Reset(Tree.Permissions);
        if (!transaction.IsLarge && _pool.Count < 1024) _pool.Push(transaction);
    }

    private static void Uncharge(Transaction transaction)
    {
        if (transaction.Charged != 0) transaction.Owner.Domain.Add(QuotaItem.Memory, -transaction.Charged);
        transaction.Charged = 0;
    }

    /// <summary>Commits. On success nothing of the transaction is left but its changes.</summary>
    public XsError Commit(Transaction transaction)
    {
        Session session = transaction.Owner;
        if (transaction.HasFailed)
        {
            Abort(transaction);
            return XsError.NoMemory;
        }
        if (transaction.IsDoomed || (transaction.Base != Tree.Generation && HasConflict(transaction)))
        {
            state.Observer?.Conflict(session.Domain.Id);
            Close(transaction);
            if (!ConsiderTurn(session, transaction)) Recycle(transaction);
            return XsError.TryAgain;
        }
        if (!session.IsPrivileged && ExceedsNodes(transaction))
        {
            state.Refuse(session.Domain, QuotaItem.Nodes, transaction.PathOf(transaction.FirstModified));
            Abort(transaction);
            return XsError.NoSpace;
        }
        Close(transaction);
        if (transaction.FirstModified != 0) CarryOut(transaction);
        state.Observer?.Committed(session.Domain.Id);
        session.ConflictsInRow = 0;
        session.HasSpentTurn = false;
        Recycle(transaction);
        if (_turn is not null && ReferenceEquals(_turn.Session, session)) EndTurn();
        return XsError.None;
    }

    private bool HasConflict(Transaction transaction)
    {
        ulong moment = transaction.Base;
        for (int index = 1; index <= transaction.Count; index++)
        {
            ref TouchedPath touched = ref transaction[index];
            ReadOnlySpan<byte> path = transaction.PathOf(index);
            Located now = Tree.Locate(path);
            if (touched.BaseNode == 0)
            {
                if (now.Node != 0) return true;
                if ((touched.Touch & Touch.Created) != 0 && path[0] == (byte)'/' && IsParentLost(transaction, path)) return true;
                continue;
            }
            if (now.Node != touched.BaseNode) return true;
            ref NodeRecord node = ref Tree[now.Node];
            if ((touched.Touch & (Touch.Content | Touch.BaseRemoved)) != 0 && node.Generation > moment) return true;
            if ((touched.Touch & (Touch.Children | Touch.BaseRemoved)) != 0 && node.ChildGeneration > moment) return true;
            if ((touched.Touch & Touch.BaseRemoved) != 0 && HasChangedBelow(now.Node, moment)) return true;
        }
        return false;
    }

    /// <summary>True when the parent of a created path is neither there nor created by the transaction.</summary>
    private bool IsParentLost(Transaction transaction, ReadOnlySpan<byte> path)
    {
        ReadOnlySpan<byte> parent = StorePath.Parent(path);
        int index = transaction.Find(parent);
        if (index != 0 && (transaction[index].Touch & Touch.Created) != 0) return false;
        return Tree.Locate(parent).Node == 0;
    }

    private bool HasChangedBelow(int top, ulong moment)
    {
        int node = top;
        while (true)
        {
            int next = Tree.SkipRemoved(Tree[node].FirstChild);
            while (next == 0)
            {
                if (node == top) return false;
                next = Tree.SkipRemoved(Tree[node].NextSibling);
                if (next == 0) node = Tree[node].Parent;
            }
            node = next;
            if (Tree[node].Generation > moment || Tree[node].ChildGeneration > moment) return true;
        }
    }

    /// <summary>True when the owner would hold more nodes than it may after the commit.</summary>
    private bool ExceedsNodes(Transaction transaction)
    {
        DomainState domain = transaction.Owner.Domain;
        long created = 0;
        for (int index = transaction.FirstModified; index != 0; index = transaction[index].NextModified)
        {
            ref TouchedPath touched = ref transaction[index];
            if ((touched.Touch & Touch.BaseRemoved) != 0) created -= CountOwned(touched.BaseNode, domain.Id);
            if ((touched.Touch & Touch.Created) != 0 && touched.Permissions!.Owner == domain.Id) created++;
        }
        return created > 0 && domain.WouldExceed(QuotaItem.Nodes, created);
    }

    private long CountOwned(int top, ushort domain)
    {
        long count = Tree.PermissionsOf(top).Owner == domain ? 1 : 0;
        for (int child = Tree.SkipRemoved(Tree[top].FirstChild); child != 0; child = Tree.SkipRemoved(Tree[child].NextSibling))
            count += CountOwned(child, domain);
        return count;
    }

    /// <summary>Carries the changes out in the order in which they were made; each path's event follows its change.</summary>
    private void CarryOut(Transaction transaction)
    {
        state.Changes?.BeginGroup();
        for (int index = transaction.FirstModified; index != 0; index = transaction[index].NextModified)
        {
            ref TouchedPath touched = ref transaction[index];
            ReadOnlySpan<byte> path = transaction.PathOf(index);
            bool fire = (touched.Touch & Touch.Event) != 0;
            int node = Tree.Locate(path).Node;
            if ((touched.Touch & Touch.BaseRemoved) != 0 && node != 0)
            {
                state.Remove(node, path);
                node = 0;
            }
            if ((touched.Touch & Touch.Created) != 0)
            {
                if (node == 0) node = state.CreateMissing(path, transaction.ValueOf(index), touched.Permissions!);
                if (fire) state.Fire(path, node, exactOnly: false, null);
            }
            else if (node != 0 && (touched.Touch & Touch.Gone) == 0)
            {
                bool both = (touched.Touch & Touch.Permissions) != 0;
                if ((touched.Touch & Touch.Value) != 0) state.Write(node, path, transaction.ValueOf(index), fire && !both);
                if (both) state.SetPermissions(node, path, touched.Permissions!, fire);
            }
        }
        state.Changes?.EndGroup();
    }
}
