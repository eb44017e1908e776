using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Hospes.Vmm.CommandLine;

namespace Hospes.Vmm.Chardevs;

/// <summary>Reads QEMU's <c>ChardevBackend</c> (<c>qapi/char.json</c>): an object with <c>type</c> and <c>data</c>.</summary>
internal static class ChardevBackend
{
    /// <summary>Reads one.</summary>
    /// <param name="id">The name of the device.</param>
    /// <param name="backend">The object.</param>
    /// <param name="error">What is wrong in QEMU's words, or null.</param>
    public static ChardevOptions? TryRead(string id, JsonElement backend, out string? error)
    {
        if (OptionSet.FromJson(backend, out error) is not { } set) return null;
        var outer = new OptionReader(set);
        string type = outer.Required("type");
        var reader = new OptionReader(outer.Below("data"));
        ChardevOptions? chardev = type switch
        {
            "socket" => ReadSocket(reader, id),
            "file" => new FileChardevOptions(id, reader.Required("out")) { Append = reader.Switch("append", false) },
            "stdio" => new StdioChardevOptions(id) { Signal = reader.Switch("signal", true) },
            "pty" => new PtyChardevOptions(id),
            "null" => new NullChardevOptions(id),
            "ringbuf" or "memory" => ReadRing(reader, id),
            _ => null,
        };
        if (chardev is null) outer.Fail($"Parameter 'backend' does not accept value '{type}'");
        outer.Finish();
        reader.Finish();
        error = outer.Error ?? reader.Error;
        return error is null ? chardev : null;
    }

    private static RingbufChardevOptions ReadRing(OptionReader reader, string id)
    {
        ulong size = reader.Size("size") ?? RingbufChardevOptions.UsualSize;
        if (!RingbufChardevOptions.IsPossible(size)) reader.Fail(RingbufChardevOptions.SizeError);
        return new RingbufChardevOptions(id, reader.Error is null ? (int)size : 1);
    }

    private static SocketChardevOptions ReadSocket(OptionReader reader, string id)
    {
        // QEMU's server and wait are on when they are absent here, unlike on its command line.
        bool server = reader.Switch("server", true);
        bool wait = reader.Switch("wait", false);
        long? reconnect = reader.Number("reconnect", 0, int.MaxValue / 1000);
        reader.Only("telnet", "off");
        reader.Only("websocket", "off");
        reader.Only("nodelay", "on", "off");
        OptionSet address = reader.Below("addr");
        var addr = new OptionReader(address);
        string type = addr.Required("type");
        var data = new OptionReader(addr.Below("data"));
        EndPoint? point = type switch
        {
            "unix" => SocketText.ReadPath(data, data.Required("path")),
            "inet" => SocketText.ReadHost(data),
            _ => null,
        };
        if (type is not ("unix" or "inet")) addr.Fail($"Parameter 'type' does not accept value '{type}'");
        data.Finish();
        addr.Finish();
        if ((addr.Error ?? data.Error) is { } error) reader.Fail(error);
        if (server && reconnect > 0) reader.Fail("'reconnect' option is incompatible with socket in server listen mode");
        return new SocketChardevOptions(id, point ?? new UnixDomainSocketEndPoint("/"))
        {
            Server = server,
            Wait = wait && server,
            Reconnect = reconnect > 0 ? TimeSpan.FromSeconds(reconnect.Value) : null,
        };
    }
}
