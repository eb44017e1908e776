using System.Globalization;
using System.Net;

namespace Hospes.Network;

/// <summary>A port of the host whose connections go to a port of the guest.</summary>
/// <param name="IsUdp">UDP instead of TCP.</param>
/// <param name="Address">The host's address that is listened on; null for all.</param>
/// <param name="HostPort">The host's port, 1 to 65535.</param>
/// <param name="GuestPort">The guest's port, 1 to 65535.</param>
public sealed record PortForward(bool IsUdp, IPAddress? Address, int HostPort, int GuestPort)
{
    /// <summary>Reads a forward as QEMU writes them: <c>tcp:127.0.0.1:2222-:22</c>. The guest's address stays empty: it has one.</summary>
    /// <param name="text">The text.</param>
    /// <returns>Null when it is none.</returns>
    public static PortForward? TryParse(string text)
    {
        string[] ends = text.Split('-');
        if (ends.Length != 2 || !ends[1].StartsWith(':') || !TryPort(ends[1][1..], out int guest)) return null;
        int first = ends[0].IndexOf(':'), last = ends[0].LastIndexOf(':');
        if (first < 0 || last == first || !TryPort(ends[0][(last + 1)..], out int host)) return null;
        string protocol = ends[0][..first], address = ends[0][(first + 1)..last];
        IPAddress? parsed = null;
        if (protocol is not ("tcp" or "udp" or "") || (address.Length > 0 && !IPAddress.TryParse(address, out parsed))) return null;
        return new PortForward(protocol == "udp", parsed, host, guest);
    }

    /// <summary>As passt's <c>-t</c> and <c>-u</c> take it.</summary>
    internal string ToPasst() => string.Create(CultureInfo.InvariantCulture, $"{(Address is null ? "" : $"{Address}/")}{HostPort}:{GuestPort}");

    private static bool TryPort(string text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= ushort.MaxValue;
}
