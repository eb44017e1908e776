using System.Net;
using System.Net.Sockets;
using Hospes.Domains.Configuration;

namespace Hospes.Domains.Drivers;

/// <summary>
/// Which TCP ports screens are seen at. A port is a domain's until the domain ends, so that two that start at the same time do not get the same one; others of the host's programs may still take
/// it before the machine does, which then does not start. Thread-safe.
/// </summary>
internal sealed class DisplayPorts
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, Guid> _owners = [];

    /// <summary>The first free port from <see cref="GraphicsConfig.FirstPort"/> on, from now on a domain's; null if there is none.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="isFree">Whether nobody else has a port.</param>
    public int? Choose(Guid domain, Func<int, bool> isFree)
    {
        lock (_gate)
        {
            for (int port = GraphicsConfig.FirstPort; port <= ushort.MaxValue; port++)
            {
                if (_owners.ContainsKey(port) || !isFree(port)) continue;
                _owners[port] = domain;
                return port;
            }
            return null;
        }
    }

    /// <summary>Makes a port a domain's that is known to be.</summary>
    public void Take(Guid domain, int port)
    {
        lock (_gate) _owners[port] = domain;
    }

    /// <summary>Gives a domain's ports back.</summary>
    public void Release(Guid domain)
    {
        lock (_gate)
        {
            foreach (int port in _owners.Where(pair => pair.Value == domain).Select(static pair => pair.Key).ToArray()) _owners.Remove(port);
        }
    }

    /// <summary>Whether somebody could listen at a port of an address now.</summary>
    public static bool IsFree(string address, int port)
    {
        try
        {
            IPAddress place = address == "localhost" ? IPAddress.Loopback : IPAddress.Parse(address);
            using var probe = new Socket(place.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            probe.Bind(new IPEndPoint(place, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
