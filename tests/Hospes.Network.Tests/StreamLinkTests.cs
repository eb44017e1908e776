using System.Buffers.Binary;
using System.Net.Sockets;

namespace Hospes.Network.Tests;

/// <summary>Links over Unix stream sockets, with each other and with a raw peer.</summary>
public sealed class StreamLinkTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-link-").FullName;
    private readonly byte[] _buffer = new byte[INetworkLink.LongestFrame];

    private string Path => System.IO.Path.Combine(_folder, "socket");

    [Fact]
    public void Frames_of_every_length_arrive_whole_and_in_order()
    {
        StreamLink.TryListen(Path, out StreamLink? listener).ShouldBeNull();
        StreamLink.TryConnect(Path, out StreamLink? other).ShouldBeNull();
        int[] lengths = [1, 13, 60, 1514, 65535, INetworkLink.LongestFrame, 2, 4096, 4095];
        var sender = new Thread(() =>
        {
            for (int round = 0; round < 50; round++)
            {
                foreach (int length in lengths) other!.Send(Frame(length, (byte)round));
            }
        });
        sender.Start();
        for (int round = 0; round < 50; round++)
        {
            foreach (int length in lengths)
            {
                listener!.Receive(_buffer).ShouldBe(length);
                _buffer.AsSpan(0, length).SequenceEqual(Frame(length, (byte)round)).ShouldBeTrue();
            }
        }
        sender.Join();
        listener!.Send(Frame(77, 1));
        other!.Receive(_buffer).ShouldBe(77);
        listener.Dispose();
        File.Exists(Path).ShouldBeFalse();
        other.Receive(_buffer).ShouldBe(0, "the other side is gone");
        other.Send(Frame(60, 1));
        other.Dispose();
    }

    [Fact]
    public void Who_listens_takes_one_peer_after_the_other()
    {
        StreamLink.TryListen(Path, out StreamLink? listener).ShouldBeNull();
        listener!.Send(Frame(60, 0));
        for (byte i = 0; i < 5; i++)
        {
            StreamLink.TryConnect(Path, out StreamLink? other).ShouldBeNull();
            other!.Send(Frame(100 + i, i));
            other.Dispose();
            listener.Receive(_buffer).ShouldBe(100 + i);
        }
        listener.Dispose();
    }

    [Fact]
    public void Disposing_ends_a_waiting_receive()
    {
        StreamLink.TryListen(Path, out StreamLink? listener).ShouldBeNull();
        var waits = new Thread(() => listener!.Receive(_buffer).ShouldBe(0));
        waits.Start();
        listener!.Dispose();
        waits.Join();
        StreamLink.TryListen(Path, out listener).ShouldBeNull();
        StreamLink.TryConnect(Path, out StreamLink? other).ShouldBeNull();
        waits = new Thread(() => other!.Receive(_buffer).ShouldBe(0));
        waits.Start();
        other!.Dispose();
        waits.Join();
        listener!.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(-2)]
    [InlineData(int.MaxValue)]
    [InlineData(INetworkLink.LongestFrame + 1)]
    public void A_peer_that_sends_garbage_is_left(int length)
    {
        StreamLink.TryListen(Path, out StreamLink? listener).ShouldBeNull();
        using var peer = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        peer.Connect(new UnixDomainSocketEndPoint(Path));
        byte[] prefix = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(prefix, length);
        peer.Send(prefix);
        // The next one is heard.
        using var next = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        next.Connect(new UnixDomainSocketEndPoint(Path));
        next.Send([0, 0, 0, 3, 7, 8, 9]);
        listener!.Receive(_buffer).ShouldBe(3);
        _buffer[..3].ShouldBe([7, 8, 9]);
        listener.Dispose();
    }

    [Fact]
    public void Sockets_that_can_not_be_are_refused_with_a_reason()
    {
        StreamLink.TryConnect(Path, out _)!.Cause.ShouldContain(Path);
        StreamLink.TryListen(System.IO.Path.Combine(_folder, "nowhere", "socket"), out _)!.Remedy.ShouldContain("path");
        StreamLink.TryListen(new string('x', 300), out _).ShouldNotBeNull();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static byte[] Frame(int length, byte seed)
    {
        byte[] frame = new byte[length];
        for (int i = 0; i < length; i++) frame[i] = (byte)(i * 7 + seed);
        return frame;
    }
}
