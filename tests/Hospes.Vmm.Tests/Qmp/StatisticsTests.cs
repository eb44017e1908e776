using System.Diagnostics.Metrics;
using System.Text.Json;
using Hospes.Machine;
using Hospes.Vmm.Statistics;

namespace Hospes.Vmm.Tests.Qmp;

/// <summary>What programs are told of what a domain used and did.</summary>
public sealed class StatisticsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hs").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ProcessorsAndDevicesAreToldOfByTheirPaths()
    {
        using var domain = new Monitored(RunningDomain.Options(new EntropyOptions { Id = "r" }, new EntropyOptions(), new RootPortOptions { Id = "port" }));
        JsonElement[] vcpus = [.. domain.Do("query-stats", """{"target":"vcpu"}""").EnumerateArray()];
        string path = domain.Do("query-cpus-fast")[0].GetProperty("qom-path").GetString()!;
        vcpus.Select(static vcpu => vcpu.GetProperty("qom-path").GetString()).ShouldBe([path]);
        Names(vcpus[0]).ShouldBe(["cpu_time", "exits", "mmio_exits", "io_exits", "eoi_exits", "debug_exits", "kick_exits"]);
        JsonElement[] vm = [.. domain.Do("query-stats", """{"target":"vm"}""").EnumerateArray()];
        vm.Select(static at => at.TryGetProperty("qom-path", out JsonElement path) ? path.GetString() : null).ShouldBe([null, "/machine/peripheral/r", "/machine/peripheral-anon/device[0]"]);
        Value(vm[0], "memory").GetInt64().ShouldBe(16 << 20);
        Value(vm[0], "memory_resident").GetInt64().ShouldBeGreaterThan(0);
        Value(vm[1], "device_queue_depths").GetArrayLength().ShouldBe(1);
    }

    [Fact]
    public void OnlyWhatIsAskedForIsTold()
    {
        using var domain = new Monitored(RunningDomain.Options());
        JsonElement some = domain.Do("query-stats", """{"target":"vcpu","providers":[{"provider":"kvm","names":["exits","nope"]}]}""");
        Names(some[0]).ShouldBe(["exits"]);
        domain.Do("query-stats", """{"target":"vcpu","vcpus":["/nowhere"]}""").GetArrayLength().ShouldBe(0);
        domain.Do("query-stats", """{"target":"vm","providers":[]}""").GetArrayLength().ShouldBe(0);
        domain.Do("query-stats", """{"target":"vm","providers":[{"provider":"kvm","names":[]}]}""").GetArrayLength().ShouldBe(0);
        domain.Refuse("query-stats", """{"target":"vm","vcpus":["/nowhere"]}""").ShouldBe("Parameter 'vcpus' is unexpected");
        domain.Refuse("query-stats", """{"target":"device"}""").ShouldBe("Parameter 'target' does not accept value 'device'");
    }

    [Fact]
    public void EveryStatisticHasASchema()
    {
        using var domain = new Monitored(RunningDomain.Options(new EntropyOptions { Id = "r" }, new StreamNetworkOptions(Path.Combine(_folder, "s"), Listens: true) { Id = "nic0", Backend = "net0" }));
        JsonElement schemas = domain.Do("query-stats-schemas");
        foreach (string target in (string[])["vm", "vcpu"])
        {
            string[] described = [.. Names(schemas.EnumerateArray().Single(at => at.GetProperty("target").GetString() == target))];
            string[] told = [.. domain.Do("query-stats", $$"""{"target":"{{target}}"}""").EnumerateArray().SelectMany(Names).Distinct()];
            told.ShouldBe(described);
        }
        JsonElement card = domain.Do("query-stats", """{"target":"vm"}""").EnumerateArray().Single(static at => at.TryGetProperty("qom-path", out JsonElement path) && path.GetString() == "/machine/peripheral/nic0");
        Value(card, "net_tx_bytes").GetInt64().ShouldBe(0);
    }

    [Fact]
    public void TheMeterTellsTheSame()
    {
        using var domain = new Monitored(RunningDomain.Options(new EntropyOptions { Id = "r" }));
        using var meter = new DomainMeter(domain.Domain.Control);
        var seen = new HashSet<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == DomainMeter.Name) listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, _, _, _) => seen.Add(instrument.Name));
        listener.SetMeasurementEventCallback<double>((instrument, _, _, _) => seen.Add(instrument.Name));
        listener.Start();
        listener.RecordObservableInstruments();
        seen.ShouldBe(
            ["hospes.vcpu.time", "hospes.vcpu.exits", "hospes.device.operations", "hospes.device.from_guest", "hospes.device.to_guest", "hospes.device.queue.depth", "hospes.memory.resident"],
            ignoreOrder: true);
    }

    private static IEnumerable<string> Names(JsonElement result) => result.GetProperty("stats").EnumerateArray().Select(static at => at.GetProperty("name").GetString()!);

    private static JsonElement Value(JsonElement result, string name) =>
        result.GetProperty("stats").EnumerateArray().Single(at => at.GetProperty("name").GetString() == name).GetProperty("value");
}
