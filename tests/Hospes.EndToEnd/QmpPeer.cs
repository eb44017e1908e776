using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hospes.EndToEnd;

/// <summary>A client of a QMP socket, as small as can be: a line for a command, a line for an answer or an event.</summary>
internal sealed class QmpPeer : IDisposable
{
    private readonly Socket _socket;
    private readonly StreamReader _reader;
    private readonly StreamWriter _writer;
    private readonly List<JsonNode> _events = [];

    private QmpPeer(Socket socket)
    {
        _socket = socket;
        var stream = new NetworkStream(socket, ownsSocket: true);
        _reader = new StreamReader(stream);
        _writer = new StreamWriter(stream) { AutoFlush = true };
    }

    /// <summary>Connects, once the socket is there, and goes through the greeting.</summary>
    public static async Task<QmpPeer> ConnectAsync(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using var patience = new CancellationTokenSource(DebianGuest.Patience);
        while (true)
        {
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), patience.Token);
                break;
            }
            catch (SocketException)
            {
                await Task.Delay(50, patience.Token);
            }
        }
        var peer = new QmpPeer(socket);
        (await peer.ReadAsync())["QMP"].ShouldNotBeNull();
        await peer.CallAsync("qmp_capabilities");
        return peer;
    }

    /// <summary>Runs a command that has to succeed.</summary>
    public async Task<JsonNode?> CallAsync(string command, JsonObject? arguments = null)
    {
        JsonNode answer = await AskAsync(command, arguments);
        answer["error"].ShouldBeNull(answer.ToJsonString());
        return answer["return"];
    }

    /// <summary>Runs a command that has to fail.</summary>
    /// <returns>What the error says.</returns>
    public async Task<string> RefuseAsync(string command, JsonObject? arguments = null)
    {
        JsonNode answer = await AskAsync(command, arguments);
        return (string)answer["error"].ShouldNotBeNull(answer.ToJsonString())["desc"]!;
    }

    /// <summary>Waits for an event.</summary>
    public async Task<JsonNode> WaitAsync(string name)
    {
        while (true)
        {
            int at = _events.FindIndex(happened => (string?)happened["event"] == name);
            if (at >= 0)
            {
                JsonNode found = _events[at];
                _events.RemoveAt(at);
                return found;
            }
            _events.Add(await ReadAsync());
        }
    }

    public void Dispose() => _socket.Dispose();

    private async Task<JsonNode> AskAsync(string command, JsonObject? arguments)
    {
        var request = new JsonObject { ["execute"] = command };
        if (arguments is not null) request["arguments"] = arguments;
        await _writer.WriteLineAsync(request.ToJsonString(JsonSerializerOptions.Default));
        while (true)
        {
            JsonNode answer = await ReadAsync();
            if (answer["event"] is null) return answer;
            _events.Add(answer);
        }
    }

    private async Task<JsonNode> ReadAsync()
    {
        using var patience = new CancellationTokenSource(DebianGuest.Patience);
        string? line = await _reader.ReadLineAsync(patience.Token);
        return JsonNode.Parse(line ?? throw new IOException("the monitor closed its connection"))!;
    }
}
