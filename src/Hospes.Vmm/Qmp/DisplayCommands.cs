using System.Net.Sockets;
using System.Text.Json.Nodes;
using Hospes.Display;
using Hospes.Qmp;
using Hospes.Qmp.Schema;

namespace Hospes.Vmm.Qmp;

/// <summary>Commands over screens and who looks at them (QEMU, <c>qapi/ui.json</c>), and the events of that.</summary>
internal sealed class DisplayCommands(DomainControl control)
{
    private const string Protocol = "vnc";

    private static readonly QmpEnum s_family = new("ipv4", "ipv6", "unix", "vsock", "unknown");

    private static readonly QmpMember[] s_address =
        [new("host", QmpType.Text), new("service", QmpType.Text), new("family", s_family), new("websocket", QmpType.Bool)];

    private static readonly QmpEnum s_auth = new("none", "vnc");

    /// <summary>The events.</summary>
    public static IEnumerable<QmpEventType> Events
    {
        get
        {
            var server = new QmpObject([.. s_address, new("auth", QmpType.Text, IsOptional: true)]);
            var shape = new QmpObject(new("server", server), new("client", new QmpObject(s_address)));
            return Enum.GetValues<VncHappening>().Select(what => new QmpEventType(Name(what), shape));
        }
    }

    /// <summary>The commands.</summary>
    public IEnumerable<QmpCommand> Commands
    {
        get
        {
            var clients = new QmpArray(new QmpObject(s_address));
            var info = new QmpObject(
                new("enabled", QmpType.Bool), new("host", QmpType.Text, IsOptional: true), new("family", s_family, IsOptional: true),
                new("service", QmpType.Text, IsOptional: true), new("auth", QmpType.Text, IsOptional: true), new("clients", clients, IsOptional: true));
            var server = new QmpObject([.. s_address, new("auth", s_auth)]);
            var servers = new QmpArray(new QmpObject(
                new("id", QmpType.Text), new("server", new QmpArray(server)), new("clients", clients), new("auth", s_auth), new("display", QmpType.Text, IsOptional: true)));
            yield return new("query-vnc", QmpObject.Empty, info, _ => Query());
            yield return new("query-vnc-servers", QmpObject.Empty, servers, _ => QueryServers());
            yield return new("change-vnc-password", new QmpObject(new QmpMember("password", QmpType.Text)), QmpObject.Empty, arguments => SetPassword(arguments.Required("password")));
            var password = new QmpObject(
                new("protocol", new QmpEnum(Protocol)), new("password", QmpType.Text), new("connected", new QmpEnum("keep"), IsOptional: true));
            yield return new("set_password", password, QmpObject.Empty, arguments => SetPassword(arguments.Required("password")));
            var dump = new QmpObject(
                new("filename", QmpType.Text), new("device", QmpType.Text, IsOptional: true), new("head", QmpType.Integer, IsOptional: true),
                new("format", new QmpEnum("ppm", "png"), IsOptional: true));
            yield return new("screendump", dump, QmpObject.Empty, arguments =>
                Dump(arguments.Required("filename"), arguments.Text("device"), arguments.Integer("head"), arguments.Text("format") == "png"));
        }
    }

    /// <summary>An event as it is told.</summary>
    public (string Name, JsonObject Data)? Translate(DomainEvent.VncClient happened)
    {
        if (control.Vnc is not { } server) return null;
        JsonObject own = Describe(server.Address);
        own["auth"] = Auth(server);
        return (Name(happened.What), new JsonObject { ["server"] = own, ["client"] = Describe(happened.Client) });
    }

    /// <summary>Writes what is to be seen to a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="device">The device that draws; null for the first screen.</param>
    /// <param name="head">Which of its screens; null for the first one.</param>
    /// <param name="isPng">Whether as PNG; else as PPM.</param>
    public QmpResult Dump(string file, string? device, long? head, bool isPng)
    {
        if (head is not null && device is null) return QmpError.Generic("'head' must be specified together with 'device'");
        if (device is not null && control.Devices.All(at => at.Id != device)) return QmpError.NoDevice(device);
        Screen? screen = control.Seat.Screens.FirstOrDefault(at => device is null || (at.Device == device && at.Head == (head ?? 0)));
        if (screen is null)
            return QmpError.Generic(device is null ? "There is no console to take a screendump from" : $"Device '{device}' (head {head ?? 0}) is not bound to a console");
        try
        {
            using FileStream output = File.Create(file);
            if (isPng) PngWriter.Write(screen.Capture(), output);
            else PpmWriter.Write(screen.Capture(), output);
            return QmpResult.Done;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return QmpError.Generic($"failed to open file '{file}': {refused.Message.TrimEnd('.')}");
        }
    }

    private static string Name(VncHappening what) => $"VNC_{what.ToString().ToUpperInvariant()}";

    private static string Auth(VncServer server) => server.WantsPassword ? "vnc" : "none";

    private static JsonObject Describe(VncAddress address) => new()
    {
        ["host"] = address.Host,
        ["service"] = address.Service,
        ["family"] = Family(address),
        ["websocket"] = false,
    };

    private static string Family(VncAddress address) => address.Family switch
    {
        AddressFamily.InterNetwork => "ipv4",
        AddressFamily.InterNetworkV6 => "ipv6",
        AddressFamily.Unix => "unix",
        _ => "unknown",
    };

    private static JsonArray Clients(VncServer server) => [.. server.Clients.Select(static client => (JsonNode)Describe(client))];

    private JsonObject Query()
    {
        if (control.Vnc is not { } server) return new JsonObject { ["enabled"] = false };
        VncAddress address = server.Address;
        return new JsonObject
        {
            ["enabled"] = true,
            ["host"] = address.Host,
            ["service"] = address.Service,
            ["family"] = Family(address),
            ["auth"] = Auth(server),
            ["clients"] = Clients(server),
        };
    }

    private JsonArray QueryServers()
    {
        if (control.Vnc is not { } server) return [];
        JsonObject own = Describe(server.Address);
        own["auth"] = Auth(server);
        return [(JsonNode)new JsonObject { ["id"] = "default", ["server"] = new JsonArray((JsonNode)own), ["clients"] = Clients(server), ["auth"] = Auth(server) }];
    }

    private QmpResult SetPassword(string password)
    {
        if (control.Vnc is not { WantsPassword: true } server) return QmpError.Generic("Could not set password");
        server.Password = password;
        return QmpResult.Done;
    }
}
