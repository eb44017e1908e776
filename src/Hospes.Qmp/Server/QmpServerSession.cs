using System.Text.Json;
using Hospes.Qmp.Json;

namespace Hospes.Qmp.Server;

/// <summary>
/// The session of one who is connected: greeting, negotiation of capabilities, commands one after the other, events between. A peer that sends
/// what is no message gets an error and the session goes on; one that does not read is waited for with replies, and cut off by events.
/// </summary>
internal sealed class QmpServerSession : IDisposable
{
    private readonly QmpServer _server;
    private readonly Stream _stream;
    private readonly OutgoingQueue _outgoing = new();
    private readonly CancellationTokenSource _end = new();
    private volatile bool _isNegotiated;

    public QmpServerSession(QmpServer server, Stream stream)
    {
        _server = server;
        _stream = stream;
    }

    /// <summary>Serves until the stream ends.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using CancellationTokenRegistration registration = cancellation.Register(_end.Cancel);
        await using (_stream.ConfigureAwait(false))
        {
            await _outgoing.AddAsync(QmpWire.Greeting(_server.Version.ToJson()), _end.Token).ConfigureAwait(false);
            Task writing = WriteAsync();
            try
            {
                await ReadAsync().ConfigureAwait(false);
            }
            catch (Exception fault) when (IsEnd(fault))
            {
                _outgoing.Abort();
            }
            catch
            {
                _outgoing.Abort();
                throw;
            }
            finally
            {
                _outgoing.End();
                await writing.ConfigureAwait(false);
            }
        }
    }

    /// <summary>Tells of an event, or ends the session when there is no room for it.</summary>
    public void Tell(byte[] message)
    {
        // Not on this thread: what the session does at its end would run inside the loop over all sessions.
        if (_isNegotiated && !_outgoing.TryAdd(message)) _ = _end.CancelAsync();
    }

    /// <summary>Ends once everything is written.</summary>
    public Task WhenDrained() => _outgoing.WhenDrained();

    /// <inheritdoc/>
    public void Dispose() => _end.Dispose();

    private async Task ReadAsync()
    {
        var reader = new JsonReader();
        byte[] buffer = new byte[4096];
        while (await _stream.ReadAsync(buffer, _end.Token).ConfigureAwait(false) is var count and > 0)
        {
            ReadOnlyMemory<byte> input = buffer.AsMemory(0, count);
            while (TryRead(reader, ref input, out JsonMessage message)) await _outgoing.AddAsync(Answer(message), _end.Token).ConfigureAwait(false);
        }
    }

    private static bool TryRead(JsonReader reader, ref ReadOnlyMemory<byte> input, out JsonMessage message)
    {
        ReadOnlySpan<byte> left = input.Span;
        bool read = reader.TryRead(ref left, out message);
        input = input[^left.Length..];
        return read;
    }

    private byte[] Answer(JsonMessage message)
    {
        if (message.Value is null) return QmpWire.Reply(QmpError.Generic($"JSON parse error, {message.Error}"), null);
        using JsonDocument document = message.Value;
        JsonElement value = document.RootElement;
        if (value.ValueKind != JsonValueKind.Object) return QmpWire.Reply(QmpError.Generic("QMP input must be a JSON object"), null);
        return QmpWire.Reply(Dispatch(value), value.TryGetProperty("id", out JsonElement id) ? id : null);
    }

    private QmpResult Dispatch(JsonElement message)
    {
        string? command = null;
        JsonElement arguments = default;
        foreach (JsonProperty member in message.EnumerateObject())
        {
            switch (member.Name)
            {
                case "execute":
                    if (member.Value.ValueKind != JsonValueKind.String) return QmpError.Generic("QMP input member 'execute' must be a string");
                    command = member.Value.GetString();
                    break;
                case "arguments":
                    if (member.Value.ValueKind != JsonValueKind.Object) return QmpError.Generic("QMP input member 'arguments' must be an object");
                    arguments = member.Value;
                    break;
                case "id":
                    break;
                default:
                    return QmpError.Generic($"QMP input member '{member.Name}' is unexpected");
            }
        }
        if (command is null) return QmpError.Generic("QMP input lacks member 'execute'");
        bool negotiates = command == QmpServer.Negotiation;
        if (_isNegotiated == negotiates)
        {
            return new QmpError(
                QmpErrorClass.CommandNotFound,
                negotiates ? "Capabilities negotiation is already complete, command ignored" : "Expecting capabilities negotiation with 'qmp_capabilities'");
        }
        if (!negotiates) return _server.Execute(command, arguments);
        if (_server.CheckNegotiation(arguments) is { } error) return error;
        _isNegotiated = true;
        return QmpResult.Done;
    }

    private async Task WriteAsync()
    {
        try
        {
            while (await _outgoing.NextAsync(_end.Token).ConfigureAwait(false) is { } message)
            {
                await _stream.WriteAsync(message, _end.Token).ConfigureAwait(false);
                await _stream.FlushAsync(_end.Token).ConfigureAwait(false);
                _outgoing.Written(message);
            }
        }
        catch (Exception fault) when (IsEnd(fault))
        {
            _outgoing.Abort();
            await _end.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Whether it is how a stream ends: closed here, closed by the peer, or cut off.</summary>
    private static bool IsEnd(Exception fault) => fault is OperationCanceledException or IOException or ObjectDisposedException or System.Net.Sockets.SocketException;
}
