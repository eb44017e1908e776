using System.Globalization;
using System.Text;
using Hospes.Vmm.Statistics;

namespace Hospes.Cli.Run;

/// <summary>What a domain used and did, for people: a line each.</summary>
internal static class StatisticsText
{
    /// <summary>Writes it.</summary>
    public static string Of(DomainStatistics statistics)
    {
        var text = new StringBuilder();
        foreach (VcpuStatistics vcpu in statistics.Vcpus)
        {
            IEnumerable<string> reasons = Enum.GetValues<ExitReason>().Where(reason => vcpu.Exits[(int)reason] > 0).Select(reason => $"{Word(reason)} {vcpu.Exits[(int)reason]}");
            Add(text, $"vCPU {vcpu.Id}: {vcpu.Time.TotalSeconds:0.000} s, exits {vcpu.AllExits} ({string.Join(", ", reasons)})");
        }
        for (int i = 0; i < statistics.Devices.Count; i++)
        {
            DeviceStatistics device = statistics.Devices[i];
            string name = device.Name is { } given ? $"{given} ({device.Kind})" : $"{device.Kind}";
            Add(text, $"{name}: operations {device.Operations}, bytes from the guest {device.BytesFromGuest}, to the guest {device.BytesToGuest}, in hand {device.Queues.Sum(static queue => queue.Depth)}");
        }
        Add(text, $"memory: {statistics.Memory >> 20} MiB given, {statistics.Resident >> 20} MiB held by the host for the process");
        return text.ToString();
    }

    private static void Add(StringBuilder text, FormattableString line) => text.Append("hospes: ").Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private static string Word(ExitReason reason) => reason switch
    {
        ExitReason.Memory => "memory",
        ExitReason.Io => "port",
        ExitReason.EndOfInterrupt => "end of interrupt",
        ExitReason.Debug => "debug",
        ExitReason.Kick => "kick",
        _ => "shutdown",
    };
}
