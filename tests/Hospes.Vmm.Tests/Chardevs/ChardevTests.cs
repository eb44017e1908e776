using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Hospes.Machine;
using Hospes.Vmm.Chardevs;

namespace Hospes.Vmm.Tests.Chardevs;

public sealed class ChardevTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-chardevs-").FullName;
    private readonly List<string> _told = [];
    private readonly MemoryStream _output = new();
    private readonly ChardevSet _set;
    private int _quits;

    public ChardevTests() => _set = new ChardevSet(new ChardevSurroundings { Input = new MemoryStream("typed"u8.ToArray()), Output = _output, Tell = _told.Add, Quit = () => _quits++ });

    public void Dispose()
    {
        _set.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task AServerServesOnePeerAfterTheOtherAndItsSocketGoesWithIt()
    {
        string path = Path.Combine(_folder, "s");
        Chardev chardev = Add(new SocketChardevOptions("a", new UnixDomainSocketEndPoint(path)) { Server = true });
        chardev.FileName.ShouldBe($"disconnected:unix:{path},server=on");
        for (int round = 0; round < 3; round++)
        {
            using Socket peer = Connect(path);
            using Stream stream = (await chardev.ConnectAsync().AsTask().WaitAsync(s_patience)).ShouldNotBeNull();
            chardev.FileName.ShouldBe($"unix:{path},server=on");
            peer.Send([(byte)round]);
            stream.ReadByte().ShouldBe(round);
            peer.Dispose();
            stream.ReadByte().ShouldBe(-1);
        }
        _set.Dispose();
        File.Exists(path).ShouldBeFalse();
        (await chardev.ConnectAsync().AsTask().WaitAsync(s_patience)).ShouldBeNull();
    }

    [Fact]
    public async Task AServerThatWaitsHoldsTheDomainUpUntilSomeoneCame()
    {
        string path = Path.Combine(_folder, "s");
        Chardev chardev = Add(new SocketChardevOptions("a", new UnixDomainSocketEndPoint(path)) { Server = true, Wait = true });
        Task prepared = _set.PrepareAsync(CancellationToken.None);
        _told.ShouldBe([$"info: waiting for connection on: disconnected:unix:{path},server=on"]);
        prepared.IsCompleted.ShouldBeFalse();
        using Socket peer = Connect(path);
        await prepared.WaitAsync(s_patience);
        using Stream? stream = await chardev.ConnectAsync().AsTask().WaitAsync(s_patience);
        stream.ShouldNotBeNull();
    }

    [Fact]
    public async Task AClientConnectsAgainAndAgain()
    {
        string path = Path.Combine(_folder, "s");
        Chardev chardev = Add(new SocketChardevOptions("a", new UnixDomainSocketEndPoint(path)) { Reconnect = TimeSpan.FromMilliseconds(20) });
        Task<Stream?> connecting = chardev.ConnectAsync().AsTask();
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        for (int round = 0; round < 2; round++)
        {
            using Socket peer = await listener.AcceptAsync().WaitAsync(s_patience);
            using Stream? stream = await connecting.WaitAsync(s_patience);
            stream.ShouldNotBeNull();
            stream.Dispose();
            connecting = chardev.ConnectAsync().AsTask();
        }
    }

    [Fact]
    public async Task AClientThatConnectsOnceIsOverWhenItsPeerIs()
    {
        string path = Path.Combine(_folder, "s");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        Chardev chardev = Add(new SocketChardevOptions("a", new UnixDomainSocketEndPoint(path)));
        (await chardev.ConnectAsync()).ShouldNotBeNull().Dispose();
        (await chardev.ConnectAsync()).ShouldBeNull();
    }

    [Fact]
    public void WhatCannotBeOpenedIsToldInQemusWords()
    {
        string nowhere = Path.Combine(_folder, "no", "s"), taken = Path.Combine(_folder, "taken");
        Try(new SocketChardevOptions("a", new UnixDomainSocketEndPoint(nowhere)) { Server = true }).ShouldBe($"Failed to bind socket to {nowhere}: No such file or directory");
        Try(new SocketChardevOptions("a", new UnixDomainSocketEndPoint(nowhere))).ShouldBe($"Failed to connect to '{nowhere}': No such file or directory");
        Try(new FileChardevOptions("a", nowhere)).ShouldBe($"Could not open '{nowhere}': No such file or directory");
        Try(new SocketChardevOptions("a", new UnixDomainSocketEndPoint(taken)) { Server = true }).ShouldBeNull();
        Try(new SocketChardevOptions("b", new UnixDomainSocketEndPoint(taken)) { Server = true }).ShouldBe($"Failed to bind socket to {taken}: Address already in use");
        Try(new NullChardevOptions("a")).ShouldBe("Chardev with id 'a' already exists");
        Try(new StdioChardevOptions("c")).ShouldBeNull();
        Try(new StdioChardevOptions("d")).ShouldBe("cannot use stdio by multiple character devices");
    }

    [Fact]
    public void ASocketThatADeadProcessLeftBehindGivesWayAndAFileDoesNot()
    {
        string path = Path.Combine(_folder, "s"), file = Path.Combine(_folder, "f");
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)) dead.Bind(new UnixDomainSocketEndPoint(path));
        File.WriteAllText(file, "dear");
        Try(new SocketChardevOptions("a", new UnixDomainSocketEndPoint(path)) { Server = true }).ShouldBeNull();
        Try(new SocketChardevOptions("b", new UnixDomainSocketEndPoint(file)) { Server = true }).ShouldBe($"Failed to bind socket to {file}: Address already in use");
        File.ReadAllText(file).ShouldBe("dear");
    }

    [Fact]
    public async Task APseudoTerminalTellsItsNameAndServesWhoOpensIt()
    {
        Try(new PtyChardevOptions("p")).ShouldBeNull();
        Chardev chardev = _set.All[0];
        string name = _told.ShouldHaveSingleItem().Split(' ')[4];
        _told[0].ShouldBe($"char device redirected to {name} (label p)");
        chardev.FileName.ShouldBe($"disconnected:pty:{name}");
        Task<Stream?> connecting = chardev.ConnectAsync().AsTask();
        connecting.IsCompleted.ShouldBeFalse();
        for (int round = 0; round < 2; round++)
        {
            using var program = new FileStream(name, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite, BufferSize = 0 });
            using Stream stream = (await connecting.WaitAsync(s_patience)).ShouldNotBeNull();
            chardev.FileName.ShouldBe($"pty:{name}");
            program.Write("key\n"u8);
            byte[] keys = new byte[4];
            await stream.ReadExactlyAsync(keys).AsTask().WaitAsync(s_patience);
            keys.ShouldBe("key\n"u8.ToArray());
            await stream.WriteAsync("answer\n"u8.ToArray()).AsTask().WaitAsync(s_patience);
            byte[] answer = new byte[7];
            program.ReadExactly(answer);
            answer.ShouldBe("answer\n"u8.ToArray());
            program.Dispose();
            (await stream.ReadAsync(keys).AsTask().WaitAsync(s_patience)).ShouldBe(0);
            connecting = chardev.ConnectAsync().AsTask();
        }
    }

    [Fact]
    public void AFileIsEmptiedOrAddedTo()
    {
        string path = Path.Combine(_folder, "f");
        foreach ((bool append, string expected) in (ReadOnlySpan<(bool, string)>)[(false, "one"), (true, "oneone"), (false, "one")])
        {
            using (ChardevPort port = ChardevPort.Start(Add(new FileChardevOptions("f", path) { Append = append })))
            {
                port.Write("one"u8);
                port.Flush();
            }
            _set.TryRemove("f").ShouldBeNull();
            File.ReadAllText(path).ShouldBe(expected);
        }
    }

    [Fact]
    public async Task StandardInputEndsAndTheOutputStays()
    {
        using Stream stream = (await Add(new StdioChardevOptions("s")).ConnectAsync()).ShouldNotBeNull();
        byte[] typed = new byte[5];
        await stream.ReadExactlyAsync(typed).AsTask().WaitAsync(s_patience);
        typed.ShouldBe("typed"u8.ToArray());
        Task<int> more = stream.ReadAsync(typed).AsTask();
        stream.Write("said"u8);
        _output.ToArray().ShouldBe("said"u8.ToArray());
        more.IsCompleted.ShouldBeFalse();
        _set.Dispose();
        (await more.WaitAsync(s_patience)).ShouldBe(0);
    }

    [Fact]
    public void MemoryKeepsWhatCameLast()
    {
        var ring = (RingbufChardev)Add(new RingbufChardevOptions("r", 8));
        using ChardevPort port = ChardevPort.Start(ring);
        port.Write("0123456789"u8);
        port.Flush();
        byte[] kept = new byte[16];
        kept.AsSpan(0, ring.Take(kept)).ToArray().ShouldBe("23456789"u8.ToArray());
        ring.Take(kept).ShouldBe(0);
    }

    [Fact]
    public void SharedKeysGoToOneAndCtrlAIsForTheRest()
    {
        var keys = new MemoryStream(Encoding.ASCII.GetBytes("one\u0001ctwo\u0001\u0001\u0001h\u0001c!\u0001x"));
        using var set = new ChardevSet(new ChardevSurroundings { Input = keys, Output = _output, Quit = () => Interlocked.Increment(ref _quits) });
        set.TryAdd(new StdioChardevOptions("m") { Mux = true }, out _).ShouldBeNull();
        var first = new StringBuilder();
        var second = new StringBuilder();
        using ChardevPort one = ChardevPort.Start(set.Use("m"), bytes => Add(first, bytes)), two = ChardevPort.Start(set.Use("m"), bytes => Add(second, bytes));
        set.Start();
        SpinWait.SpinUntil(() => Volatile.Read(ref _quits) == 1 && Text(first) == "one!" && Text(second) == "two\u0001", s_patience).ShouldBeTrue();
        one.Write("from the first"u8);
        one.Flush();
        Encoding.ASCII.GetString(_output.ToArray()).ShouldContain("C-a c    switch between console and monitor");
        Encoding.ASCII.GetString(_output.ToArray()).ShouldEndWith("from the first");

        static void Add(StringBuilder to, ReadOnlyMemory<byte> bytes)
        {
            lock (to) to.Append(Encoding.ASCII.GetString(bytes.Span));
        }

        static string Text(StringBuilder of)
        {
            lock (of) return of.ToString();
        }
    }

    [Theory]
    [InlineData("""{"type":"null","data":{}}""", null)]
    [InlineData("""{"type":"pty","data":{}}""", null)]
    [InlineData("""{"type":"ringbuf","data":{"size":4096}}""", null)]
    [InlineData("""{"type":"ringbuf","data":{"size":3}}""", "size of ringbuf chardev must be power of two")]
    [InlineData("""{"type":"file","data":{"out":"/dev/null","append":true}}""", null)]
    [InlineData("""{"type":"file","data":{}}""", "Parameter 'out' is missing")]
    [InlineData("""{"type":"socket","data":{"addr":{"type":"inet","data":{"host":"127.0.0.1","port":"x"}}}}""", "Parameter 'port' expects a number from 1 to 65535")]
    [InlineData("""{"type":"socket","data":{"addr":{"type":"fd","data":{"str":"3"}}}}""", "Parameter 'type' does not accept value 'fd'")]
    [InlineData("""{"type":"vc","data":{}}""", "Parameter 'backend' does not accept value 'vc'")]
    [InlineData("""{"type":"null","data":{"x":1}}""", "Invalid parameter 'x'")]
    public void AMonitorAddsThem(string json, string? error)
    {
        using JsonDocument backend = JsonDocument.Parse(json);
        _set.TryAdd("a", backend.RootElement, out string? pty).ShouldBe(error);
        (pty is not null).ShouldBe(json.Contains("pty", StringComparison.Ordinal));
        _set.List().Count.ShouldBe(error is null ? 1 : 0);
    }

    [Fact]
    public void AMonitorRemovesWhatNobodyUses()
    {
        string path = Path.Combine(_folder, "s");
        using JsonDocument backend = JsonDocument.Parse("""{"type":"socket","data":{"addr":{"type":"unix","data":{"path":"PATH"}}}}""".Replace("PATH", path, StringComparison.Ordinal));
        _set.TryAdd("a", backend.RootElement, out _).ShouldBeNull();
        _set.List().ShouldBe([new Hospes.Vmm.Qmp.ChardevInfo("a", $"disconnected:unix:{path},server=on", false)]);
        _set.Use("a");
        _set.TryRemove("a").ShouldBe("Chardev 'a' is busy");
        _set.All[0].IsUsed = false;
        _set.TryRemove("a").ShouldBeNull();
        _set.TryRemove("a").ShouldBe("Chardev 'a' not found");
        File.Exists(path).ShouldBeFalse();
    }

    private static Socket Connect(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(path));
        return socket;
    }

    private string? Try(ChardevOptions options) => _set.TryAdd(options, out _);

    private Chardev Add(ChardevOptions options)
    {
        Try(options).ShouldBeNull();
        return _set.All[^1];
    }
}
