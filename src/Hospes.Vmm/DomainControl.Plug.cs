using Hospes.Machine;

namespace Hospes.Vmm;

/// <summary>Devices that come and go while the domain runs. They stay over its lives.</summary>
public sealed partial class DomainControl
{
    private readonly HashSet<string> _leaving = [];

    private readonly SortedDictionary<int, string?> _processors = [];

    /// <summary>How many processors the domain has now, those that were plugged in too.</summary>
    internal int Processors
    {
        get
        {
            lock (_gate) return _options.Machine.Vcpus + _processors.Count;
        }
    }

    /// <summary>The name that a processor was plugged in under, or null.</summary>
    internal string? ProcessorName(int id)
    {
        lock (_gate) return _processors.GetValueOrDefault(id);
    }

    /// <summary>Plugs a processor in.</summary>
    /// <param name="id">Its number: the next one.</param>
    /// <param name="name">Its name, or null.</param>
    /// <returns>Null, or why not.</returns>
    internal VmmFailure? PlugProcessor(int id, string? name)
    {
        lock (_gate)
        {
            if (_life is not { } life || id != _options.Machine.Vcpus + _processors.Count) return new VmmFailure(VmmError.Machine, "The domain does not run", "");
            VmmFailure? failure = life.AddVcpu();
            if (failure is null) _processors.Add(id, name);
            return failure;
        }
    }

    /// <summary>What the devices are made of now, in the order of their places; those that were plugged in last.</summary>
    internal IReadOnlyList<DeviceOptions> Devices => Backends?.Options ?? _options.Devices;

    /// <summary>Plugs a device into a root port.</summary>
    /// <param name="options">The device; it has a name that no other has, or none, and names a root port unless any will do.</param>
    /// <param name="refused">With null, what was wrong with what is behind the device.</param>
    /// <returns>How that ended; null when the device could not be made, or there is no life of the domain.</returns>
    internal PlugResult? Plug(DeviceOptions options, out DeviceFailure? refused)
    {
        lock (_gate)
        {
            refused = _life?.Machine is null ? new DeviceFailure("The domain does not run", "") : null;
            if (_life is not { Machine: { } machine, Devices: { } set } || Backends is not { } backends) return null;
            refused = backends.TryAdd(options, set, out MachineDevice? device);
            if (device is null) return null;
            PlugResult result = machine.Plug(device);
            if (result == PlugResult.Done) return result;
            set.Remove(device);
            backends.Remove(options);
            return result;
        }
    }

    /// <summary>Asks the guest to let a device go; <see cref="DomainEvent.DeviceDeleted"/> follows when it has.</summary>
    /// <param name="name">The device's name.</param>
    /// <param name="surprise">Whether it is pulled out without asking.</param>
    /// <returns>How that ended; null when there is no life of the domain.</returns>
    internal PlugResult? Unplug(string name, bool surprise)
    {
        lock (_gate)
        {
            if (_life is not { Machine: { } machine } life) return null;
            PlugResult result = surprise ? machine.Remove(name) : machine.RequestUnplug(name);
            if (result == PlugResult.Requested) _leaving.Add(name);
            if (result == PlugResult.Done) Forget(name, life);
            return result;
        }
    }

    private void FinishUnplug(string name, Domain life)
    {
        lock (_gate)
        {
            if (_life == life && life.Machine!.Remove(name) == PlugResult.Done) Forget(name, life);
        }
    }

    private void ForgetUnplugged()
    {
        foreach (string name in (string[])[.. _leaving]) Forget(name, null);
    }

    private void Forget(string name, Domain? life)
    {
        _leaving.Remove(name);
        if (life?.Devices is { } set && set.All.FirstOrDefault(device => device.Name == name) is { } device) set.Remove(device);
        if (Backends is { } backends && backends.Options.FirstOrDefault(options => options.Id == name) is { } options) backends.Remove(options);
        Raised?.Invoke(new DomainEvent.DeviceDeleted(name));
    }
}
