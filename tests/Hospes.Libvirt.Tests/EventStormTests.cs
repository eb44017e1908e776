using System.Buffers.Binary;
using System.Net.Sockets;
using Hospes.Domains;
using Hospes.Domains.Events;
using Hospes.Libvirt.Wire;

namespace Hospes.Libvirt.Tests;

/// <summary>A thousand clients that all want to know of everything, while several others define, start and end domains.</summary>
public sealed class EventStormTests : IDisposable
{
    private const int Clients = 1000, Writers = 4, DomainsEach = 10, EventsOfOne = 4;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(4);

    private readonly SimulatedServer _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task EveryClientIsToldEverythingInOneOrder()
    {
        var truth = new Recorder();
        using IDisposable subscription = _lab.Host.Events.Subscribe(truth).Value;
        var clients = new List<Socket>(Clients);
        try
        {
            // One after the other: who connects while a socket's queue is full is sent away by the kernel.
            for (int i = 0; i < Clients; i++) clients.Add(await SubscribeAsync());
            Task<List<string>>[] heard = [.. clients.Select(socket => HearAsync(socket, Writers * DomainsEach * EventsOfOne))];
            await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(() => LiveAsync(writer))));
            foreach (List<string> one in await Task.WhenAll(heard).WaitAsync(s_patience)) one.ShouldBe(truth.Told);
        }
        finally
        {
            foreach (Socket client in clients) client.Dispose();
        }
        truth.Told.Count.ShouldBe(Writers * DomainsEach * EventsOfOne);
        truth.Told.Distinct().Count().ShouldBe(truth.Told.Count);
    }

    /// <summary>Defines, starts, ends and undefines domains.</summary>
    private async Task LiveAsync(int writer)
    {
        for (int i = 0; i < DomainsEach; i++)
        {
            var domain = (await _lab.Host.DefineAsync(await File.ReadAllTextAsync(_lab.File($"d{writer}-{i}")))).Value;
            (await _lab.Host.StartAsync(domain, new Domains.Lifecycle.StartOptions())).Succeeded.ShouldBeTrue();
            (await _lab.Host.DestroyAsync(domain)).Succeeded.ShouldBeTrue();
            (await _lab.Host.UndefineAsync(domain)).Succeeded.ShouldBeTrue();
        }
    }

    private async Task<Socket> SubscribeAsync()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(_lab.SocketPath));
        await CallAsync(socket, 1, static writer => { writer.Bool(false); writer.UInt32(0); });
        // virConnectDomainEventRegisterAny: the life of all domains.
        await CallAsync(socket, 316, static writer => { writer.Int32((int)DomainEventKind.Lifecycle); writer.Bool(false); });
        return socket;
    }

    private static async Task CallAsync(Socket socket, int procedure, Action<XdrWriter> arguments)
    {
        var writer = new XdrWriter();
        writer.Int32(0);
        new MessageHeader(WireLimits.RemoteProgram, 1, procedure, MessageType.Call, 1, MessageStatus.Ok).Write(writer);
        arguments(writer);
        writer.Patch(0, writer.Length);
        await socket.SendAsync(writer.Written);
        (await ReceiveAsync(socket)).Header.Status.ShouldBe(MessageStatus.Ok);
    }

    private static async Task<List<string>> HearAsync(Socket socket, int count)
    {
        var heard = new List<string>(count);
        while (heard.Count < count)
        {
            (MessageHeader header, byte[] payload) = await ReceiveAsync(socket);
            header.Type.ShouldBe(MessageType.Message);
            heard.Add(Line(payload));
        }
        return heard;
    }

    /// <summary>A lifecycle event: callback, domain, event, detail.</summary>
    private static string Line(byte[] payload)
    {
        var reader = new XdrReader(payload);
        reader.Int32();
        string name = reader.Text();
        reader.Uuid();
        reader.Int32();
        return $"{name} {reader.Int32()} {reader.Int32()}";
    }

    private static async Task<(MessageHeader Header, byte[] Payload)> ReceiveAsync(Socket socket)
    {
        byte[] message = await ExactlyAsync(socket, BinaryPrimitives.ReadInt32BigEndian(await ExactlyAsync(socket, WireLimits.Length)) - WireLimits.Length);
        var reader = new XdrReader(message);
        return (MessageHeader.Read(ref reader), message[WireLimits.Header..]);
    }

    private static async Task<byte[]> ExactlyAsync(Socket socket, int count)
    {
        byte[] bytes = new byte[count];
        for (int filled = 0; filled < count;)
        {
            int read = await socket.ReceiveAsync(bytes.AsMemory(filled));
            read.ShouldBeGreaterThan(0, "a client was sent away");
            filled += read;
        }
        return bytes;
    }

    /// <summary>The order in which things happened.</summary>
    private sealed class Recorder : IEventSink
    {
        public List<string> Told { get; } = [];

        public void Take(DomainEvent happened) => Told.Add($"{happened.Name} {happened.Event} {happened.Detail}");
    }
}
