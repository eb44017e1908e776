using System.Net.Sockets;
using Hospes.Libvirt.Wire;

namespace Hospes.Libvirt.Server;

/// <summary>What waits to be sent to one client. Thread-safe; messages are never torn apart.</summary>
internal sealed class Outgoing(Socket socket, Action broken)
{
    /// <summary>A client that leaves more than this unread is cut off.</summary>
    public const int Limit = 4 * WireLimits.Message;

    /// <summary>As much as a socket takes at once when it takes anything: a quarter of Linux' usual buffer is what makes it writable (unix(7), <c>unix_writable</c>).</summary>
    private const int Piece = 1 << 17;

    /// <summary>How long a client that takes a long answer is waited for before the thread is left: it takes a piece in a fraction of that.</summary>
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);

    private readonly Lock _gate = new();
    private XdrWriter _filling = new();
    private XdrWriter _sending = new();
    private bool _busy;
    private bool _closed;
    private TaskCompletionSource? _drained;

    /// <summary>Adds a message.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="value">What follows.</param>
    /// <param name="write">Writes what follows; must not throw.</param>
    public void Send<T>(in MessageHeader header, T value, Action<XdrWriter, T> write)
    {
        lock (_gate)
        {
            if (_closed) return;
            int start = _filling.Length;
            _filling.Int32(0);
            header.Write(_filling);
            write(_filling, value);
            int length = _filling.Length - start;
            if (length > WireLimits.Message + WireLimits.Length)
            {
                _filling.Cut(start);
                _filling.Int32(0);
                (header with { Status = MessageStatus.Error }).Write(_filling);
                new LibvirtError(ErrorCode.Rpc, ErrorDomain.Rpc, "the answer is longer than a message can be").Write(_filling);
                length = _filling.Length - start;
            }
            _filling.Patch(start, length);
            if (_filling.Length > Limit)
            {
                _closed = true;
                broken();
                return;
            }
            if (_busy) return;
            _busy = true;
        }
        _ = FlushAsync();
    }

    /// <summary>Waits until everything was sent.</summary>
    public Task DrainAsync()
    {
        lock (_gate)
        {
            if (!_busy || _closed) return Task.CompletedTask;
            return (_drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>Sends nothing more.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            _drained?.TrySetResult();
        }
    }

    private async Task FlushAsync()
    {
        try
        {
            while (true)
            {
                lock (_gate)
                {
                    if (_closed || _filling.Length == 0)
                    {
                        _busy = false;
                        _drained?.TrySetResult();
                        _drained = null;
                        return;
                    }
                    (_filling, _sending) = (_sending, _filling);
                }
                bool first = true;
                for (ReadOnlyMemory<byte> rest = _sending.Written; !rest.IsEmpty; first = false)
                {
                    if (!first) socket.Poll(Moment, SelectMode.SelectWrite);
                    rest = rest[await socket.SendAsync(rest[..Math.Min(rest.Length, Piece)]).ConfigureAwait(false)..];
                }
                _sending.Clear();
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            Close();
            broken();
        }
    }
}
