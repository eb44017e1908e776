using System.Net;
using System.Net.Sockets;
using Hospes.Machine;
using Hospes.Network;

namespace Hospes.Vmm.CommandLine;

/// <summary>Collects network backends (<c>-netdev</c>). Each is for one card.</summary>
internal sealed class NetdevArguments
{
    private readonly Dictionary<string, NetworkOptions> _all = [];
    private readonly HashSet<string> _used = [];

    /// <summary>The backends that no card uses.</summary>
    public IReadOnlyList<string> Unused => [.. _all.Keys.Where(id => !_used.Contains(id))];

    /// <summary>Reads <c>-netdev</c>.</summary>
    /// <returns>Null, or what is wrong.</returns>
    public string? Add(OptionSet set)
    {
        if (TryRead(set, out string? error) is not { } network) return error;
        return _all.TryAdd(network.Backend!, network) ? null : $"Duplicate ID '{network.Backend}' for netdev";
    }

    /// <summary>Gives a card its backend.</summary>
    /// <param name="id">The backend's name.</param>
    /// <param name="error">What is wrong, or null.</param>
    public NetworkOptions? Take(string id, out string? error)
    {
        error = null;
        if (!_all.TryGetValue(id, out NetworkOptions? network)) error = $"Property 'virtio-net-pci.netdev' can't find value '{id}'";
        else if (!_used.Add(id)) error = $"Property 'virtio-net-pci.netdev' can't take value '{id}', it's in use";
        return error is null ? network : null;
    }

    /// <summary>Reads a backend; its name becomes <see cref="NetworkOptions.Backend"/>.</summary>
    /// <param name="set">Its parameters, <c>type</c> and <c>id</c> among them.</param>
    /// <param name="error">What is wrong, or null.</param>
    public static NetworkOptions? TryRead(OptionSet set, out string? error)
    {
        var reader = new OptionReader(set);
        string type = reader.Required("type");
        string id = reader.Identifier("id") ?? "";
        if (id.Length == 0) reader.Fail("Parameter 'id' is missing");
        NetworkOptions? network = type switch
        {
            "user" => ReadUser(reader),
            "tap" => ReadTap(reader),
            "stream" => ReadStream(reader),
            "dgram" => ReadDatagrams(reader),
            "socket" => ReadSocket(reader),
            _ => null,
        };
        if (network is null) reader.Fail($"Parameter 'type' does not accept value '{type}'");
        reader.Finish();
        error = reader.Error;
        return error is null ? network! with { Backend = id } : null;
    }

    private static UserNetworkOptions ReadUser(OptionReader reader)
    {
        var forwards = new List<PortForward>();
        foreach (string text in reader.All("hostfwd"))
        {
            if (PortForward.TryParse(text) is { } forward) forwards.Add(forward);
            else reader.Fail($"Invalid host forwarding rule '{text}'");
        }
        foreach (string option in (ReadOnlySpan<string>)["ipv4", "ipv6"]) reader.Only(option, "on");
        reader.Only("restrict", "off");
        foreach (string option in (ReadOnlySpan<string>)["net", "host", "hostname", "dhcpstart", "dns", "dnssearch", "domainname", "tftp", "tftp-server-name", "bootfile",
            "smb", "smbserver", "guestfwd", "ipv6-net", "ipv6-prefix", "ipv6-prefixlen", "ipv6-host", "ipv6-dns"]) reader.Only(option);
        return new UserNetworkOptions { Forwards = forwards };
    }

    private static TapNetworkOptions ReadTap(OptionReader reader)
    {
        string name = reader.Text("ifname") is { Length: > 0 } given ? given : "tap%d";
        // The bridge matters to a helper program or a script, and there is neither.
        reader.Text("br");
        reader.Only("script", "no", "");
        reader.Only("downscript", "no", "");
        reader.Only("vnet_hdr", "on");
        reader.Only("vhost", "off");
        reader.Only("vhostforce", "off");
        reader.Only("queues", "1");
        foreach (string option in (ReadOnlySpan<string>)["fd", "fds", "helper", "sndbuf", "vhostfd", "vhostfds", "poll-us"]) reader.Only(option);
        return new TapNetworkOptions(name);
    }

    private static NetworkOptions? ReadStream(OptionReader reader)
    {
        bool server = reader.Switch("server", false);
        foreach (string option in (ReadOnlySpan<string>)["reconnect", "reconnect-ms"]) reader.Only(option, "0");
        return ReadAddress(reader, "addr") switch
        {
            UnixDomainSocketEndPoint => new StreamNetworkOptions(reader.Set.Below("addr").Entries.Last(static entry => entry.Key == "path").Value, server),
            IPEndPoint point => new TcpNetworkOptions(point, server),
            _ => new StreamNetworkOptions("", server),
        };
    }

    private static DatagramNetworkOptions ReadDatagrams(OptionReader reader)
    {
        var local = ReadAddress(reader, "local") as IPEndPoint;
        var remote = ReadAddress(reader, "remote") as IPEndPoint;
        if (local is null || remote is null) reader.Fail("dgram requires local and remote addresses of the type inet");
        var nowhere = new IPEndPoint(IPAddress.Any, 0);
        return new DatagramNetworkOptions(local ?? nowhere, remote ?? nowhere);
    }

    private static EndPoint? ReadAddress(OptionReader reader, string prefix)
    {
        var inner = new OptionReader(reader.Below(prefix));
        if (inner.Set.Entries.Count == 0)
        {
            reader.Fail($"Parameter '{prefix}' is missing");
            return null;
        }
        string type = inner.Required("type");
        EndPoint? address = type switch
        {
            "unix" => SocketText.ReadPath(inner, inner.Required("path")),
            "inet" => SocketText.ReadHost(inner),
            _ => null,
        };
        if (address is null) inner.Fail($"Parameter 'type' does not accept value '{type}'");
        inner.Finish(name => $"Parameter '{prefix}.{name}' is unexpected");
        if (inner.Error is not null) reader.Fail(inner.Error);
        return address;
    }

    /// <summary>The older form: one of <c>listen</c>, <c>connect</c> and <c>udp</c>.</summary>
    private static NetworkOptions? ReadSocket(OptionReader reader)
    {
        string? listen = reader.Text("listen"), connect = reader.Text("connect"), udp = reader.Text("udp"), local = reader.Text("localaddr");
        reader.Only("mcast");
        reader.Only("fd");
        NetworkOptions? network = (listen, connect, udp) switch
        {
            ({ } text, null, null) when SocketText.TryPair(text, out IPEndPoint? point) => new TcpNetworkOptions(point!, Listens: true),
            (null, { } text, null) when SocketText.TryPair(text, out IPEndPoint? point) => new TcpNetworkOptions(point!, Listens: false),
            (null, null, { } text) when SocketText.TryPair(text, out IPEndPoint? to) && local is not null && SocketText.TryPair(local, out IPEndPoint? from) =>
                new DatagramNetworkOptions(from!, to!),
            _ => null,
        };
        if (network is null) reader.Fail("exactly one of listen=, connect=, and udp= with localaddr= is required, each with an IP address and a port");
        else if (local is not null && udp is null) reader.Fail("localaddr= is only valid with udp=");
        return network ?? new TcpNetworkOptions(new IPEndPoint(IPAddress.Any, 0), Listens: true);
    }
}
