using System.Buffers.Binary;
using System.Net.Sockets;

namespace Hospes.Network;

/// <summary>
/// Frames over a stream socket as QEMU's <c>-netdev stream</c> and passt send them: a length of four bytes, most significant first, then the
/// frame. Allocates nothing per frame.
/// </summary>
internal sealed class FrameStream(Socket socket) : IDisposable
{
    private const int PrefixSize = 4;

    private readonly byte[] _out = new byte[PrefixSize + INetworkLink.LongestFrame];
    private readonly byte[] _in = new byte[4 * (PrefixSize + INetworkLink.LongestFrame)];
    private int _start, _end;

    /// <summary>Sends a frame whole.</summary>
    /// <returns>False when the other side is gone.</returns>
    public bool TrySend(ReadOnlySpan<byte> frame)
    {
        if (frame.Length > INetworkLink.LongestFrame) return true;
        BinaryPrimitives.WriteInt32BigEndian(_out, frame.Length);
        frame.CopyTo(_out.AsSpan(PrefixSize));
        ReadOnlySpan<byte> rest = _out.AsSpan(0, PrefixSize + frame.Length);
        try
        {
            while (!rest.IsEmpty) rest = rest[socket.Send(rest, SocketFlags.None)..];
            return true;
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary>Waits for a frame.</summary>
    /// <returns>Its length; 0 when the other side is gone, or sends what is no frame.</returns>
    public int Receive(Span<byte> frame)
    {
        while (true)
        {
            if (_end - _start >= PrefixSize)
            {
                int length = BinaryPrimitives.ReadInt32BigEndian(_in.AsSpan(_start));
                // Behind a length that can't be, nothing can be found any more.
                if (length <= 0 || length > frame.Length) return 0;
                if (_end - _start >= PrefixSize + length)
                {
                    _in.AsSpan(_start + PrefixSize, length).CopyTo(frame);
                    _start += PrefixSize + length;
                    return length;
                }
            }
            if (!TryFill()) return 0;
        }
    }

    public void Dispose()
    {
        // Closing alone would leave a thread that waits in a receive there.
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // The other side was faster.
        }
        socket.Dispose();
    }

    private bool TryFill()
    {
        if (_in.Length - _end < PrefixSize + INetworkLink.LongestFrame)
        {
            _in.AsSpan(_start, _end - _start).CopyTo(_in);
            (_start, _end) = (0, _end - _start);
        }
        try
        {
            int read = socket.Receive(_in.AsSpan(_end), SocketFlags.None);
            _end += read;
            return read > 0;
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }
}
