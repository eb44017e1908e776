using System.Net;
using System.Net.Sockets;

namespace Hospes.Vmm.Gdb;

/// <summary>Where debuggers connect to: one after the other. A debugger that connects holds the domain; when it goes, the domain runs on.</summary>
public sealed class GdbServer : IDisposable
{
    /// <summary>What <c>-s</c> means.</summary>
    public const string UsualPlace = "tcp::1234";

    private readonly DomainControl _control;
    private readonly Socket _listener;
    private readonly CancellationTokenSource _over = new();
    private readonly string? _path;
    private readonly Task _serving;

    private GdbServer(DomainControl control, Socket listener, string? path)
    {
        _control = control;
        _listener = listener;
        _path = path;
        _serving = Task.Run(ServeAsync);
    }

    /// <summary>Tells whether a text names a place: <c>tcp:HOST:PORT</c>, where HOST is an address, localhost, or nothing for the loopback, or
    /// <c>unix:PATH</c>.</summary>
    /// <param name="place">The text.</param>
    public static bool IsPlace(string place) => Parse(place) is not null;

    /// <summary>Listens.</summary>
    /// <param name="runner">The domain; its engine needs to be able to debug.</param>
    /// <param name="place">Where.</param>
    /// <param name="error">Why not: a clause without a full stop.</param>
    public static GdbServer? TryListen(DomainRunner runner, string place, out string? error)
    {
        error = null;
        if (!runner.CanDebug)
        {
            error = $"the engine '{runner.EngineName}' has no support for debuggers; use the engine soft";
            return null;
        }
        if (Parse(place) is not { } point)
        {
            error = $"'{place}' is no place to listen; give tcp:HOST:PORT or unix:PATH";
            return null;
        }
        // A TCP port is not kept from the next domain by connections that ended, nor shared with one that listens.
        var listener = new Socket(point.AddressFamily, SocketType.Stream, point is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified);
        try
        {
            listener.Bind(point);
            listener.Listen(1);
            return new GdbServer(runner.Control, listener, point is UnixDomainSocketEndPoint ? place[5..] : null);
        }
        catch (SocketException refused)
        {
            listener.Dispose();
            error = $"debuggers cannot connect to '{place}': {refused.Message}";
            return null;
        }
    }

    /// <summary>Ends the session that there is, and lets nobody connect any more.</summary>
    public void Dispose()
    {
        _over.Cancel();
        _listener.Dispose();
        _serving.GetAwaiter().GetResult();
        _over.Dispose();
        if (_path is not null) File.Delete(_path);
    }

    private static EndPoint? Parse(string place)
    {
        if (place.StartsWith("unix:", StringComparison.Ordinal)) return place.Length is > 5 and < 110 ? new UnixDomainSocketEndPoint(place[5..]) : null;
        if (!place.StartsWith("tcp:", StringComparison.Ordinal)) return null;
        string point = place[4..];
        int colon = point.LastIndexOf(':');
        if (colon < 0 || !ushort.TryParse(point[(colon + 1)..], System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out ushort port) || port == 0) return null;
        // QEMU listens on all addresses then; whoever reaches a debugger's port owns the guest, so here it is the loopback.
        string host = point[..colon];
        if (host is "" or "localhost") return new IPEndPoint(IPAddress.Loopback, port);
        return IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address) ? new IPEndPoint(address, port) : null;
    }

    private async Task ServeAsync()
    {
        while (!_over.IsCancellationRequested)
        {
            try
            {
                using Socket peer = await _listener.AcceptAsync(_over.Token).ConfigureAwait(false);
                using var stream = new NetworkStream(peer);
                if (peer.ProtocolType == ProtocolType.Tcp) peer.NoDelay = true;
                using var target = new GdbTarget(_control);
                await new GdbSession(stream, target).RunAsync(_over.Token).ConfigureAwait(false);
            }
            catch (Exception fault) when (fault is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The debugger is gone, or the domain.
            }
            if (!_over.IsCancellationRequested) _control.Resume();
        }
    }
}
