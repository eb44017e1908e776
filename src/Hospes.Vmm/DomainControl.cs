using Hospes.Display;
using Hospes.Machine;
using Hospes.Vmm.Statistics;

namespace Hospes.Vmm;

/// <summary>
/// A domain as those see it who manage it while it runs, over all of its lives. Thread-safe; no member is for a processor's own thread. What a
/// member changes is done when it returns, but for <see cref="Reset"/> and <see cref="Quit"/>, which are done soon after.
/// </summary>
public sealed partial class DomainControl
{
    private readonly object _gate = new();
    private readonly VmmOptions _options;
    private readonly TaskCompletionSource _made = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private DeviceBackends? _backends;
    private Domain? _life;
    private IDomainDebugger? _debugger;
    private DomainEnd? _stopped;
    private DomainStatistics? _lastStatistics;
    private RunState _state = RunState.Prelaunch;
    private bool _wantsToRun, _isHeld, _isResetting;

    internal DomainControl(VmmOptions options)
    {
        _options = options;
        _wantsToRun = !options.StartPaused;
        _watchdogAction = options.Watchdog;
    }

    /// <summary>Told of everything that happens, on whatever thread it happens; of failing disks also on several at once. It must not block, and
    /// calls no member here.</summary>
    public event Action<DomainEvent>? Raised;

    /// <summary>Ends when the domain's machine is there for the first time, or will never be: before that there is nothing to manage.</summary>
    internal Task Made => _made.Task;

    /// <summary>Where people use the domain's screens, keyboards and pointers, over all of its lives.</summary>
    public Seat Seat { get; } = new();

    /// <summary>What shows the screen to VNC clients; null for nothing.</summary>
    internal VncServer? Vnc { get; set; }

    /// <summary>What the domain was made of.</summary>
    public VmmOptions Options => _options;

    /// <summary>What the domain is doing.</summary>
    public RunState State
    {
        get
        {
            lock (_gate) return _state;
        }
    }

    /// <summary>Looks at what the domain used and did in its current life, or in the last one.</summary>
    /// <returns>Null before the first.</returns>
    public DomainStatistics? Statistics() => Look(DomainStatistics.Of) ?? Volatile.Read(ref _lastStatistics);

    /// <summary>Holds all processors and the guest's time. Does nothing to a domain that doesn't run.</summary>
    public void Pause()
    {
        lock (_gate)
        {
            _wantsToRun = false;
            if (_state != RunState.Running) return;
            Halt(RunState.Paused);
        }
    }

    /// <summary>Lets the domain run, from where it was held.</summary>
    /// <returns>False for one that has to be reset first: its guest powered off, panicked or crashed.</returns>
    public bool Resume()
    {
        lock (_gate)
        {
            if (HasEnded) return false;
            _wantsToRun = true;
            if (_life is not null) Go();
            return true;
        }
    }

    /// <summary>Starts the domain anew, as its reset button would; one that doesn't run waits for <see cref="Resume"/> then. Where a reset ends the
    /// run (<see cref="VmmOptions.Reboot"/>), it ends.</summary>
    public void Reset()
    {
        lock (_gate)
        {
            if (_isResetting || _stopped is not null) return;
            _isResetting = true;
            if (_options.Reboot || HasEnded) Began(ShutdownCause.HostQmpSystemReset);
            _life?.Stop(new DomainEnd(DomainEndKind.Reset));
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Presses the power button. What comes of it is the guest's affair.</summary>
    public void PowerDown()
    {
        lock (_gate)
        {
            _life?.Machine?.PressPowerButton();
            Raised?.Invoke(new DomainEvent.Powerdown());
        }
    }

    /// <summary>Ends the run.</summary>
    public void Quit() => Stop(DomainEndKind.Quit, ShutdownCause.HostQmpQuit);

    /// <summary>Ends the run; the first end counts. Before the run has begun, it ends at once then.</summary>
    internal void Stop(DomainEndKind kind, ShutdownCause cause = ShutdownCause.HostSignal)
    {
        lock (_gate)
        {
            if (_stopped is not null) return;
            _stopped = new DomainEnd(kind);
            Raised?.Invoke(new DomainEvent.Shutdown(cause));
            _life?.Stop(_stopped.Value);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>What is behind the domain's devices, while it has a run.</summary>
    internal DeviceBackends? Backends
    {
        get => Volatile.Read(ref _backends);
        set
        {
            if (value is not null)
            {
                value.DiskFailed = (disk, failure) => Raise(new DomainEvent.BlockError(disk, failure));
                value.TrayMoved = (disk, isOpen) => Raise(new DomainEvent.TrayMoved(disk, isOpen));
                value.BalloonChanged = given => Raise(new DomainEvent.BalloonChange(given));
                value.MemoryChanged = memory => Raise(new DomainEvent.MemoryChange(memory));
            }
            Volatile.Write(ref _backends, value);
            if (value is null) _made.TrySetResult();
        }
    }

    /// <summary>Bytes of memory that the guest plugged in.</summary>
    internal ulong PluggedMemory => Backends?.Memories.Aggregate(0UL, static (sum, memory) => sum + memory.Plugged) ?? 0;

    /// <summary>A life begins: it is built, its processors are about to run or to be held.</summary>
    internal void Begin(Domain life)
    {
        lock (_gate)
        {
            _life = life;
            life.Machine!.Released = name => ThreadPool.QueueUserWorkItem(_ => FinishUnplug(name, life));
            PvhMachine machine = life.Machine;
            machine.ClockChanged = () => ThreadPool.QueueUserWorkItem(_ => Raise(new DomainEvent.ClockChange(machine.ClockAhead)));
            life.Machine.WatchdogExpired = () => ThreadPool.QueueUserWorkItem(_ => WatchdogExpired(life));
            _isResetting = false;
            life.Hold();
            _isHeld = true;
            life.Debugged = (vcpu, packet) =>
            {
                IDomainDebugger? debugger = Debugger;
                debugger?.Stopped(vcpu, packet);
                return debugger is not null;
            };
            Debugger?.Began(life);
            // What was changed while the devices were made.
            foreach (Disk disk in Backends?.Disks ?? []) disk.TellLength();
            foreach (NetworkCard card in Backends?.Cards ?? []) card.TellLink();
            if (_stopped is { } end) life.Stop(end);
            if (_wantsToRun) Go();
            _made.TrySetResult();
        }
    }

    /// <summary>The processors of a life have ended. Blocks while the domain stays.</summary>
    /// <param name="end">How its run ended; corrected where someone stopped it in the same moment.</param>
    /// <returns>Whether another life is to follow.</returns>
    internal bool End(ref DomainEnd end)
    {
        lock (_gate)
        {
            bool reboots = TakeEnd(ref end);
            if (_life is { } life) Volatile.Write(ref _lastStatistics, DomainStatistics.Of(life));
            _life = null;
            _isHeld = false;
            // What the guest did not let go while it ran, it has let go now.
            if (reboots) ForgetUnplugged();
            return reboots;
        }
    }

    /// <summary>Looks at the current life, which lasts at least as long as that.</summary>
    /// <param name="look">Looks; it must not block for long.</param>
    /// <param name="hold">Whether the processors are to be held meanwhile.</param>
    /// <typeparam name="T">What is seen.</typeparam>
    /// <returns>What was seen; null while there is no life.</returns>
    internal T? Look<T>(Func<Domain, T> look, bool hold = false)
        where T : class
    {
        lock (_gate)
        {
            if (_life is not { } life) return null;
            if (hold) life.Hold();
            try
            {
                return look(life);
            }
            finally
            {
                if (hold) life.Release();
            }
        }
    }

    /// <summary>Who is told when processors stop for a debugger; null for nobody.</summary>
    internal IDomainDebugger? Debugger
    {
        get => Volatile.Read(ref _debugger);
        set => Volatile.Write(ref _debugger, value);
    }

    /// <summary>Tells of something that the domain's devices met.</summary>
    /// <remarks>Takes no lock: whoever holds the processors holds it, and a processor may wait for the device that tells.</remarks>
    internal void Raise(DomainEvent happened) => Raised?.Invoke(happened);

    private bool HasEnded => _state is RunState.Shutdown or RunState.GuestPanicked or RunState.InternalError;

    private bool TakeEnd(ref DomainEnd end)
    {
        // Who resets in the moment of a stop is stopped: the next life would be, too.
        if (_stopped is { } stopped)
        {
            if (end.Kind == DomainEndKind.Reset) end = stopped;
            return false;
        }
        bool byHost = _isResetting;
        if (end.Kind == DomainEndKind.Reset && _options.Reboot)
        {
            if (!byHost) Began(ShutdownCause.GuestReset);
            return true;
        }
        bool stays = _options.StayAfterShutdown && end.Kind != DomainEndKind.DebugExit;
        if (end.Kind == DomainEndKind.GuestPanic) Raised?.Invoke(new DomainEvent.GuestPanicked(stays));
        if (end.Kind != DomainEndKind.GuestPanic || !stays) Raised?.Invoke(new DomainEvent.Shutdown(Cause(end.Kind, byHost)));
        if (!stays) return false;
        _isResetting = false;
        _wantsToRun = false;
        Halt(end.Kind switch
        {
            DomainEndKind.PowerOff or DomainEndKind.Reset => RunState.Shutdown,
            DomainEndKind.GuestPanic => RunState.GuestPanicked,
            _ => RunState.InternalError,
        });
        while (_stopped is null && !_isResetting) Monitor.Wait(_gate);
        return _stopped is null;
    }

    private static ShutdownCause Cause(DomainEndKind kind, bool byHost) => kind switch
    {
        DomainEndKind.PowerOff or DomainEndKind.DebugExit => ShutdownCause.GuestShutdown,
        DomainEndKind.Reset => byHost ? ShutdownCause.HostQmpSystemReset : ShutdownCause.GuestReset,
        DomainEndKind.TripleFault => ShutdownCause.GuestReset,
        DomainEndKind.GuestPanic => ShutdownCause.GuestPanic,
        _ => ShutdownCause.HostError,
    };

    /// <summary>A reset was taken on. A domain that runs is still said to run.</summary>
    private void Began(ShutdownCause cause)
    {
        Raised?.Invoke(new DomainEvent.Reset(cause));
        if (_state != RunState.Running) _state = RunState.Prelaunch;
    }

    private void Halt(RunState state)
    {
        if (!_isHeld) _life?.Hold();
        _isHeld = true;
        bool ran = _state == RunState.Running;
        _state = state;
        if (ran) Raised?.Invoke(new DomainEvent.Stop());
    }

    private void Go()
    {
        bool ran = _state == RunState.Running;
        _state = RunState.Running;
        if (!ran) Raised?.Invoke(new DomainEvent.Resume());
        if (_isHeld) _life?.Release();
        _isHeld = false;
    }
}
