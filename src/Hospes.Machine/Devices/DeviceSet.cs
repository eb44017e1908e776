using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>The devices of one life of a domain: made before the machine, ended after it.</summary>
public sealed class DeviceSet : IDisposable
{
    private readonly List<VirtioDevice> _devices = [];

    /// <summary>The devices, in the order of their places on the bus: for <see cref="PvhMachine.Create"/>.</summary>
    public IReadOnlyList<VirtioDevice> All => _devices;

    /// <summary>The console that people type into, if there is one beside the serial port.</summary>
    public IInputPort? Console { get; internal set; }

    /// <summary>Ends the devices. The machine was disposed before.</summary>
    public void Dispose()
    {
        foreach (VirtioDevice device in _devices) device.Dispose();
    }

    internal void Add(VirtioDevice device) => _devices.Add(device);
}
