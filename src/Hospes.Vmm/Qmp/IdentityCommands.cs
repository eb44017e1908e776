using System.Text.Json.Nodes;
using Hospes.Qmp;
using Hospes.Qmp.Schema;

namespace Hospes.Vmm.Qmp;

/// <summary>Commands that say what a domain is: name, machine, processors (QEMU, <c>qapi/misc.json</c>, <c>qapi/machine.json</c>).</summary>
internal sealed class IdentityCommands(DomainRunner runner)
{
    /// <summary>The name of the machine, as QEMU has it for one of this kind.</summary>
    public const string MachineName = "xenpvh";

    /// <summary>As many processors as xAPIC ids.</summary>
    private const int MostProcessors = 255;

    private const string Target = "x86_64";

    /// <summary>The commands.</summary>
    public IEnumerable<QmpCommand> Commands
    {
        get
        {
            var name = new QmpObject(new QmpMember("name", QmpType.Text, IsOptional: true));
            var machine = new QmpObject(
                new("name", QmpType.Text), new("alias", QmpType.Text, IsOptional: true), new("is-default", QmpType.Bool, IsOptional: true),
                new("cpu-max", QmpType.Integer), new("hotpluggable-cpus", QmpType.Bool), new("numa-mem-supported", QmpType.Bool),
                new("deprecated", QmpType.Bool), new("default-cpu-type", QmpType.Text, IsOptional: true), new("default-ram-id", QmpType.Text, IsOptional: true));
            var properties = new QmpObject(
                new("socket-id", QmpType.Integer, IsOptional: true), new("core-id", QmpType.Integer, IsOptional: true), new("thread-id", QmpType.Integer, IsOptional: true));
            var target = new QmpEnum(Target);
            var processor = new QmpObject(
                new("cpu-index", QmpType.Integer), new("qom-path", QmpType.Text), new("thread-id", QmpType.Integer), new("props", properties, IsOptional: true), new("target", target));
            yield return new("query-name", QmpObject.Empty, name, _ => QueryName());
            yield return new("query-uuid", QmpObject.Empty, new QmpObject(new QmpMember("UUID", QmpType.Text)), _ => new JsonObject { ["UUID"] = Uuid });
            yield return new("query-vm-generation-id", QmpObject.Empty, new QmpObject(new QmpMember("guid", QmpType.Text)), _ => QueryGeneration());
            yield return new("query-kvm", QmpObject.Empty, new QmpObject(new("enabled", QmpType.Bool), new("present", QmpType.Bool)), _ => QueryKvm());
            yield return new("query-target", QmpObject.Empty, new QmpObject(new QmpMember("arch", target)), _ => new JsonObject { ["arch"] = Target });
            yield return new("query-machines", QmpObject.Empty, new QmpArray(machine), _ => QueryMachines());
            yield return new("query-cpus-fast", QmpObject.Empty, new QmpArray(processor), _ => QueryProcessors());
        }
    }

    /// <summary>The domain's UUID in QEMU's writing.</summary>
    public string Uuid => runner.Control.Options.Uuid.ToString("D");

    private JsonObject QueryName() => runner.Control.Options.Name is { } name ? new JsonObject { ["name"] = name } : [];

    private QmpResult QueryGeneration() => runner.Control.Options.Machine.GenerationId is { } guid
        ? new JsonObject { ["guid"] = guid.ToString("D") }
        : QmpError.Generic("VM Generation ID device not found");

    private JsonObject QueryKvm() => new()
    {
        ["enabled"] = runner.EngineName == EngineChoice.Kvm,
        ["present"] = File.Exists(Hypervisor.Kvm.KvmEngine.DevicePath),
    };

    // Not a collection expression: that adds by a generic method, which machine code cannot have.
    private static JsonArray QueryMachines() => new(
        new JsonObject
        {
            ["name"] = MachineName,
            ["is-default"] = true,
            ["cpu-max"] = MostProcessors,
            ["hotpluggable-cpus"] = true,
            ["numa-mem-supported"] = false,
            ["deprecated"] = false,
            ["default-cpu-type"] = ProcessorCommands.Model,
        });

    private JsonArray QueryProcessors()
    {
        IReadOnlyList<int> threads = runner.Control.Look(static life => life.ThreadIds) ?? [];
        var processors = new JsonArray();
        for (int index = 0; index < runner.Control.Processors; index++)
        {
            processors.Add((JsonNode)new JsonObject
            {
                ["thread-id"] = index < threads.Count ? threads[index] : 0,
                ["props"] = ProcessorCommands.Place(index),
                ["qom-path"] = ProcessorCommands.Path(runner.Control, index),
                ["cpu-index"] = index,
                ["target"] = Target,
            });
        }
        return processors;
    }
}
