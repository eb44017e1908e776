using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Hospes.Display;

/// <summary>Where a VNC server listens, as QEMU names it: <c>HOST:DISPLAY</c> for the port 5900 and more, or <c>unix:PATH</c>.</summary>
public static class VncPlace
{
    /// <summary>The port of display 0.</summary>
    public const int FirstPort = 5900;

    /// <summary>The longest path of a Unix socket (unix(7)).</summary>
    private const int LongestPath = 107;

    private const string UnixPrefix = "unix:";

    /// <summary>Reads a place. Without a host, or with localhost, it is the loopback.</summary>
    /// <param name="text">The text.</param>
    /// <returns>Where to listen; null for what is no place.</returns>
    public static EndPoint? Parse(string text)
    {
        if (text.StartsWith(UnixPrefix, StringComparison.Ordinal))
        {
            string path = text[UnixPrefix.Length..];
            return path.Length is > 0 && System.Text.Encoding.UTF8.GetByteCount(path) <= LongestPath ? new UnixDomainSocketEndPoint(path) : null;
        }
        int colon = text.LastIndexOf(':');
        if (colon < 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort display) || display + FirstPort > ushort.MaxValue) return null;
        // QEMU listens everywhere without a host; who reaches a screen without a password owns the guest, so here it is the loopback.
        string host = text[..colon];
        if (host is "" or "localhost") return new IPEndPoint(IPAddress.Loopback, FirstPort + display);
        return IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address) ? new IPEndPoint(address, FirstPort + display) : null;
    }

    /// <summary>Listens.</summary>
    /// <param name="point">Where. A Unix socket that is left over from a process that is gone is replaced; only this user may connect to one.</param>
    /// <returns>The listener.</returns>
    /// <exception cref="SocketException">The place is taken, or not this host's.</exception>
    internal static Socket Listen(EndPoint point)
    {
        bool isUnix = point is UnixDomainSocketEndPoint;
        // Connections that ended are in nobody's way by themselves; asking for it would share the port with others who ask, and clients would get to one or the other.
        var listener = new Socket(point.AddressFamily, SocketType.Stream, isUnix ? ProtocolType.Unspecified : ProtocolType.Tcp);
        try
        {
            if (isUnix) RemoveLeftOver(point);
            listener.Bind(point);
            if (isUnix && !OperatingSystem.IsWindows()) File.SetUnixFileMode(point.ToString()!, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            listener.Listen();
            return listener;
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    private static void RemoveLeftOver(EndPoint point)
    {
        string path = point.ToString()!;
        // A file of another kind stays: connecting to it is refused likewise, but it can be opened (open(2), ENXIO).
        if (!File.Exists(path) || IsPlain(path)) return;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(point);
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(path);
        }
    }

    private static bool IsPlain(string path)
    {
        try
        {
            using FileStream file = File.Open(path, FileMode.Open, FileAccess.ReadWrite);
            return true;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
