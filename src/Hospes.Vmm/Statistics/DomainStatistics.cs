using System.Globalization;
using Hospes.Machine;
using Hospes.Virtio;

namespace Hospes.Vmm.Statistics;

/// <summary>What a processor did in this life of the domain.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Time">How long the host ran it.</param>
/// <param name="Exits">How often it left the guest, by <see cref="ExitReason"/>.</param>
public sealed record VcpuStatistics(int Id, TimeSpan Time, IReadOnlyList<long> Exits)
{
    /// <summary>How often it left the guest.</summary>
    public long AllExits => Exits.Sum();
}

/// <summary>What went through a device in this life of the domain.</summary>
/// <param name="Name">Its name; null for none.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Queues">Its queues, in order.</param>
public sealed record DeviceStatistics(string? Name, VirtioKind Kind, IReadOnlyList<QueueCounters> Queues)
{
    /// <summary>How many buffers were given back to the driver.</summary>
    public long Operations => Queues.Sum(static queue => queue.Operations);

    /// <summary>Bytes that the driver wrote for the device.</summary>
    public long BytesFromGuest => Queues.Sum(static queue => queue.BytesFromGuest);

    /// <summary>Bytes that the device wrote for the driver.</summary>
    public long BytesToGuest => Queues.Sum(static queue => queue.BytesToGuest);

    /// <summary>The frames of a network device; null for other devices.</summary>
    public NetworkTraffic? Traffic => Kind == VirtioKind.Network ? NetworkTraffic.Of(Queues) : null;
}

/// <summary>What went through a network device, seen by the guest: without virtio's headers. A frame that fills several of the guest's buffers counts as that many.</summary>
/// <param name="Received">Frames to the guest.</param>
/// <param name="ReceivedBytes">Their bytes.</param>
/// <param name="Sent">Frames from the guest.</param>
/// <param name="SentBytes">Their bytes.</param>
public sealed record NetworkTraffic(long Received, long ReceivedBytes, long Sent, long SentBytes)
{
    /// <summary>Adds up pairs of queues, of which the first receives and the second sends; behind them is the queue for control (virtio 1.2, 5.1.2).</summary>
    internal static NetworkTraffic Of(IReadOnlyList<QueueCounters> queues)
    {
        long received = 0, receivedBytes = 0, sent = 0, sentBytes = 0;
        for (int queue = 0; queue + 1 < queues.Count; queue += 2)
        {
            received += queues[queue].Operations;
            receivedBytes += queues[queue].BytesToGuest;
            sent += queues[queue + 1].Operations;
            sentBytes += queues[queue + 1].BytesFromGuest;
        }
        return new NetworkTraffic(received, Math.Max(0, receivedBytes - received * NetHeader.Size), sent, Math.Max(0, sentBytes - sent * NetHeader.Size));
    }
}

/// <summary>What a domain used and did up to now, in this life.</summary>
/// <param name="Vcpus">Its processors.</param>
/// <param name="Devices">Its virtio devices, in the order of their places.</param>
/// <param name="Memory">Bytes of memory that the guest was given.</param>
/// <param name="Resident">Bytes of memory that the host holds for the process: the guest's memory as far as it is used, and Hospes' own.</param>
public sealed record DomainStatistics(IReadOnlyList<VcpuStatistics> Vcpus, IReadOnlyList<DeviceStatistics> Devices, ulong Memory, long Resident)
{
    /// <summary>Looks at a life.</summary>
    internal static DomainStatistics Of(Domain life) => new(
        [.. life.Counters.Take(life.Vcpus.Count).Select(static (counters, id) => new VcpuStatistics(id, counters.Time, [.. Enum.GetValues<ExitReason>().Select(counters.Exits)]))],
        [.. (life.Devices?.All ?? []).Where(static device => device.Device is not null).Select(static device => new DeviceStatistics(device.Name, device.Device!.Kind, device.Device.Counters))],
        life.Memory.TotalSize,
        ReadResident());

    /// <summary>Guest memory is in a memory file or anonymous, so that programs that are mapped do not count (proc(5)).</summary>
    private static long ReadResident()
    {
        long bytes = 0;
        foreach (string line in File.ReadLines("/proc/self/status"))
        {
            if (!line.StartsWith("RssAnon:", StringComparison.Ordinal) && !line.StartsWith("RssShmem:", StringComparison.Ordinal)) continue;
            string[] words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            bytes += long.Parse(words[1], CultureInfo.InvariantCulture) << 10;
        }
        return bytes;
    }
}
