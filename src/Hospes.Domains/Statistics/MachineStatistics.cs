using Hospes.Domains.Configuration;

namespace Hospes.Domains.Statistics;

/// <summary>What is wanted of a machine's statistics beside what its process used, which costs nothing.</summary>
[Flags]
public enum StatisticsParts
{
    /// <summary>Nothing beside.</summary>
    None = 0,

    /// <summary>What the balloon leaves.</summary>
    Balloon = 1,

    /// <summary>What the guest tells of its memory.</summary>
    Guest = 2,

    /// <summary>Disks.</summary>
    Blocks = 4,

    /// <summary>Network cards.</summary>
    Interfaces = 8,

    /// <summary>What the engine counts.</summary>
    Engine = 16,

    /// <summary>Whether processors are held.</summary>
    Vcpus = 32,

    /// <summary>Where processors may run.</summary>
    Places = 64,

    /// <summary>All of it.</summary>
    All = Balloon | Guest | Blocks | Interfaces | Engine | Vcpus | Places,
}

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

    /// <summary>What the guest told of its memory, in the order of <see cref="GuestMemoryFigure"/>; null where it told nothing of it.</summary>
    public ValueList<ulong?> Guest { get; init; } = [];

    /// <summary>What the engine counted.</summary>
    public ValueList<EngineStatistic> Engine { get; init; } = [];
}

/// <summary>What a guest's balloon driver tells (virtio 1.2, 5.5.6.4): amounts in KiB, the rest numbers; and when it did, in seconds since 1970.</summary>
public enum GuestMemoryFigure
{
    /// <summary>Read back from swap.</summary>
    SwapIn,

    /// <summary>Written to swap.</summary>
    SwapOut,

    /// <summary>Page faults that needed a disk.</summary>
    MajorFaults,

    /// <summary>Page faults that did not.</summary>
    MinorFaults,

    /// <summary>Memory that nobody uses.</summary>
    Unused,

    /// <summary>All memory that its kernel manages.</summary>
    Available,

    /// <summary>What could be had without swapping.</summary>
    Usable,

    /// <summary>When it told.</summary>
    LastUpdate,

    /// <summary>Held by caches of disks.</summary>
    DiskCaches,

    /// <summary>Huge pages that were given.</summary>
    HugePagesGiven,

    /// <summary>Huge pages that could not be given.</summary>
    HugePagesFailed,
}

/// <summary>A number of the engine's.</summary>
/// <param name="Vcpu">The processor that it belongs to, or -1 for the machine.</param>
/// <param name="Name">Its name.</param>
/// <param name="IsSum">Whether it only grows, rather than being the present state.</param>
/// <param name="Value">The number.</param>
public sealed record EngineStatistic(int Vcpu, string Name, bool IsSum, ulong Value);

/// <summary>One processor.</summary>
/// <param name="Running">Whether it is not held.</param>
/// <param name="Time">Its processor time, in nanoseconds.</param>
/// <param name="HostCpu">The host's processor that it ran on last, or -1.</param>
/// <param name="Delay">How long it waited for one of the host's processors, in nanoseconds.</param>
public sealed record VcpuStatistics(bool Running, ulong Time, int HostCpu, ulong Delay)
{
    /// <summary>The host's processors on which the kernel runs it; null for all, or where it was not asked for.</summary>
    public ProcessorSet? Place { get; init; }
}

/// <summary>One disk: counts, bytes, and times in nanoseconds.</summary>
public sealed record BlockStatistics(ulong Reads, ulong ReadBytes, ulong Writes, ulong WriteBytes, ulong Flushes, ulong ReadTime, ulong WriteTime, ulong FlushTime)
{
    /// <summary>What it takes, the highest place that was written being what is in use; null when it is not known.</summary>
    public DiskUse? Use { get; init; }
}

/// <summary>One network card, seen from the guest.</summary>
public sealed record InterfaceStatistics(ulong ReceivedBytes, ulong ReceivedPackets, ulong SentBytes, ulong SentPackets);

/// <summary>What a disk takes, in bytes (<c>virDomainBlockInfo</c>).</summary>
/// <param name="Capacity">What the guest sees.</param>
/// <param name="Allocation">What is in use of the host's storage.</param>
/// <param name="Physical">The length of the file or device on the host.</param>
public sealed record DiskUse(ulong Capacity, ulong Allocation, ulong Physical);
