using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hospes.Qmp.Client;
using Hospes.Qmp.Server;

namespace Hospes.Qmp.Tests;

public sealed class ClientTests : IDisposable
{
    private const string Greeting = """{"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 9}, "package": ""}, "capabilities": ["oob"]}}""";

    private readonly SocketPair _sockets = new();

    public void Dispose() => _sockets.Dispose();

    [Fact]
    public async Task CommandsAreAnsweredAndErrorsAreValues()
    {
        Task serving = Echo.Make().ServeAsync(_sockets.Far);
        await using (QmpClient client = await QmpClient.ConnectAsync(_sockets.Near))
        {
            client.Greeting.GetProperty("version").GetProperty("package").GetString().ShouldBe("Echo");
            QmpReply reply = await client.ExecuteAsync("say", new JsonObject { ["text"] = "a\"ä" });
            reply.Error.ShouldBeNull();
            reply.Value.GetString().ShouldBe("a\"ä");
            (await client.ExecuteAsync("fail")).Error.ShouldBe(QmpError.NoDevice("x"));
            (await client.ExecuteAsync("nope")).Error.ShouldNotBeNull().Class.ShouldBe(QmpErrorClass.CommandNotFound);
        }
        await serving;
    }

    [Fact]
    public async Task ManyCallersGetTheirOwnAnswers()
    {
        Task serving = Echo.Make().ServeAsync(_sockets.Far);
        await using (QmpClient client = await QmpClient.ConnectAsync(_sockets.Near))
        {
            QmpReply[] replies = await Task.WhenAll(Enumerable.Range(0, 200).Select(n => Task.Run(() => client.ExecuteAsync("say", new JsonObject { ["text"] = $"{n}" }))));
            replies.Select(static reply => reply.Value.GetString()).ShouldBe(Enumerable.Range(0, 200).Select(static n => $"{n}"));
        }
        await serving;
    }

    [Fact]
    public async Task EventsAreASequence()
    {
        QmpServer server = Echo.Make(new ManualTime());
        Task serving = server.ServeAsync(_sockets.Far);
        QmpClient client = await QmpClient.ConnectAsync(_sockets.Near);
        for (int n = 0; n < 3; n++) server.Publish("TICK", new JsonObject { ["n"] = n });
        var seen = new List<string>();
        await foreach (QmpEvent happened in client.EventsAsync())
        {
            seen.Add($"{happened.Name} {happened.Data.GetProperty("n")} {happened.Time.ToUnixTimeMilliseconds()}");
            if (seen.Count == 3) await client.DisposeAsync();
        }
        seen.ShouldBe(["TICK 0 1000000000123", "TICK 1 1000000000123", "TICK 2 1000000000123"]);
        await serving;
    }

    [Fact]
    public async Task ACancelledCommandFreesItsCallerAndItsAnswerIsDropped()
    {
        Task<QmpClient> connecting = QmpClient.ConnectAsync(_sockets.Near);
        await GreetAsync();
        await using QmpClient client = await connecting;
        using var cancellation = new CancellationTokenSource();
        Task<QmpReply> slow = client.ExecuteAsync("slow", null, cancellation.Token);
        await ReadLineAsync();
        await cancellation.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(slow);
        Task<QmpReply> next = client.ExecuteAsync("next");
        await ReadLineAsync();
        await SayAsync("""{"return": 1, "id": 2}{"event": "X", "data": {}}{"return": 2, "id": 3}""");
        (await next).Value.GetInt32().ShouldBe(2);
        await Should.ThrowAsync<OperationCanceledException>(() => client.ExecuteAsync("late", null, cancellation.Token));
    }

    [Fact]
    public async Task TheEndOfTheConnectionEndsCommandsAndEvents()
    {
        Task<QmpClient> connecting = QmpClient.ConnectAsync(_sockets.Near);
        await GreetAsync();
        await using QmpClient client = await connecting;
        Task<QmpReply> waiting = client.ExecuteAsync("slow");
        _sockets.Far.Dispose();
        await Should.ThrowAsync<QmpClientException>(waiting);
        await foreach (QmpEvent happened in client.EventsAsync()) throw new InvalidOperationException(happened.Name);
        await Should.ThrowAsync<QmpClientException>(() => client.ExecuteAsync("late"));
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"return\":{}}")]
    [InlineData("{\"event\":5}")]
    [InlineData(Greeting + Greeting)]
    public async Task WhatDoesNotSpeakTheProtocolIsRefused(string words)
    {
        Task<QmpClient> connecting = QmpClient.ConnectAsync(_sockets.Near);
        await SayAsync(words);
        await Should.ThrowAsync<QmpClientException>(connecting);
    }

    [Fact]
    public async Task ARefusedNegotiationIsAnException()
    {
        Task<QmpClient> connecting = QmpClient.ConnectAsync(_sockets.Near);
        await SayAsync(Greeting);
        await ReadLineAsync();
        await SayAsync("""{"id":1,"error":{"class":"Odd","desc":"no"}}""");
        (await Should.ThrowAsync<QmpClientException>(connecting)).Message.ShouldBe("the server refuses a session: no");
    }

    [Fact]
    public async Task NoServerBreaksTheClient()
    {
        var random = new Random(3);
        byte[] sample = Encoding.UTF8.GetBytes(Greeting + """{"return":{},"id":1}{"timestamp":{"seconds":1e9,"microseconds":-1},"event":"X","data":[]}{"error":{"class":1,"desc":2},"id":2}""");
        for (int round = 0; round < 300; round++)
        {
            using var pair = new SocketPair();
            byte[] bytes = [.. sample];
            for (int change = random.Next(8); change > 0; change--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            await pair.Far.WriteAsync(bytes);
            pair.Far.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            try
            {
                await using QmpClient client = await QmpClient.ConnectAsync(pair.Near);
                await client.ExecuteAsync("x");
            }
            catch (QmpClientException)
            {
                // The way in which it may end.
            }
        }
    }

    private async Task SayAsync(string words) => await _sockets.Far.WriteAsync(Encoding.UTF8.GetBytes(words));

    private async Task GreetAsync()
    {
        await SayAsync(Greeting);
        (await ReadLineAsync()).ShouldBe("""{"execute":"qmp_capabilities","id":1}""");
        await SayAsync("""{"return": {}, "id": 1}""");
    }

    private async Task<string> ReadLineAsync()
    {
        var line = new List<byte>();
        byte[] one = new byte[1];
        while (await _sockets.Far.ReadAsync(one).AsTask().WaitAsync(TimeSpan.FromSeconds(30)) == 1 && one[0] != '\n') line.Add(one[0]);
        return Encoding.UTF8.GetString([.. line]).TrimEnd('\r');
    }
}
