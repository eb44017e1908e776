using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Hospes.Qmp.Json;
using Hospes.Qmp.Server;

namespace Hospes.Qmp.Client;

/// <summary>
/// The client's side of QMP over a stream. Thread-safe: commands of several callers are under way at once, and each gets its own answer. What
/// the server sends is not trusted: it is bounded by <see cref="QmpLimits"/>, and what is no message of the protocol ends the connection.
/// </summary>
public sealed class QmpClient : IAsyncDisposable
{
    private readonly Stream _stream;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _writing = new(1);
    private readonly Dictionary<long, TaskCompletionSource<QmpReply>> _waiting = [];
    private readonly CancellationTokenSource _end = new();
    private readonly TaskCompletionSource _greeted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<QmpEvent> _events = Channel.CreateBounded<QmpEvent>(new BoundedChannelOptions(QmpLimits.ClientEvents) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly Task _reading;
    private long _lastId;
    private QmpClientException? _fault;

    private QmpClient(Stream stream)
    {
        _stream = stream;
        _reading = Task.Run(ReadAsync);
    }

    /// <summary>What the server said it is, with its <c>version</c> and <c>capabilities</c>.</summary>
    public JsonElement Greeting { get; private set; }

    /// <summary>Connects: waits for the greeting and negotiates capabilities, of which none is asked for.</summary>
    /// <param name="stream">The way to the server and back; it belongs to the client from now on.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="QmpClientException">The stream ended, or no QMP server is there.</exception>
    public static async Task<QmpClient> ConnectAsync(Stream stream, CancellationToken cancellation = default)
    {
        var client = new QmpClient(stream);
        try
        {
            await client._greeted.Task.WaitAsync(cancellation).ConfigureAwait(false);
            QmpReply reply = await client.ExecuteAsync(QmpServer.Negotiation, null, cancellation).ConfigureAwait(false);
            return reply.Error is { } error ? throw new QmpClientException($"the server refuses a session: {error.Description}") : client;
        }
        catch
        {
            await client.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Has a command done.</summary>
    /// <param name="command">Its name.</param>
    /// <param name="arguments">Its arguments, or null.</param>
    /// <param name="cancellation">Ends the wait; the server may do the command all the same, and its answer is dropped then.</param>
    /// <exception cref="QmpClientException">The connection ended before the answer came.</exception>
    public async Task<QmpReply> ExecuteAsync(string command, JsonObject? arguments = null, CancellationToken cancellation = default)
    {
        cancellation.ThrowIfCancellationRequested();
        var answer = new TaskCompletionSource<QmpReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        long id;
        lock (_gate)
        {
            if (_fault is not null) throw new QmpClientException(_fault.Message, _fault);
            id = ++_lastId;
            _waiting[id] = answer;
        }
        try
        {
            await SendAsync(QmpWire.Command(command, arguments, id), cancellation).ConfigureAwait(false);
            return await answer.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate) _waiting.Remove(id);
        }
    }

    /// <summary>The events, from the first that came on; each is given to one reader. Ends with the connection.</summary>
    /// <param name="cancellation">Ends the wait.</param>
    public async IAsyncEnumerable<QmpEvent> EventsAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await foreach (QmpEvent happened in _events.Reader.ReadAllAsync(cancellation).ConfigureAwait(false)) yield return happened;
    }

    /// <summary>Closes the connection. Commands under way end with <see cref="QmpClientException"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _stream.DisposeAsync().ConfigureAwait(false);
        await _reading.ConfigureAwait(false);
    }

    private async Task SendAsync(byte[] message, CancellationToken cancellation)
    {
        await _writing.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            // A message that is begun is sent whole: half of one would spoil all that follow.
            await _stream.WriteAsync(message, _end.Token).ConfigureAwait(false);
            await _stream.FlushAsync(_end.Token).ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is IOException or ObjectDisposedException or OperationCanceledException)
        {
            throw new QmpClientException("the connection is closed", fault);
        }
        finally
        {
            _writing.Release();
        }
    }

    private async Task ReadAsync()
    {
        var fault = new QmpClientException("the server closed the connection");
        try
        {
            var reader = new JsonReader();
            byte[] buffer = new byte[4096];
            while (await _stream.ReadAsync(buffer, _end.Token).ConfigureAwait(false) is var count and > 0)
            {
                if (TakeAll(reader, buffer.AsSpan(0, count))) continue;
                fault = new QmpClientException("the other side does not speak QMP");
                break;
            }
        }
        catch (Exception end) when (end is IOException or ObjectDisposedException or OperationCanceledException)
        {
            fault = new QmpClientException("the connection is closed", end);
        }
        End(fault);
    }

    private void End(QmpClientException fault)
    {
        TaskCompletionSource<QmpReply>[] waiting;
        lock (_gate)
        {
            _fault = fault;
            waiting = [.. _waiting.Values];
        }
        foreach (TaskCompletionSource<QmpReply> answer in waiting) answer.TrySetException(fault);
        _greeted.TrySetException(fault);
        // Looked at by whoever waits for it; nobody may.
        _ = _greeted.Task.Exception;
        _events.Writer.TryComplete();
    }

    private bool TakeAll(JsonReader reader, ReadOnlySpan<byte> input)
    {
        while (reader.TryRead(ref input, out JsonMessage message))
        {
            if (message.Value is not { } document) return false;
            using (document)
            {
                if (document.RootElement.ValueKind != JsonValueKind.Object || !Take(document.RootElement)) return false;
            }
        }
        return true;
    }

    private bool Take(JsonElement message)
    {
        if (message.TryGetProperty("event", out JsonElement name)) return name.ValueKind == JsonValueKind.String && TakeEvent(name.GetString()!, message);
        if (message.TryGetProperty("QMP", out JsonElement greeting))
        {
            if (_greeted.Task.IsCompleted) return false;
            Greeting = greeting.Clone();
            _greeted.TrySetResult();
            return true;
        }
        // An answer without a number is to what the server could not read; this client sends no such thing.
        if (!message.TryGetProperty("id", out JsonElement id) || id.ValueKind != JsonValueKind.Number || !id.TryGetInt64(out long number)) return false;
        TaskCompletionSource<QmpReply>? answer;
        lock (_gate) _waiting.TryGetValue(number, out answer);
        if (message.TryGetProperty("return", out JsonElement value))
        {
            answer?.TrySetResult(new QmpReply(value.Clone(), null));
            return true;
        }
        if (!message.TryGetProperty("error", out JsonElement error) || error.ValueKind != JsonValueKind.Object) return false;
        answer?.TrySetResult(new QmpReply(default, ReadError(error)));
        return true;
    }

    private bool TakeEvent(string name, JsonElement message)
    {
        DateTimeOffset time = DateTimeOffset.UnixEpoch;
        if (message.TryGetProperty("timestamp", out JsonElement stamp) && stamp.ValueKind == JsonValueKind.Object
            && TryNumber(stamp, "seconds", out long seconds) && TryNumber(stamp, "microseconds", out long microseconds)
            && seconds is >= 0 and < 1L << 32 && microseconds is >= 0 and < 1_000_000)
        {
            time = DateTimeOffset.FromUnixTimeSeconds(seconds).AddMicroseconds(microseconds);
        }
        _events.Writer.TryWrite(new QmpEvent(name, message.TryGetProperty("data", out JsonElement data) ? data.Clone() : default, time));
        return true;
    }

    private static bool TryNumber(JsonElement value, string name, out long number)
    {
        number = 0;
        return value.TryGetProperty(name, out JsonElement member) && member.ValueKind == JsonValueKind.Number && member.TryGetInt64(out number);
    }

    private static QmpError ReadError(JsonElement error)
    {
        string description = error.TryGetProperty("desc", out JsonElement text) && text.ValueKind == JsonValueKind.String ? text.GetString()! : "";
        // A class that is not known counts as the one that any error may have.
        string? name = error.TryGetProperty("class", out JsonElement word) && word.ValueKind == JsonValueKind.String ? word.GetString() : null;
        return new QmpError(Enum.GetValues<QmpErrorClass>().FirstOrDefault(kind => kind.ToString() == name), description);
    }
}
