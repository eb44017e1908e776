using System.Text.Json.Nodes;
using Hospes.Qmp;
using Hospes.Qmp.Schema;
using Hospes.Vmm.CommandLine;

namespace Hospes.Vmm.Qmp;

/// <summary>Processors that can be plugged in (QEMU, <c>qapi/machine.json</c>): each is a socket of its own, and they come in order.</summary>
internal sealed class ProcessorCommands(DomainControl control)
{
    /// <summary>The model of all processors.</summary>
    public const string Model = "max-x86_64-cpu";

    /// <summary>The commands.</summary>
    public IEnumerable<QmpCommand> Commands
    {
        get
        {
            var properties = new QmpObject(
                new("socket-id", QmpType.Integer, IsOptional: true), new("core-id", QmpType.Integer, IsOptional: true), new("thread-id", QmpType.Integer, IsOptional: true));
            var processor = new QmpObject(new("type", QmpType.Text), new("vcpus-count", QmpType.Integer), new("props", properties), new("qom-path", QmpType.Text, IsOptional: true));
            yield return new("query-hotpluggable-cpus", QmpObject.Empty, new QmpArray(processor), _ => Query());
        }
    }

    /// <summary>Where a processor is.</summary>
    public static JsonObject Place(int index) => new() { ["core-id"] = 0, ["thread-id"] = 0, ["socket-id"] = index };

    /// <summary>Where a processor is in QEMU's tree of objects.</summary>
    public static string Path(DomainControl control, int index) =>
        control.ProcessorName(index) is { } name ? $"/machine/peripheral/{name}" : $"/machine/unattached/device[{index}]";

    /// <summary>Plugs a processor in.</summary>
    /// <param name="control">The domain.</param>
    /// <param name="set">Its properties, with the model as <c>driver</c>.</param>
    public static QmpResult Add(DomainControl control, OptionSet set)
    {
        int most = control.Options.Machine.MostVcpus, next = control.Processors;
        var reader = new OptionReader(set);
        reader.Text("driver");
        string? name = reader.Identifier("id");
        if (reader.Text("socket-id") is null) reader.Fail("CPU socket-id is not set");
        long socket = reader.Number("socket-id", 0, byte.MaxValue) ?? 0;
        reader.Only("core-id", "0");
        reader.Only("thread-id", "0");
        if (reader.Error is null && socket >= most) reader.Fail($"Invalid CPU socket-id: {socket} must be in range 0:{most - 1}");
        if (reader.Error is null && socket < next) reader.Fail($"CPU[{socket}] with APIC ID {socket} exists");
        if (reader.Error is null && socket > next) reader.Fail($"CPUs are plugged in in order: socket-id {next} is the next");
        if (name is not null && (control.Devices.Any(at => at.Id == name) || Enumerable.Range(0, next).Any(id => control.ProcessorName(id) == name))) reader.Fail($"Duplicate device ID '{name}'");
        if (!reader.Finish(key => $"Property '{Model}.{key}' not found")) return QmpError.Generic(reader.Error!.Split('\n')[0]);
        return control.PlugProcessor((int)socket, name) is { } failure ? QmpError.Generic(failure.Cause) : QmpResult.Done;
    }

    private JsonArray Query()
    {
        var all = new JsonArray();
        int present = control.Processors;
        // QEMU lists the last one first.
        for (int index = control.Options.Machine.MostVcpus - 1; index >= 0; index--)
        {
            var processor = new JsonObject { ["props"] = Place(index), ["vcpus-count"] = 1, ["type"] = Model };
            if (index < present) processor["qom-path"] = Path(control, index);
            all.Add((JsonNode)processor);
        }
        return all;
    }
}
