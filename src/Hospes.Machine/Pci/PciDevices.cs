using Hospes.Hypervisor;
using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>The PCI side of a machine: the host bridge, its root ports, and the virtio devices on them.</summary>
internal sealed class PciDevices : IDisposable
{
    private readonly List<VirtioPci> _transports = [];
    private readonly List<VirtioFunction> _functions = [];

    private PciDevices(PciHostBridge bridge) => Bridge = bridge;

    /// <summary>The host bridge.</summary>
    public PciHostBridge Bridge { get; }

    /// <summary>Builds it.</summary>
    /// <param name="guest">The guest.</param>
    /// <param name="config">The machine's configuration; it has PCI.</param>
    /// <param name="router">The wires for INTx.</param>
    /// <param name="devices">The devices, in order: behind the root ports as far as these reach, then on bus 0.</param>
    /// <param name="failed">Told of faults of a device's own code, on its thread.</param>
    /// <returns>Null when the bus or its windows have too little room.</returns>
    public static PciDevices? TryBuild(
        Guest guest, MachineConfig config, InterruptRouter router, IReadOnlyList<VirtioDevice> devices, Action<Exception> failed)
    {
        var bridge = new PciHostBridge(config, router);
        var built = new PciDevices(bridge);
        var ports = new Queue<PciBridge>();
        bool fits = true;
        for (int port = 1; port <= config.PciRootPorts && fits; port++)
        {
            var root = new PciBridge((byte)port);
            fits = bridge.Add(bridge.Root, root);
            ports.Enqueue(root);
        }
        foreach (VirtioDevice device in devices)
        {
            if (!fits) break;
            PciBridge? port = ports.Count > 0 ? ports.Dequeue() : null;
            var transport = new VirtioPci(device, guest.Memory);
            built._transports.Add(transport);
            var function = new VirtioFunction(guest, transport, bridge.Memory, port is not null, failed);
            built._functions.Add(function);
            fits = bridge.Add(port?.Below ?? bridge.Root, function);
            if (fits) transport.Connect(function);
        }
        if (fits && bridge.Place()) return built;
        built.Dispose();
        return null;
    }

    /// <summary>Reports the functions as they are set up now. Any thread.</summary>
    public IReadOnlyList<PciFunctionReport> Report() => PciReport.Of(Bridge.Root, 0, function => _functions.FindIndex(at => at == function));

    /// <summary>Stops the devices' workers. The vCPUs have stopped before.</summary>
    public void Dispose()
    {
        foreach (VirtioPci transport in _transports) transport.Dispose();
        foreach (VirtioFunction function in _functions) function.Dispose();
    }
}
