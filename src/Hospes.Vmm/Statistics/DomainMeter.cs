using System.Diagnostics.Metrics;

namespace Hospes.Vmm.Statistics;

/// <summary>
/// What a domain used and did, for whoever listens to .NET's meters, as <c>dotnet-counters</c> and OpenTelemetry do: the meter <see cref="Name"/>. Nothing is read
/// while nobody listens.
/// </summary>
public sealed class DomainMeter : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string Name = "Hospes";

    private static readonly TimeSpan s_freshness = TimeSpan.FromMilliseconds(100);

    private readonly DomainControl _control;
    private readonly Meter _meter = new(Name);
    private readonly Lock _gate = new();
    private DomainStatistics? _last;
    private long _read;

    /// <summary>Makes a meter.</summary>
    /// <param name="control">The domain.</param>
    public DomainMeter(DomainControl control)
    {
        _control = control;
        _meter.CreateObservableCounter("hospes.vcpu.time", () => Vcpus(static vcpu => vcpu.Time.TotalSeconds), "s", "How long the host ran a processor");
        _meter.CreateObservableCounter("hospes.vcpu.exits", Exits, "{exit}", "How often a processor left the guest");
        _meter.CreateObservableCounter("hospes.device.operations", () => Devices(static device => device.Operations), "{operation}", "Buffers that a device gave back");
        _meter.CreateObservableCounter("hospes.device.from_guest", () => Devices(static device => device.BytesFromGuest), "By", "Bytes that the guest gave a device");
        _meter.CreateObservableCounter("hospes.device.to_guest", () => Devices(static device => device.BytesToGuest), "By", "Bytes that a device gave the guest");
        _meter.CreateObservableGauge("hospes.device.queue.depth", Depths, "{buffer}", "Buffers that a device has in hand");
        _meter.CreateObservableGauge("hospes.memory.resident", () => Read() is { } all ? (Measurement<long>[])[new(all.Resident)] : [], "By", "Memory that the host holds for the process");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<double>> Vcpus(Func<VcpuStatistics, double> get) =>
        (Read()?.Vcpus ?? []).Select(vcpu => new Measurement<double>(get(vcpu), new KeyValuePair<string, object?>("vcpu", vcpu.Id)));

    private IEnumerable<Measurement<long>> Exits() => (Read()?.Vcpus ?? []).SelectMany(static vcpu => Enum.GetValues<ExitReason>().Select(reason =>
        new Measurement<long>(vcpu.Exits[(int)reason], new KeyValuePair<string, object?>("vcpu", vcpu.Id), new KeyValuePair<string, object?>("reason", $"{reason}"))));

    private IEnumerable<Measurement<long>> Devices(Func<DeviceStatistics, long> get) =>
        (Read()?.Devices ?? []).Select((device, index) => new Measurement<long>(get(device), Tags(device, index)));

    private IEnumerable<Measurement<long>> Depths() => (Read()?.Devices ?? []).SelectMany(static (device, index) => device.Queues.Select((queue, number) =>
        new Measurement<long>(queue.Depth, (KeyValuePair<string, object?>[])[.. Tags(device, index), new("queue", number)])));

    private static KeyValuePair<string, object?>[] Tags(DeviceStatistics device, int index) =>
        [new("device", device.Name ?? $"device{index}"), new("kind", $"{device.Kind}")];

    /// <summary>Reads all; the instruments of one collection share what was read.</summary>
    private DomainStatistics? Read()
    {
        lock (_gate)
        {
            TimeProvider time = _control.Options.Time;
            if (_last is null || time.GetElapsedTime(_read) > s_freshness) (_last, _read) = (_control.Statistics(), time.GetTimestamp());
            return _last;
        }
    }
}
