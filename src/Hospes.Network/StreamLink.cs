using System.Net.Sockets;

namespace Hospes.Network;

/// <summary>
/// A link over a Unix stream socket: to passt, to another guest, or to a switch that speaks QEMU's framing. The side that listens waits for one
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

    /// <summary>Connects to a socket that someone listens on.</summary>
    /// <param name="path">The socket's path.</param>
    /// <param name="link">The link, or null.</param>
    /// <returns>Null, or why not.</returns>
    public static NetworkFailure? TryConnect(string path, out StreamLink? link) => TryConnect(path, hasGoodChecksums: false, out link);

    /// <summary>Listens on a new socket.</summary>
    /// <param name="path">The socket's path; it must not be there yet, and is removed at the end.</param>
    /// <param name="link">The link, or null.</param>
    /// <returns>Null, or why not.</returns>
    public static NetworkFailure? TryListen(string path, out StreamLink? link)
    {
        link = null;
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen(1);
            link = new StreamLink(listener, path, null);
            return null;
        }
        catch (Exception fault) when (fault is SocketException or ArgumentException)
        {
            listener.Dispose();
            return new NetworkFailure($"cannot listen on the socket '{path}' ({fault.Message.TrimEnd('.')})", "name a path that is not taken, in a folder that can be written");
        }
    }

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

    internal static NetworkFailure? TryConnect(string path, bool hasGoodChecksums, out StreamLink? link)
    {
        link = null;
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            link = new StreamLink(null, null, new FrameStream(socket)) { HasGoodChecksums = hasGoodChecksums };
            return null;
        }
        catch (Exception fault) when (fault is SocketException or ArgumentException)
        {
            socket.Dispose();
            return new NetworkFailure($"cannot connect to the socket '{path}' ({fault.Message.TrimEnd('.')})", "start the other side first");
        }
    }

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
            var peer = new FrameStream(_listener!.Accept());
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
