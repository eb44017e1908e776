using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Hospes.Vmm.CommandLine;

/// <summary>Reads addresses of sockets. Hosts are addresses of IPv4 or IPv6, or <c>localhost</c>: nothing is looked up.</summary>
internal static class SocketText
{
    /// <summary>The longest path of a Unix socket in bytes (unix(7): 108 with the zero behind it).</summary>
    public const int LongestPath = 107;

    /// <summary>Takes <c>host</c> and <c>port</c>.</summary>
    /// <returns>Null when something is wrong, which the reader knows.</returns>
    public static IPEndPoint? ReadHost(OptionReader reader)
    {
        string? host = reader.Text("host");
        reader.Only("ipv4", "on", "off");
        reader.Only("ipv6", "on", "off");
        if (host is null && reader.Text("port") is null) reader.Fail("chardev: socket: no path or port given");
        long? port = reader.Number("port", 1, ushort.MaxValue);
        if (port is null) reader.Fail("Parameter 'port' is missing");
        if (!TryAddress(host ?? "", out IPAddress? address)) reader.Fail($"Parameter 'host' expects an IP address or localhost, not '{host}'");
        return reader.Error is null ? new IPEndPoint(address!, (int)port!) : null;
    }

    /// <summary>Checks the path of a Unix socket.</summary>
    /// <returns>Null when something is wrong, which the reader knows.</returns>
    public static UnixDomainSocketEndPoint? ReadPath(OptionReader reader, string path)
    {
        if (path.Length == 0 || path.Contains('\0') || Encoding.UTF8.GetByteCount(path) > LongestPath) reader.Fail($"UNIX socket path '{path}' is too long\nPath must be less than {LongestPath + 1} bytes");
        return reader.Error is null ? new UnixDomainSocketEndPoint(path) : null;
    }

    /// <summary>Reads <c>HOST:PORT</c>, <c>[HOST]:PORT</c> or <c>:PORT</c>, which is every address.</summary>
    public static bool TryPair(string text, out IPEndPoint? point)
    {
        point = null;
        int colon = text.LastIndexOf(':');
        if (colon < 0 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) || port is < 1 or > ushort.MaxValue) return false;
        if (!TryAddress(text[..colon].Trim('[', ']'), out IPAddress? address)) return false;
        point = new IPEndPoint(address!, port);
        return true;
    }

    /// <summary>Reads an address; nothing stands for every address.</summary>
    public static bool TryAddress(string text, out IPAddress? address)
    {
        address = text switch
        {
            "" => IPAddress.Any,
            "localhost" => IPAddress.Loopback,
            _ => IPAddress.TryParse(text, out IPAddress? parsed) ? parsed : null,
        };
        return address is not null;
    }
}
