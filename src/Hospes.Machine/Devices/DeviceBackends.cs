using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>
/// What is behind a domain's devices on the host. It is opened once and stays over resets, while the devices themselves are made anew for each
/// life of the domain.
/// </summary>
public sealed class DeviceBackends
{
    private readonly IReadOnlyList<DeviceOptions> _options;
    private readonly SharedConsole _console;

    private DeviceBackends(IReadOnlyList<DeviceOptions> options, IConsoleSink console)
    {
        _options = options;
        _console = new SharedConsole(console);
    }

    /// <summary>Where all consoles of the domain write to.</summary>
    public IConsoleSink Console => _console;

    /// <summary>Opens everything.</summary>
    /// <param name="options">The devices that are wanted.</param>
    /// <param name="console">Where the console's output goes.</param>
    /// <param name="devices">What was opened, or null.</param>
    /// <returns>Null, or why not.</returns>
    public static DeviceFailure? TryOpen(IReadOnlyList<DeviceOptions> options, IConsoleSink console, out DeviceBackends? devices)
    {
        devices = new DeviceBackends(options, console);
        return null;
    }

    /// <summary>Makes the devices for one life.</summary>
    public DeviceSet Create()
    {
        var set = new DeviceSet();
        foreach (DeviceOptions option in _options)
        {
            switch (option)
            {
                case EntropyOptions:
                    set.Add(new EntropyDevice());
                    break;
                case ConsoleOptions:
                    var port = new ConsolePort(_console);
                    set.Console = new VirtioInput(port);
                    set.Add(new ConsoleDevice(port));
                    break;
            }
        }
        return set;
    }
}
