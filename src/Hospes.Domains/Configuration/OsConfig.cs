namespace Hospes.Domains.Configuration;

/// <summary>The element <c>os</c>.</summary>
public sealed record OsConfig
{
    /// <summary>The architecture: <c>x86_64</c>.</summary>
    public string Architecture { get; init; } = HostProfile.Architecture;

    /// <summary>The machine, or null until defaults are applied.</summary>
    public string? Machine { get; init; }

    /// <summary>The type: <c>hvm</c>, or <c>xenpvh</c>, which is the same here.</summary>
    public string Type { get; init; } = HostProfile.OsTypes[0];

    /// <summary>The path of the kernel, or null.</summary>
    public string? Kernel { get; init; }

    /// <summary>The path of the initial RAM disk, or null.</summary>
    public string? Initrd { get; init; }

    /// <summary>The kernel's command line, or null.</summary>
    public string? CommandLine { get; init; }

    /// <summary>The kinds of devices to boot from, in order: <c>hd</c>, <c>cdrom</c>, <c>network</c>, <c>fd</c>.</summary>
    public ValueList<string> BootDevices { get; init; } = [];
}

/// <summary>The element <c>cpu</c>.</summary>
public sealed record CpuConfig
{
    /// <summary>How the model is chosen: <c>custom</c>, <c>host-model</c>, <c>host-passthrough</c> or <c>maximum</c>; null when the element gives none.</summary>
    public string? Mode { get; init; }

    /// <summary>How strictly the host must match: <c>minimum</c>, <c>exact</c>, <c>strict</c>; null when not given.</summary>
    public string? Match { get; init; }

    /// <summary>How the processor is checked: <c>none</c>, <c>partial</c>, <c>full</c>; null when not given.</summary>
    public string? Check { get; init; }

    /// <summary>Whether migration is expected to work; null when not said.</summary>
    public bool? Migratable { get; init; }

    /// <summary>The model, or null.</summary>
    public string? Model { get; init; }

    /// <summary>Sockets, dies, cores and threads, or null.</summary>
    public CpuTopology? Topology { get; init; }

    /// <summary>Features turned on or off beside the model.</summary>
    public ValueList<CpuFeature> Features { get; init; } = [];
}

/// <summary>The element <c>topology</c>: all are 1 or more, their product is the most processors.</summary>
public sealed record CpuTopology(int Sockets, int Dies, int Cores, int Threads);

/// <summary>One feature of a processor.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Policy"><c>force</c>, <c>require</c>, <c>optional</c>, <c>disable</c> or <c>forbid</c>.</param>
public sealed record CpuFeature(string Name, string Policy);

/// <summary>One element in <c>features</c>.</summary>
/// <param name="Name">Its name: <c>acpi</c>, <c>apic</c>, <c>pae</c>.</param>
/// <param name="State"><c>on</c>, <c>off</c>, or null when the element has no state.</param>
public sealed record FeatureConfig(string Name, string? State = null);

/// <summary>The element <c>clock</c>.</summary>
public sealed record ClockConfig
{
    /// <summary>What the clock follows: <c>utc</c>, <c>localtime</c>, <c>timezone</c>, <c>variable</c>.</summary>
    public string Offset { get; init; } = "utc";

    /// <summary>The time zone with <c>timezone</c>, else null.</summary>
    public string? TimeZone { get; init; }

    /// <summary>Seconds beside the basis with <c>variable</c>, else 0.</summary>
    public long Adjustment { get; init; }

    /// <summary>The basis with <c>variable</c>: <c>utc</c> or <c>localtime</c>; else null.</summary>
    public string? Basis { get; init; }

    /// <summary>The timers that are named.</summary>
    public ValueList<TimerConfig> Timers { get; init; } = [];
}

/// <summary>One element <c>timer</c>.</summary>
/// <param name="Name">Its name: <c>pit</c>, <c>rtc</c>, <c>hpet</c>, <c>tsc</c>, <c>kvmclock</c>.</param>
/// <param name="Present">Whether it is there; null when not said.</param>
/// <param name="TickPolicy">What happens to missed ticks, or null.</param>
public sealed record TimerConfig(string Name, bool? Present, string? TickPolicy);
