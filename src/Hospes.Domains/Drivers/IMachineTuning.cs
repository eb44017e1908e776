using Hospes.Domains.Configuration;
using Hospes.Domains.Lifecycle;

namespace Hospes.Domains.Drivers;

/// <summary>What of a running machine's share of the host can be changed, and how it is looked into. Thread-safe.</summary>
public interface IMachineTuning
{
    /// <summary>Has a virtual processor run on some of the host's processors only.</summary>
    /// <param name="vcpu">Its number; it is there.</param>
    /// <param name="processors">The host's processors.</param>
    ValueTask<DomainFailure?> PinVcpuAsync(int vcpu, ProcessorSet processors);

    /// <summary>Has the threads that are no virtual processors run on some of the host's processors only.</summary>
    ValueTask<DomainFailure?> PinEmulatorAsync(ProcessorSet processors);

    /// <summary>Why shares and limits of processor time cannot be changed; null if they can.</summary>
    DomainFailure? SchedulingObstacle { get; }

    /// <summary>Has shares and limits of processor time apply. What is not given stays as it is.</summary>
    ValueTask<DomainFailure?> ScheduleAsync(CpuTuneConfig tune);

    /// <summary>Limits the use of a network card.</summary>
    ValueTask<DomainFailure?> LimitCardAsync(InterfaceConfig card, BandwidthConfig bandwidth);

    /// <summary>Writes its memory and registers into a file as a core of a kernel. The guest is held meanwhile.</summary>
    /// <param name="to">The file.</param>
    /// <param name="job">Is told how far it is, and may end it.</param>
    ValueTask<DomainFailure?> DumpAsync(FileStream to, DomainJob job);

    /// <summary>Nanoseconds that the machine used of each of the host's processors; null if nobody counts them.</summary>
    IReadOnlyList<ulong>? ProcessorTimes { get; }
}
