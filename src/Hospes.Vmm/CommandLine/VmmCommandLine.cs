using Hospes.Display;
using Hospes.Machine;
using Hospes.Vmm.Chardevs;

namespace Hospes.Vmm.CommandLine;

/// <summary>What a command line of QEMU's kind asks for. Immutable; nothing has been opened or looked up on the host yet.</summary>
public sealed record VmmCommandLine
{
    /// <summary>A text that was asked for instead of a domain, such as the version; null for a domain.</summary>
    public string? Answer { get; init; }

    /// <summary>Whether the manual page was asked for instead of a domain.</summary>
    public bool WantsManual { get; init; }

    /// <summary>The machine.</summary>
    public required MachineConfig Machine { get; init; }

    /// <summary>The engines that are to be tried, in order, with their settings; at least one.</summary>
    public IReadOnlyList<string> Engines { get; init; } = [EngineChoice.Auto];

    /// <summary>The processor model, or null for the engine's own.</summary>
    public string? CpuModel { get; init; }

    /// <summary>The kernel's path; null when none was given.</summary>
    public string? Kernel { get; init; }

    /// <summary>The initial RAM disk's path, or null.</summary>
    public string? Initrd { get; init; }

    /// <summary>The kernel's command line.</summary>
    public string Append { get; init; } = "";

    /// <summary>The domain's name, or null.</summary>
    public string? Name { get; init; }

    /// <summary>The domain's UUID; all zeros for none.</summary>
    public Guid Uuid { get; init; }

    /// <summary>The devices on the PCI bus, in the order of their places.</summary>
    public IReadOnlyList<DeviceOptions> Devices { get; init; } = [];

    /// <summary>The character devices, in order.</summary>
    public IReadOnlyList<ChardevOptions> Chardevs { get; init; } = [];

    /// <summary>The monitors, in order.</summary>
    public IReadOnlyList<MonitorOptions> Monitors { get; init; } = [];

    /// <summary>The character device of the serial port; null when nobody listens to it.</summary>
    public string? Serial { get; init; }

    /// <summary>What happens at the ends of a guest's life.</summary>
    public ActionOptions Actions { get; init; } = new();

    /// <summary>Whether the processors wait for <c>cont</c> before their first instruction.</summary>
    public bool StartPaused { get; init; }

    /// <summary>Where the process writes its number, or null.</summary>
    public string? PidFile { get; init; }

    /// <summary>Whether the domain runs in the background, once it is ready.</summary>
    public bool Daemonize { get; init; }

    /// <summary>How the process is confined; null for not at all.</summary>
    public SandboxOptions? Sandbox { get; init; }

    /// <summary>Where debuggers connect to; null for nowhere.</summary>
    public string? Gdb { get; init; }

    /// <summary>How the screen is shown; null for not at all.</summary>
    public VncSettings? Vnc { get; init; }

    /// <summary>What the guest's clock shows at the start.</summary>
    public ClockStart Clock { get; init; } = new();

    /// <summary>Whether messages begin with the time.</summary>
    public bool TimestampMessages { get; init; }

    /// <summary>Whether messages begin with the domain's name.</summary>
    public bool NameMessages { get; init; }

    /// <summary>What was accepted and has no effect, one sentence each.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary>A monitor on a character device.</summary>
/// <param name="Chardev">The character device.</param>
/// <param name="Kind">What is spoken on it.</param>
public sealed record MonitorOptions(string Chardev, MonitorKind Kind)
{
    /// <summary>Whether QMP's answers are spread over lines for people.</summary>
    public bool Pretty { get; init; }
}

/// <summary>What is spoken on a monitor.</summary>
public enum MonitorKind
{
    /// <summary>QMP (<c>mode=control</c>).</summary>
    Control,

    /// <summary>Lines for people (<c>mode=readline</c>).</summary>
    Readline,
}

/// <summary>What happens at the ends of a guest's life (<c>-action</c>, <c>-no-reboot</c>, <c>-no-shutdown</c>).</summary>
public sealed record ActionOptions
{
    /// <summary>Whether a reset of the guest is carried out; else it counts as a shutdown.</summary>
    public bool Reboot { get; init; } = true;

    /// <summary>Whether a shutdown ends the process; else the domain stays, stopped.</summary>
    public bool PowerOff { get; init; } = true;

    /// <summary>What a watchdog that the guest lets expire leads to.</summary>
    public WatchdogAction Watchdog { get; init; } = WatchdogAction.Reset;

    /// <summary>What a panic of the guest's kernel leads to.</summary>
    public PanicAction Panic { get; init; } = PanicAction.Shutdown;
}

/// <summary>What a panic of the guest's kernel leads to.</summary>
public enum PanicAction
{
    /// <summary>It counts as a shutdown.</summary>
    Shutdown,

    /// <summary>The domain stays, stopped.</summary>
    Pause,

    /// <summary>The process ends with the status 1.</summary>
    ExitFailure,
}
