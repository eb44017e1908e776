using System.Text.Json;
using System.Text.Json.Nodes;
using Hospes.Machine;
using Hospes.Qmp;
using Hospes.Qmp.Schema;
using Hospes.Virtio;
using Hospes.Vmm.CommandLine;

namespace Hospes.Vmm.Qmp;

/// <summary>
/// Commands over the tree of objects (QEMU, <c>qapi/qom.json</c>), as far as programs need it here: the devices that have a name, what the
/// memory balloon tells, memory that comes and goes, and the limits of network cards, in the shape of those of a <c>throttle-group</c>.
/// </summary>
internal sealed class ObjectCommands(DomainControl control)
{
    private const string Root = "/machine/peripheral", Type = "type", Statistics = "guest-stats", Interval = "guest-stats-polling-interval", Limits = "limits";

    /// <summary>The statistics by the names that QEMU gives them.</summary>
    private static readonly (BalloonStatistic Kind, string Name)[] s_statistics =
    [
        (BalloonStatistic.SwapIn, "stat-swap-in"), (BalloonStatistic.SwapOut, "stat-swap-out"), (BalloonStatistic.MajorFaults, "stat-major-faults"),
        (BalloonStatistic.MinorFaults, "stat-minor-faults"), (BalloonStatistic.FreeMemory, "stat-free-memory"), (BalloonStatistic.TotalMemory, "stat-total-memory"),
        (BalloonStatistic.AvailableMemory, "stat-available-memory"), (BalloonStatistic.DiskCaches, "stat-disk-caches"),
        (BalloonStatistic.HugePagesGiven, "stat-htlb-pgalloc"), (BalloonStatistic.HugePagesFailed, "stat-htlb-pgfail"),
    ];

    private readonly MemoryCommands _memory = new(control);

    /// <summary>The commands.</summary>
    public IEnumerable<QmpCommand> Commands
    {
        get
        {
            var path = new QmpMember("path", QmpType.Text);
            var property = new QmpMember("property", QmpType.Text);
            var info = new QmpObject(new("name", QmpType.Text), new("type", QmpType.Text));
            yield return new("qom-list", new QmpObject(path), new QmpArray(info), arguments => List(arguments.Required("path")));
            yield return new("qom-get", new QmpObject(path, property), QmpType.Any, arguments => Get(arguments.Required("path"), arguments.Required("property")));
            yield return new(
                "qom-set", new QmpObject(path, property, new("value", QmpType.Any)), QmpObject.Empty, arguments =>
                Set(arguments.Required("path"), arguments.Required("property"), arguments.Object.GetProperty("value")));
        }
    }

    private QmpResult List(string path)
    {
        if (path == Root)
        {
            var all = new JsonArray();
            foreach (DeviceOptions device in control.Devices.Where(static device => device.Id is not null)) all.Add((JsonNode)Property(device.Id!, $"child<{DeviceModels.NameOf(device)}>"));
            return all;
        }
        if (Find(path) is not { } found) return QmpError.NoDevice(path);
        var properties = new JsonArray(Property(Type, "string"));
        if (found is BalloonOptions)
        {
            properties.Add((JsonNode)Property(Statistics, "guest statistics"));
            properties.Add((JsonNode)Property(Interval, "int"));
        }
        if (found is NetworkOptions) properties.Add((JsonNode)Property(Limits, "ThrottleLimits"));
        if (found is MemoryOptions)
        {
            foreach ((string name, string type) in MemoryCommands.Properties) properties.Add((JsonNode)Property(name, type));
        }
        return properties;
    }

    private QmpResult Get(string path, string property)
    {
        if (Find(path) is not { } device) return QmpError.NoDevice(path);
        return property switch
        {
            Type => JsonValue.Create(DeviceModels.NameOf(device)),
            Statistics when device is BalloonOptions && control.Backends?.Balloon is { } balloon => Describe(balloon.Report),
            Interval when device is BalloonOptions && control.Backends?.Balloon is { } balloon => JsonValue.Create((long)balloon.PollingInterval.TotalSeconds),
            Limits when CardOf(device) is { } card => ThrottleArguments.Tell(card.Gate.Limits),
            _ when device is MemoryOptions memory && _memory.Get(memory, property) is { } value => value,
            _ => Unknown(device, property),
        };
    }

    private QmpResult Set(string path, string property, JsonElement value)
    {
        if (Find(path) is not { } device) return QmpError.NoDevice(path);
        if (property is Type or Statistics && device is BalloonOptions || property == Type) return QmpError.Generic($"Insufficient permission to perform this operation");
        if (property == Limits && CardOf(device) is { } card) return Limit(card, value);
        if (device is MemoryOptions memory && _memory.Set(memory, property, value) is { } result) return result;
        if (property != Interval || device is not BalloonOptions || control.Backends?.Balloon is not { } balloon) return Unknown(device, property);
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt64(out long seconds)) return QmpError.Generic($"Invalid parameter type for '{property}', expected: integer");
        if (seconds < 0) return QmpError.Generic("timer value must be greater than zero");
        if (seconds > uint.MaxValue / 1000) return QmpError.Generic("timer value is too big");
        balloon.PollingInterval = TimeSpan.FromSeconds(seconds);
        return QmpResult.Done;
    }

    private NetworkCard? CardOf(DeviceOptions device) => control.Backends?.Cards.FirstOrDefault(card => ReferenceEquals(card.Options, device));

    /// <summary>Changes the limits that are given, and leaves the others.</summary>
    private static QmpResult Limit(NetworkCard card, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object) return QmpError.Generic($"Invalid parameter type for '{Limits}', expected: object");
        var given = new Dictionary<string, ulong>();
        foreach (JsonProperty member in value.EnumerateObject())
        {
            if (!ThrottleArguments.Members.Contains(member.Name)) return QmpError.Generic($"Parameter '{Limits}.{member.Name}' is unexpected");
            if (member.Value.ValueKind != JsonValueKind.Number || !member.Value.TryGetInt64(out long number)) return QmpError.Generic($"Invalid parameter type for '{Limits}.{member.Name}', expected: integer");
            if (number < 0) return QmpError.Generic($"bps/iops/max values must be within [0, {RateLimit.Most}]");
            given[member.Name] = (ulong)number;
        }
        RequestLimits limits = ThrottleArguments.Make(name => given.TryGetValue(name, out ulong number) ? number : null, card.Gate.Limits);
        if (ThrottleArguments.Check(limits) is { } error) return QmpError.Generic(error);
        card.Gate.Limits = limits;
        return QmpResult.Done;
    }

    private static QmpError Unknown(DeviceOptions device, string property) => QmpError.Generic($"Property '{DeviceModels.NameOf(device)}.{property}' not found");

    private DeviceOptions? Find(string path) =>
        path.StartsWith(Root + "/", StringComparison.Ordinal) ? control.Devices.FirstOrDefault(device => device.Id == path[(Root.Length + 1)..]) : null;

    private static JsonObject Property(string name, string type) => new() { ["name"] = name, ["type"] = type };

    private static JsonObject Describe(BalloonReport report)
    {
        var values = new JsonObject();
        foreach ((BalloonStatistic kind, string name) in s_statistics) values[name] = report.Values[(int)kind];
        return new JsonObject { ["last-update"] = report.Updated.ToUnixTimeSeconds(), ["stats"] = values };
    }
}
