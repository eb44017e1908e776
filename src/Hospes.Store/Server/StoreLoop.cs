using System.Collections.Concurrent;
using System.Diagnostics;
using Hospes.Store.Engine;
using Hospes.Store.Metrics;
using Hospes.Store.Native;
using Hospes.Store.Quotas;
using Hospes.Store.Requests;
using Hospes.Store.Transactions;
using Hospes.Store.Wire;

namespace Hospes.Store.Server;

/// <summary>Something that is asked once in every round of the loop, before output is sent.</summary>
internal interface IRoundTask
{
    /// <summary>True while replies must not leave before <see cref="EndRound"/> was called (a change must be on disk first).</summary>
    bool HoldsReplies { get; }

    /// <summary>The round's requests are carried out; their replies leave after this.</summary>
    void EndRound();

    /// <summary>Milliseconds until the task wants to be called again without any request; -1 for never.</summary>
    int Timeout { get; }
}

/// <summary>
/// The store's one thread: waits on epoll, and carries every request out to its end on the spot. In one round each connection gets a
/// share of requests, so that one that floods delays the others by no more than that; what it gets beyond is in <see cref="FloodBudget"/>.
/// </summary>
internal sealed class StoreLoop : IDisposable
{
    private const int ReceiveSize = 16 * 1024;
    private const int InputSize = ReceiveSize + XsWire.HeaderSize + XsWire.PayloadMax;
    private const int EventsPerRound = 256;

    /// <summary>Requests in a round for each of several busy connections.</summary>
    private const int ShareOfMany = 16;

    /// <summary>
    /// Connections whose replies leave together before the round ends: a client with many connections then wakes once for them, and still works while the
    /// round goes on.
    /// </summary>
    private const int RepliesTogether = 16;

    /// <summary>Requests in a round for a connection that is alone.</summary>
    private const int ShareAlone = 64;

    private readonly Dictionary<int, (ushort Domain, bool ReadOnly)> _listeners = [];
    private readonly ConcurrentQueue<Action> _posted = new();
    private readonly Stack<byte[]> _inputs = new();
    private readonly List<SocketConnection> _dirty = [];
    private readonly List<SocketConnection> _closing = [];
    private readonly Queue<SocketConnection> _ready = new();
    private readonly Queue<SocketConnection> _floods = new();
    private readonly FloodBudget _floodBudget;
    private readonly byte[] _receiveBuffer = GC.AllocateUninitializedArray<byte>(ReceiveSize, pinned: true);
    private readonly byte[] _events = GC.AllocateUninitializedArray<byte>(EventsPerRound * Linux.EventSize, pinned: true);
    private readonly int _wake;
    private SocketConnection?[] _connections = new SocketConnection?[64];
    private volatile bool _stopping;
    private PollWindow _poll;
    private long _nextExpiry;

    public StoreLoop(StoreState state, TransactionManager transactions, StoreMetrics metrics)
    {
        State = state;
        Transactions = transactions;
        Metrics = metrics;
        _floodBudget = new FloodBudget(state.Clock.TimestampFrequency);
        Epoll = Linux.CreateEpoll();
        _wake = Linux.CreateEventDescriptor();
        Linux.Watch(Epoll, _wake, Linux.EventIn);
    }

    public int Epoll { get; }

    public StoreState State { get; }

    public TransactionManager Transactions { get; }

    public StoreMetrics Metrics { get; }

    public RequestProcessor Processor { get; set; } = null!;

    public List<IRoundTask> Tasks { get; } = [];

    public Span<byte> ReceiveBuffer => _receiveBuffer;

    public IEnumerable<SocketConnection> Connections => _connections.Where(c => c is { IsClosed: false })!;

    public IReadOnlyDictionary<int, (ushort Domain, bool ReadOnly)> Listeners => _listeners;

    public void AddListener(int descriptor, ushort domain, bool isReadOnly)
    {
        _listeners.Add(descriptor, (domain, isReadOnly));
        Linux.Watch(Epoll, descriptor, Linux.EventIn);
    }

    public SocketConnection AddConnection(int descriptor, ushort domain, bool isReadOnly)
    {
        if (descriptor >= _connections.Length) Array.Resize(ref _connections, Math.Max(descriptor + 1, _connections.Length * 2));
        var connection = new SocketConnection(this, descriptor, State.DomainOf(domain), isReadOnly);
        _connections[descriptor] = connection;
        Linux.Watch(Epoll, descriptor, Linux.EventIn);
        return connection;
    }

    /// <summary>Has an action carried out on the store's thread. May be called from any thread.</summary>
    public void Post(Action action)
    {
        _posted.Enqueue(action);
        Linux.Signal(_wake);
    }

    public void Stop()
    {
        _stopping = true;
        Linux.Signal(_wake);
    }

    public void Run()
    {
        while (!_stopping) RunRound();
    }

    public void RunRound()
    {
        int count = Wait(Timeout());
        int floods = _floods.Count;
        long began = floods > 0 ? State.Clock.GetTimestamp() : 0;
        int carriedOver = _ready.Count;
        bool othersAsked = count + carriedOver > 0;
        int share = count + carriedOver + floods > 1 ? ShareOfMany : ShareAlone;
        for (int i = 0; i < count; i++)
        {
            (int descriptor, int events) = Linux.Entry(_events, i);
            if (descriptor == _wake) RunPosted();
            else if (_listeners.TryGetValue(descriptor, out (ushort Domain, bool ReadOnly) listener)) Accept(descriptor, listener);
            else if (_connections[descriptor] is { IsClosed: false } connection) Serve(connection, events, share);
        }
        while (carriedOver-- > 0) Continue(_ready.Dequeue(), share);
        if (floods > 0) ServeFloods(floods, share, began, othersAsked);
        EndRound();
    }

    /// <summary>Waits for requests, without sleep while they come one soon after the other: the waking of this thread is most of what a client waits for.</summary>
    private int Wait(int timeout)
    {
        if (timeout == 0) return Linux.Wait(Epoll, _events, 0);
        long since = PollWindow.Now;
        int count = _poll.IsOpen ? Linux.Wait(Epoll, _events, 0) : 0;
        while (count == 0 && _poll.LooksAgain(since)) count = Linux.Wait(Epoll, _events, 0);
        if (count == 0) count = Linux.Wait(Epoll, _events, timeout);
        if (count > 0) _poll.Ended(since);
        return count;
    }

    /// <summary>Serves connections that flood, each at most once, as long as their budget lasts.</summary>
    private void ServeFloods(int count, int share, long began, bool othersAsked)
    {
        long now = State.Clock.GetTimestamp();
        _floodBudget.Advance(now, othersAsked ? now - began : 0);
        while (count-- > 0 && _floodBudget.IsOpen)
        {
            Continue(_floods.Dequeue(), share);
            long then = now;
            now = State.Clock.GetTimestamp();
            _floodBudget.Spend(now - then);
        }
    }

    private void Continue(SocketConnection connection, int share)
    {
        connection.OnReady(share);
        SendSoon();
    }

    private void Serve(SocketConnection connection, int events, int share)
    {
        if ((events & Linux.EventOut) != 0) connection.Flush();
        if ((events & (Linux.EventIn | Linux.EventHangUp | Linux.EventError)) != 0 && !connection.IsFlooding) connection.OnReadable(share);
        SendSoon();
    }

    /// <summary>Sends replies before the round ends where nothing forbids it.</summary>
    private void SendSoon()
    {
        if (_dirty.Count < RepliesTogether) return;
        foreach (IRoundTask task in Tasks)
            if (task.HoldsReplies) return;
        Send();
    }

    private void Send()
    {
        for (int i = 0; i < _dirty.Count; i++)
        {
            SocketConnection connection = _dirty[i];
            connection.IsDirty = false;
            if (!connection.IsClosed) connection.Flush();
        }
        _dirty.Clear();
    }

    private void EndRound()
    {
        Transactions.CheckTurn();
        Transactions.LimitKeptVersions();
        if (Metrics.HotPaths.IsOn) Metrics.HotPaths.Check(State.Now);
        ExpireEvents();
        foreach (IRoundTask task in Tasks) task.EndRound();
        Send();
        for (int i = 0; i < _closing.Count; i++) Finish(_closing[i]);
        _closing.Clear();
    }

    private void Finish(SocketConnection connection)
    {
        Processor.Drop(connection.Session);
        connection.Dispose();
        _connections[connection.Descriptor] = null;
    }

    private int Timeout()
    {
        if (_ready.Count > 0) return 0;
        int timeout = _floods.Count > 0 ? _floodBudget.WaitTime : -1;
        if (timeout == 0) return 0;
        if (Transactions.TurnEnds is { } end) timeout = Sooner(timeout, (int)Math.Clamp(end - State.Now, 0, 1000));
        foreach (IRoundTask task in Tasks)
            if (task.Timeout >= 0) timeout = Sooner(timeout, task.Timeout);
        return State.HasUnreadEvents ? Sooner(timeout, 1000) : timeout;
    }

    private static int Sooner(int timeout, int other) => timeout < 0 ? other : Math.Min(timeout, other);

    private void ExpireEvents()
    {
        if (!State.HasUnreadEvents) return;
        long now = State.Now;
        if (now < _nextExpiry) return;
        _nextExpiry = now + 1000;
        State.ExpireEvents(now);
    }

    private void Accept(int listener, (ushort Domain, bool ReadOnly) kind)
    {
        for (int i = 0; i < 64; i++)
        {
            int descriptor = Linux.Accept(listener);
            if (descriptor < 0) return;
            AddConnection(descriptor, kind.Domain, kind.ReadOnly);
        }
    }

    private void RunPosted()
    {
        Linux.Drain(_wake);
        while (_posted.TryDequeue(out Action? action)) action();
    }

    public RequestOutcome Process(Session session, in XsHeader header, ReadOnlySpan<byte> payload)
    {
        if (!Metrics.IsTimed)
        {
            RequestOutcome plain = Processor.Process(session, header, payload);
            if (plain == RequestOutcome.Answered) Metrics.Count(header.Type);
            return plain;
        }
        long start = Stopwatch.GetTimestamp();
        RequestOutcome outcome = Processor.Process(session, header, payload);
        if (outcome == RequestOutcome.Answered) Metrics.Record(header.Type, Stopwatch.GetElapsedTime(start), payload);
        return outcome;
    }

    public void MarkDirty(SocketConnection connection)
    {
        if (connection.IsDirty) return;
        connection.IsDirty = true;
        _dirty.Add(connection);
    }

    public void MarkReady(SocketConnection connection)
    {
        if (connection.IsReady || connection.IsClosed) return;
        connection.IsReady = true;
        (connection.IsFlooding ? _floods : _ready).Enqueue(connection);
    }

    public void Closing(SocketConnection connection) => _closing.Add(connection);

    public byte[] RentInput(int length) => length <= InputSize && _inputs.TryPop(out byte[]? input) ? input : new byte[Math.Max(InputSize, length)];

    public void ReturnInput(byte[] input)
    {
        if (input.Length == InputSize && _inputs.Count < 256) _inputs.Push(input);
    }

    /// <summary>Closes this process's hold on everything. A successor that shares the sockets keeps them open.</summary>
    public void CloseAll()
    {
        foreach (SocketConnection connection in Connections.ToArray()) Finish(connection);
        foreach (int listener in _listeners.Keys)
        {
            Linux.Unwatch(Epoll, listener);
            Linux.Close(listener);
        }
        _listeners.Clear();
    }

    public void Dispose()
    {
        CloseAll();
        Linux.Close(_wake);
        Linux.Close(Epoll);
    }
}
