using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hospes.Machine;
using Hospes.Qmp;
using Hospes.Qmp.Schema;
using Hospes.Vmm.CommandLine;

namespace Hospes.Vmm.Qmp;

/// <summary>Memory that comes and goes in blocks, as QEMU tells of it (<c>qapi/machine.json</c>): what there is, its properties, and the event of its change.</summary>
internal sealed class MemoryCommands(DomainControl control)
{
    private const string Kind = "virtio-mem", Requested = "requested-size";

    /// <summary>The event of blocks that came or went; QEMU holds it back likewise.</summary>
    public static QmpEventType ChangeEvent { get; } =
        new("MEMORY_DEVICE_SIZE_CHANGE", new QmpObject(new("id", QmpType.Text, IsOptional: true), new("size", QmpType.Unsigned), new("qom-path", QmpType.Text))) { Interval = TimeSpan.FromSeconds(1) };

    /// <summary>The properties that the objects have, with their types; of these only <c>requested-size</c> can be set.</summary>
    public static IReadOnlyList<(string Name, string Type)> Properties { get; } =
        [("block-size", "size"), ("memaddr", "uint64"), ("memdev", "link<memory-backend>"), (Requested, "size"), ("size", "size")];

    /// <summary>The commands.</summary>
    public IEnumerable<QmpCommand> Commands
    {
        get
        {
            var data = new QmpObject(
                new("id", QmpType.Text, IsOptional: true), new("memaddr", QmpType.Unsigned), new("requested-size", QmpType.Unsigned), new("size", QmpType.Unsigned), new("max-size", QmpType.Unsigned),
                new("block-size", QmpType.Unsigned), new("node", QmpType.Integer), new("memdev", QmpType.Text));
            var info = new QmpObject(new QmpMember("type", new QmpEnum(Kind)))
            {
                Tag = "type",
                Variants = new Dictionary<string, QmpObject> { [Kind] = new(new QmpMember("data", data)) },
            };
            yield return new("query-memory-devices", QmpObject.Empty, new QmpArray(info), _ => Query());
            yield return new(
                "query-memory-size-summary", QmpObject.Empty, new QmpObject(new("base-memory", QmpType.Unsigned), new("plugged-memory", QmpType.Unsigned, IsOptional: true)), _ =>
                new JsonObject { ["base-memory"] = control.Options.Machine.Memory, ["plugged-memory"] = control.PluggedMemory });
        }
    }

    /// <summary>What the event tells.</summary>
    public static JsonObject Describe(DomainEvent.MemoryChange change)
    {
        var told = new JsonObject();
        if (change.Memory.Options.Id is { } id) told["id"] = id;
        told["size"] = change.Memory.Plugged;
        told["qom-path"] = Path(change.Memory.Options);
        return told;
    }

    /// <summary>What people read of the devices.</summary>
    public string DescribeDevices()
    {
        var text = new StringBuilder();
        foreach (JsonNode? at in Query())
        {
            JsonNode data = at!["data"]!;
            text.Append($"Memory device [{Kind}]: \"{data["id"]}\"\r\n");
            text.Append($"  memaddr: 0x{(ulong)data["memaddr"]!:x}\r\n");
            foreach (string name in (string[])["node", "requested-size", "size", "max-size", "block-size", "memdev"]) text.Append($"  {name}: {data[name]}\r\n");
        }
        return text.ToString();
    }

    /// <summary>What people read of how much there is.</summary>
    public string DescribeSizes() => $"base memory: {control.Options.Machine.Memory}\r\nplugged memory: {control.PluggedMemory}\r\n";

    /// <summary>A property of a device; null when it has no such.</summary>
    public JsonNode? Get(MemoryOptions device, string property) => Find(device) is not { } memory ? null : property switch
    {
        "block-size" => JsonValue.Create(device.BlockSize),
        "memaddr" => JsonValue.Create(memory.Address),
        "memdev" => JsonValue.Create(Backend(device)),
        Requested => JsonValue.Create(memory.Requested),
        "size" => JsonValue.Create(memory.Plugged),
        _ => null,
    };

    /// <summary>Sets a property of a device.</summary>
    /// <returns>Null when it has no such.</returns>
    public QmpResult? Set(MemoryOptions device, string property, JsonElement value)
    {
        if (Find(device) is not { } memory || Properties.All(at => at.Name != property)) return null;
        if (property == "block-size") return QmpError.Generic($"'{property}' cannot be changed after the device has been realized");
        if (property != Requested) return QmpError.Generic("Insufficient permission to perform this operation");
        // As with QEMU, a text may have a unit.
        ulong bytes = 0;
        bool isSize = value.ValueKind == JsonValueKind.Number ? value.TryGetUInt64(out bytes) : value.ValueKind == JsonValueKind.String && OptionReader.TrySize(value.GetString()!, 1, out bytes);
        if (!isSize) return QmpError.Generic($"Invalid parameter type for '{property}', expected: size");
        if (bytes % device.BlockSize != 0) return QmpError.Generic($"'{property}' has to be multiples of 'block-size' (0x{device.BlockSize:x})");
        return memory.TryRequest(bytes) ? QmpResult.Done : QmpError.Generic($"'{property}' cannot exceed the memory backend size (0x{device.Size:x})");
    }

    private JsonArray Query()
    {
        var all = new JsonArray();
        foreach (PluggedMemory memory in control.Backends?.Memories ?? [])
        {
            var data = new JsonObject();
            if (memory.Options.Id is { } id) data["id"] = id;
            data["memaddr"] = memory.Address;
            data["requested-size"] = memory.Requested;
            data["size"] = memory.Plugged;
            data["max-size"] = memory.Options.Size;
            data["block-size"] = memory.Options.BlockSize;
            data["node"] = 0;
            data["memdev"] = Backend(memory.Options);
            all.Add((JsonNode)new JsonObject { ["type"] = Kind, ["data"] = data });
        }
        return all;
    }

    private PluggedMemory? Find(MemoryOptions device) => control.Backends?.Memories.FirstOrDefault(memory => ReferenceEquals(memory.Options, device));

    private static string Path(MemoryOptions device) => device.Id is { } id ? $"/machine/peripheral/{id}" : "/machine/peripheral-anon/virtio-mem";

    private static string Backend(MemoryOptions device) => $"/objects/{device.Backend ?? device.Id}";
}
