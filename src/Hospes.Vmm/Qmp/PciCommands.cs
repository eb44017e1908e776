using System.Text.Json.Nodes;
using Hospes.Machine;
using Hospes.Qmp;
using Hospes.Qmp.Schema;

namespace Hospes.Vmm.Qmp;

/// <summary>The command that shows the PCI bus (QEMU, <c>qapi/pci.json</c>).</summary>
internal sealed class PciCommands(DomainControl control)
{
    /// <summary>The names that QEMU has for classes of devices that there are here.</summary>
    private static readonly Dictionary<int, string> s_classes = new()
    {
        [0x0100] = "SCSI controller",
        [0x0200] = "Ethernet controller",
        [0x0600] = "Host bridge",
        [0x0604] = "PCI bridge",
    };

    /// <summary>The commands.</summary>
    public IEnumerable<QmpCommand> Commands
    {
        get
        {
            var range = new QmpObject(new("base", QmpType.Unsigned), new("limit", QmpType.Unsigned));
            var bus = new QmpObject(
                new("number", QmpType.Integer), new("secondary", QmpType.Integer), new("subordinate", QmpType.Integer), new("io_range", range), new("memory_range", range),
                new("prefetchable_range", range));
            var region = new QmpObject(
                new("bar", QmpType.Integer), new("type", QmpType.Text), new("address", QmpType.Integer), new("size", QmpType.Integer),
                new("prefetch", QmpType.Bool, IsOptional: true), new("mem_type_64", QmpType.Bool, IsOptional: true));
            var device = new QmpObject(
                new("bus", QmpType.Integer), new("slot", QmpType.Integer), new("function", QmpType.Integer),
                new("class_info", new QmpObject(new("desc", QmpType.Text, IsOptional: true), new("class", QmpType.Integer))),
                new("id", new QmpObject(
                    new("device", QmpType.Integer), new("vendor", QmpType.Integer), new("subsystem", QmpType.Integer, IsOptional: true),
                    new("subsystem-vendor", QmpType.Integer, IsOptional: true))),
                new("irq", QmpType.Integer, IsOptional: true), new("irq_pin", QmpType.Integer), new("qdev_id", QmpType.Text), new("regions", new QmpArray(region)));
            var bridge = new QmpObject(new("bus", bus), new("devices", new QmpArray(device), IsOptional: true));
            device.Add(new QmpMember("pci_bridge", bridge, IsOptional: true));
            yield return new(
                "query-pci", QmpObject.Empty, new QmpArray(new QmpObject(new("bus", QmpType.Integer), new("devices", new QmpArray(device)))), _ =>
                new JsonArray(new JsonObject { ["bus"] = 0, ["devices"] = Describe(Report()) }));
        }
    }

    /// <summary>The bus now; empty while no life of the domain is there.</summary>
    public IReadOnlyList<PciFunctionReport> Report() => control.Look(static life => life.Machine!.ReportPci()) ?? [];

    /// <summary>The name of a class, if QEMU has one.</summary>
    public static string? ClassName(PciFunctionReport function) => s_classes.GetValueOrDefault(function.Class);

    /// <summary>The device's id; empty for none.</summary>
    public static string Id(PciFunctionReport function) => function.Name ?? "";

    private static JsonArray Describe(IEnumerable<PciFunctionReport> functions) => new([.. functions.Select(Describe)]);

    private static JsonObject Describe(PciFunctionReport function)
    {
        var kind = new JsonObject { ["class"] = function.Class };
        if (ClassName(function) is { } name) kind["desc"] = name;
        var id = new JsonObject { ["device"] = function.Device, ["vendor"] = function.Vendor };
        if (function.Bridge is null)
        {
            id["subsystem"] = function.Subsystem;
            id["subsystem-vendor"] = function.SubsystemVendor;
        }
        var device = new JsonObject
        {
            ["irq_pin"] = function.Pin,
            ["bus"] = function.Bus,
            ["qdev_id"] = Id(function),
            ["slot"] = function.Slot,
            ["class_info"] = kind,
            ["id"] = id,
            ["function"] = 0,
            ["regions"] = new JsonArray([.. function.Regions.Select(Describe)]),
        };
        if (function.Pin != 0) device["irq"] = function.Line;
        if (function.Bridge is { } bridge) device["pci_bridge"] = Describe(bridge);
        return device;
    }

    private static JsonObject Describe(PciBridgeReport bridge)
    {
        var described = new JsonObject
        {
            ["bus"] = new JsonObject
            {
                ["number"] = bridge.Primary,
                ["secondary"] = bridge.Secondary,
                ["subordinate"] = bridge.Subordinate,
                // There is no I/O window: a bridge that has none reads as base and limit zero.
                ["io_range"] = Range((0, 0xFFF)),
                ["memory_range"] = Range(bridge.Memory),
                ["prefetchable_range"] = Range(bridge.Prefetchable),
            },
        };
        if (bridge.Secondary != 0) described["devices"] = Describe(bridge.Below);
        return described;
    }

    private static JsonObject Range((ulong First, ulong Last) range) => new() { ["base"] = range.First, ["limit"] = range.Last };

    private static JsonObject Describe(PciRegionReport region) => new()
    {
        ["bar"] = region.Bar,
        ["type"] = "memory",
        ["address"] = (long?)region.Address ?? -1,
        ["size"] = region.Size,
        ["prefetch"] = region.IsPrefetchable,
        ["mem_type_64"] = region.IsWide,
    };
}
