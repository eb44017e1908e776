using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hospes.Qmp.Server;

namespace Hospes.Qmp.Tests;

public sealed class SessionTests : IDisposable
{
    private const string Negotiate = """{"execute":"qmp_capabilities"}""";

    private readonly SocketPair _sockets = new();
    private readonly StreamReader _reader;

    public SessionTests() => _reader = new StreamReader(_sockets.Near);

    public void Dispose()
    {
        _reader.Dispose();
        _sockets.Dispose();
    }

    [Fact]
    public async Task ASessionGreetsNegotiatesAnswersAndEchoesIds()
    {
        string[] replies = await TalkAsync("""{"execute":"say","arguments":{"text":"x"}}""", """{"execute":"qmp_capabilities","id":{"a":[1,2.50,null]}}""",
            """{"execute":"say","arguments":{"text":"hé","loud":true},"id":"i"}""", """{"id":7,"execute":"fail"}""", Negotiate);
        replies.ShouldBe(
        [
            """{"QMP":{"version":{"qemu":{"micro":0,"minor":2,"major":7},"package":"Echo"},"capabilities":[]}}""",
            """{"error":{"class":"CommandNotFound","desc":"Expecting capabilities negotiation with 'qmp_capabilities'"}}""",
            """{"return":{},"id":{"a":[1,2.50,null]}}""",
            """{"return":"HÉ","id":"i"}""",
            """{"error":{"class":"DeviceNotFound","desc":"Device 'x' not found"},"id":7}""",
            """{"error":{"class":"CommandNotFound","desc":"Capabilities negotiation is already complete, command ignored"}}""",
        ]);
    }

    [Theory]
    [InlineData("""{"execute":"nope"}""", "The command nope has not been found")]
    [InlineData("""{"execute":5}""", "QMP input member 'execute' must be a string")]
    [InlineData("""{"execute":"say","arguments":[]}""", "QMP input member 'arguments' must be an object")]
    [InlineData("""{"exec-oob":"say"}""", "QMP input member 'exec-oob' is unexpected")]
    [InlineData("""{"arguments":{}}""", "QMP input lacks member 'execute'")]
    [InlineData("[]", "QMP input must be a JSON object")]
    [InlineData("{]", "JSON parse error, expecting value")]
    [InlineData("""{"execute":"say"}""", "Parameter 'text' is missing")]
    [InlineData("""{"execute":"say","arguments":{}}""", "Parameter 'text' is missing")]
    [InlineData("""{"execute":"say","arguments":{"text":5}}""", "Invalid parameter type for 'text', expected: string")]
    [InlineData("""{"execute":"say","arguments":{"text":"x","loud":1}}""", "Invalid parameter type for 'loud', expected: boolean")]
    [InlineData("""{"execute":"say","arguments":{"text":"x","more":1}}""", "Parameter 'more' is unexpected")]
    [InlineData("""{"execute":"fail","arguments":{"more":1}}""", "Parameter 'more' is unexpected")]
    [InlineData("""{"execute":"connect","arguments":{"addr":{}}}""", "Parameter 'addr.type' is missing")]
    [InlineData("""{"execute":"connect","arguments":{"addr":{"type":"fd"}}}""", "Parameter 'type' does not accept value 'fd'")]
    [InlineData("""{"execute":"connect","arguments":{"addr":{"type":"unix"}}}""", "Parameter 'addr.path' is missing")]
    [InlineData("""{"execute":"connect","arguments":{"addr":{"type":"unix","path":"p","port":1}}}""", "Parameter 'addr.port' is unexpected")]
    [InlineData("""{"execute":"connect","arguments":{"addr":{"type":"inet","port":1.5}}}""", "Invalid parameter type for 'addr.port', expected: integer")]
    [InlineData("""{"execute":"connect","arguments":{"addr":{"type":"inet","port":99999999999999999999}}}""", "Invalid parameter type for 'addr.port', expected: integer")]
    [InlineData("""{"execute":"connect","arguments":{"addr":{"type":"inet","port":1,"hosts":[{"str":"a"},{"str":5}]}}}""", "Invalid parameter type for 'addr.hosts[1].str', expected: string")]
    [InlineData("""{"execute":"connect","arguments":{"addr":{"type":"inet","port":1,"hosts":{}}}}""", "Invalid parameter type for 'addr.hosts', expected: array")]
    [InlineData("""{"execute":"either","arguments":{"file":5}}""", "Invalid parameter type for 'file', expected: FileOrAddress")]
    [InlineData("""{"execute":"either","arguments":{"file":{"type":"unix"}}}""", "Parameter 'file.path' is missing")]
    [InlineData("""{"execute":"words","arguments":{"list":["a","c"]}}""", "Parameter 'null' does not accept value 'c'")]
    public async Task MistakesAreErrorsAndTheSessionLives(string message, string description)
    {
        string[] replies = await TalkAsync(Negotiate, message, """{"execute":"say","arguments":{"text":"alive"}}""");
        JsonElement error = JsonDocument.Parse(replies[2]).RootElement.GetProperty("error");
        error.GetProperty("desc").GetString().ShouldBe(description);
        error.GetProperty("class").GetString().ShouldBe(description.EndsWith("has not been found", StringComparison.Ordinal) ? "CommandNotFound" : "GenericError");
        replies[^1].ShouldBe("""{"return":"alive"}""");
    }

    [Theory]
    [InlineData("""{"enable":["oob"]}""", "Requested capability 'oob' is not available")]
    [InlineData("""{"enable":["x"]}""", "Parameter 'null' does not accept value 'x'")]
    [InlineData("""{"enable":"oob"}""", "Invalid parameter type for 'enable', expected: array")]
    [InlineData("""{"more":"oob"}""", "Parameter 'more' is unexpected")]
    public async Task ARefusedNegotiationCanBeTriedAgain(string arguments, string description)
    {
        string[] replies = await TalkAsync($$"""{"execute":"qmp_capabilities","arguments":{{arguments}}}""", Negotiate);
        replies[1].ShouldBe(JsonSerializer.Serialize(new { error = new { @class = "GenericError", desc = description } }, s_relaxed));
        replies[2].ShouldBe("""{"return":{}}""");
    }

    [Fact]
    public async Task EventsAreToldToThoseWhoNegotiatedWithTheirTime()
    {
        QmpServer server = Echo.Make(new ManualTime());
        Task serving = server.ServeAsync(_sockets.Far);
        await Echo.NextAsync(_reader);
        server.Publish("TICK", new JsonObject { ["n"] = 1 });
        await SendAsync(Negotiate);
        (await Echo.NextAsync(_reader)).GetRawText().ShouldBe("""{"return":{}}""");
        server.Publish("TICK", new JsonObject { ["n"] = 2 });
        (await Echo.NextAsync(_reader)).GetRawText().ShouldBe("""{"timestamp":{"seconds":1000000000,"microseconds":123456},"event":"TICK","data":{"n":2}}""");
        _sockets.Near.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        await serving;
        Should.Throw<ArgumentException>(() => server.Publish("TOCK"));
    }

    [Fact]
    public async Task EventsThatComeTooOftenAreHeldBack()
    {
        var time = new ManualTime();
        QmpServer server = Echo.Make(time);
        Task serving = server.ServeAsync(_sockets.Far);
        await SendAsync(Negotiate);
        await Echo.NextAsync(_reader);
        await Echo.NextAsync(_reader);
        for (int n = 1; n <= 5; n++) server.Publish("RARE", new JsonObject { ["n"] = n }, "a");
        server.Publish("RARE", new JsonObject { ["n"] = 10 }, "b");
        time.Advance(TimeSpan.FromSeconds(1));
        time.Advance(TimeSpan.FromSeconds(1));
        server.Publish("RARE", new JsonObject { ["n"] = 6 }, "a");
        int[] told = new int[4];
        for (int i = 0; i < told.Length; i++) told[i] = (await Echo.NextAsync(_reader)).GetProperty("data").GetProperty("n").GetInt32();
        told.ShouldBe([1, 10, 5, 6]);
        _sockets.Near.Dispose();
        await serving;
    }

    [Fact]
    public async Task APeerThatDoesNotReadIsCutOffByEventsAndHoldsNobodyUp()
    {
        QmpServer server = Echo.Make();
        Task serving = server.ServeAsync(_sockets.Far);
        await SendAsync(Negotiate);
        await Echo.NextAsync(_reader);
        await Echo.NextAsync(_reader);
        // Each is told without waiting, far beyond what the socket and the queue hold.
        for (int n = 0; n < 200_000 && !serving.IsCompleted; n++) server.Publish("TICK", new JsonObject { ["n"] = n });
        await serving.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task RepliesWaitForAPeerThatReadsLate()
    {
        Task serving = Echo.Make().ServeAsync(_sockets.Far);
        byte[] command = Encoding.UTF8.GetBytes("{'execute':'say','arguments':{'text':'" + new string('x', 100_000) + "'}}");
        const int Count = 120;
        Task sending = Task.Run(async () =>
        {
            await SendAsync(Negotiate);
            for (int i = 0; i < Count; i++) await _sockets.Near.WriteAsync(command);
            _sockets.Near.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        });
        await Echo.NextAsync(_reader);
        await Echo.NextAsync(_reader);
        for (int i = 0; i < Count; i++) (await Echo.NextAsync(_reader)).GetProperty("return").GetString()!.Length.ShouldBe(100_000);
        await sending;
        await serving;
    }

    [Fact]
    public async Task ACancelledSessionEndsAndClosesItsStream()
    {
        using var cancellation = new CancellationTokenSource();
        Task serving = Echo.Make().ServeAsync(_sockets.Far, cancellation.Token);
        await Echo.NextAsync(_reader);
        await cancellation.CancelAsync();
        await serving;
        (await _reader.ReadLineAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task DrainingWaitsForReadersButNotForEver()
    {
        QmpServer server = Echo.Make();
        Task serving = server.ServeAsync(_sockets.Far);
        await SendAsync(Negotiate);
        await Echo.NextAsync(_reader);
        await Echo.NextAsync(_reader);
        server.Publish("TICK", new JsonObject { ["n"] = 1 });
        await server.DrainAsync(TimeSpan.FromSeconds(30));
        (await Echo.NextAsync(_reader)).GetProperty("event").GetString().ShouldBe("TICK");
        _sockets.Near.Dispose();
        await serving;
        await server.DrainAsync(TimeSpan.FromMilliseconds(1));
    }

    [Fact]
    public async Task NoSessionBreaksTheServer()
    {
        var random = new Random(11);
        QmpServer server = Echo.Make();
        byte[] sample = Encoding.UTF8.GetBytes(Negotiate + """{"execute":"say","arguments":{"text":"x","loud":true},"id":[1]}{"execute":"query-qmp-schema"}{"execute":"connect","arguments":{"addr":{"type":"unix","path":"p"}}}""");
        for (int round = 0; round < 400; round++)
        {
            byte[] bytes = [.. sample];
            for (int change = random.Next(12); change > 0; change--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            using var pair = new SocketPair();
            Task serving = server.ServeAsync(pair.Far);
            await pair.Near.WriteAsync(bytes.AsMemory(0, random.Next(bytes.Length + 1)));
            pair.Near.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            using var reader = new StreamReader(pair.Near);
            while (await reader.ReadLineAsync() is { } line)
            {
                using JsonDocument reply = JsonDocument.Parse(line);
                reply.RootElement.ValueKind.ShouldBe(JsonValueKind.Object);
            }
            await serving;
        }
    }

    private static readonly JsonSerializerOptions s_relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private async Task SendAsync(string text) => await _sockets.Near.WriteAsync(Encoding.UTF8.GetBytes(text));

    /// <summary>Sends everything, closes, and gives all lines that came.</summary>
    private async Task<string[]> TalkAsync(params string[] messages)
    {
        Task serving = Echo.Make().ServeAsync(_sockets.Far);
        await SendAsync(string.Join("\n", messages) + "\n");
        _sockets.Near.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        string all = await _reader.ReadToEndAsync();
        await serving;
        return all.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
    }
}
