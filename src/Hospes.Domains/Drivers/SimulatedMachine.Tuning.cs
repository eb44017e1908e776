using Hospes.Domains.Configuration;
using Hospes.Domains.Lifecycle;

namespace Hospes.Domains.Drivers;

public sealed partial class SimulatedMachine
{
    /// <inheritdoc/>
    public ValueTask<DomainFailure?> PinVcpuAsync(int vcpu, ProcessorSet processors) => ValueTask.FromResult<DomainFailure?>(null);

    /// <inheritdoc/>
    public ValueTask<DomainFailure?> PinEmulatorAsync(ProcessorSet processors) => ValueTask.FromResult<DomainFailure?>(null);

    /// <inheritdoc/>
    public DomainFailure? SchedulingObstacle => null;

    /// <inheritdoc/>
    public ValueTask<DomainFailure?> ScheduleAsync(CpuTuneConfig tune) => ValueTask.FromResult<DomainFailure?>(null);

    /// <inheritdoc/>
    public ValueTask<DomainFailure?> LimitCardAsync(InterfaceConfig card, BandwidthConfig bandwidth) => ValueTask.FromResult<DomainFailure?>(null);

    /// <summary>There is no memory: the file stays empty.</summary>
    public ValueTask<DomainFailure?> DumpAsync(FileStream to, DomainJob job) => ValueTask.FromResult<DomainFailure?>(null);

    /// <inheritdoc/>
    public IReadOnlyList<ulong>? ProcessorTimes => null;
}
