using System.Net.Sockets;
using Hospes.Machine;
using Hospes.Vmm.Chardevs;

namespace Hospes.Vmm.Tests.Chardevs;

/// <summary>A port of the guest on a socket: what is kept, what is lost, and that the guest is never kept.</summary>
public sealed class ChardevPortTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-port-").FullName;
    private readonly ChardevSet _set = new(new ChardevSurroundings { Input = Stream.Null, Output = Stream.Null });
    private readonly Lazy<ChardevPort> _lazy;
    private TimeSpan? _limit;
    private long _before;

    public ChardevPortTests()
    {
        _set.TryAdd(new SocketChardevOptions("a", new UnixDomainSocketEndPoint(Address)) { Server = true }, out _).ShouldBeNull();
        _lazy = new Lazy<ChardevPort>(() => ChardevPort.Start(_set.Use("a"), _limit));
    }

    private ChardevPort Port => _lazy.Value;

    private string Address => Path.Combine(_folder, "s");

    public void Dispose()
    {
        Port.Dispose();
        _set.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void WithoutAPeerWhatIsWrittenIsLost()
    {
        Port.Write(new byte[ChardevPort.Capacity * 2]);
        Port.Dropped.ShouldBe(ChardevPort.Capacity * 2);
    }

    [Fact]
    public void APeerThatReadsLosesNothingHoweverMuchItIs()
    {
        // However busy the machine is.
        _limit = s_patience;
        using Socket peer = Connect();
        byte[] sent = new byte[ChardevPort.Capacity * 16];
        new Random(1).NextBytes(sent);
        var received = new byte[sent.Length];
        var reader = new Thread(() =>
        {
            for (int at = 0; at < received.Length;) at += peer.Receive(received.AsSpan(at));
        });
        reader.Start();
        Port.Write(sent);
        reader.Join(s_patience).ShouldBeTrue();
        received.ShouldBe(sent);
        Port.Dropped.ShouldBe(_before);
    }

    [Fact]
    public void APeerThatDoesNotReadHoldsTheGuestUpOnceAndThenNoMore()
    {
        using Socket peer = Connect();
        // More than the host's socket and the port's buffer take together.
        const int Much = 8 << 20;
        Port.Write(new byte[Much]);
        long first = Port.Dropped;
        first.ShouldBeGreaterThan(_before);
        for (int i = 0; i < 10_000; i++) Port.Write(new byte[64]);
        Port.Dropped.ShouldBeGreaterThanOrEqualTo(first);
        // It reads again, and gets again what is written.
        peer.ReceiveTimeout = 1000;
        byte[] buffer = new byte[1 << 16];
        bool found = false;
        for (int i = 0; i < 1000 && !found; i++)
        {
            Port.Write("!"u8);
            try
            {
                found = buffer.AsSpan(0, peer.Receive(buffer)).Contains((byte)'!');
            }
            catch (SocketException fault) when (fault.SocketErrorCode == SocketError.TimedOut)
            {
                // What waited was all read.
            }
        }
        found.ShouldBeTrue();
    }

    [Fact]
    public void APeerThatComesAgainIsServedAgainAndWhatItTypesArrives()
    {
        var typed = new TypedInto();
        Port.Attach(typed);
        for (int round = 0; round < 3; round++)
        {
            using Socket peer = Connect();
            peer.Send([(byte)('a' + round)]);
            SpinWait.SpinUntil(() => typed.Count == round + 1, s_patience).ShouldBeTrue();
            Port.Write("x"u8);
            byte[] one = new byte[1];
            peer.Receive(one).ShouldBe(1);
            one[0].ShouldBe((byte)'x');
        }
        Port.Detach();
    }

    /// <summary>Connects, and waits until the port knows.</summary>
    private Socket Connect()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(Address));
        byte[] first = new byte[1];
        socket.ReceiveTimeout = 10;
        bool served = SpinWait.SpinUntil(
            () =>
            {
                Port.Write("?"u8);
                return socket.Poll(TimeSpan.FromMilliseconds(20), SelectMode.SelectRead);
            },
            s_patience);
        served.ShouldBeTrue();
        Port.Flush();
        while (socket.Available > 0) socket.Receive(first);
        socket.ReceiveTimeout = 0;
        _before = Port.Dropped;
        return socket;
    }

    private sealed class TypedInto : IInputPort
    {
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public Action? InputWanted { get; set; }

        public int Offer(ReadOnlySpan<byte> bytes)
        {
            Interlocked.Add(ref _count, bytes.Length);
            return bytes.Length;
        }
    }
}
