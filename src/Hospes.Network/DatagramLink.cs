using System.Net;
using System.Net.Sockets;

namespace Hospes.Network;

/// <summary>A link over UDP: a frame in each datagram, as QEMU's <c>-netdev dgram</c> sends them. What comes from elsewhere than the peer is
/// dropped.</summary>
public sealed class DatagramLink : INetworkLink
{
    private readonly Socket _socket;

    private DatagramLink(Socket socket) => _socket = socket;

    /// <inheritdoc/>
    public int HeaderSize => 0;

    /// <inheritdoc/>
    public bool IsReliable => false;

    /// <inheritdoc/>
    public bool HasGoodChecksums => false;

    /// <summary>Opens the link.</summary>
    /// <param name="local">Where frames come in.</param>
    /// <param name="remote">Where they go to and come from.</param>
    /// <param name="link">The link, or null.</param>
    /// <returns>Null, or why not.</returns>
    public static NetworkFailure? TryOpen(IPEndPoint local, IPEndPoint remote, out DatagramLink? link)
    {
        link = null;
        Socket? socket = null;
        try
        {
            socket = new Socket(local.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(local);
            socket.Connect(remote);
            link = new DatagramLink(socket);
            return null;
        }
        catch (Exception fault) when (fault is SocketException or NotSupportedException or ArgumentException)
        {
            socket?.Dispose();
            return new NetworkFailure($"cannot use {local} and {remote} ({fault.Message.TrimEnd('.')})", "name an address of this host and a port that is free");
        }
    }

    /// <inheritdoc/>
    public void SetOffloads(bool checksum, bool segments4, bool segments6)
    {
    }

    /// <inheritdoc/>
    public void Send(ReadOnlySpan<byte> frame)
    {
        try
        {
            _socket.Send(frame, SocketFlags.None);
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // Lost: nobody listens there yet, or the frame is longer than a datagram. Networks lose frames.
        }
    }

    /// <inheritdoc/>
    public int Receive(Span<byte> frame)
    {
        while (true)
        {
            try
            {
                int length = _socket.Receive(frame, SocketFlags.None);
                if (length > 0) return length;
                if (_socket.SafeHandle.IsClosed || !_socket.Connected) return 0;
            }
            catch (SocketException fault) when (fault.SocketErrorCode is SocketError.ConnectionRefused or SocketError.MessageSize)
            {
                // Told of what an earlier frame met; the next one may fare better.
            }
            catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
            {
                return 0;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // It was not connected any more.
        }
        _socket.Dispose();
    }
}
