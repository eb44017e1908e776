using Hospes.Hypervisor;
using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>
/// The PCI side of a machine: the host bridge, its root ports, and the virtio devices on them. Devices are plugged in and taken out on the host's
/// threads, one at a time.
/// </summary>
internal sealed class PciDevices : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Guest _guest;
    private readonly Action<Exception> _failed;
    private readonly Action _panicked, _expired;
    private readonly List<PciBridge> _ports = [];
    private readonly List<Plugged> _plugged = [];
    private readonly List<VirtioPci> _retired = [];
    private readonly Dictionary<PciBridge, PciFunction> _gone = [];

    private PciDevices(Guest guest, PciHostBridge bridge, Action<Exception> failed, Action panicked, Action expired)
    {
        _guest = guest;
        _panicked = panicked;
        _expired = expired;
        _failed = failed;
        Bridge = bridge;
    }

    /// <summary>The host bridge.</summary>
    public PciHostBridge Bridge { get; }

    /// <summary>Told the name of a device whose power the guest took away, on a vCPU's thread.</summary>
    public Action<string>? Released { get; set; }

    /// <summary>Builds it.</summary>
    /// <param name="guest">The guest.</param>
    /// <param name="config">The machine's configuration; it has PCI.</param>
    /// <param name="router">The wires for INTx.</param>
    /// <param name="devices">What is on the bus, in order; what names no port goes behind the ports of the configuration as far as these reach, then
    /// on bus 0.</param>
    /// <param name="failed">Told of faults of a device's own code, on its thread.</param>
    /// <param name="panicked">Told that the guest's kernel panicked, on a vCPU's thread.</param>
    /// <param name="expired">Told that a watchdog expired, on a timer's thread.</param>
    /// <returns>Null when the bus or its windows have too little room, or a device names a port that is not there.</returns>
    public static PciDevices? TryBuild(
        Guest guest, MachineConfig config, InterruptRouter router, IReadOnlyList<MachineDevice> devices, Action<Exception> failed, Action panicked, Action expired)
    {
        var built = new PciDevices(guest, new PciHostBridge(config, router), failed, panicked, expired);
        var free = new Queue<PciBridge>();
        bool fits = true;
        for (int port = 0; port < config.PciRootPorts && fits; port++)
        {
            fits = built.AddPort(null);
            if (fits) free.Enqueue(built._ports[^1]);
        }
        foreach (MachineDevice device in devices)
        {
            if (!fits) break;
            if (device is { Device: null, IsPanicNotice: false, IsWatchdog: false }) fits = built.AddPort(device.Name);
            else if (device.Bus is null) fits = built.Add(device, free.Count > 0 ? free.Dequeue() : null);
            else fits = built._ports.Find(port => port.Name == device.Bus) is { } named && built.Add(device, named);
        }
        if (fits && built.Bridge.Place())
        {
            foreach (PciBridge port in built._ports) port.Slot.Reset(port.Below.Functions.Any());
            return built;
        }
        built.Dispose();
        return null;
    }

    /// <summary>Reports the functions as they are set up now. Any thread.</summary>
    public IReadOnlyList<PciFunctionReport> Report()
    {
        lock (_gate) return PciReport.Of(Bridge.Root, 0, function => _plugged.Find(at => at.Function == function)?.Name ?? (function as PciBridge)?.Name);
    }

    /// <summary>Plugs a device in.</summary>
    public PlugResult Plug(MachineDevice device)
    {
        lock (_gate)
        {
            PciBridge? port = device.Bus is null ? _ports.Find(static port => !port.Below.Functions.Any()) : _ports.Find(port => port.Name == device.Bus);
            if (port is null) return device.Bus is null ? PlugResult.NoRoom : PlugResult.NotFound;
            if (!Add(device, port)) return PlugResult.NoRoom;
            if (_gone.Remove(port, out PciFunction? before)) Bridge.Memory.Forget(before);
            port.Slot.Change(isPresent: true);
            return PlugResult.Done;
        }
    }

    /// <summary>Asks the guest to let a device go.</summary>
    public PlugResult RequestUnplug(string name)
    {
        lock (_gate)
        {
            if (_plugged.Find(at => at.Name == name) is not { } plugged) return PlugResult.NotFound;
            if (plugged.Port is not { } port) return PlugResult.NotHotpluggable;
            if (port.Slot.IsOff)
            {
                TakeOut(plugged, port);
                return PlugResult.Done;
            }
            if (plugged.IsWanted) return PlugResult.AlreadyRequested;
            plugged.IsWanted = true;
            port.Slot.PressButton();
            return PlugResult.Requested;
        }
    }

    /// <summary>Takes a device out.</summary>
    public PlugResult Remove(string name)
    {
        lock (_gate)
        {
            if (_plugged.Find(at => at.Name == name) is not { } plugged) return PlugResult.NotFound;
            if (plugged.Port is not { } port) return PlugResult.NotHotpluggable;
            TakeOut(plugged, port);
            return PlugResult.Done;
        }
    }

    /// <summary>Stops the devices' workers. The vCPUs have stopped before.</summary>
    public void Dispose()
    {
        Plugged[] last;
        VirtioPci[] retired;
        // Someone may still be taking a device out; workers are waited for without the gate, which they may ask for.
        lock (_gate)
        {
            (last, retired) = ([.. _plugged], [.. _retired]);
            _plugged.Clear();
            _retired.Clear();
        }
        foreach (Plugged plugged in last)
        {
            plugged.Transport?.Dispose();
            (plugged.Function as IDisposable)?.Dispose();
        }
        foreach (VirtioPci transport in retired) transport.Dispose();
    }

    private bool AddPort(string? name)
    {
        var port = new PciBridge((byte)(_ports.Count + 1)) { Name = name };
        if (!Bridge.Add(Bridge.Root, port)) return false;
        _ports.Add(port);
        port.Slot.Released = () => Release(port);
        return true;
    }

    private bool Add(MachineDevice device, PciBridge? port)
    {
        PciBus bus = port?.Below ?? Bridge.Root;
        if (port is not null && bus.Functions.Any()) return false;
        if (device.Device is not { } behind)
        {
            PciFunction own = device.IsWatchdog ? new WatchdogFunction(_guest.Options.Time, _expired) : new PanicFunction(_panicked);
            _plugged.Add(new Plugged(device.Name, null, own, port));
            return Bridge.Add(bus, own);
        }
        var transport = new VirtioPci(behind, _guest.Memory);
        var function = new VirtioFunction(_guest, transport, Bridge.Memory, port is not null, _failed);
        if (!Bridge.Add(bus, function)) return false;
        _plugged.Add(new Plugged(device.Name, transport, function, port));
        transport.Connect(function);
        return true;
    }

    private void TakeOut(Plugged plugged, PciBridge port)
    {
        _plugged.Remove(plugged);
        Bridge.Memory.Leave(plugged.Function);
        port.Below.RemoveBelow();
        _gone[port] = plugged.Function;
        Bridge.Memory.Rebuild();
        // Traps stay as long as the guest, and a full bell holds a processor: somebody has to take what comes.
        if (plugged is { Transport: { } transport, Function: VirtioFunction function })
        {
            if (function.OwnsBells)
            {
                transport.Retire();
                _retired.Add(transport);
            }
            else
            {
                transport.Dispose();
            }
            function.SetLine(false);
        }
        (plugged.Function as IDisposable)?.Dispose();
        port.Slot.Change(isPresent: false);
    }

    /// <summary>On a vCPU's thread.</summary>
    private void Release(PciBridge port)
    {
        string? name;
        // Whoever plugs in or takes out holds no lock that a vCPU waits for.
        lock (_gate) name = _plugged.Find(at => at.Port == port)?.Name;
        if (name is not null) Released?.Invoke(name);
    }

    /// <summary>A device on the bus, or behind a port.</summary>
    private sealed record Plugged(string? Name, VirtioPci? Transport, PciFunction Function, PciBridge? Port)
    {
        /// <summary>Whether the guest was asked to let it go.</summary>
        public bool IsWanted { get; set; }
    }
}
