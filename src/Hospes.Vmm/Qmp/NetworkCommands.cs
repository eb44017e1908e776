using System.Text;
using System.Text.Json;
using Hospes.Machine;
using Hospes.Qmp;
using Hospes.Qmp.Schema;
using Hospes.Vmm.CommandLine;

namespace Hospes.Vmm.Qmp;

/// <summary>Commands over network backends and links (QEMU, <c>qapi/net.json</c>).</summary>
internal sealed class NetworkCommands(DomainControl control)
{
    /// <summary>The commands.</summary>
    public IEnumerable<QmpCommand> Commands
    {
        get
        {
            yield return new("netdev_add", Netdev(), QmpObject.Empty, arguments => Add(arguments.Object));
            yield return new("netdev_del", new QmpObject(new QmpMember("id", QmpType.Text)), QmpObject.Empty, arguments => Remove(arguments.Required("id")));
            yield return new(
                "set_link", new QmpObject(new("name", QmpType.Text), new("up", QmpType.Bool)), QmpObject.Empty, arguments =>
                SetLink(arguments.Required("name"), arguments.Bool("up")!.Value));
        }
    }

    /// <summary>The types of <c>Netdev</c> that there are here, with the members that mean something.</summary>
    private static QmpObject Netdev()
    {
        var address = new QmpObject(new QmpMember("type", new QmpEnum("inet", "unix")))
        {
            Tag = "type",
            Variants = new Dictionary<string, QmpObject>
            {
                ["inet"] = new(new("host", QmpType.Text), new("port", QmpType.Text)),
                ["unix"] = new(new QmpMember("path", QmpType.Text)),
            },
        };
        return new QmpObject(new("id", QmpType.Text), new("type", new QmpEnum("user", "tap", "stream", "dgram")))
        {
            Tag = "type",
            Variants = new Dictionary<string, QmpObject>
            {
                ["user"] = new(new QmpMember("hostfwd", new QmpArray(new QmpObject(new QmpMember("str", QmpType.Text))), IsOptional: true)),
                ["tap"] = new(
                    new("ifname", QmpType.Text, IsOptional: true), new("script", QmpType.Text, IsOptional: true), new("downscript", QmpType.Text, IsOptional: true),
                    new("vhost", QmpType.Bool, IsOptional: true)),
                ["stream"] = new(new("addr", address), new("server", QmpType.Bool, IsOptional: true)),
                ["dgram"] = new(new("local", address, IsOptional: true), new("remote", address, IsOptional: true)),
            },
        };
    }

    private QmpResult Add(JsonElement arguments)
    {
        if (control.Backends is not { } backends) return QmpError.Generic("The domain does not run");
        var text = new StringBuilder();
        Flatten(arguments, "", text);
        OptionSet? set = OptionSet.TryParse(text.ToString(), null, out string? error);
        NetworkOptions? network = set is null ? null : NetdevArguments.TryRead(set, out error);
        // What follows in further lines is help for people at a command line.
        if (network is null) return QmpError.Generic(error!.Split('\n')[0]);
        if (backends.Networks.Find(network.Backend!) is not null) return QmpError.Generic($"Duplicate ID '{network.Backend}'");
        return backends.Networks.TryAdd(network, out _, out DeviceFailure? failure) ? QmpResult.Done : QmpError.Generic(failure.Cause);
    }

    /// <summary>The arguments as the command line has them: members in members with dots, each string of a list by itself.</summary>
    private static void Flatten(JsonElement value, string prefix, StringBuilder text)
    {
        foreach (JsonProperty member in value.EnumerateObject())
        {
            switch (member.Value.ValueKind)
            {
                case JsonValueKind.Object:
                    Flatten(member.Value, $"{prefix}{member.Name}.", text);
                    break;
                case JsonValueKind.Array:
                    foreach (JsonElement item in member.Value.EnumerateArray()) Put(prefix + member.Name, item.GetProperty("str").GetString()!);
                    break;
                default:
                    Put(prefix + member.Name, member.Value.ValueKind switch
                    {
                        JsonValueKind.True => "on",
                        JsonValueKind.False => "off",
                        _ => member.Value.GetString()!,
                    });
                    break;
            }
        }

        void Put(string name, string content) => text.Append(text.Length == 0 ? "" : ",").Append(name).Append('=').Append(content.Replace(",", ",,", StringComparison.Ordinal));
    }

    private QmpResult Remove(string id)
    {
        if (control.Backends is not { } backends || backends.Networks.Find(id) is not { } backend) return QmpError.NoDevice(id);
        if (backend.Card is { } card) Set(card, isUp: false);
        return backends.Networks.TryRemove(id) ? QmpResult.Done : QmpError.NoDevice(id);
    }

    private QmpResult SetLink(string name, bool isUp)
    {
        NetworkCard? card = control.Backends?.Cards.FirstOrDefault(card => card.Name == name);
        NetworkBackend? backend = control.Backends?.Networks.Find(name);
        if (card is null && backend is null) return QmpError.NoDevice(name);
        // A backend that no card uses has nobody to tell.
        if ((card ?? backend!.Card) is { } found) Set(found, isUp);
        return QmpResult.Done;
    }

    private void Set(NetworkCard card, bool isUp)
    {
        card.IsUp = isUp;
        control.Look(_ =>
        {
            card.TellLink();
            return card;
        });
    }
}
