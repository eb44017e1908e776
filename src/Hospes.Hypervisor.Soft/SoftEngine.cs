using Hospes.Hypervisor.Soft.Cpu;

namespace Hospes.Hypervisor.Soft;

/// <summary>
/// The software engine: an x86-64 processor that needs nothing of the host but memory and threads. On x86-64 hosts it translates hot code; the
/// engine setting <c>translate</c> says whether: <c>on</c> (the default), <c>off</c>, <c>always</c> (from the first execution on), or <c>lockstep</c>, which
/// compares every stretch of translated code with the interpreter and ends the guest with a report at the first divergence (one vCPU only).
/// The setting <c>profile</c> names a file that gets the translator's profile when the guest is gone.
/// </summary>
public sealed class SoftEngine : IEngine
{
    /// <inheritdoc/>
    public string Name => "soft";

    /// <inheritdoc/>
    public bool Supports(Capability capability) => capability switch
    {
        Capability.HardwareExecution => false,
        Capability.DirtyLog or Capability.FullState or Capability.TscScaling or Capability.MemoryDiscard or Capability.MemoryHotplug
            or Capability.Debugging => true,
        _ => false,
    };

    /// <inheritdoc/>
    public Status CreateGuest(GuestOptions options, GuestMemory memory, TrapTable traps, out IGuestEngine? guest)
    {
        guest = null;
        if (!SoftSettings.TryParse(options.EngineSettings, out SoftSettings settings)) return Status.InvalidArgs;
        if (!CpuModel.TryParse(options.CpuModel, out CpuModel? model)) return Status.InvalidArgs;
        StreamWriter? profile = null;
        if (settings.Profile is not null && !TryCreate(settings.Profile, out profile)) return Status.InvalidArgs;
        guest = new SoftGuest(options, settings, model, memory, traps) { Profile = profile };
        return Status.Ok;
    }

    private static bool TryCreate(string file, out StreamWriter? writer)
    {
        try
        {
            writer = File.CreateText(file);
            return true;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            writer = null;
            return false;
        }
    }
}
