using System.Text.Json;
using Hospes.Domains.Configuration;
using Hospes.Domains.Statistics;

namespace Hospes.Domains.Drivers;

/// <summary>Reads what a machine answers when it is asked what it used (QEMU, <c>qapi/block-core.json</c>, <c>qapi/stats.json</c>). What is not there is zero, or null.</summary>
internal static class StatisticsReport
{
    /// <summary>What a network card counts, in the order of <see cref="InterfaceStatistics"/>.</summary>
    public static readonly IReadOnlyList<string> CardNames = ["net_rx_bytes", "net_rx_packets", "net_tx_bytes", "net_tx_packets"];

    /// <summary>What a guest tells, and in which unit, in the order of <see cref="GuestMemoryFigure"/>; null for what stands beside.</summary>
    private static readonly (string? Name, ulong Unit)[] GuestNames =
    [
        ("stat-swap-in", 1024), ("stat-swap-out", 1024), ("stat-major-faults", 1), ("stat-minor-faults", 1), ("stat-free-memory", 1024), ("stat-total-memory", 1024),
        ("stat-available-memory", 1024), (null, 1), ("stat-disk-caches", 1024), ("stat-htlb-pgalloc", 1), ("stat-htlb-pgfail", 1),
    ];

    /// <summary>The counts of a block node, from <c>query-blockstats</c>, and what it takes, from <c>query-named-block-nodes</c>.</summary>
    public static BlockStatistics Block(JsonElement? counts, JsonElement? nodes, string? path, string node)
    {
        if (Named(counts, node) is not { } item || !item.TryGetProperty("stats", out JsonElement stats)) return new BlockStatistics(0, 0, 0, 0, 0, 0, 0, 0);
        var block = new BlockStatistics(Count(stats, "rd_operations"), Count(stats, "rd_bytes"), Count(stats, "wr_operations"), Count(stats, "wr_bytes"), Count(stats, "flush_operations"),
            Count(stats, "rd_total_time_ns"), Count(stats, "wr_total_time_ns"), Count(stats, "flush_total_time_ns"));
        if (Named(nodes, node) is not { } told || !told.TryGetProperty("image", out JsonElement image)) return block;
        ulong capacity = Count(image, "virtual-size");
        return block with { Use = new DiskUse(capacity, Count(stats, "wr_highest_offset"), File.Exists(path) ? (ulong)new FileInfo(path).Length : capacity) };
    }

    /// <summary>The counts of a card, from <c>query-stats</c>.</summary>
    public static InterfaceStatistics Card(JsonElement? answer, string path)
    {
        ulong[] values = new ulong[CardNames.Count];
        foreach (JsonElement item in Items(answer))
        {
            if (!item.TryGetProperty("qom-path", out JsonElement place) || place.GetString() != path) continue;
            foreach ((string name, ulong value) in Values(item))
            {
                for (int i = 0; i < values.Length; i++)
                {
                    if (CardNames[i] == name) values[i] = value;
                }
            }
        }
        return new InterfaceStatistics(values[0], values[1], values[2], values[3]);
    }

    /// <summary>The threads of processors, from <c>query-cpus-fast</c>.</summary>
    public static IReadOnlyList<int> Threads(JsonElement? answer) => [.. Items(answer).OrderBy(static item => Count(item, "cpu-index")).Select(static item => (int)Math.Min(int.MaxValue, Count(item, "thread-id")))];

    /// <summary>What a guest told, from the balloon's <c>guest-stats</c>; nothing as long as it told nothing.</summary>
    public static ValueList<ulong?> Guest(JsonElement? told)
    {
        if (told is not { ValueKind: JsonValueKind.Object } answer || Count(answer, "last-update") is not (> 0 and var updated) || !answer.TryGetProperty("stats", out JsonElement stats)) return [];
        // A guest that does not know says the highest number.
        return [.. GuestNames.Select(kind => kind.Name is null ? updated
            : stats.TryGetProperty(kind.Name, out JsonElement value) && value.TryGetUInt64(out ulong number) && number != ulong.MaxValue ? number / kind.Unit : (ulong?)null)];
    }

    /// <summary>Which numbers only grow, by target and name, from <c>query-stats-schemas</c>.</summary>
    public static Dictionary<(string, string), bool> Schema(JsonElement? answer)
    {
        var schema = new Dictionary<(string, string), bool>();
        foreach (JsonElement item in Items(answer))
        {
            if (!item.TryGetProperty("target", out JsonElement target) || !item.TryGetProperty("stats", out JsonElement stats)) continue;
            foreach (JsonElement entry in stats.EnumerateArray())
            {
                if (entry.TryGetProperty("name", out JsonElement name) && entry.TryGetProperty("type", out JsonElement type)) schema[(target.GetString() ?? "", name.GetString() ?? "")] = type.GetString() == "cumulative";
            }
        }
        return schema;
    }

    /// <summary>Adds the numbers of a target, from <c>query-stats</c>. Processors come in their order; what devices count is told of with them.</summary>
    public static void Engine(JsonElement? answer, string target, bool perVcpu, Dictionary<(string, string), bool> schema, List<EngineStatistic> all)
    {
        int index = 0;
        foreach (JsonElement item in Items(answer))
        {
            if (!perVcpu && item.TryGetProperty("qom-path", out _)) continue;
            int vcpu = perVcpu ? index++ : -1;
            foreach ((string name, ulong value) in Values(item))
            {
                if (schema.TryGetValue((target, name), out bool sum)) all.Add(new EngineStatistic(vcpu, name, sum, value));
            }
        }
    }

    private static IEnumerable<(string Name, ulong Value)> Values(JsonElement item)
    {
        if (!item.TryGetProperty("stats", out JsonElement stats)) yield break;
        foreach (JsonElement entry in stats.EnumerateArray())
        {
            if (entry.TryGetProperty("name", out JsonElement name) && entry.TryGetProperty("value", out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out ulong number))
                yield return (name.GetString() ?? "", number);
        }
    }

    private static JsonElement? Named(JsonElement? answer, string node)
    {
        foreach (JsonElement item in Items(answer))
        {
            if (item.TryGetProperty("node-name", out JsonElement name) && name.GetString() == node) return item;
        }
        return null;
    }

    private static IEnumerable<JsonElement> Items(JsonElement? answer) => answer is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : [];

    private static ulong Count(JsonElement item, string name) => item.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out ulong count) ? count : 0;
}
