using Hospes.Builder;
using Hospes.Machine;

namespace Hospes.Vmm;

/// <summary>What a domain is made of and how it is run. Immutable.</summary>
public sealed record VmmOptions
{
    /// <summary>The engine: one of <see cref="EngineChoice.Names"/>, its settings behind it as in <c>soft,translate=off</c>.</summary>
    public string Engine { get; init; } = EngineChoice.Auto;

    /// <summary>The processor model, as the engine names it, with features taken away as in <c>max,-x2apic</c>; null for the engine's default.</summary>
    public string? CpuModel { get; init; }

    /// <summary>The machine.</summary>
    public required MachineConfig Machine { get; init; }

    /// <summary>The kernel, which is read for each life of the domain.</summary>
    public required BootPayload Kernel { get; init; }

    /// <summary>The kernel's name without blanks.</summary>
    public string KernelName { get; init; } = "kernel";

    /// <summary>The kernel's command line.</summary>
    public string CommandLine { get; init; } = "";

    /// <summary>The initial RAM disk, or null.</summary>
    public BootPayload? Initrd { get; init; }

    /// <summary>The devices on the PCI bus, in the order of their places.</summary>
    public IReadOnlyList<DeviceOptions> Devices { get; init; } = [];

    /// <summary>Whether a reset of the guest starts it anew; else the run ends with <see cref="DomainEndKind.Reset"/>.</summary>
    public bool Reboot { get; init; } = true;

    /// <summary>Whether the processors wait for a <see cref="DomainControl.Resume"/> before their first instruction.</summary>
    public bool StartPaused { get; init; }

    /// <summary>Whether the domain stays, stopped, when the guest turned its power off, panicked or crashed: until a reset or
    /// <see cref="DomainControl.Quit"/>.</summary>
    public bool StayAfterShutdown { get; init; }

    /// <summary>What a watchdog that the guest lets expire leads to, until that is changed.</summary>
    public WatchdogAction Watchdog { get; init; } = WatchdogAction.Reset;

    /// <summary>The domain's name, or null for none.</summary>
    public string? Name { get; init; }

    /// <summary>The domain's UUID; all zeros for none.</summary>
    public Guid Uuid { get; init; }

    /// <summary>How long the domain may run in all, from its first instruction; null for ever.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Bytes of memory that the host has for guests.</summary>
    public ulong HostMemory { get; init; } = Hospes.Machine.HostMemory.Total;

    /// <summary>Where the guest's time and the time-out come from.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>The stages of a domain's life, in order; after a reset they start over.</summary>
public enum DomainStage
{
    /// <summary>The guest is an empty shell: no memory, no processors.</summary>
    Created,

    /// <summary>Memory is populated, the processors are ready.</summary>
    Built,

    /// <summary>The processors run.</summary>
    Running,

    /// <summary>The processors have stopped.</summary>
    Ended,
}
