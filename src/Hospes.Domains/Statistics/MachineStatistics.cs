using Hospes.Domains.Configuration;

namespace Hospes.Domains.Statistics;

/// <summary>What a machine used so far.</summary>
public sealed record MachineStatistics
{
    /// <summary>Processor time, in nanoseconds.</summary>
    public ulong CpuTime { get; init; }

    /// <summary>Of it in user mode.</summary>
    public ulong UserTime { get; init; }

    /// <summary>Of it in the kernel.</summary>
    public ulong SystemTime { get; init; }

    /// <summary>The memory that the balloon leaves, in KiB.</summary>
    public ulong BalloonKiB { get; init; }

    /// <summary>The memory of the host that is in use, in KiB.</summary>
    public ulong ResidentKiB { get; init; }

    /// <summary>The processors, in order.</summary>
    public ValueList<VcpuStatistics> Vcpus { get; init; } = [];

    /// <summary>The disks, in the order of the configuration.</summary>
    public ValueList<BlockStatistics> Blocks { get; init; } = [];

    /// <summary>The network cards, in the order of the configuration.</summary>
    public ValueList<InterfaceStatistics> Interfaces { get; init; } = [];
}

/// <summary>One processor.</summary>
/// <param name="Running">Whether it is not held.</param>
/// <param name="Time">Its processor time, in nanoseconds.</param>
/// <param name="HostCpu">The host's processor that it ran on last, or -1.</param>
public sealed record VcpuStatistics(bool Running, ulong Time, int HostCpu);

/// <summary>One disk: counts, and bytes.</summary>
public sealed record BlockStatistics(ulong Reads, ulong ReadBytes, ulong Writes, ulong WriteBytes, ulong Flushes, ulong ReadTime, ulong WriteTime, ulong FlushTime);

/// <summary>One network card, seen from the host's device: what it received the guest sent.</summary>
public sealed record InterfaceStatistics(ulong ReceivedBytes, ulong ReceivedPackets, ulong SentBytes, ulong SentPackets);

/// <summary>What a disk takes, in bytes (<c>virDomainBlockInfo</c>).</summary>
/// <param name="Capacity">What the guest sees.</param>
/// <param name="Allocation">What is in use of the host's storage.</param>
/// <param name="Physical">The length of the file or device on the host.</param>
public sealed record DiskUse(ulong Capacity, ulong Allocation, ulong Physical);
