using Hospes.Builder;
using Hospes.Hypervisor;
using Hospes.Hypervisor.Kvm;
using Hospes.Hypervisor.Kvm.Probe;
using Hospes.Machine;

namespace Hospes.Vmm;

/// <summary>
/// Runs one domain from empty shell to its end, over as many resets as it takes. <see cref="Run"/> blocks the thread that calls
/// it; the other members are for any thread.
/// </summary>
public sealed class DomainRunner
{
    private readonly VmmOptions _options;
    private readonly IEngine _engine;
    private readonly IConsoleSink _console;
    /// <summary>Makes a runner on an engine.</summary>
    /// <param name="options">What to run; <see cref="VmmOptions.Engine"/> is not looked at.</param>
    /// <param name="engine">The engine.</param>
    /// <param name="console">Where the console's output goes.</param>
    public DomainRunner(VmmOptions options, IEngine engine, IConsoleSink console)
    {
        _options = options;
        _engine = engine;
        _console = console;
        Input = new ConsoleInput();
        Control = new DomainControl(options);
    }

    /// <summary>What people are to be told of the choice of the engine; null when there is nothing to tell.</summary>
    public string? Notice { get; private init; }

    /// <summary>Whether a debugger can be attached.</summary>
    public bool CanDebug => _engine.Supports(Capability.Debugging);

    /// <summary>The engine's name.</summary>
    public string EngineName => _engine.Name;

    /// <summary>Stops, resumes, resets and ends the domain while it runs.</summary>
    public DomainControl Control { get; }

    /// <summary>What people type.</summary>
    public ConsoleInput Input { get; }

    /// <summary>Told of every stage, on the thread of <see cref="Run"/>. Set before it.</summary>
    public Action<DomainStage>? StageReached { get; set; }

    /// <summary>Told how far the building of memory is. Set before <see cref="Run"/>.</summary>
    public Action<BuildProgress>? BuildProgress { get; set; }

    /// <summary>Makes a runner on the engine that the options name.</summary>
    /// <param name="options">What to run.</param>
    /// <param name="console">Where the console's output goes.</param>
    /// <param name="failure">Why there is no such engine, or null.</param>
    public static DomainRunner? TryCreate(VmmOptions options, IConsoleSink console, out VmmFailure? failure) =>
        EngineChoice.TryChoose(options.Engine, KvmEngine.DevicePath, static () => KvmVerdicts.OfThisUser, out IEngine? engine, out string? notice, out failure)
            ? new DomainRunner(options, engine, console) { Notice = notice }
            : null;

    /// <summary>Creates, builds and runs the domain until it ends. Once.</summary>
    /// <param name="end">How it ended.</param>
    /// <returns>Null, or why it could not be made; <paramref name="end"/> says nothing then.</returns>
    public VmmFailure? Run(out DomainEnd end)
    {
        end = default;
        using ITimer timer = _options.Time.CreateTimer(static runner => ((DomainRunner)runner!).Stop(DomainEndKind.TimedOut), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        DeviceFailure? refused = DeviceBackends.TryOpen(_options.Devices, _console, out DeviceBackends? devices, _options.Time, Control.Seat);
        if (devices is null) return new VmmFailure(VmmError.Device, refused!.Cause, refused.Remedy);
        using DeviceBackends open = devices;
        Control.Backends = devices;
        try
        {
            return RunLives(devices, timer, ref end);
        }
        finally
        {
            Control.Backends = null;
        }
    }

    /// <summary>Ends the run. Before it has begun, it ends at once.</summary>
    /// <param name="kind">What <see cref="Run"/> is to answer: <see cref="DomainEndKind.Stopped"/> or <see cref="DomainEndKind.TimedOut"/>.</param>
    public void Stop(DomainEndKind kind) => Control.Stop(kind);

    private VmmFailure? RunLives(DeviceBackends devices, ITimer timer, ref DomainEnd end)
    {
        bool timed = false;
        bool again;
        do
        {
            // Processors that were plugged in stay over resets, as devices do.
            VmmOptions options = _options with { Machine = _options.Machine with { Vcpus = Control.Processors } };
            if (!Domain.TryCreate(options, _engine, out Domain? domain, out VmmFailure? failure)) return failure;
            using (domain)
            {
                StageReached?.Invoke(DomainStage.Created);
                failure = domain!.Build(devices, BuildProgress);
                if (failure is not null) return failure;
                StageReached?.Invoke(DomainStage.Built);
                Input.Attach(domain.Console!);
                Control.Begin(domain);
                if (!timed && _options.Timeout is { } span) timer.Change(span, Timeout.InfiniteTimeSpan);
                timed = true;
                end = domain.Run(() => StageReached?.Invoke(DomainStage.Running));
                Input.Detach();
                again = Control.End(ref end);
                StageReached?.Invoke(DomainStage.Ended);
            }
        }
        while (again);
        return null;
    }
}
