using System.Buffers.Binary;
using System.Net.Sockets;
using Hospes.Libvirt.Client;
using Hospes.Libvirt.Procedures;
using Hospes.Libvirt.Server;
using Hospes.Libvirt.Wire;

namespace Hospes.Libvirt.Tests;

/// <summary>The protocol by its bytes, as no library would send it.</summary>
public sealed class ProtocolTests : IDisposable
{
    private readonly SimulatedServer _lab = new();

    public void Dispose() => _lab.Dispose();

    /// <summary>A connection without manners.</summary>
    private sealed class Raw : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 60_000 };

        public Raw(string path) => _socket.Connect(new UnixDomainSocketEndPoint(path));

        public void Send(byte[] bytes) => _socket.Send(bytes);

        public void Send(MessageHeader header, Action<XdrWriter>? payload = null)
        {
            var writer = new XdrWriter();
            writer.Int32(0);
            header.Write(writer);
            payload?.Invoke(writer);
            writer.Patch(0, writer.Length);
            Send(writer.Written.ToArray());
        }

        public void Call(int procedure, Action<XdrWriter>? payload = null, uint serial = 1) => Send(new MessageHeader(WireLimits.RemoteProgram, 1, procedure, MessageType.Call, serial, MessageStatus.Ok), payload);

        public void Open() => Expect(() => Call(1, static writer => { writer.Bool(false); writer.UInt32(0); }));

        /// <summary>A call that must be answered well.</summary>
        public byte[] Expect(Action call)
        {
            call();
            (MessageHeader header, byte[] payload) = Receive()!.Value;
            header.Status.ShouldBe(MessageStatus.Ok);
            return payload;
        }

        /// <summary>A call that must be refused: the number and words of the error.</summary>
        public (int Code, string Words) Refused(Action call)
        {
            call();
            (MessageHeader header, byte[] payload) = Receive()!.Value;
            header.Status.ShouldBe(MessageStatus.Error);
            var reader = new XdrReader(payload);
            int code = reader.Int32();
            reader.Int32();
            return (code, reader.OptionalText()!);
        }

        public (MessageHeader Header, byte[] Payload)? Receive()
        {
            if (Exactly(4) is not { } length) return null;
            byte[] message = Exactly(BinaryPrimitives.ReadInt32BigEndian(length) - 4)!;
            var reader = new XdrReader(message);
            return (MessageHeader.Read(ref reader), message[WireLimits.Header..]);
        }

        public void Dispose() => _socket.Dispose();

        private byte[]? Exactly(int count)
        {
            byte[] bytes = new byte[count];
            for (int filled = 0; filled < count;)
            {
                int read;
                try
                {
                    read = _socket.Receive(bytes, filled, count - filled, SocketFlags.None);
                }
                catch (SocketException reset) when (reset.SocketErrorCode == SocketError.ConnectionReset)
                {
                    return null;
                }
                if (read == 0) return null;
                filled += read;
            }
            return bytes;
        }
    }

    [Fact]
    public void NothingIsDoneBeforeAConnectionIsOpened()
    {
        using var raw = new Raw(_lab.SocketPath);
        raw.Refused(() => raw.Call(59)).Words.ShouldBe("internal error: connection not open");
        raw.Open();
        raw.Refused(() => raw.Call(1, static writer => { writer.Bool(false); writer.UInt32(0); })).Words.ShouldContain("connection already open");
        raw.Expect(() => raw.Call(59)).Length.ShouldBeGreaterThan(4);
    }

    [Fact]
    public void WhatIsNotThereIsRefusedAsLibvirtDoes()
    {
        using var raw = new Raw(_lab.SocketPath);
        raw.Open();
        raw.Refused(() => raw.Call(55)).Code.ShouldBe((int)ErrorCode.NoSupport);
        raw.Refused(() => raw.Call(9999)).ShouldBe(((int)ErrorCode.Rpc, "unknown procedure: 9999"));
        raw.Refused(() => raw.Call(-1)).Code.ShouldBe((int)ErrorCode.Rpc);
        raw.Refused(() => raw.Send(new MessageHeader(0x20008087, 1, 1, MessageType.Call, 1, MessageStatus.Ok))).Words.ShouldContain("Cannot find program");
        raw.Refused(() => raw.Send(new MessageHeader(WireLimits.RemoteProgram, 1, 59, MessageType.CallWithFiles, 1, MessageStatus.Ok))).Words.ShouldContain("file descriptors");
        raw.Refused(() => raw.Call(23, static writer => writer.Int32(1 << 30))).Words.ShouldBe("Unable to decode message payload");
        raw.Refused(() => raw.Call(59, static writer => writer.Int32(0))).Words.ShouldBe("Unable to decode message payload");
        raw.Refused(() => raw.Call(316, static writer => { writer.Int32(99); writer.Bool(false); })).Words.ShouldContain("unsupported event ID 99");
        raw.Refused(() => raw.Call(273, static writer => { writer.Int32(1); writer.UInt32(1U << 31); })).Words.ShouldContain("unsupported flags (0x80000000)");
    }

    [Fact]
    public void AProbeForLifeIsAnswered()
    {
        using var raw = new Raw(_lab.SocketPath);
        raw.Send(new MessageHeader(WireLimits.KeepAliveProgram, 1, 1, MessageType.Message, 0, MessageStatus.Ok));
        raw.Receive()!.Value.Header.ShouldBe(new MessageHeader(WireLimits.KeepAliveProgram, 1, 2, MessageType.Message, 0, MessageStatus.Ok));
    }

    [Theory]
    [InlineData(0U)]
    [InlineData(27U)]
    [InlineData(WireLimits.Message + 5U)]
    [InlineData(uint.MaxValue)]
    public void ALengthThatNoMessageHasEndsTheConnection(uint length)
    {
        using var raw = new Raw(_lab.SocketPath);
        byte[] bytes = new byte[32];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, length);
        raw.Send(bytes);
        raw.Receive().ShouldBeNull();
    }

    [Fact]
    public void ManyCallsAreUnderWayAtOnce()
    {
        using var raw = new Raw(_lab.SocketPath);
        raw.Open();
        const uint calls = 1000;
        for (uint serial = 2; serial < calls; serial++) raw.Call(59, serial: serial);
        var answered = new HashSet<uint>();
        for (uint i = 2; i < calls; i++) answered.Add(raw.Receive()!.Value.Header.Serial);
        answered.Count.ShouldBe((int)calls - 2);
    }

    [Fact]
    public void BytesOneByOneAreMessagesToo()
    {
        using var raw = new Raw(_lab.SocketPath);
        var writer = new XdrWriter();
        writer.Int32(28);
        new MessageHeader(WireLimits.RemoteProgram, 1, 66, MessageType.Call, 7, MessageStatus.Ok).Write(writer);
        foreach (byte one in writer.Written.ToArray()) raw.Send([one]);
        raw.Receive()!.Value.Header.Serial.ShouldBe(7U);
    }

    [Fact]
    public void OtherClientsSurviveNoise()
    {
        var random = new Random(11);
        for (int i = 0; i < 300; i++)
        {
            using var raw = new Raw(_lab.SocketPath);
            if (i % 3 != 0) raw.Open();
            byte[] payload = new byte[random.Next(64)];
            random.NextBytes(payload);
            raw.Send(new MessageHeader(WireLimits.RemoteProgram, 1, random.Next(450), (MessageType)(i % 4 == 0 ? random.Next(6) : 0), 1, (MessageStatus)(i % 5 == 0 ? random.Next(3) : 0)), writer => writer.Raw(payload));
        }
        _lab.Virsh("list", "--all").ShouldBe("");
    }

    [Fact]
    public void TooManyClientsAreSentAway()
    {
        using var small = new SimulatedServer(new LibvirtServerOptions { Host = _lab.Host, Pools = _lab.Pools, SocketPath = "", MaximumClients = 2 });
        using var first = new Raw(small.SocketPath);
        using var second = new Raw(small.SocketPath);
        first.Open();
        second.Open();
        using var third = new Raw(small.SocketPath);
        third.Receive().ShouldBeNull();
    }

    [Fact]
    public void EveryRowIsANumberOfTheProtocolWithAName()
    {
        foreach (Procedure row in ProcedureTable.All)
        {
            row.Number.ShouldBeInRange(1, WireLimits.LastProcedure);
            row.Name.ShouldStartWith("vir");
        }
        ProcedureTable.All.Count(static row => row.Access == Access.Write).ShouldBeGreaterThan(20);
    }

    [Fact]
    public void EveryErrorHasItsNumber()
    {
        var codes = Enum.GetValues<Hospes.Domains.DomainError>().Where(static error => error != Hospes.Domains.DomainError.None)
            .Select(static error => LibvirtError.From(new Hospes.Domains.DomainFailure(error, "detail"))).ToArray();
        codes.Select(static error => error.Code).ShouldBeUnique();
        codes.ShouldAllBe(static error => error.Message.EndsWith("detail", StringComparison.Ordinal));
    }

    [Fact]
    public void HospesOwnClientSpeaksIt()
    {
        using LibvirtClient client = LibvirtClient.Connect(_lab.SocketPath);
        RemoteDomain domain = client.Define(File.ReadAllText(_lab.File("one")));
        client.Act(9, domain);
        client.Find("one").Id.ShouldBe(1);
        client.State(domain).ShouldBe((1, 1));
        client.List().ShouldHaveSingleItem().Uuid.ShouldBe(domain.Uuid);
        client.Xml(domain).ShouldContain("id=\"1\"");
        Should.Throw<LibvirtException>(() => client.Find("nobody")).Code.ShouldBe((int)ErrorCode.NoDomain);
        (Action<ReadOnlyMemory<byte>> send, Func<byte[]> receive) = client.OpenConsole(domain);
        send("abc"u8.ToArray());
        receive().ShouldBe("abc"u8.ToArray());
    }
}
