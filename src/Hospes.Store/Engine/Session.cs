using Hospes.Store.Quotas;
using Hospes.Store.Transactions;
using Hospes.Store.Watches;
using Hospes.Store.Wire;

namespace Hospes.Store.Engine;

/// <summary>What carries a session's bytes. The engine tells it when there is something to send or when input may flow again.</summary>
internal interface ISessionCarrier
{
    /// <summary>The output queue is no longer empty. May be called any number of times before the carrier sends.</summary>
    void OutputWaits(Session session);

    /// <summary>A request that was held back may be tried again.</summary>
    void InputMayContinue(Session session);

    /// <summary>The client broke the protocol or fell too far behind: end the connection.</summary>
    void End(Session session, SessionEnd reason);
}

/// <summary>Why a connection is ended by the server.</summary>
internal enum SessionEnd
{
    /// <summary>The client announced a payload larger than the protocol allows.</summary>
    PayloadTooLong,
    /// <summary>The client does not read, and what waits for it reached the limit.</summary>
    TooFarBehind,
    /// <summary>The domain was released.</summary>
    Released,
}

/// <summary>One client: who it is, its watches and transactions, and what waits to be sent to it. Belongs to the store's thread.</summary>
internal sealed class Session
{
    private readonly ISessionCarrier _carrier;

    public Session(DomainState domain, ISessionCarrier carrier, SegmentPool pool, bool isReadOnly)
    {
        Domain = domain;
        _carrier = carrier;
        IsReadOnly = isReadOnly;
        Output = new OutputQueue(pool, domain.IsPrivileged ? null : domain);
        domain.Sessions.Add(this);
    }

    public DomainState Domain { get; }

    public OutputQueue Output { get; }

    public bool IsPrivileged => Domain.IsPrivileged;

    public bool IsReadOnly { get; }

    public bool IsEnded { get; private set; }

    /// <summary>A request of this session waits until a starving transaction has had its turn.</summary>
    public bool IsHeld { get; set; }

    public Dictionary<WatchKey, Watch> Watches { get; } = new(WatchKeyComparer.Instance);

    public Dictionary<uint, Transaction> Transactions { get; } = [];

    public uint NextTransactionId { get; set; } = 1;

    /// <summary>Commits in a row that met a conflict.</summary>
    public int ConflictsInRow { get; set; }

    /// <summary>The session let a turn run out (see the rule in TransactionManager); it gets none until it has committed.</summary>
    public bool HasSpentTurn { get; set; }

    public NodeRights Rights => new(Domain.Id, Domain.Target);

    public void OutputWaits() => _carrier.OutputWaits(this);

    public void InputMayContinue() => _carrier.InputMayContinue(this);

    public void End(SessionEnd reason)
    {
        if (!IsEnded) _carrier.End(this, reason);
    }

    /// <summary>Marks the session as gone; the engine has dropped its watches and transactions.</summary>
    public void MarkEnded()
    {
        IsEnded = true;
        Output.Clear();
        Domain.Sessions.Remove(this);
    }
}

/// <summary>For whom permissions are checked.</summary>
/// <param name="Domain">The caller's domain.</param>
/// <param name="Target">The domain it acts for, or -1.</param>
internal readonly record struct NodeRights(ushort Domain, int Target)
{
    public static NodeRights Control => new(XsWire.ControlDomain, -1);
}
