using Hospes.Store.Engine;
using Hospes.Store.Quotas;
using Hospes.Store.Tree;
using Hospes.Store.Wire;

namespace Hospes.Store.Transactions;

/// <content>The turn of a starving connection: see the rule at the head of the class.</content>
internal sealed partial class TransactionManager
{
    private sealed record Turn(Session Session, Transaction Attempt, long Until);

    private readonly List<Session> _held = [];
    private Turn? _turn;

    /// <summary>When the present turn runs out, in clock milliseconds; null when nobody has a turn.</summary>
    public long? TurnEnds => _turn?.Until;

    /// <summary>True when the request must wait for another connection's turn; the session is then marked as held.</summary>
    public bool MustWait(Session session, XsMessageType type, Transaction? transaction, ReadOnlySpan<byte> path)
    {
        if (_turn is null || ReferenceEquals(_turn.Session, session) || (session.IsPrivileged && !_turn.Session.IsPrivileged)) return false;
        if (!Disturbs(_turn.Attempt, type, transaction, path)) return false;
        if (!session.IsHeld)
        {
            session.IsHeld = true;
            _held.Add(session);
        }
        return true;
    }

    /// <summary>Ends the turn if its time is over.</summary>
    public void CheckTurn()
    {
        if (_turn is not null && state.Now >= _turn.Until)
        {
            _turn.Session.HasSpentTurn = true;
            EndTurn();
        }
    }

    private static bool Disturbs(Transaction attempt, XsMessageType type, Transaction? transaction, ReadOnlySpan<byte> path)
    {
        if (type != XsMessageType.TransactionEnd)
            return transaction is null && (attempt.Find(path) != 0 || (type != XsMessageType.Write && IsNear(attempt, path)) || attempt.Find(StorePath.Parent(path)) != 0);
        for (int index = transaction!.FirstModified; index != 0; index = transaction[index].NextModified)
        {
            ReadOnlySpan<byte> changed = transaction.PathOf(index);
            if (attempt.Find(changed) != 0) return true;
            if ((transaction[index].Touch & (Touch.BaseRemoved | Touch.Created)) != 0 && (IsNear(attempt, changed) || attempt.Find(StorePath.Parent(changed)) != 0)) return true;
        }
        return false;
    }

    /// <summary>True when the path's removal would take a path of the attempt with it.</summary>
    private static bool IsNear(Transaction attempt, ReadOnlySpan<byte> path)
    {
        for (int index = 1; index <= attempt.Count; index++)
            if (StorePath.IsAtOrBelow(attempt.PathOf(index), path)) return true;
        return false;
    }

    /// <summary>Gives the session a turn after a failed commit if it starves; the failed attempt is then kept, as the list of its paths.</summary>
    private bool ConsiderTurn(Session session, Transaction failed)
    {
        session.ConflictsInRow++;
        long until = state.Now + (long)state.Limits.TurnTime.TotalMilliseconds;
        if (_turn is not null && ReferenceEquals(_turn.Session, session))
        {
            until = _turn.Until;
            Recycle(_turn.Attempt);
        }
        else if (_turn is not null || session.HasSpentTurn || session.ConflictsInRow < state.Limits.StarvingAfter || failed.Count == 0) return false;
        _turn = new Turn(session, failed, until);
        return true;
    }

    private void EndTurn()
    {
        Recycle(_turn!.Attempt);
        _turn = null;
        foreach (Session session in _held)
        {
            session.IsHeld = false;
            if (!session.IsEnded) session.InputMayContinue();
        }
        _held.Clear();
    }
}
