using Hospes.Domains.Xml;

namespace Hospes.Domains.Configuration;

/// <summary>
/// What a domain is to be: the content of libvirt's domain XML (<c>formatdomain</c>), as far as the machine has it. Immutable; lists are never
/// default. Equality is by value, so that "nothing changed" can be asked.
/// </summary>
public sealed record DomainConfig
{
    /// <summary>The kind of domain: the attribute <c>type</c>, which decides on the engine.</summary>
    public required DomainType Type { get; init; }

    /// <summary>The name, unique on the host.</summary>
    public required string Name { get; init; }

    /// <summary>The UUID; all zeros until defaults are applied.</summary>
    public Guid Uuid { get; init; }

    /// <summary>A short title for people, or null.</summary>
    public string? Title { get; init; }

    /// <summary>A description for people, or null.</summary>
    public string? Description { get; init; }

    /// <summary>Elements of applications, one per namespace, in order.</summary>
    public ValueList<XmlNode> Metadata { get; init; } = [];

    /// <summary>Memory at start, in KiB.</summary>
    public ulong MemoryKiB { get; init; }

    /// <summary>Memory that the balloon leaves, in KiB; at most <see cref="MemoryKiB"/>. 0 until defaults are applied.</summary>
    public ulong CurrentMemoryKiB { get; init; }

    /// <summary>What the memory is made of, or null.</summary>
    public MemoryBackingConfig? MemoryBacking { get; init; }

    /// <summary>The virtual processors.</summary>
    public VcpuConfig Vcpus { get; init; } = new();

    /// <summary>Shares and limits of processor time, and where it is spent.</summary>
    public CpuTuneConfig CpuTune { get; init; } = new();

    /// <summary>What is booted.</summary>
    public OsConfig Os { get; init; } = new();

    /// <summary>The model of the processors, or null for the engine's own.</summary>
    public CpuConfig? Cpu { get; init; }

    /// <summary>The features of the machine that are named.</summary>
    public ValueList<FeatureConfig> Features { get; init; } = [];

    /// <summary>The guest's clock.</summary>
    public ClockConfig Clock { get; init; } = new();

    /// <summary>Whether its process is confined (no <c>&lt;seclabel type='none'/&gt;</c>).</summary>
    public bool IsConfined { get; init; } = true;

    /// <summary>What happens when the guest powers off.</summary>
    public LifecycleAction OnPowerOff { get; init; } = LifecycleAction.Destroy;

    /// <summary>What happens when the guest reboots.</summary>
    public LifecycleAction OnReboot { get; init; } = LifecycleAction.Restart;

    /// <summary>What happens when the guest crashes.</summary>
    public LifecycleAction OnCrash { get; init; } = LifecycleAction.Destroy;

    /// <summary>The devices.</summary>
    public DeviceConfig Devices { get; init; } = new();

    /// <summary>The host's processors that a virtual processor may use; null for all.</summary>
    public ProcessorSet? PlaceOfVcpu(int vcpu) => CpuTune.VcpuPins.FirstOrDefault(pin => pin.Vcpu == vcpu)?.Processors ?? Vcpus.CpuSet;

    /// <summary>The host's processors that the other threads may use; null for all.</summary>
    public ProcessorSet? PlaceOfEmulator => CpuTune.EmulatorPin ?? Vcpus.CpuSet;
}

/// <summary>The attribute <c>type</c> of a domain.</summary>
public enum DomainType
{
    /// <summary>The best engine that the host has.</summary>
    Hospes,

    /// <summary>Hardware virtualization.</summary>
    Kvm,

    /// <summary>The processor in software: what QEMU's own processor is to users of libvirt.</summary>
    Qemu,

    /// <summary>No machine at all: simulated hosts only, as with libvirt's test driver.</summary>
    Test,
}

/// <summary>The element <c>vcpu</c>.</summary>
public sealed record VcpuConfig
{
    /// <summary>The most processors the domain can have, 1 or more.</summary>
    public int Maximum { get; init; } = 1;

    /// <summary>Processors at start; 0 until defaults are applied.</summary>
    public int Current { get; init; }

    /// <summary>The host's processors on which the domain runs where nothing else is said, or null for all.</summary>
    public ProcessorSet? CpuSet { get; init; }

    /// <summary>Whether placement is left to the host (<c>placement='auto'</c>).</summary>
    public bool AutoPlacement { get; init; }
}

/// <summary>What happens at an end of a guest: <c>on_poweroff</c>, <c>on_reboot</c>, <c>on_crash</c>. The order is libvirt's <c>virDomainLifecycleAction</c>.</summary>
public enum LifecycleAction
{
    /// <summary>The domain ends and its resources are given back.</summary>
    Destroy,

    /// <summary>The domain starts anew with the same configuration.</summary>
    Restart,

    /// <summary>The domain starts anew under a new name. Known, not supported.</summary>
    RenameRestart,

    /// <summary>The domain stays, stopped, to be looked at.</summary>
    Preserve,

    /// <summary>A dump is written, then the domain ends.</summary>
    CoredumpDestroy,

    /// <summary>A dump is written, then the domain starts anew.</summary>
    CoredumpRestart,
}
