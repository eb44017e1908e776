using System.Buffers.Binary;
using System.Net.Sockets;
using Hospes.Libvirt.Wire;

namespace Hospes.Libvirt.Client;

/// <summary>What a server answered when it refused.</summary>
/// <param name="message">Its words.</param>
/// <param name="code">The number (<c>virErrorNumber</c>).</param>
public sealed class LibvirtException(string message, int code) : Exception(message)
{
    /// <summary>The number (<c>virErrorNumber</c>).</summary>
    public int Code { get; } = code;
}

/// <summary>A domain as a server names it.</summary>
/// <param name="Name">The name.</param>
/// <param name="Uuid">The UUID.</param>
/// <param name="Id">The id, or -1.</param>
public sealed record RemoteDomain(string Name, Guid Uuid, int Id);

/// <summary>The client's side of libvirt's protocol at a Unix socket: one call at a time, no events. Not thread-safe.</summary>
public sealed class LibvirtClient : IDisposable
{
    private readonly Socket _socket;
    private uint _serial;

    private LibvirtClient(Socket socket) => _socket = socket;

    /// <summary>Connects and opens the driver.</summary>
    /// <param name="path">The socket.</param>
    /// <exception cref="SocketException">Nobody listens there.</exception>
    /// <exception cref="LibvirtException">The server refuses.</exception>
    public static LibvirtClient Connect(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            var client = new LibvirtClient(socket);
            client.Call(66, static _ => { });
            client.Call(1, static writer =>
            {
                writer.OptionalText(null);
                writer.UInt32(0);
            });
            return client;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>All domains.</summary>
    public IReadOnlyList<RemoteDomain> List()
    {
        byte[] answer = Call(273, static writer =>
        {
            writer.Int32(1);
            writer.UInt32(0);
        });
        var reader = new XdrReader(answer);
        var domains = new RemoteDomain[reader.Count(WireLimits.Domains)];
        for (int i = 0; i < domains.Length; i++) domains[i] = Domain(ref reader);
        return domains;
    }

    /// <summary>The domain with that name.</summary>
    public RemoteDomain Find(string name) => Domain(Call(23, writer => writer.Text(name)));

    /// <summary>The state of a domain, and why (<c>virDomainState</c>).</summary>
    public (int State, int Reason) State(RemoteDomain domain)
    {
        var reader = new XdrReader(Call(212, writer =>
        {
            Name(writer, domain);
            writer.UInt32(0);
        }));
        return (reader.Int32(), reader.Int32());
    }

    /// <summary>What the host enforces on a domain's process, in words; empty for nothing.</summary>
    public string Confinement(RemoteDomain domain)
    {
        var reader = new XdrReader(Call(121, writer => Name(writer, domain)));
        // An array of characters, each of which takes four bytes, with a zero at its end.
        var words = new System.Text.StringBuilder();
        for (int left = reader.Count(WireLimits.SecurityLabel); left > 0; left--)
        {
            int letter = reader.Int32();
            if (letter != 0) words.Append((char)(letter & 0xFF));
        }
        return words.ToString();
    }

    /// <summary>The document of a domain.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="inactive">Whether what it will be at its next start is wanted, rather than what it is (<c>VIR_DOMAIN_XML_INACTIVE</c>).</param>
    public string Xml(RemoteDomain domain, bool inactive = false) => new XdrReader(Call(14, writer =>
    {
        Name(writer, domain);
        writer.UInt32(inactive ? 2U : 0);
    })).Text();

    /// <summary>Defines a domain.</summary>
    public RemoteDomain Define(string xml) => Domain(Call(11, writer => writer.Text(xml)));

    /// <summary>Does what needs nothing but the domain: one of libvirt's procedures by its number.</summary>
    public void Act(int procedure, RemoteDomain domain) => Call(procedure, writer => Name(writer, domain));

    /// <summary>Opens the first console of a domain. Nothing else can be asked of this client from then on.</summary>
    /// <returns>What sends and what waits for bytes; the latter gives nothing at the end.</returns>
    public (Action<ReadOnlyMemory<byte>> Send, Func<byte[]> Receive) OpenConsole(RemoteDomain domain)
    {
        const int procedure = 201;
        Call(procedure, writer =>
        {
            Name(writer, domain);
            writer.OptionalText(null);
            writer.UInt32(0);
        });
        uint serial = _serial;
        return (bytes => Send(procedure, MessageType.Stream, serial, MessageStatus.Continue, writer => writer.Raw(bytes.Span)), () => Receive(serial, MessageType.Stream));
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static RemoteDomain Domain(byte[] answer)
    {
        var reader = new XdrReader(answer);
        return Domain(ref reader);
    }

    private static RemoteDomain Domain(ref XdrReader reader) => new(reader.Text(), reader.Uuid(), reader.Int32());

    private static void Name(XdrWriter writer, RemoteDomain domain)
    {
        writer.Text(domain.Name);
        writer.Uuid(domain.Uuid);
        writer.Int32(domain.Id);
    }

    private byte[] Call(int procedure, Action<XdrWriter> arguments)
    {
        Send(procedure, MessageType.Call, ++_serial, MessageStatus.Ok, arguments);
        return Receive(_serial, MessageType.Reply);
    }

    private void Send(int procedure, MessageType type, uint serial, MessageStatus status, Action<XdrWriter> write)
    {
        var writer = new XdrWriter();
        writer.Int32(0);
        new MessageHeader(WireLimits.RemoteProgram, WireLimits.Version, procedure, type, serial, status).Write(writer);
        write(writer);
        writer.Patch(0, writer.Length);
        for (ReadOnlyMemory<byte> rest = writer.Written; !rest.IsEmpty;) rest = rest[_socket.Send(rest.Span)..];
    }

    private byte[] Receive(uint serial, MessageType type)
    {
        while (true)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(Receive(WireLimits.Length));
            if (length is < WireLimits.Length + WireLimits.Header or > WireLimits.Length + WireLimits.Message) throw new LibvirtException("the server does not speak libvirt's protocol", (int)ErrorCode.Rpc);
            byte[] message = Receive(length - WireLimits.Length);
            var reader = new XdrReader(message);
            MessageHeader header = MessageHeader.Read(ref reader);
            if (header.Serial != serial || header.Type != type) continue;
            if (header.Status != MessageStatus.Error) return message[WireLimits.Header..];
            int code = reader.Int32();
            reader.Int32();
            throw new LibvirtException(reader.OptionalText() ?? "the server gives no reason", code);
        }
    }

    private byte[] Receive(int count)
    {
        byte[] bytes = new byte[count];
        for (int filled = 0; filled < count;)
        {
            int read = _socket.Receive(bytes.AsSpan(filled));
            if (read == 0) throw new LibvirtException("the server closed the connection", (int)ErrorCode.Rpc);
            filled += read;
        }
        return bytes;
    }
}
