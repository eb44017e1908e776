using Hospes.Machine;

namespace Hospes.Vmm.CommandLine;

/// <summary>
/// Reads the command line of a domain's process, which is QEMU's (qemu(1)). What refers to something by name may stand in front of it: options are
/// collected first, and brought together in an order of their own.
/// </summary>
public sealed class CommandLineParser : IDeviceReferences
{
    private readonly MachineArguments _machine = new();
    private readonly ChardevArguments _chardevs = new();
    private readonly NetdevArguments _networks = new();
    private readonly BlockArguments _disks = new();
    private readonly MonitorArguments _monitors;
    private readonly DomainArguments _domain = new();
    private readonly ObjectArguments _objects = new();
    private readonly List<(string Option, string Argument, OptionKind Kind, OptionSet Set)> _later = [];

    private CommandLineParser() => _monitors = new MonitorArguments(_chardevs);

    /// <summary>Reads a command line.</summary>
    /// <param name="arguments">The arguments, without the program's name.</param>
    /// <param name="error">What is wrong, in QEMU's words and with the option in front; null when nothing is. It may have several lines.</param>
    /// <returns>What the command line asks for, or null.</returns>
    public static VmmCommandLine? TryParse(IReadOnlyList<string> arguments, out string? error) => new CommandLineParser().Parse(arguments, out error);

    /// <inheritdoc/>
    DiskOptions? IDeviceReferences.TakeDisk(string model, string name, out string? error) => _disks.Take(model, name, out error);

    /// <inheritdoc/>
    NetworkOptions? IDeviceReferences.TakeNetwork(string name, out string? error) => _networks.Take(name, out error);

    /// <inheritdoc/>
    bool IDeviceReferences.HasObject(string name) => _objects.HasGenerator(name);

    /// <inheritdoc/>
    MemoryBackend? IDeviceReferences.TakeMemory(string name, out string? error)
    {
        MemoryBackend? backend = _objects.TakeMemory(name, out error);
        if (backend is not null) error = _machine.TakeRoom(backend.Size);
        return error is null ? backend : null;
    }

    private VmmCommandLine? Parse(IReadOnlyList<string> arguments, out string? error)
    {
        error = null;
        for (int i = 0; i < arguments.Count; i++)
        {
            string option = arguments[i];
            string name = option.StartsWith("--", StringComparison.Ordinal) ? option[2..] : option.StartsWith('-') ? option[1..] : "";
            if (name.Length == 0) error = $"{option}: a disk image without an option is not supported; use -drive if=virtio,file=";
            else if (!OptionTable.TryFind(name, out OptionKind kind)) error = $"{option}: invalid option";
            else if (kind == OptionKind.Foreign) error = $"{option}: not supported by this program, see docs/qemu.md";
            else if (kind == OptionKind.Help) return new VmmCommandLine { Machine = _machine.Config, WantsManual = true };
            else if (kind == OptionKind.Version) return Answered(HelpText.Version);
            else if (OptionTable.HasArgument(kind))
            {
                if (++i == arguments.Count) error = $"{option}: requires an argument";
                else if (HelpText.TryAnswer(kind, arguments[i], out string? answer)) return Answered(answer!);
                else if (Take(option, arguments[i], kind) is { } refused) error = $"{option} {arguments[i]}: {refused}";
            }
            else
            {
                Take(kind);
            }
            if (error is not null) return null;
        }
        return Combine(out error);
    }

    private VmmCommandLine Answered(string text) => new() { Machine = _machine.Config, Answer = text };

    /// <summary>Takes an option without an argument.</summary>
    private void Take(OptionKind kind)
    {
        if (kind == OptionKind.EnableKvm) _machine.AddEngine("kvm");
        else if (kind is OptionKind.NoDefaults or OptionKind.NoGraphic) _monitors.Take(kind);
        else _domain.Take(kind);
    }

    /// <summary>Takes an option with its argument: at once, or when everything that it may refer to is known.</summary>
    private string? Take(string option, string argument, OptionKind kind)
    {
        if (Implied(kind) is not { } implied)
        {
            return kind switch
            {
                OptionKind.Cpu => _machine.SetCpu(argument),
                OptionKind.Monitor or OptionKind.Qmp or OptionKind.QmpPretty or OptionKind.Serial => _monitors.Add(option, kind, argument),
                OptionKind.Cdrom => _disks.AddCdrom(argument),
                OptionKind.Absent => argument == "none" ? null : $"Parameter 'type' does not accept value '{argument}'",
                _ => _domain.Take(kind, argument),
            };
        }
        if (OptionSet.TryParse(argument, implied.Length == 0 ? null : implied, out string? error) is not { } set) return error;
        switch (kind)
        {
            case OptionKind.Machine:
                return _machine.SetMachine(set);
            case OptionKind.Accelerator:
                return _machine.AddAccelerator(set);
            case OptionKind.Memory:
                return _machine.SetMemory(set);
            case OptionKind.Smp:
                return _machine.SetSmp(set);
            case OptionKind.Chardev:
                return _chardevs.Add(set, $"{option} {argument}");
            case OptionKind.Object:
                return _objects.Add(set);
            case OptionKind.Netdev:
                return _networks.Add(set);
            case OptionKind.Blockdev:
                return _disks.AddBlockdev(set);
            case OptionKind.Drive:
                return _disks.AddDrive(set);
            case OptionKind.Name or OptionKind.Action or OptionKind.Message or OptionKind.Vnc or OptionKind.Sandbox or OptionKind.Clock:
                return _domain.Take(kind, set);
            default:
                _later.Add((option, argument, kind, set));
                return null;
        }
    }

    /// <summary>For an option with parameters, the one that a first part without a name belongs to; null for other options.</summary>
    private static string? Implied(OptionKind kind) => kind switch
    {
        OptionKind.Machine => "type",
        OptionKind.Accelerator => "accel",
        OptionKind.Memory => "size",
        OptionKind.Smp => "cpus",
        OptionKind.Chardev => "backend",
        OptionKind.Object => "qom-type",
        OptionKind.Netdev => "type",
        OptionKind.Blockdev => "driver",
        OptionKind.Device => "driver",
        OptionKind.Mon => "chardev",
        OptionKind.Name => "guest",
        OptionKind.Vnc => "vnc",
        OptionKind.Sandbox => "enable",
        OptionKind.Drive or OptionKind.Action or OptionKind.Message or OptionKind.Clock => "",
        _ => null,
    };

    private VmmCommandLine? Combine(out string? error)
    {
        error = _machine.TakeBackend(_objects);
        if (error is not null) return null;
        var devices = new DeviceArguments(this, _chardevs);
        foreach ((string option, string argument, OptionKind kind, OptionSet set) in _later)
        {
            error = kind == OptionKind.Mon ? _monitors.AddMon(set) : devices.Add(set);
            if (error is null) continue;
            error = $"{option} {argument}: {error}";
            return null;
        }
        error = _monitors.Finish();
        foreach (BlockDescription node in _disks.Virtio)
        {
            if (error is null && _disks.Take(node, out error) is { } disk) devices.AddDevice(disk);
        }
        if (error is null && _disks.Cdrom is { } cdrom && _disks.Take(cdrom, out error) is { } medium) devices.AddDevice(new ScsiOptions { Units = [new ScsiUnitOptions(medium) { IsDrive = true }] });
        if (error is not null) return null;
        return _domain.Complete(new VmmCommandLine
        {
            Machine = _machine.Config with { GenerationId = devices.GenerationId },
            Engines = _machine.Engines,
            CpuModel = _machine.CpuModel,
            Kernel = _machine.Kernel,
            Initrd = _machine.Initrd,
            Append = _machine.Append ?? "",
            Devices = devices.All,
            Chardevs = _chardevs.All,
            Monitors = _monitors.Monitors,
            Serial = _monitors.Serial,
            Warnings = [.. _networks.Unused.Select(static id => $"netdev {id} has no peer")],
        });
    }
}
