using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Hospes.Hypervisor.Kvm.Cpu;
using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm;

/// <summary>
/// The engine over Linux' KVM. Local APICs are in the kernel, the I/O APIC is the machine's (<c>KVM_CAP_SPLIT_IRQCHIP</c>). Thread-safe.
/// </summary>
public sealed class KvmEngine : IEngine, IDisposable
{
    /// <summary>Where the device is.</summary>
    public const string DevicePath = "/dev/kvm";

    /// <summary>The setting that asks for the dirty ring in place of the dirty log: entries per vCPU, a power of two from 1024 to 65536.</summary>
    public const string DirtyRingSetting = "dirty-ring";

    private readonly KvmHost _host;

    private KvmEngine(KvmHost host) => _host = host;

    /// <inheritdoc/>
    public string Name => "kvm";

    /// <summary>Opens KVM.</summary>
    /// <param name="engine">The engine, or null.</param>
    /// <param name="refusal">Why KVM cannot be used, or null. That it can be opened does not mean that it is any good: see <see cref="Probe.KvmProbe"/>.</param>
    /// <param name="path">The device.</param>
    public static bool TryOpen([NotNullWhen(true)] out KvmEngine? engine, [NotNullWhen(false)] out KvmRefusal? refusal, string path = DevicePath) =>
        TryOpen(path, null, out engine, out refusal);

    /// <inheritdoc/>
    public bool Supports(Capability capability) => capability switch
    {
        Capability.HardwareExecution or Capability.DirtyLog or Capability.FullState or Capability.MemoryDiscard or Capability.MemoryHotplug => true,
        Capability.TscScaling => _host.Check(KvmExtension.TscControl) != 0,
        _ => false,
    };

    /// <inheritdoc/>
    public Status CreateGuest(GuestOptions options, GuestMemory memory, TrapTable traps, out IGuestEngine? guest)
    {
        guest = null;
        if (!TryReadSettings(options, out uint ring)) return Status.InvalidArgs;
        if (!KvmCpuModel.TryParse(options.CpuModel, out KvmCpuModel? model)) return Status.InvalidArgs;
        if (options.MaxVcpus > _host.Check(KvmExtension.MaxVcpus)) return Status.NotSupported;
        if (ring != 0 && DirtyRingExtension is null) return Status.NotSupported;
        Status status = VmFile.TryCreate(_host, ring == 0 ? null : (DirtyRingExtension!.Value, ring), out VmFile? vm);
        if (vm is null) return status;
        guest = new KvmGuest(_host, vm, options, model, memory, traps, ring);
        return Status.Ok;
    }

    /// <summary>Closes the device. Guests live on.</summary>
    public void Dispose() => _host.Dispose();

    internal static bool TryOpen(
        string path, Predicate<KvmExtension>? lacks, [NotNullWhen(true)] out KvmEngine? engine, [NotNullWhen(false)] out KvmRefusal? refusal)
    {
        engine = KvmHost.TryOpen(path, lacks, out KvmHost? host, out refusal) ? new KvmEngine(host) : null;
        return engine is not null;
    }

    private KvmExtension? DirtyRingExtension =>
        _host.Check(KvmExtension.DirtyRingOrdered) != 0 ? KvmExtension.DirtyRingOrdered : _host.Check(KvmExtension.DirtyRing) != 0 ? KvmExtension.DirtyRing : null;

    private static bool TryReadSettings(GuestOptions options, out uint ring)
    {
        ring = 0;
        foreach ((string name, string value) in options.EngineSettings)
        {
            if (name != DirtyRingSetting || !uint.TryParse(value, out ring)) return false;
            if (ring is < 1024 or > 65536 || (ring & (ring - 1)) != 0) return false;
        }
        return true;
    }
}
