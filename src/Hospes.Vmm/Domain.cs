using Hospes.Builder;
using Hospes.Hypervisor;
using Hospes.Machine;
using Hospes.Vmm.Statistics;

namespace Hospes.Vmm;

/// <summary>
/// One life of a domain, from empty shell to end: created without memory, then built, then run once. A reset ends it; who wants
/// a reboot makes the next one. For one thread, but for <see cref="Stop"/>, <see cref="Console"/> and what is said to be for any.
/// </summary>
internal sealed class Domain : IDisposable
{
    private readonly VmmOptions _options;
    private readonly Guest _guest;
    // Replaced, not changed: others read them meanwhile.
    private Vcpu[] _vcpus = [];
    private readonly List<Thread> _threads = [];
    private readonly GuestTime _time;
    private readonly VcpuGate _gate;
    private readonly TaskCompletionSource<DomainEnd> _stop = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private PvhMachine? _machine;
    private DeviceSet? _devices;
    private readonly int[] _threadIds;
    private int _holds;

    private Domain(VmmOptions options, Guest guest, GuestTime time)
    {
        _options = options;
        _guest = guest;
        _time = time;
        _threadIds = new int[Math.Clamp(options.Machine.MostVcpus, 1, 255)];
        Counters = [.. _threadIds.Select(static _ => new VcpuCounters())];
        _gate = new VcpuGate(() =>
        {
            foreach (Vcpu vcpu in _vcpus) vcpu.Kick();
        });
    }

    /// <summary>Where console input goes in; null before the domain is built.</summary>
    public IInputPort? Console => _devices?.Console ?? _machine?.Console;

    /// <summary>The machine, once the domain is built.</summary>
    public PvhMachine? Machine => _machine;

    /// <summary>The devices, once the domain is built.</summary>
    public DeviceSet? Devices => _devices;

    /// <summary>The processors, once the domain is built.</summary>
    public IReadOnlyList<Vcpu> Vcpus => _vcpus;

    /// <summary>The guest's memory.</summary>
    public GuestMemory Memory => _guest.Memory;

    /// <summary>The host's ids of the processors' threads; 0 for one that has not begun. Any thread.</summary>
    public IReadOnlyList<int> ThreadIds => _threadIds;

    /// <summary>What the processors did, those too that may come. Any thread.</summary>
    public IReadOnlyList<VcpuCounters> Counters { get; }

    /// <summary>Tells a debugger that a processor stopped, on the processor's thread; false when there is none.</summary>
    public Func<int, Packet, bool>? Debugged { get; set; }

    /// <summary>Lets processors that stopped for a debugger go on, once they are not held.</summary>
    public void EndStalls() => _gate.EndStalls();

    /// <summary>Lets one processor run only, once they are not held.</summary>
    /// <param name="vcpu">Its number; null for all.</param>
    public void RunOnly(int? vcpu) => _gate.RunOnly(vcpu);

    /// <summary>Makes the empty shell.</summary>
    public static bool TryCreate(VmmOptions options, IEngine engine, out Domain? domain, out VmmFailure? failure)
    {
        domain = null;
        failure = null;
        using var resource = new HypervisorResource(engine);
        var time = new GuestTime(options.Time);
        var guestOptions = new GuestOptions { MaxVcpus = Math.Clamp(options.Machine.MostVcpus, 1, 255), CpuModel = options.CpuModel, Time = time, EngineSettings = EngineChoice.Settings(options.Engine) };
        Status status = Guest.Create(resource, guestOptions, out Guest? guest);
        if (guest is null)
        {
            failure = status == Status.InvalidArgs && options.CpuModel is not null
                ? new VmmFailure(VmmError.UnknownCpuModel, $"the engine '{engine.Name}' has no processor model '{options.CpuModel}'", "use max, and take features away as in max,-x2apic")
                : Refused(engine, "guest", status);
            return false;
        }

        domain = new Domain(options, guest, time);
        return true;
    }

    /// <summary>Makes the machine on the guest, populates its memory, and sets its boot processor to the kernel's entry.</summary>
    /// <returns>Null, or why not; the domain is of no further use then.</returns>
    public VmmFailure? Build(DeviceBackends devices, Action<BuildProgress>? progress)
    {
        _devices = devices.Create();
        MachineError error = PvhMachine.Create(
            _guest, _options.Machine, devices.Console, _options.HostMemory, out PvhMachine? machine, out string message, _devices.All);
        if (machine is null) return Split(error, message);
        _machine = machine;
        if (!_options.Kernel.TryRead(out byte[] kernel, out BuildFailure? unread)) return new VmmFailure(VmmError.Build, Sentence(unread!), BuildErrors.Remedy(unread!.Error));
        var context = new BootContext
        {
            Memory = _guest.Memory,
            MemoryMap = [.. machine.MemoryMap.Select(static entry => new Builder.MemoryMapEntry(entry.Address, entry.Size, (Builder.MemoryKind)entry.Kind))],
            Kernel = kernel,
            KernelName = _options.KernelName,
            CommandLine = _options.CommandLine,
            Initrd = _options.Initrd,
            RsdpAddress = machine.RsdpAddress,
        };
        if (!DomainBuilder.TryBuild(context, out BootState? boot, out BuildFailure? failure, progress))
            return new VmmFailure(VmmError.Build, Sentence(failure), BuildErrors.Remedy(failure.Error));
        for (int i = 0; i < _options.Machine.Vcpus; i++)
        {
            Status status = _guest.CreateVcpu(out Vcpu? vcpu);
            if (vcpu is null) return Refused("virtual processor", status);
            _vcpus = [.. _vcpus, vcpu];
        }

        var state = new VcpuState();
        Status set = _vcpus[0].ReadState(state);
        if (set != Status.Ok) return Refused("processor state", set);
        boot.ApplyTo(state);
        set = _vcpus[0].WriteState(state);
        return set == Status.Ok ? null : Refused("state of the kernel's entry", set);
    }

    /// <summary>Runs every processor on a thread of its own until the domain ends. Once, after <see cref="Build"/>.</summary>
    /// <param name="started">Called on this thread once every processor has its own.</param>
    public DomainEnd Run(Action? started = null)
    {
        PvhMachine machine = _machine ?? throw new InvalidOperationException("the domain is not built");
        lock (_threads)
        {
            foreach (Vcpu vcpu in _vcpus) Start(vcpu, machine);
        }
        try
        {
            started?.Invoke();
            Task.WhenAny(machine.Completion, _stop.Task).GetAwaiter().GetResult();
        }
        finally
        {
            _gate.End();
            // No processor comes any more: one that would, finds the gate closed.
            Thread[] threads;
            lock (_threads) threads = [.. _threads];
            foreach (Thread thread in threads) thread.Join();
        }
        machine.FlushConsole();
        if (machine.Completion.Exception is { } fault) Stop(new DomainEnd(DomainEndKind.HostFault, Detail: $"a device: {fault.InnerException}"));
        // A guest that powered itself off did so, even when someone stopped it in the same moment; a fault of the host counts first.
        return _stop.Task is { IsCompleted: true, Result.Kind: DomainEndKind.HostFault } || !machine.Completion.IsCompletedSuccessfully
            ? _stop.Task.Result
            : Translate(machine.Completion.Result);
    }

    /// <summary>Plugs a further processor in, with the next number. One thread at a time, and not a processor's.</summary>
    /// <returns>Null, or why not.</returns>
    public VmmFailure? AddVcpu()
    {
        PvhMachine machine = _machine ?? throw new InvalidOperationException("the domain is not built");
        Status status = _guest.CreateVcpu(out Vcpu? vcpu);
        if (vcpu is null) return Refused("virtual processor", status);
        _vcpus = [.. _vcpus, vcpu];
        lock (_threads)
        {
            // Before the run, the run starts it with the others.
            if (_threads.Count > 0) Start(vcpu, machine);
        }
        machine.TellProcessor(vcpu.Id);
        return null;
    }

    /// <summary>Ends the run from outside. Any thread; the first end counts.</summary>
    public void Stop(DomainEnd end) => _stop.TrySetResult(end);

    /// <summary>Holds the processors and the guest's time; when this returns, neither goes on. One thread at a time, and
    /// not a processor's. Holds add up.</summary>
    public void Hold()
    {
        _gate.Hold();
        if (Interlocked.Increment(ref _holds) == 1) _time.Stop();
    }

    /// <summary>Ends one hold. One thread at a time.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holds) == 0) _time.Resume();
        _gate.Release();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Vcpu vcpu in _vcpus) vcpu.Dispose();
        _machine?.Dispose();
        _devices?.Dispose();
        _guest.Dispose();
    }

    private void Start(Vcpu vcpu, PvhMachine machine)
    {
        var thread = new Thread(() => RunVcpu(vcpu, machine)) { Name = $"vcpu {vcpu.Id}", IsBackground = true };
        _threads.Add(thread);
        thread.Start();
    }

    private void RunVcpu(Vcpu vcpu, PvhMachine machine)
    {
        VcpuCounters counters = Counters[vcpu.Id];
        try
        {
            _threadIds[vcpu.Id] = ThreadId();
            counters.Begin(_threadIds[vcpu.Id]);
            Status status = vcpu.Bind();
            if (!_gate.Enter(vcpu.Id)) return;
            try
            {
                while (status == Status.Ok)
                {
                    status = vcpu.Run(out Packet packet);
                    counters.Count(status, packet.Kind);
                    if (status == Status.Ok && packet.Kind == PacketKind.Debug)
                    {
                        Packet stop = packet;
                        if (!_gate.Stall(vcpu.Id, () => Debugged?.Invoke(vcpu.Id, stop) ?? false)) return;
                        continue;
                    }
                    if (status == Status.Ok && !machine.Handle(vcpu, packet)) return;
                    if (status == Status.Canceled && _gate.Pass(vcpu.Id)) status = Status.Ok;
                }
            }
            finally
            {
                _gate.Leave();
                counters.End();
            }

            if (status != Status.Canceled) Stop(new DomainEnd(DomainEndKind.HostFault, Detail: $"processor {vcpu.Id} stopped with the status {status}"));
        }
#pragma warning disable CA1031 // A fault of the engine or of a device ends this domain, not the process beside it.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            Stop(new DomainEnd(DomainEndKind.HostFault, Detail: $"processor {vcpu.Id}: {fault}"));
        }
    }

    /// <summary>The host's id of the calling thread: the last part of where its link leads (proc(5), /proc/thread-self).</summary>
    private static int ThreadId() =>
        int.TryParse(Path.GetFileName(new FileInfo("/proc/thread-self").LinkTarget), System.Globalization.NumberStyles.None, null, out int id) ? id : 0;

    private static DomainEnd Translate(MachineExit exit) => new(
        exit.Kind switch
        {
            MachineExitKind.PowerOff => DomainEndKind.PowerOff,
            MachineExitKind.Reset => DomainEndKind.Reset,
            MachineExitKind.DebugExit => DomainEndKind.DebugExit,
            MachineExitKind.TripleFault => DomainEndKind.TripleFault,
            MachineExitKind.GuestPanic => DomainEndKind.GuestPanic,
            _ => throw new InvalidOperationException($"the machine ended with {exit.Kind}"),
        },
        exit.Value);

    private VmmFailure Refused(string what, Status status) => new(
        VmmError.EngineRefused, $"the engine made no {what} ({status})", status == Status.NoMemory ? "free memory on the host, or give the guest less" : "choose another engine with --engine");

    private static VmmFailure Refused(IEngine engine, string what, Status status) => new(
        VmmError.EngineRefused, $"the engine {engine.Name} made no {what} ({status})", status == Status.NoMemory ? "free memory on the host" : "choose another engine with --engine");

    private static string Sentence(BuildFailure failure) => failure.Detail is null ? BuildErrors.Cause(failure.Error) : $"{BuildErrors.Cause(failure.Error)} ({failure.Detail})";

    /// <summary>The machine's messages have cause and remedy in one line already.</summary>
    private static VmmFailure Split(MachineError error, string message)
    {
        int at = message.IndexOf("; ", StringComparison.Ordinal);
        return at < 0
            ? new VmmFailure(VmmError.Machine, $"the machine cannot be made ({error}): {message}", "change its configuration")
            : new VmmFailure(VmmError.Machine, message[..at], message[(at + 2)..]);
    }
}
