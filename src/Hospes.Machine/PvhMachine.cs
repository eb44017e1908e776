using Hospes.Hypervisor;
using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>
/// The PVH machine on a guest: its memory, its devices, the tables that describe them, and the way from a vCPU's packet to a device.
/// Thread-safe: every vCPU's thread calls <see cref="Handle"/> for itself. The machine neither owns the guest nor its vCPUs.
/// </summary>
public sealed class PvhMachine : IDisposable
{
    /// <summary>A message to all processors, and its mode (Intel SDM volume 3, 11.11.1 and 11.11.2).</summary>
    private const ulong BroadcastDestination = 0xFF << 12;

    private const uint NmiMode = 4 << 8;

    private readonly TaskCompletionSource<MachineExit> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Guest _guest;
    private readonly PortSpace _ports;
    private readonly MemorySpace _memory;
    private readonly IoApic _ioApic;
    private readonly PicPair _pics;
    private readonly SerialOutput _output;
    private readonly CmosClock _clock;
    private readonly InterruptLine _event, _plugEvent;
    private readonly ProcessorPlug? _plug;
    private readonly ActionWatchdog? _watchdog;
    private PciDevices? _pci;
    private int _ended;

    private PvhMachine(Guest guest, MachineConfig config, IConsoleSink console)
    {
        _guest = guest;
        Config = config;
        MemoryMap = BuildMemoryMap(config);
        _ports = new PortSpace(guest);
        _memory = new MemorySpace(guest);
        _ioApic = new IoApic((address, data) => _guest.DeliverMessage(address, data) == Status.Ok);
        Func<byte>? acknowledge = null;
        _pics = new PicPair(level => _guest.SetExternalInterrupt(level, acknowledge!));
        acknowledge = _pics.Acknowledge;
        Router = new InterruptRouter(_ioApic, _pics);
        TimeProvider time = guest.Options.Time;
        _output = new SerialOutput(console, time);
        Console = new SerialPort(Router.Line(Dsdt.SerialGsi), _output);
        _clock = new CmosClock(time, Router.Line(Dsdt.ClockGsi), config.ClockOffset);
        _event = Router.Line(Dsdt.EventGsi);
        _plugEvent = Router.Line(ProcessorObjects.EventGsi);
        if (config.HasWatchdog) _watchdog = new ActionWatchdog(time, () => WatchdogExpired?.Invoke());
        if (config.MostVcpus > config.Vcpus) _plug = new ProcessorPlug(config.Vcpus, config.MostVcpus);
    }

    /// <summary>What the machine was made from.</summary>
    public MachineConfig Config { get; }

    /// <summary>The first serial port: where console input goes in.</summary>
    public SerialPort Console { get; }

    /// <summary>What a guest is to be told of its memory, in order of address.</summary>
    public IReadOnlyList<MemoryMapEntry> MemoryMap { get; }

    /// <summary>The guest-physical address of the ACPI root pointer.</summary>
    public ulong RsdpAddress => MachineLayout.AcpiBase;

    /// <summary>How the run ended; <see cref="MachineExitKind.None"/> while it has not.</summary>
    public MachineExit Exit => _completion.Task.IsCompletedSuccessfully ? _completion.Task.Result : default;

    /// <summary>Ends with the run; with an exception when a device's own code failed. Whoever runs the vCPUs kicks them then.</summary>
    public Task<MachineExit> Completion => _completion.Task;

    internal InterruptRouter Router { get; }

    /// <summary>Makes the machine: maps the guest's memory, writes the tables into it, sets the traps.</summary>
    /// <param name="guest">A guest without memory and traps; its handle needs <see cref="Rights.Write"/>.</param>
    /// <param name="config">What to make; it is checked first.</param>
    /// <param name="console">Where the serial port's output goes.</param>
    /// <param name="hostMemory">Bytes of memory that the host has.</param>
    /// <param name="machine">The machine, or null.</param>
    /// <param name="message">The cause and the remedy in one line; empty when all is well.</param>
    /// <param name="devices">What is on the PCI bus, in the order of its places; the machine does not own the devices.</param>
    public static MachineError Create(
        Guest guest, MachineConfig config, IConsoleSink console, ulong hostMemory, out PvhMachine? machine, out string message,
        IReadOnlyList<MachineDevice>? devices = null)
    {
        machine = null;
        MachineError error = MachineConfigCheck.Check(config, hostMemory, out message);
        if (error != MachineError.None) return error;
        error = MachineMemory.Map(guest.Memory, config, devices ?? [], out message);
        if (error == MachineError.None)
        {
            var made = new PvhMachine(guest, config, console);
            error = made.AddPci(devices ?? []);
            if (error == MachineError.None)
            {
                if (made.AddDevices() && made.WriteTables())
                {
                    machine = made;
                    return MachineError.None;
                }
                error = MachineError.GuestNotEmpty;
            }
            made.Dispose();
        }
        if (error == MachineError.PciRoom) message = "the PCI devices do not fit; give fewer, or larger windows with pci-mmio-size";
        if (error == MachineError.GuestNotEmpty) message = "the guest already has memory, traps or a closed handle; make the machine on a new one";
        return error;
    }

    /// <summary>Does what a vCPU's packet asks for. Allocates nothing.</summary>
    /// <param name="vcpu">The vCPU that gave the packet; its thread calls.</param>
    /// <param name="packet">What <see cref="Vcpu.Run"/> gave.</param>
    /// <returns>Whether the vCPU is to run on; false once the run has ended (<see cref="Exit"/>).</returns>
    public bool Handle(Vcpu vcpu, in Packet packet)
    {
        switch (packet.Kind)
        {
            case PacketKind.Io when packet.IsWrite:
                _ports.Write((ushort)packet.Address, packet.Size, (uint)packet.Data);
                break;
            case PacketKind.Io:
                vcpu.CompleteRead(_ports.Read((ushort)packet.Address, packet.Size));
                break;
            case PacketKind.Memory when packet.IsWrite:
                _memory.Write(packet);
                break;
            case PacketKind.Memory:
                vcpu.CompleteRead(_memory.Read(packet));
                break;
            case PacketKind.EndOfInterrupt:
                _ioApic.EndOfInterrupt((byte)packet.Address);
                break;
            case PacketKind.Shutdown:
                End(new MachineExit(MachineExitKind.TripleFault));
                break;
        }
        return Volatile.Read(ref _ended) == 0;
    }

    /// <summary>Tells the guest of a processor that was plugged in; whoever calls has made it run before. Any thread.</summary>
    /// <param name="id">Its APIC id, below <see cref="MachineConfig.MostVcpus"/>.</param>
    public void TellProcessor(int id)
    {
        if (_plug is not { } plug) throw new InvalidOperationException("the machine has no room for further processors");
        plug.Plug(id);
        _plugEvent.Set(true);
        _plugEvent.Set(false);
    }

    /// <summary>How far the guest's clock is ahead of what it showed at the start, since the guest set it.</summary>
    public TimeSpan ClockAhead => _clock.Ahead;

    /// <summary>Told that the guest set its clock, by a processor that waits. It must not block.</summary>
    public Action? ClockChanged
    {
        get => _clock.Changed;
        set => _clock.Changed = value;
    }

    /// <summary>Told that the guest let a watchdog expire, on a timer's thread. It must not block.</summary>
    public Action? WatchdogExpired { get; set; }

    /// <summary>Gives every processor an NMI, as the button that many servers have. Any thread.</summary>
    public void InjectNmi() => _guest.DeliverMessage(MachineLayout.LocalApicBase | BroadcastDestination, NmiMode);

    /// <summary>Presses the power button: asks the guest to shut down. Any thread.</summary>
    public void PressPowerButton()
    {
        _event.Set(true);
        _event.Set(false);
    }

    /// <summary>Told the name of a device whose power the guest took away, on a vCPU's thread: it is to be taken out then (<see cref="Remove"/>), from
    /// another thread. It must not block.</summary>
    public Action<string>? Released { get; set; }

    /// <summary>Plugs a device into a root port while the guest runs. Any thread but a vCPU's.</summary>
    /// <param name="device">The device, with a name, and with the port unless any will do.</param>
    /// <returns><see cref="PlugResult.Done"/>, <see cref="PlugResult.NotFound"/>, <see cref="PlugResult.NoRoom"/>, or
    /// <see cref="PlugResult.NotHotpluggable"/> on bus 0.</returns>
    public PlugResult Plug(MachineDevice device) => _pci?.Plug(device) ?? PlugResult.NoRoom;

    /// <summary>Asks the guest to let a device go; one in a slot without power is taken out at once. Any thread but a vCPU's.</summary>
    /// <param name="name">The device's name.</param>
    /// <returns><see cref="PlugResult.Done"/> when it is out, <see cref="PlugResult.Requested"/> or <see cref="PlugResult.AlreadyRequested"/> when
    /// <see cref="Released"/> follows, <see cref="PlugResult.NotFound"/>, <see cref="PlugResult.NotHotpluggable"/>.</returns>
    public PlugResult RequestUnplug(string name) => _pci?.RequestUnplug(name) ?? PlugResult.NotFound;

    /// <summary>Takes a device out, whatever the guest does with it. When this returns, it touches the guest no more. Any thread but a vCPU's.</summary>
    /// <param name="name">The device's name.</param>
    /// <returns><see cref="PlugResult.Done"/>, <see cref="PlugResult.NotFound"/> or <see cref="PlugResult.NotHotpluggable"/>.</returns>
    public PlugResult Remove(string name) => _pci?.Remove(name) ?? PlugResult.NotFound;

    /// <summary>Reports the functions on the root PCI bus, with those behind bridges, as they are set up now. Any thread.</summary>
    public IReadOnlyList<PciFunctionReport> ReportPci() => _pci?.Report() ?? [];

    /// <summary>Reports what answers in guest-physical memory now, in order of address. Any thread.</summary>
    public IReadOnlyList<MachineRegion> ReportMemory() => MachineReport.Memory(Config, _guest.Memory, ReportPci());

    /// <summary>Reports what answers at I/O ports, in order of their numbers. Any thread.</summary>
    public IReadOnlyList<MachineRegion> ReportPorts() => MachineReport.Ports(Config);

    /// <summary>Hands all output that still waits to the console's sink. Any thread but the sink's.</summary>
    public void FlushConsole() => _output.Drain();

    /// <summary>Stops the machine's devices and timers, and flushes the console. The vCPUs have stopped before.</summary>
    public void Dispose()
    {
        _pci?.Dispose();
        _watchdog?.Dispose();
        _clock.Dispose();
        _output.Dispose();
    }

    internal static MemoryMapEntry[] BuildMemoryMap(MachineConfig config)
    {
        List<MemoryMapEntry> map =
        [
            new(0, MachineLayout.LegacyHole, MemoryKind.Ram),
            new(MachineLayout.LegacyHole, MachineLayout.AcpiBase - MachineLayout.LegacyHole, MemoryKind.Reserved),
            new(MachineLayout.AcpiBase, MachineLayout.AcpiSize, MemoryKind.Acpi),
            new(MachineLayout.ExtendedMemory, config.LowMemory - MachineLayout.ExtendedMemory, MemoryKind.Ram),
        ];
        // The configuration window must be reserved for an operating system to believe in it (PCI Firmware 3.3, 4.1.2).
        if (config.HasPci) map.Add(new(config.PciEcamBase, config.PciEcamSize, MemoryKind.Reserved));
        if (config.HighMemory != 0) map.Add(new(config.RamHighBase, config.HighMemory, MemoryKind.Ram));
        map.Sort((one, other) => one.Address.CompareTo(other.Address));
        return [.. map];
    }

    private bool WriteTables()
    {
        byte[] tables = AcpiTables.Build(Config, MachineLayout.AcpiBase);
        if (Config.GenerationId is { } generation && !_guest.Memory.TryWrite(MachineLayout.GenerationId, generation.ToByteArray())) return false;
        return MachineLayout.AcpiBase + (ulong)tables.Length <= ResetVector.Address && _guest.Memory.TryWrite(MachineLayout.AcpiBase, tables)
            && _guest.Memory.TryWrite(ResetVector.Address, ResetVector.Code);
    }

    private MachineError AddPci(IReadOnlyList<MachineDevice> devices)
    {
        if (!Config.HasPci) return devices.Count == 0 ? MachineError.None : MachineError.PciRoom;
        _pci = PciDevices.TryBuild(_guest, Config, Router, devices, fault => _completion.TrySetException(fault),
            () => End(new MachineExit(MachineExitKind.GuestPanic)), () => WatchdogExpired?.Invoke());
        if (_pci is null) return MachineError.PciRoom;
        _pci.Released = name => Released?.Invoke(name);
        _memory.Unclaimed = _pci.Bridge.Memory;
        return MachineError.None;
    }

    private bool AddDevices()
    {
        Action reset = () => End(new MachineExit(MachineExitKind.Reset));
        PciHostBridge? bridge = _pci?.Bridge;
        var resets = new ResetPorts(reset);
        var timer = new IntervalTimer(_guest.Options.Time);
        List<Status> added =
        [
            _memory.Add(_ioApic, MachineLayout.IoApicBase, MachineLayout.IoApicSize),
            _ports.Add(_pics, PortMap.PicMaster, 2),
            _ports.Add(_pics, PortMap.PicSlave, 2),
            _ports.Add(_pics, PortMap.PicEdgeLevel, 2),
            _ports.Add(timer, PortMap.Timer, 4),
            _ports.Add(timer, PortMap.SystemControlB, 1),
            _ports.Add(_clock, PortMap.Clock, 2),
            _ports.Add(Console, PortMap.Serial, 8),
            _ports.Add(resets, PortMap.KeyboardCommand, 1),
            _ports.Add(resets, PortMap.SystemControlA, 1),
            _ports.Add(new PciPorts(bridge, reset), PortMap.PciAddress, 8),
            _ports.Add(new AcpiPower(() => End(new MachineExit(MachineExitKind.PowerOff))), PortMap.SleepControl, 2),
            _ports.Add(new PanicNotice(() => End(new MachineExit(MachineExitKind.GuestPanic))), PortMap.PanicNotice, 1),
        ];
        if (_watchdog is not null) added.Add(_ports.Add(_watchdog, PortMap.Watchdog, 16));
        if (_plug is not null) added.Add(_memory.Add(_plug, MachineLayout.ProcessorPlugBase, MachineLayout.ProcessorPlugSize));
        if (bridge is not null) added.Add(_memory.Add(bridge, Config.PciEcamBase, Config.PciEcamSize));
        if (Config.DebugExitPort is ushort port)
        {
            added.Add(_ports.Add(new DebugExit(value => End(new MachineExit(MachineExitKind.DebugExit, value))), port, DebugExit.PortCount));
        }
        if (Config.TestDevice)
        {
            var device = new TestDevice(Router);
            added.Add(_ports.Add(device, PortMap.TestStorage, TestDevice.StoragePorts));
            added.Add(_ports.Add(device, PortMap.TestLines, IoApic.Pins));
            added.Add(_ports.Add(new FirmwareConfig(Config), PortMap.FirmwareConfig, 2));
        }
        return added.TrueForAll(status => status == Status.Ok);
    }

    /// <summary>Ends the run; the first end counts.</summary>
    private void End(MachineExit exit)
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0) _completion.TrySetResult(exit);
    }
}
