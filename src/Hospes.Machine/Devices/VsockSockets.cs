using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>
/// The Unix sockets behind a socket device over all lives of the domain, in Firecracker's convention: what the guest opens to port N of the host
/// leads to the socket at <c>PATH_N</c>; who connects to the socket at <c>PATH</c> and says <c>CONNECT N</c> in a line gets to port N of the guest,
/// and is told <c>OK</c> with a number first.
/// </summary>
internal sealed class VsockSockets : IVsockBackend, IDisposable
{
    /// <summary>The longest line that a peer may say, and how many peers may be about to.</summary>
    private const int LongestLine = 32, MostGreeted = 64;

    private readonly string _path;
    private readonly Socket _listener;
    private readonly SemaphoreSlim _greeted = new(MostGreeted);
    private VsockDevice? _device;
    private volatile bool _isDisposed;

    private VsockSockets(string path, Socket listener)
    {
        _path = path;
        _listener = listener;
        _ = Task.Run(AcceptAsync);
    }

    /// <summary>Listens.</summary>
    /// <param name="path">Where; a socket that nobody listens on any more is replaced.</param>
    /// <param name="failure">Why not.</param>
    public static VsockSockets? TryListen(string path, out DeviceFailure? failure)
    {
        failure = null;
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            var point = new UnixDomainSocketEndPoint(path);
            if (File.Exists(path) && IsLeftOver(point)) File.Delete(path);
            listener.Bind(point);
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            listener.Listen(MostGreeted);
            return new VsockSockets(path, listener);
        }
        catch (Exception fault) when (fault is SocketException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            listener.Dispose();
            failure = new DeviceFailure($"the socket '{path}' cannot be listened on: {fault.Message.TrimEnd('.')}", "give another path, in a folder of yours");
            return null;
        }
    }

    /// <summary>Makes the device for a life.</summary>
    public VsockDevice MakeDevice(ulong guestCid) => _device = new VsockDevice(guestCid, this);

    /// <inheritdoc/>
    public async ValueTask<IVsockChannel?> ConnectAsync(uint port)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(string.Create(CultureInfo.InvariantCulture, $"{_path}_{port}"))).ConfigureAwait(false);
            return new Channel(socket);
        }
        catch (Exception fault) when (fault is SocketException or ArgumentException)
        {
            socket.Dispose();
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _isDisposed = true;
        _listener.Dispose();
        File.Delete(_path);
    }

    /// <summary>Whether a file is a socket that nobody listens on.</summary>
    private static bool IsLeftOver(UnixDomainSocketEndPoint point)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(point);
            return false;
        }
        catch (SocketException refused)
        {
            return refused.SocketErrorCode == SocketError.ConnectionRefused && new FileInfo(point.ToString()!).Length == 0;
        }
    }

    private async Task AcceptAsync()
    {
        while (!_isDisposed)
        {
            try
            {
                await _greeted.WaitAsync().ConfigureAwait(false);
                Socket peer = await _listener.AcceptAsync().ConfigureAwait(false);
                _ = Task.Run(() => GreetAsync(peer));
            }
            catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
            {
                // The listener ends with the domain; a peer that went before it was accepted is none.
                _greeted.Release();
            }
        }
    }

    private async Task GreetAsync(Socket peer)
    {
        var channel = new Channel(peer);
        try
        {
            byte[] line = new byte[LongestLine];
            int length = 0;
            // One by one: what follows the line is the guest's.
            while (length < line.Length && await channel.ReadAsync(line.AsMemory(length, 1)).ConfigureAwait(false) == 1 && line[length] != '\n') length++;
            string[] words = Encoding.ASCII.GetString(line, 0, length).Split(' ');
            bool isGood = length < line.Length && line[length] == '\n' && words is ["CONNECT", _]
                && uint.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out uint port) && _device?.TryConnect(port, channel) == true;
            if (!isGood) channel.Dispose();
        }
        catch (Exception fault) when (fault is IOException or ObjectDisposedException)
        {
            channel.Dispose();
        }
        finally
        {
            _greeted.Release();
        }
    }

    /// <summary>A connected Unix socket.</summary>
    private sealed class Channel(Socket socket) : IVsockChannel
    {
        public async ValueTask<int> ReadAsync(Memory<byte> destination)
        {
            try
            {
                return await socket.ReceiveAsync(destination, SocketFlags.None).ConfigureAwait(false);
            }
            catch (SocketException fault)
            {
                throw new IOException("the peer is gone", fault);
            }
        }

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> source)
        {
            try
            {
                while (!source.IsEmpty) source = source[await socket.SendAsync(source, SocketFlags.None).ConfigureAwait(false)..];
            }
            catch (SocketException fault)
            {
                throw new IOException("the peer is gone", fault);
            }
        }

        public void EndWriting()
        {
            try
            {
                socket.Shutdown(SocketShutdown.Send);
            }
            catch (SocketException fault)
            {
                throw new IOException("the peer is gone", fault);
            }
        }

        public void Dispose() => socket.Dispose();
    }
}
