using System.Text.Json;
using System.Text.Json.Nodes;
using Hospes.Domains.Configuration;
using Hospes.Domains.Statistics;

namespace Hospes.Domains.Drivers;

internal sealed partial class VmmMachine
{
    private const string Vm = "vm", PerVcpu = "vcpu", Devices = "/machine/peripheral/";

    /// <summary>Which of the engine's numbers only grow, by target and name; null until it was asked. It never changes.</summary>
    private volatile Dictionary<(string, string), bool>? _schema;

    public async ValueTask<MachineStatistics> StatisticsAsync(StatisticsParts parts)
    {
        DomainConfig config = Config;
        bool Wanted(StatisticsParts part) => (parts & part) != 0;
        bool paused = Wanted(StatisticsParts.Vcpus) && (await IsPausedAsync().ConfigureAwait(false) ?? true);
        int? pid = VmmDriver.ProcessIn(_folder);
        IReadOnlyList<int> threads = pid is not null && Wanted(StatisticsParts.Vcpus) ? await ThreadsAsync().ConfigureAwait(false) : [];
        ProcessUse use = pid is { } process ? ProcessUse.Of(process, threads) : default;
        VcpuStatistics Vcpu(int vcpu)
        {
            VcpuStatistics used = use.Vcpu(vcpu, !paused);
            return Wanted(StatisticsParts.Places) && vcpu < threads.Count ? used with { Place = ProcessUse.PlaceOf(pid!.Value, threads[vcpu]) } : used;
        }

        return new MachineStatistics
        {
            CpuTime = use.User + use.System,
            UserTime = use.User,
            SystemTime = use.System,
            ResidentKiB = use.ResidentKiB,
            BalloonKiB = Wanted(StatisticsParts.Balloon) ? await BalloonAsync().ConfigureAwait(false) : config.CurrentMemoryKiB,
            Guest = Wanted(StatisticsParts.Guest) ? await GuestAsync(config).ConfigureAwait(false) : [],
            Vcpus = Wanted(StatisticsParts.Vcpus) ? [.. Enumerable.Range(0, config.Vcpus.Current).Select(Vcpu)] : [],
            Blocks = Wanted(StatisticsParts.Blocks) && config.Devices.Disks.Count > 0 ? await BlocksAsync(config).ConfigureAwait(false) : [],
            Interfaces = Wanted(StatisticsParts.Interfaces) && config.Devices.Interfaces.Count > 0 ? await InterfacesAsync(config).ConfigureAwait(false) : [],
            Engine = Wanted(StatisticsParts.Engine) ? await EngineAsync().ConfigureAwait(false) : [],
        };
    }

    public ValueTask<DomainFailure?> SetStatisticsPeriodAsync(uint seconds) => Config.Devices.Balloon is { Model: "virtio", Alias: { } alias }
        ? DoAsync("qom-set", new JsonObject { ["path"] = Devices + alias, ["property"] = "guest-stats-polling-interval", ["value"] = seconds })
        : ValueTask.FromResult<DomainFailure?>(new DomainFailure(DomainError.InvalidState, "Memory balloon model must be virtio to set the collection period"));

    /// <summary>What the balloon leaves; all where there is none.</summary>
    private async ValueTask<ulong> BalloonAsync()
    {
        if (Config.Devices.Balloon is not { Model: "virtio" }) return Config.MemoryKiB;
        (JsonElement? balloon, _) = await AskAsync("query-balloon").ConfigureAwait(false);
        return balloon is { ValueKind: JsonValueKind.Object } answer && answer.TryGetProperty("actual", out JsonElement actual) && actual.TryGetUInt64(out ulong bytes) ? bytes / 1024 : Config.MemoryKiB;
    }

    /// <summary>The threads of the processors, in their order. They are known by number: a confined process cannot give its threads names.</summary>
    private async ValueTask<IReadOnlyList<int>> ThreadsAsync() => StatisticsReport.Threads((await AskAsync("query-cpus-fast").ConfigureAwait(false)).Value);

    private async ValueTask<ValueList<ulong?>> GuestAsync(DomainConfig config)
    {
        if (config.Devices.Balloon is not { Model: "virtio", Alias: { } alias }) return [];
        (JsonElement? told, _) = await AskAsync("qom-get", new JsonObject { ["path"] = Devices + alias, ["property"] = "guest-stats" }).ConfigureAwait(false);
        return StatisticsReport.Guest(told);
    }

    private async ValueTask<ValueList<BlockStatistics>> BlocksAsync(DomainConfig config)
    {
        (JsonElement? counts, _) = await AskAsync("query-blockstats").ConfigureAwait(false);
        (JsonElement? nodes, _) = await AskAsync("query-named-block-nodes").ConfigureAwait(false);
        return [.. config.Devices.Disks.Select(disk => StatisticsReport.Block(counts, nodes, disk.Source, VmmArguments.NodeOf(disk.Alias!)))];
    }

    private async ValueTask<ValueList<InterfaceStatistics>> InterfacesAsync(DomainConfig config)
    {
        JsonElement? answer = await StatsAsync(Vm, StatisticsReport.CardNames).ConfigureAwait(false);
        return [.. config.Devices.Interfaces.Select(card => StatisticsReport.Card(answer, Devices + card.Alias))];
    }

    private async ValueTask<ValueList<EngineStatistic>> EngineAsync()
    {
        if (_schema is null) _schema = StatisticsReport.Schema((await AskAsync("query-stats-schemas").ConfigureAwait(false)).Value);
        var all = new List<EngineStatistic>();
        foreach (string target in (string[])[Vm, PerVcpu]) StatisticsReport.Engine(await StatsAsync(target, null).ConfigureAwait(false), target, target == PerVcpu, _schema, all);
        return [.. all];
    }

    private async ValueTask<JsonElement?> StatsAsync(string target, IReadOnlyList<string>? names)
    {
        var arguments = new JsonObject { ["target"] = target };
        if (names is not null) arguments["providers"] = new JsonArray(new JsonObject { ["provider"] = "kvm", ["names"] = new JsonArray([.. names.Select(static name => (JsonNode)name)]) });
        return (await AskAsync("query-stats", arguments).ConfigureAwait(false)).Value;
    }
}
