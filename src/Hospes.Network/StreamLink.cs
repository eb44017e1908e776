using System.Net;
using System.Net.Sockets;

namespace Hospes.Network;

/// <summary>
/// A link over a stream socket, of the host's own or TCP: to passt, to another guest, or to a switch that speaks QEMU's framing. The side that listens waits for one
/// peer after the other; the side that connected ends when its peer goes.
/// </summary>
public sealed class StreamLink : INetworkLink
{
    private readonly Lock _gate = new();
    private readonly Socket? _listener;
    private readonly string? _path;
    private FrameStream? _peer;
    private bool _isDisposed;

    private StreamLink(Socket? listener, string? path, FrameStream? peer)
    {
        _listener = listener;
        _path = path;
        _peer = peer;
    }

    /// <inheritdoc/>
    public int HeaderSize => 0;

    /// <inheritdoc/>
    public bool IsReliable => true;

    /// <inheritdoc/>
    public bool HasGoodChecksums { get; private init; }

    /// <summary>Connects to a Unix socket that someone listens on.</summary>
    /// <param name="path">The socket's path.</param>
    /// <param name="link">The link, or null.</param>
    /// <returns>Null, or why not.</returns>
    public static NetworkFailure? TryConnect(string path, out StreamLink? link) => TryConnect(path, hasGoodChecksums: false, out link);

    /// <summary>Connects to a TCP port that someone listens on.</summary>
    /// <param name="point">Address and port.</param>
    /// <param name="link">The link, or null.</param>
    /// <returns>Null, or why not.</returns>
    public static NetworkFailure? TryConnect(IPEndPoint point, out StreamLink? link) => TryConnect(() => point, $"{point}", hasGoodChecksums: false, out link);

    /// <summary>Listens on a new Unix socket.</summary>
    /// <param name="path">The socket's path; it must not be there yet, and is removed at the end.</param>
    /// <param name="link">The link, or null.</param>
    /// <returns>Null, or why not.</returns>
    public static NetworkFailure? TryListen(string path, out StreamLink? link) =>
        TryListen(() => new UnixDomainSocketEndPoint(path), path, path, "name a path that is not taken, in a folder that can be written", out link);

    /// <summary>Listens on a TCP port.</summary>
    /// <param name="point">Address and port.</param>
    /// <param name="link">The link, or null.</param>
    /// <returns>Null, or why not.</returns>
    public static NetworkFailure? TryListen(IPEndPoint point, out StreamLink? link) =>
        TryListen(() => point, $"{point}", null, "name an address of this host and a port that is free", out link);

    /// <inheritdoc/>
    public void SetOffloads(bool checksum, bool segments4, bool segments6)
    {
    }

    /// <inheritdoc/>
    public void Send(ReadOnlySpan<byte> frame) => Peer?.TrySend(frame);

    /// <inheritdoc/>
    public int Receive(Span<byte> frame)
    {
        while (true)
        {
            FrameStream? peer = Peer;
            int length = peer?.Receive(frame) ?? 0;
            if (length > 0) return length;
            if (peer is not null) Drop(peer);
            if (_listener is null || !TryAccept()) return 0;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        FrameStream? peer;
        lock (_gate)
        {
            _isDisposed = true;
            peer = _peer;
            _peer = null;
        }
        peer?.Dispose();
        _listener?.Dispose();
        if (_path is not null) File.Delete(_path);
    }

    internal static NetworkFailure? TryConnect(string path, bool hasGoodChecksums, out StreamLink? link) =>
        TryConnect(() => new UnixDomainSocketEndPoint(path), path, hasGoodChecksums, out link);

    private static NetworkFailure? TryConnect(Func<EndPoint> address, string name, bool hasGoodChecksums, out StreamLink? link)
    {
        link = null;
        Socket? socket = null;
        try
        {
            // A path can be too long for an address.
            EndPoint point = address();
            socket = Make(point);
            socket.Connect(point);
            link = new StreamLink(null, null, new FrameStream(socket)) { HasGoodChecksums = hasGoodChecksums };
            return null;
        }
        catch (Exception fault) when (fault is SocketException or ArgumentException)
        {
            socket?.Dispose();
            return new NetworkFailure($"cannot connect to the socket '{name}' ({fault.Message.TrimEnd('.')})", "start the other side first");
        }
    }

    private static NetworkFailure? TryListen(Func<EndPoint> address, string name, string? path, string remedy, out StreamLink? link)
    {
        link = null;
        Socket? listener = null;
        try
        {
            EndPoint point = address();
            listener = Make(point);
            listener.Bind(point);
            listener.Listen(1);
            link = new StreamLink(listener, path, null);
            return null;
        }
        catch (Exception fault) when (fault is SocketException or ArgumentException)
        {
            listener?.Dispose();
            return new NetworkFailure($"cannot listen on the socket '{name}' ({fault.Message.TrimEnd('.')})", remedy);
        }
    }

    private static Socket Make(EndPoint point) =>
        point is IPEndPoint ? new Socket(point.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true } : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    private FrameStream? Peer
    {
        get
        {
            lock (_gate) return _peer;
        }
    }

    private void Drop(FrameStream peer)
    {
        lock (_gate)
        {
            if (_peer == peer) _peer = null;
        }
        peer.Dispose();
    }

    private bool TryAccept()
    {
        try
        {
            Socket socket = _listener!.Accept();
            if (socket.ProtocolType == ProtocolType.Tcp) socket.NoDelay = true;
            var peer = new FrameStream(socket);
            lock (_gate)
            {
                if (!_isDisposed)
                {
                    _peer = peer;
                    return true;
                }
            }
            peer.Dispose();
            return false;
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }
}
