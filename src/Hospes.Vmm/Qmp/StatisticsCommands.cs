using System.Text.Json;
using System.Text.Json.Nodes;
using Hospes.Qmp;
using Hospes.Qmp.Schema;
using Hospes.Vmm.Statistics;

namespace Hospes.Vmm.Qmp;

/// <summary>
/// Commands that tell what the domain used and did (QEMU 7.1, <c>qapi/stats.json</c>). The provider has the one name that its schema knows, whatever the
/// engine; devices are told of under the machine, each with its path.
/// </summary>
internal sealed class StatisticsCommands(DomainControl control)
{
    private const string Provider = "kvm", Vm = "vm", Vcpu = "vcpu";

    private static readonly Entry<VcpuStatistics>[] s_vcpu =
    [
        new("cpu_time", "seconds", -9, static vcpu => vcpu.Time.Ticks * 100),
        new("exits", null, 0, static vcpu => vcpu.AllExits),
        new("mmio_exits", null, 0, static vcpu => vcpu.Exits[(int)ExitReason.Memory]),
        new("io_exits", null, 0, static vcpu => vcpu.Exits[(int)ExitReason.Io]),
        new("eoi_exits", null, 0, static vcpu => vcpu.Exits[(int)ExitReason.EndOfInterrupt]),
        new("debug_exits", null, 0, static vcpu => vcpu.Exits[(int)ExitReason.Debug]),
        new("kick_exits", null, 0, static vcpu => vcpu.Exits[(int)ExitReason.Kick]),
    ];

    private static readonly Entry<DomainStatistics>[] s_vm =
    [
        new("memory", "bytes", 0, static domain => (long)domain.Memory) { IsInstant = true },
        new("memory_resident", "bytes", 0, static domain => domain.Resident) { IsInstant = true },
    ];

    private static readonly Entry<DeviceStatistics>[] s_device =
    [
        new("device_operations", null, 0, static device => device.Operations),
        new("device_bytes_from_guest", "bytes", 0, static device => device.BytesFromGuest),
        new("device_bytes_to_guest", "bytes", 0, static device => device.BytesToGuest),
    ];

    private static readonly Entry<NetworkTraffic>[] s_network =
    [
        new("net_rx_packets", null, 0, static traffic => traffic.Received),
        new("net_rx_bytes", "bytes", 0, static traffic => traffic.ReceivedBytes),
        new("net_tx_packets", null, 0, static traffic => traffic.Sent),
        new("net_tx_bytes", "bytes", 0, static traffic => traffic.SentBytes),
    ];

    /// <summary>The name of the statistic that has a number for each queue of a device.</summary>
    private const string Depths = "device_queue_depths";

    /// <summary>The commands.</summary>
    public IEnumerable<QmpCommand> Commands
    {
        get
        {
            var provider = new QmpEnum(Provider);
            var target = new QmpEnum(Vm, Vcpu);
            var request = new QmpObject(new("provider", provider), new("names", new QmpArray(QmpType.Text), IsOptional: true));
            var filter = new QmpObject(new("target", target), new("providers", new QmpArray(request), IsOptional: true))
            {
                Tag = "target",
                Variants = new Dictionary<string, QmpObject> { [Vcpu] = new(new QmpMember("vcpus", new QmpArray(QmpType.Text), IsOptional: true)) },
            };
            var value = new QmpAlternate("StatsValue", QmpType.Unsigned, QmpType.Bool, new QmpArray(QmpType.Unsigned));
            var result = new QmpObject(
                new("provider", provider), new("qom-path", QmpType.Text, IsOptional: true), new("stats", new QmpArray(new QmpObject(new("name", QmpType.Text), new("value", value)))));
            var schemaValue = new QmpObject(
                new("name", QmpType.Text), new("type", new QmpEnum("cumulative", "instant")), new("unit", new QmpEnum("bytes", "seconds"), IsOptional: true),
                new("base", QmpType.Integer, IsOptional: true), new("exponent", QmpType.Integer));
            var schema = new QmpObject(new("provider", provider), new("target", target), new("stats", new QmpArray(schemaValue)));
            yield return new("query-stats", filter, new QmpArray(result), arguments => Query(arguments.Object));
            yield return new("query-stats-schemas", new QmpObject(new QmpMember("provider", provider, IsOptional: true)), new QmpArray(schema), _ => Schemas());
        }
    }

    private QmpResult Query(JsonElement arguments)
    {
        var all = new JsonArray();
        HashSet<string>? names = null;
        if (arguments.TryGetProperty("providers", out JsonElement providers))
        {
            if (providers.GetArrayLength() == 0) return all;
            JsonElement[] lists = [.. providers.EnumerateArray().Where(static at => at.TryGetProperty("names", out _)).Select(static at => at.GetProperty("names"))];
            // Who is asked for without names is asked for everything.
            if (lists.Length == providers.GetArrayLength()) names = [.. lists.SelectMany(static list => list.EnumerateArray()).Select(static name => name.GetString()!)];
        }
        if (control.Statistics() is not { } statistics) return all;
        if (arguments.GetProperty("target").GetString() == Vcpu)
        {
            string[]? wanted = arguments.TryGetProperty("vcpus", out JsonElement paths) ? [.. paths.EnumerateArray().Select(static path => path.GetString()!)] : null;
            foreach (VcpuStatistics vcpu in statistics.Vcpus)
            {
                string path = ProcessorCommands.Path(control, vcpu.Id);
                if (wanted?.Contains(path) is not false) Add(all, path, Values(s_vcpu, vcpu, names));
            }
            return all;
        }
        Add(all, null, Values(s_vm, statistics, names));
        int unnamed = 0;
        foreach (DeviceStatistics device in statistics.Devices)
        {
            JsonArray values = Values(s_device, device, names);
            if (names?.Contains(Depths) is not false)
            {
                var depths = new JsonArray();
                foreach (Virtio.QueueCounters queue in device.Queues) depths.Add((JsonNode)queue.Depth);
                values.Add((JsonNode)new JsonObject { ["name"] = Depths, ["value"] = depths });
            }
            if (device.Traffic is { } traffic) Append(values, Values(s_network, traffic, names));
            Add(all, device.Name is { } name ? $"/machine/peripheral/{name}" : $"/machine/peripheral-anon/device[{unnamed++}]", values);
        }
        return all;
    }

    private static JsonArray Schemas()
    {
        JsonArray vm = Describe(s_vm), vcpu = Describe(s_vcpu);
        Append(vm, Describe(s_device));
        vm.Add((JsonNode)new JsonObject { ["name"] = Depths, ["type"] = "instant", ["exponent"] = 0 });
        Append(vm, Describe(s_network));
        return new JsonArray(
            new JsonObject { ["provider"] = Provider, ["target"] = Vm, ["stats"] = vm },
            new JsonObject { ["provider"] = Provider, ["target"] = Vcpu, ["stats"] = vcpu });
    }

    private static void Append(JsonArray all, JsonArray more)
    {
        foreach (JsonNode? entry in more) all.Add(entry!.DeepClone());
    }

    private static void Add(JsonArray all, string? path, JsonArray values)
    {
        if (values.Count == 0) return;
        var result = new JsonObject { ["provider"] = Provider, ["stats"] = values };
        if (path is not null) result["qom-path"] = path;
        all.Add((JsonNode)result);
    }

    private static JsonArray Values<T>(Entry<T>[] entries, T of, HashSet<string>? names)
    {
        var values = new JsonArray();
        foreach (Entry<T> entry in entries)
        {
            if (names?.Contains(entry.Name) is not false) values.Add((JsonNode)new JsonObject { ["name"] = entry.Name, ["value"] = entry.Get(of) });
        }
        return values;
    }

    private static JsonArray Describe<T>(Entry<T>[] entries)
    {
        var described = new JsonArray();
        foreach (Entry<T> entry in entries)
        {
            var one = new JsonObject { ["name"] = entry.Name, ["type"] = entry.IsInstant ? "instant" : "cumulative", ["exponent"] = entry.Exponent };
            if (entry.Unit is { } unit) one["unit"] = unit;
            if (entry.Exponent != 0) one["base"] = 10;
            described.Add((JsonNode)one);
        }
        return described;
    }

    /// <summary>One statistic.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Unit">What it counts, if that is no plain number.</param>
    /// <param name="Exponent">Of which power of ten of that unit.</param>
    /// <param name="Get">Reads it.</param>
    private sealed record Entry<T>(string Name, string? Unit, int Exponent, Func<T, long> Get)
    {
        /// <summary>Whether it goes up and down.</summary>
        public bool IsInstant { get; init; }
    }
}
