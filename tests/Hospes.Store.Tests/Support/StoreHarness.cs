using System.Text;
using Hospes.Store.Engine;
using Hospes.Store.Quotas;
using Hospes.Store.Requests;
using Hospes.Store.Transactions;
using Hospes.Store.Wire;

namespace Hospes.Store.Tests.Support;

/// <summary>One message that a client would receive.</summary>
internal sealed record Received(XsMessageType Type, uint RequestId, uint TransactionId, byte[] Payload)
{
    public string Text => Encoding.Latin1.GetString(Payload);

    /// <summary>The strings of the payload, each of which ends in a nul.</summary>
    public string[] Strings => Text.Length == 0 ? [] : Text.TrimEnd('\0').Split('\0');

    public override string ToString() => $"{Type} {Text.Replace('\0', '|')}";
}

/// <summary>A clock that stands until it is moved.</summary>
internal sealed class ManualClock : TimeProvider
{
    private long _ticks = TimeSpan.TicksPerHour;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _ticks;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddTicks(_ticks);

    public void Advance(TimeSpan time) => _ticks += time.Ticks;
}

/// <summary>A log that keeps its lines.</summary>
internal sealed class ListLog : IStoreLog
{
    public List<string> Lines { get; } = [];

    public void Write(string line) => Lines.Add(line);
}

/// <summary>The store without sockets: requests go in, messages come out.</summary>
internal sealed class StoreHarness : ISessionCarrier, IDomainHost
{
    private uint _nextRequestId = 1;

    public StoreHarness(StoreQuotas? quotas = null, EngineLimits? limits = null)
    {
        State = new StoreState(quotas ?? StoreQuotas.Reference, limits ?? new EngineLimits(), Clock, Log, 12345);
        Transactions = new TransactionManager(State);
        Processor = new RequestProcessor(State, Transactions, this);
        State.CreateInitialNodes();
    }

    public ManualClock Clock { get; } = new();

    public ListLog Log { get; } = new();

    public StoreState State { get; }

    public TransactionManager Transactions { get; }

    public RequestProcessor Processor { get; }

    public List<Session> Ended { get; } = [];

    public List<Session> Continued { get; } = [];

    /// <summary>A session of a domain; of the control domain unless said.</summary>
    public Session Open(ushort domain = 0, bool isReadOnly = false) => new(State.DomainOf(domain), this, State.Segments, isReadOnly);

    /// <summary>Sends a request and gives its reply; events that came before it stay in front of the queue for <see cref="Drain"/>.</summary>
    public Received Call(Session session, XsMessageType type, string payload, uint transaction = 0)
    {
        List<Received> earlier = Drain(session);
        Send(session, type, payload, transaction).ShouldBe(RequestOutcome.Answered);
        List<Received> messages = Drain(session);
        Received reply = messages.Single(message => message.Type != XsMessageType.WatchEvent);
        _events.AddRange(earlier.Concat(messages).Where(message => message.Type == XsMessageType.WatchEvent).Select(message => (session, message)));
        return reply;
    }

    private readonly List<(Session Session, Received Event)> _events = [];

    public RequestOutcome Send(Session session, XsMessageType type, string payload, uint transaction = 0)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(payload.Replace('|', '\0'));
        return Processor.Process(session, new XsHeader((uint)type, _nextRequestId++, transaction, (uint)bytes.Length), bytes);
    }

    /// <summary>The events that a session got, as "path token".</summary>
    public string[] Events(Session session)
    {
        string[] events = [.. _events.Where(e => e.Session == session).Select(e => e.Event).Concat(Drain(session)).Select(e => string.Join(' ', e.Strings))];
        _events.RemoveAll(e => e.Session == session);
        return events;
    }

    public static List<Received> Drain(Session session)
    {
        byte[] bytes = session.Output.ToArray();
        session.Output.Consume(bytes.Length);
        return Parse(bytes);
    }

    public static List<Received> Parse(ReadOnlySpan<byte> bytes)
    {
        var messages = new List<Received>();
        while (bytes.Length >= XsWire.HeaderSize)
        {
            XsHeader header = XsHeader.Read(bytes);
            messages.Add(new Received((XsMessageType)header.Type, header.RequestId, header.TransactionId, bytes.Slice(XsWire.HeaderSize, (int)header.Length).ToArray()));
            bytes = bytes[(XsWire.HeaderSize + (int)header.Length)..];
        }
        bytes.Length.ShouldBe(0);
        return messages;
    }

    public string Read(Session session, string path, uint transaction = 0) => Outcome(Call(session, XsMessageType.Read, path + "|", transaction));

    public string Write(Session session, string path, string value, uint transaction = 0) => Outcome(Call(session, XsMessageType.Write, path + "|" + value, transaction));

    public string MakeDirectory(Session session, string path, uint transaction = 0) => Outcome(Call(session, XsMessageType.MakeDirectory, path + "|", transaction));

    public string Remove(Session session, string path, uint transaction = 0) => Outcome(Call(session, XsMessageType.Remove, path + "|", transaction));

    public string List(Session session, string path, uint transaction = 0)
    {
        Received reply = Call(session, XsMessageType.Directory, path + "|", transaction);
        return reply.Type == XsMessageType.Error ? reply.Strings[0] : string.Join(' ', reply.Strings);
    }

    public string Permissions(Session session, string path, uint transaction = 0)
    {
        Received reply = Call(session, XsMessageType.GetPermissions, path + "|", transaction);
        return string.Join(' ', reply.Strings);
    }

    public string SetPermissions(Session session, string path, string entries, uint transaction = 0) =>
        Outcome(Call(session, XsMessageType.SetPermissions, path + "|" + entries.Replace(' ', '|') + "|", transaction));

    public string Watch(Session session, string path, string token, string depth = "") =>
        Outcome(Call(session, XsMessageType.Watch, $"{path}|{token}|" + (depth.Length == 0 ? "" : depth + "|")));

    public string Unwatch(Session session, string path, string token) => Outcome(Call(session, XsMessageType.Unwatch, $"{path}|{token}|"));

    public uint Begin(Session session) => uint.Parse(Call(session, XsMessageType.TransactionStart, "|").Strings[0]);

    public string End(Session session, uint transaction, bool commit = true) => Outcome(Call(session, XsMessageType.TransactionEnd, commit ? "T|" : "F|", transaction));

    public string Introduce(ushort domain) => Outcome(Call(Control, XsMessageType.Introduce, $"{domain}|1|1|"));

    public Session Control => field ??= Open();

    public void CheckIsSound() => StoreCheck.Run(State).ShouldBeEmpty();

    /// <summary>The error's name, or the payload without its last nul.</summary>
    public static string Outcome(Received reply) => reply.Text.EndsWith('\0') ? reply.Text[..^1] : reply.Text;

    void ISessionCarrier.OutputWaits(Session session)
    {
    }

    void ISessionCarrier.InputMayContinue(Session session) => Continued.Add(session);

    void ISessionCarrier.End(Session session, SessionEnd reason) => Ended.Add(session);

    bool IDomainHost.MayExist(ushort domain) => domain < XsWire.FirstReservedDomain;

    XsError IDomainHost.Introduce(DomainState domain, ulong gfn, uint eventChannel) => XsError.None;

    void IDomainHost.Release(DomainState domain)
    {
        foreach (Session session in domain.Sessions.ToArray()) session.MarkEnded();
    }

    Metrics.StoreMetrics? IDomainHost.Metrics => null;

    bool IDomainHost.TryOpenLog(string path) => path.Length > 0;

    bool IDomainHost.TryReportMemory(string? path, string report) => true;

    string? IDomainHost.LiveUpdate(IReadOnlyList<string> arguments, Session session, in XsHeader header) => "OK";
}
