using System.Text.Json;
using System.Text.Json.Nodes;
using Hospes.Qmp.Schema;

namespace Hospes.Qmp.Server;

/// <summary>What a server says it is.</summary>
/// <param name="Major">Of the version of QEMU whose interface this is: the first number.</param>
/// <param name="Minor">The second number.</param>
/// <param name="Micro">The third number.</param>
/// <param name="Package">Who made the program.</param>
public sealed record QmpVersion(int Major, int Minor, int Micro, string Package)
{
    internal JsonObject ToJson() => new()
    {
        ["qemu"] = new JsonObject { ["micro"] = Micro, ["minor"] = Minor, ["major"] = Major },
        ["package"] = Package,
    };
}

/// <summary>
/// The server's side of QMP: a table of commands and events, and the sessions of all who are connected. It has the commands of the protocol itself
/// (<c>query-version</c>, <c>query-commands</c>, <c>query-qmp-schema</c>) beside those that it is given. Thread-safe.
/// </summary>
public sealed class QmpServer
{
    /// <summary>The command that begins a session; see <see cref="QmpServerSession"/>.</summary>
    internal const string Negotiation = "qmp_capabilities";

    private readonly Dictionary<string, QmpCommand> _commands;
    private readonly Dictionary<string, QmpEventType> _events;
    private readonly TimeProvider _time;
    private readonly Lock _commandGate = new(), _sessionGate = new();
    private readonly List<QmpServerSession> _sessions = [];
    private readonly Dictionary<string, EventThrottle> _throttles;

    /// <summary>Makes a server.</summary>
    /// <param name="version">What it says it is.</param>
    /// <param name="commands">The commands.</param>
    /// <param name="events">The events.</param>
    /// <param name="time">Where events get their time from.</param>
    /// <exception cref="ArgumentException">A name stands twice.</exception>
    public QmpServer(QmpVersion version, IEnumerable<QmpCommand> commands, IEnumerable<QmpEventType> events, TimeProvider time)
    {
        Version = version;
        _time = time;
        IEnumerable<QmpCommand> own =
        [
            // Declared here for those who ask; what does it is the session, which alone knows whether it was done.
            new(Negotiation, new QmpObject(new QmpMember("enable", new QmpArray(IntrospectionTypes.Capability), IsOptional: true)), QmpObject.Empty, static _ => QmpResult.Done),
            new("query-version", QmpObject.Empty, IntrospectionTypes.VersionInfo, _ => version.ToJson()),
            new("query-commands", QmpObject.Empty, new QmpArray(IntrospectionTypes.CommandInfo), _ => new JsonArray([.. Commands.Select(static command => new JsonObject { ["name"] = command.Name })])),
            new("query-qmp-schema", QmpObject.Empty, new QmpArray(IntrospectionTypes.SchemaInfo), _ => SchemaWriter.Write(Commands, Events)),
        ];
        _commands = own.Concat(commands).ToDictionary(static command => command.Name);
        _events = events.ToDictionary(static type => type.Name);
        _throttles = _events.Values.Where(static type => type.Interval > TimeSpan.Zero)
            .ToDictionary(static type => type.Name, type => new EventThrottle(type.Interval, time, Send));
    }

    /// <summary>What it says it is.</summary>
    public QmpVersion Version { get; }

    /// <summary>The commands.</summary>
    public IReadOnlyCollection<QmpCommand> Commands => _commands.Values;

    /// <summary>The events.</summary>
    public IReadOnlyCollection<QmpEventType> Events => _events.Values;

    /// <summary>Serves one who connected, until the stream ends or the peer does not read what it is told.</summary>
    /// <param name="stream">The way to the peer and back; closed at the end.</param>
    /// <param name="cancellation">Ends the session.</param>
    public async Task ServeAsync(Stream stream, CancellationToken cancellation = default)
    {
        using var session = new QmpServerSession(this, stream);
        lock (_sessionGate) _sessions.Add(session);
        try
        {
            await session.RunAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            lock (_sessionGate) _sessions.Remove(session);
        }
    }

    /// <summary>Tells all sessions of an event; never blocks. A session that has no room for it ends: who missed an event unawares would go on with a
    /// wrong picture, while who is cut off can connect and ask.</summary>
    /// <param name="name">The event's name; one of <see cref="Events"/>.</param>
    /// <param name="data">What comes with it, or null.</param>
    /// <param name="subject">What it is about, for events that are held back: each subject is on its own.</param>
    public void Publish(string name, JsonObject? data = null, string subject = "")
    {
        if (!_events.ContainsKey(name)) throw new ArgumentException($"the event {name} is not declared", nameof(name));
        byte[] message = QmpWire.Event(name, data, _time.GetUtcNow());
        if (_throttles.TryGetValue(name, out EventThrottle? throttle)) throttle.Take(subject, message);
        else Send(message);
    }

    /// <summary>Ends once every session has read what was told up to now, or the time is over.</summary>
    /// <param name="patience">How long to wait at most.</param>
    public async Task DrainAsync(TimeSpan patience)
    {
        Task[] waits;
        lock (_sessionGate) waits = [.. _sessions.Select(static session => session.WhenDrained())];
        try
        {
            await Task.WhenAll(waits).WaitAsync(patience, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Who does not read in time misses the end.
        }
    }

    /// <summary>Does a command.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="arguments">Its arguments, not checked yet; undefined for none.</param>
    internal QmpResult Execute(string name, JsonElement arguments)
    {
        if (!_commands.TryGetValue(name, out QmpCommand? command)) return new QmpError(QmpErrorClass.CommandNotFound, $"The command {name} has not been found");
        if (CheckArguments(command, arguments) is { } error) return QmpError.Generic(error);
        lock (_commandGate) return command.Execute(new QmpArguments(arguments));
    }

    /// <summary>Checks the arguments of the command that begins a session.</summary>
    internal QmpError? CheckNegotiation(JsonElement arguments)
    {
        if (CheckArguments(_commands[Negotiation], arguments) is { } error) return QmpError.Generic(error);
        return new QmpArguments(arguments)["enable"] is { } enable && enable.GetArrayLength() > 0
            ? QmpError.Generic("Requested capability 'oob' is not available")
            : null;
    }

    private static string? CheckArguments(QmpCommand command, JsonElement arguments)
    {
        if (arguments.ValueKind != JsonValueKind.Undefined) return command.Arguments.Check(arguments, null, "");
        return command.Arguments.Members.FirstOrDefault(static member => !member.IsOptional) is { } missing ? $"Parameter '{missing.Name}' is missing" : null;
    }

    private void Send(byte[] message)
    {
        lock (_sessionGate)
        {
            foreach (QmpServerSession session in _sessions) session.Tell(message);
        }
    }
}
