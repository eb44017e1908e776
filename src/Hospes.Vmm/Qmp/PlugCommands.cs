using System.Text.Json.Nodes;
using Hospes.Machine;
using Hospes.Qmp;
using Hospes.Qmp.Schema;
using Hospes.Vmm.CommandLine;

namespace Hospes.Vmm.Qmp;

/// <summary>Commands that plug devices in and take them out (QEMU, <c>qapi/qdev.json</c>), and the event of one that is out.</summary>
internal sealed class PlugCommands(DomainControl control)
{
    /// <summary>The event of a device that is out.</summary>
    public static QmpEventType DeletedEvent { get; } = new("DEVICE_DELETED", new QmpObject(new("device", QmpType.Text, IsOptional: true), new("path", QmpType.Text)));

    /// <summary>The commands.</summary>
    public IEnumerable<QmpCommand> Commands
    {
        get
        {
            var device = new QmpObject(new("driver", QmpType.Text), new("bus", QmpType.Text, IsOptional: true), new("id", QmpType.Text, IsOptional: true)) { IsOpen = true };
            yield return new("device_add", device, QmpObject.Empty, arguments => Add(arguments.Object.GetRawText()));
            yield return new("device_del", new QmpObject(new QmpMember("id", QmpType.Text)), QmpObject.Empty, arguments => Remove(arguments.Required("id"), surprise: false));
        }
    }

    /// <summary>What the event tells.</summary>
    public static JsonObject Describe(string name) => new() { ["device"] = name, ["path"] = $"/machine/peripheral/{name}" };

    /// <summary>Plugs a device in.</summary>
    /// <param name="text">Its model and properties, as <c>-device</c> has them or in JSON.</param>
    public QmpResult Add(string text)
    {
        if (control.Backends is not { } backends) return QmpError.Generic("The domain does not run");
        IReadOnlyList<DeviceOptions> present = backends.Options;
        var arguments = new DeviceArguments(new Present(backends), new ChardevArguments())
        {
            Ports = [.. present.Where(static at => at is RootPortOptions && at.Id is not null).Select(static at => at.Id!)],
        };
        string? error = null;
        if (OptionSet.TryParse(text, "driver", out error) is not { } set) return QmpError.Generic(error!);
        if (set.Entries.Any(static entry => entry is { Key: "driver", Value: ProcessorCommands.Model })) return ProcessorCommands.Add(control, set);
        error = arguments.Add(set);
        // What follows in further lines is help for people at a command line.
        if (error is not null) return QmpError.Generic(error.Split('\n')[0]);
        DeviceOptions options = arguments.All[0];
        if (options.Id is not null && present.Any(at => at.Id == options.Id)) return QmpError.Generic($"Duplicate device ID '{options.Id}'");
        if (options is RootPortOptions || set.Entries.Any(static entry => entry is { Key: "bus", Value: DeviceArguments.RootBus }))
            return QmpError.Generic($"Bus '{DeviceArguments.RootBus}' does not support hotplugging");
        return control.Plug(options, out DeviceFailure? failure) switch
        {
            PlugResult.Done => QmpResult.Done,
            null => QmpError.Generic(failure!.Cause),
            _ when options.Bus is null => QmpError.Generic($"PCI: no slot/function available for {DeviceModels.NameOf(options)}, all in use or reserved"),
            _ => QmpError.Generic($"PCI: slot 0 function 0 not available for {DeviceModels.NameOf(options)}, in use by another device"),
        };
    }

    /// <summary>Takes a device out.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="surprise">Whether it is pulled out without asking the guest.</param>
    public QmpResult Remove(string name, bool surprise) => control.Unplug(name, surprise) switch
    {
        PlugResult.Done or PlugResult.Requested => QmpResult.Done,
        PlugResult.AlreadyRequested => QmpError.Generic($"Device {name} is already in the process of unplug"),
        PlugResult.NotHotpluggable => QmpError.Generic($"Bus '{DeviceArguments.RootBus}' does not support hotplugging"),
        null => QmpError.Generic("The domain does not run"),
        _ when Enumerable.Range(0, control.Processors).Any(id => control.ProcessorName(id) == name) => QmpError.Generic("CPU hot-unplug is not supported"),
        _ when control.Devices.Any(at => at.Id == name) => QmpError.Generic($"Bus '{DeviceArguments.RootBus}' does not support hotplugging"),
        _ => QmpError.NoDevice(name),
    };

    /// <summary>What a domain that runs has for a further device.</summary>
    private sealed class Present(DeviceBackends backends) : IDeviceReferences
    {
        public DiskOptions? TakeDisk(string model, string name, out string? error)
        {
            BlockNode? node = backends.Blocks.Find(name);
            error = node is null ? $"Property '{model}.drive' can't find value '{name}'"
                : node.User is not null || node.Above is not null ? $"Node '{name}' is already in use by another device" : null;
            return error is null ? new DiskOptions(node!.Path) { NodeName = name, IsPresent = true, IsReadOnly = node.IsReadOnly } : null;
        }

        public NetworkOptions? TakeNetwork(string name, out string? error)
        {
            NetworkBackend? backend = backends.Networks.Find(name);
            error = backend is null ? $"Property 'virtio-net-pci.netdev' can't find value '{name}'"
                : backend.Card is not null ? $"Property 'virtio-net-pci.netdev' can't take value '{name}', it's in use" : null;
            return error is null ? new PresentNetworkOptions { Backend = name, Pairs = backend!.Options.Pairs } : null;
        }

        // Memory is set aside when the machine is made.
        public MemoryBackend? TakeMemory(string name, out string? error)
        {
            error = $"Property 'virtio-mem-pci.memdev' can't find value '{name}'";
            return null;
        }

        // A source of entropy is the host's generator, whatever it is called.
        public bool HasObject(string name) => true;
    }
}
