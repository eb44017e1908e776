using Hospes.Display;
using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>The devices of one life of a domain: made before the machine, ended after it.</summary>
public sealed class DeviceSet : IDisposable
{
    private readonly List<MachineDevice> _devices = [];
    private readonly List<IConsoleEnd> _ends = [];
    private readonly List<(VirtioDevice Device, Action Leave)> _leaving = [];

    /// <summary>The devices and root ports, in the order of their places on the bus: for <see cref="PvhMachine.Create"/>.</summary>
    public IReadOnlyList<MachineDevice> All => _devices;

    /// <summary>The console that people type into, if there is one beside the serial port.</summary>
    public IInputPort? Console { get; internal set; }

    /// <summary>Ends the devices. The machine was disposed before.</summary>
    public void Dispose()
    {
        foreach (IConsoleEnd end in _ends) end.Detach();
        foreach (MachineDevice device in _devices) End(device);
    }

    /// <summary>Ends a device that the machine let go.</summary>
    /// <param name="device">One of <see cref="All"/>.</param>
    public void Remove(MachineDevice device)
    {
        if (_devices.Remove(device)) End(device);
    }

    internal void Add(DeviceOptions options, VirtioDevice? device) => _devices.Add(new MachineDevice(device, options.Id, options.Bus)
    {
        IsPanicNotice = options is PanicNoticeOptions,
        IsWatchdog = options is WatchdogOptions,
        Memory = options as MemoryOptions,
    });

    /// <summary>Makes a device that people use.</summary>
    internal InputDevice MakeInput(InputOptions options, InputHub hub)
    {
        var device = new InputDevice(options.IsTablet ? InputModel.Tablet : InputModel.Keyboard);
        var target = new InputTarget(device);
        hub.Attach(target);
        _leaving.Add((device, () => hub.Detach(target)));
        return device;
    }

    /// <summary>Adds a console whose ports have ends of their own.</summary>
    internal ConsoleDevice MakePorts(IReadOnlyList<ConsolePortOptions> options)
    {
        var ports = new ConsolePort?[options.Count > 0 ? options[^1].Number + 1 : 1];
        foreach (ConsolePortOptions option in options)
        {
            var port = new ConsolePort(new EndBackend(option.End), option.Name, option.IsConsole);
            ports[option.Number] = port;
            if (option.End is not { } end) continue;
            _ends.Add(end);
            end.Attach(new VirtioInput(port));
        }
        return new ConsoleDevice(ports);
    }

    private void End(MachineDevice device)
    {
        foreach ((VirtioDevice leaving, Action leave) in _leaving)
        {
            if (leaving == device.Device) leave();
        }
        device.Device?.Dispose();
    }

    /// <summary>Hands a port's output to the host's end.</summary>
    private sealed class EndBackend(IConsoleSink? end) : IConsoleBackend
    {
        public void Write(ReadOnlySpan<byte> bytes) => end?.Write(bytes);
    }
}
