using System.Net;
using System.Net.Sockets;
using Hospes.Vmm.Chardevs;

namespace Hospes.Vmm.CommandLine;

/// <summary>Collects character devices: <c>-chardev</c>, and the short forms that <c>-serial</c>, <c>-monitor</c> and <c>-qmp</c> take.</summary>
internal sealed class ChardevArguments
{
    private readonly List<ChardevOptions> _all = [];
    private readonly HashSet<string> _used = [];

    /// <summary>Those that were collected, in order.</summary>
    public IReadOnlyList<ChardevOptions> All => _all;

    /// <summary>Reads <c>-chardev</c>.</summary>
    /// <param name="set">Its parameters.</param>
    /// <param name="origin">The option as it was given.</param>
    /// <returns>Null, or what is wrong.</returns>
    public string? Add(OptionSet set, string origin)
    {
        if (TryRead(set, out string? error) is not { } chardev) return error;
        if (Find(chardev.Id) is not null) return $"Duplicate ID '{chardev.Id}' for chardev";
        _all.Add(chardev with { Origin = origin });
        return null;
    }

    /// <summary>Finds one by its name.</summary>
    public ChardevOptions? Find(string id) => _all.Find(chardev => chardev.Id == id);

    /// <summary>Notes that someone uses it.</summary>
    /// <returns>Null, or what is wrong.</returns>
    public string? Use(string id) => !_used.Add(id) && Find(id) is not { Mux: true } ? $"Device '{id}' is in use" : null;

    /// <summary>Reads the short form of a character device, such as <c>stdio</c>, <c>unix:PATH,server=on</c> or <c>mon:pty</c>.</summary>
    /// <param name="option">The option that takes it.</param>
    /// <param name="text">The text; <c>none</c> is the caller's matter.</param>
    /// <param name="label">The name that it gets.</param>
    /// <param name="id">The name of the device: the label, or the one that <c>chardev:</c> names; null when something is wrong.</param>
    /// <param name="monitored">Whether a monitor is to share it (<c>mon:</c>).</param>
    /// <returns>Null, or what is wrong.</returns>
    public string? Redirect(string option, string text, string label, out string? id, out bool monitored)
    {
        id = null;
        string origin = $"{option} {text}";
        monitored = text.StartsWith("mon:", StringComparison.Ordinal);
        if (monitored) text = text[4..];
        int colon = text.IndexOf(':');
        string kind = colon < 0 ? text.Split(',')[0] : text[..colon], rest = colon < 0 ? text[kind.Length..] : text[(colon + 1)..];
        if (kind == "chardev" && colon >= 0)
        {
            if (Find(rest) is null) return $"Chardev '{rest}' not found";
            id = rest;
            return null;
        }
        string? options = kind switch
        {
            // With a monitor on it too, Ctrl-C is the guest's.
            "stdio" when colon < 0 && monitored => $"stdio,signal=off{rest}",
            "stdio" or "pty" or "null" when colon < 0 => kind + rest,
            // A comma of a path that is not escaped begins the settings, as it does with QEMU.
            "file" when colon >= 0 => $"file,path={rest}",
            "unix" when colon >= 0 => $"socket,path={rest}",
            "tcp" when colon >= 0 => HostAndPort(rest),
            _ => null,
        };
        if (options is null) return $"'{text}' is not a valid char driver";
        if (OptionSet.TryParse($"{options},id={label}{(monitored ? ",mux=on" : "")}", "backend", out string? error) is not { } set) return error;
        error = Add(set, origin);
        if (error is null) id = label;
        return error;
    }

    /// <summary>Reads one character device.</summary>
    /// <param name="set">Its parameters, <c>backend</c> and <c>id</c> among them.</param>
    /// <param name="error">What is wrong, or null.</param>
    public static ChardevOptions? TryRead(OptionSet set, out string? error)
    {
        var reader = new OptionReader(set);
        string id = reader.Identifier("id") ?? "";
        if (id.Length == 0) reader.Fail("chardev: no id specified");
        string kind = reader.Text("backend") ?? "";
        bool mux = reader.Switch("mux", false);
        reader.Only("signal", kind == "stdio" ? ["on", "off"] : []);
        reader.Only("logfile");
        reader.Only("logappend", "off");
        ChardevOptions? chardev = kind switch
        {
            "socket" => ReadSocket(reader, id),
            "stdio" => new StdioChardevOptions(id) { Signal = reader.Switch("signal", true) },
            "pty" => ReadPty(reader, id),
            "file" => ReadFile(reader, id),
            "null" => new NullChardevOptions(id),
            "ringbuf" or "memory" => ReadRing(reader, id),
            _ => null,
        };
        if (chardev is null) reader.Fail(kind.Length == 0 ? "chardev: \"\" missing backend" : $"'{kind}' is not a valid char driver name");
        reader.Finish();
        error = reader.Error;
        return error is null ? chardev! with { Mux = mux } : null;
    }

    private static FileChardevOptions ReadFile(OptionReader reader, string id)
    {
        string? path = reader.Text("path");
        if (path is null) reader.Fail("chardev: file: no filename given");
        return new FileChardevOptions(id, path ?? "") { Append = reader.Switch("append", false) };
    }

    private static PtyChardevOptions ReadPty(OptionReader reader, string id)
    {
        reader.Only("path");
        return new PtyChardevOptions(id);
    }

    private static RingbufChardevOptions ReadRing(OptionReader reader, string id)
    {
        ulong size = reader.Size("size") ?? RingbufChardevOptions.UsualSize;
        if (!RingbufChardevOptions.IsPossible(size)) reader.Fail(RingbufChardevOptions.SizeError);
        return new RingbufChardevOptions(id, reader.Error is null ? (int)size : 1);
    }

    private static SocketChardevOptions? ReadSocket(OptionReader reader, string id)
    {
        string? path = reader.Text("path");
        bool server = reader.Switch("server", false);
        bool wait = reader.Switch("wait", server);
        long? reconnect = reader.Number("reconnect", 0, int.MaxValue / 1000);
        foreach (string option in (ReadOnlySpan<string>)["telnet", "tn3270", "websocket", "abstract"]) reader.Only(option, "off");
        foreach (string option in (ReadOnlySpan<string>)["fd", "tls-creds", "tls-authz", "to"]) reader.Only(option);
        reader.Only("tight", "on", "off");
        reader.Only("delay", "on");
        reader.Only("nodelay", "on", "off");
        EndPoint? address = path is null ? SocketText.ReadHost(reader) : SocketText.ReadPath(reader, path);
        if (!server && wait) reader.Fail("'wait' option is incompatible with socket in client connect mode");
        if (server && reconnect > 0) reader.Fail("'reconnect' option is incompatible with socket in server listen mode");
        return address is null
            ? new SocketChardevOptions(id, new IPEndPoint(IPAddress.Loopback, 0))
            : new SocketChardevOptions(id, address) { Server = server, Wait = wait, Reconnect = reconnect > 0 ? TimeSpan.FromSeconds(reconnect.Value) : null };
    }

    private static string? HostAndPort(string text)
    {
        string[] parts = text.Split(',', 2);
        int colon = parts[0].LastIndexOf(':');
        return colon < 0 ? null : $"socket,host={parts[0][..colon].Trim('[', ']')},port={parts[0][(colon + 1)..]}{(parts.Length > 1 ? "," + parts[1] : "")}";
    }
}
