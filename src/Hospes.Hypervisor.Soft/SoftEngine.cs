using Hospes.Hypervisor.Soft.Cpu;

namespace Hospes.Hypervisor.Soft;

/// <summary>The software engine: an x86-64 processor that needs nothing of the host but memory and threads.</summary>
public sealed class SoftEngine : IEngine
{
    /// <inheritdoc/>
    public string Name => "soft";

    /// <inheritdoc/>
    public bool Supports(Capability capability) => capability switch
    {
        Capability.HardwareExecution => false,
        Capability.DirtyLog or Capability.FullState or Capability.TscScaling or Capability.MemoryDiscard or Capability.MemoryHotplug => true,
        _ => false,
    };

    /// <inheritdoc/>
    public Status CreateGuest(GuestOptions options, GuestMemory memory, TrapTable traps, out IGuestEngine? guest)
    {
        guest = null;
        if (options.EngineSettings.Count != 0) return Status.InvalidArgs;
        if (!CpuModel.TryParse(options.CpuModel, out CpuModel? model)) return Status.InvalidArgs;
        guest = new SoftGuest(options, model, memory, traps);
        return Status.Ok;
    }
}
