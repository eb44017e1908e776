using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Hospes.Vmm.Chardevs;

/// <summary>A stream socket, listening or connecting. While one peer is served, others wait in the socket's queue.</summary>
internal sealed class SocketChardev : Chardev
{
    private const int Backlog = 1;

    private readonly SocketChardevOptions _options;
    private readonly Socket? _listener;
    private Socket? _next;
    private volatile bool _isConnected;

    private SocketChardev(SocketChardevOptions options, Socket? listener, Socket? first)
        : base(options.Id)
    {
        _options = options;
        _listener = listener;
        _next = first;
    }

    /// <inheritdoc/>
    public override string FileName => $"{(_isConnected ? "" : "disconnected:")}{Name(_options)}";

    /// <summary>Listens, or connects for the first time; one that connects again and again may begin without a peer.</summary>
    public static SocketChardev? TryOpen(SocketChardevOptions options, out string? error)
    {
        error = null;
        Socket? socket = null;
        try
        {
            socket = Make(options.Address);
            if (!options.Server)
            {
                if (options.Reconnect is not null) return new SocketChardev(options, null, null);
                socket.Connect(options.Address);
                return new SocketChardev(options, null, socket);
            }
            Bind(socket, options.Address);
            socket.Listen(Backlog);
            return new SocketChardev(options, socket, null);
        }
        catch (SocketException fault)
        {
            socket?.Dispose();
            string address = Address(options.Address);
            // A path has no address that could be unavailable: so the runtime calls ENOENT.
            string reason = options.Address is UnixDomainSocketEndPoint && fault.SocketErrorCode == SocketError.AddressNotAvailable ? Marshal.GetPInvokeErrorMessage(NoEntry) : Reason(fault);
            error = options.Server
                ? $"Failed to {(options.Address is IPEndPoint ? $"find an available port: {reason}" : $"bind socket to {address}: {reason}")}"
                : $"Failed to connect to '{address}': {reason}";
            return null;
        }
    }

    /// <summary>An exception in the words of strerror(3), where the runtime lets them be known.</summary>
    internal static string Reason(Exception fault) => fault switch
    {
        SocketException socket => Marshal.GetPInvokeErrorMessage(socket.ErrorCode),
        FileNotFoundException or DirectoryNotFoundException => "No such file or directory",
        UnauthorizedAccessException => "Permission denied",
        _ => fault.Message.TrimEnd('.'),
    };

    /// <inheritdoc/>
    public override async Task PrepareAsync(Action<string> tell, CancellationToken cancellation)
    {
        if (_listener is null || !_options.Wait) return;
        tell($"info: waiting for connection on: {FileName}");
        using var either = CancellationTokenSource.CreateLinkedTokenSource(Ended, cancellation);
        _next = await _listener.AcceptAsync(either.Token).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask<Stream?> ConnectAsync()
    {
        _isConnected = false;
        try
        {
            Socket? socket = _next ?? (_listener is not null ? await _listener.AcceptAsync(Ended).ConfigureAwait(false) : await ReconnectAsync().ConfigureAwait(false));
            _next = null;
            if (socket is null) return null;
            if (socket.ProtocolType == ProtocolType.Tcp) socket.NoDelay = true;
            _isConnected = true;
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (Exception fault) when (fault is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    protected override void Close()
    {
        _next?.Dispose();
        _listener?.Dispose();
        if (_listener is not null && _options.Address is UnixDomainSocketEndPoint) File.Delete(Address(_options.Address));
    }

    /// <summary>Connects again and again; null for one that connects once.</summary>
    private async Task<Socket?> ReconnectAsync()
    {
        while (_options.Reconnect is { } pause)
        {
            Socket socket = Make(_options.Address);
            try
            {
                await socket.ConnectAsync(_options.Address, Ended).ConfigureAwait(false);
                return socket;
            }
            catch (SocketException)
            {
                socket.Dispose();
                await Task.Delay(pause, Ended).ConfigureAwait(false);
            }
        }
        return null;
    }

    /// <summary>ENOENT of errno(3).</summary>
    private const int NoEntry = 2;

    private static Socket Make(EndPoint address) => address is UnixDomainSocketEndPoint
        ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        : new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);

    /// <summary>Binds. A socket that a dead process left behind gives way; one that somebody listens on does not, nor a file with something in it.</summary>
    private static void Bind(Socket socket, EndPoint address)
    {
        try
        {
            socket.Bind(address);
        }
        catch (SocketException fault) when (fault.SocketErrorCode == SocketError.AddressAlreadyInUse && address is UnixDomainSocketEndPoint)
        {
            var left = new FileInfo(Address(address));
            if (IsAlive(address) || (left.Exists && left.Length > 0)) throw;
            File.Delete(left.FullName);
            socket.Bind(address);
        }
    }

    private static bool IsAlive(EndPoint address)
    {
        using Socket probe = Make(address);
        try
        {
            probe.Connect(address);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static string Address(EndPoint address) => address is IPEndPoint point ? $"{Host(point)}:{point.Port}" : address.ToString()!;

    private static string Host(IPEndPoint point) => point.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{point.Address}]" : $"{point.Address}";

    private static string Name(SocketChardevOptions options)
    {
        var name = new StringBuilder(options.Address is IPEndPoint ? "tcp:" : "unix:").Append(Address(options.Address));
        if (options.Server) name.Append(",server=on");
        return name.ToString();
    }
}
