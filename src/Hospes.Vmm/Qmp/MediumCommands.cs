using System.Text.Json.Nodes;
using Hospes.Machine;
using Hospes.Qmp;
using Hospes.Qmp.Schema;
using Hospes.Vmm.CommandLine;

namespace Hospes.Vmm.Qmp;

/// <summary>Commands over trays and media (QEMU, <c>qapi/block.json</c>, <c>qapi/block-core.json</c>), and the event of a tray that moved.</summary>
internal sealed class MediumCommands(DomainControl control)
{
    /// <summary>The event of a tray that opened or closed.</summary>
    public static QmpEventType MovedEvent { get; } =
        new("DEVICE_TRAY_MOVED", new QmpObject(new("device", QmpType.Text), new("id", QmpType.Text), new("tray-open", QmpType.Bool)));

    /// <summary>The commands.</summary>
    public IEnumerable<QmpCommand> Commands
    {
        get
        {
            QmpMember device = new("device", QmpType.Text, IsOptional: true), id = new("id", QmpType.Text, IsOptional: true), force = new("force", QmpType.Bool, IsOptional: true);
            var name = new QmpMember("id", QmpType.Text);
            yield return new("eject", new QmpObject(device, id, force), QmpObject.Empty, arguments => On(arguments, disk => Eject(disk, arguments)));
            yield return new("blockdev-open-tray", new QmpObject(device, id, force), QmpObject.Empty, arguments => On(arguments, disk => Open(disk, arguments)));
            yield return new("blockdev-close-tray", new QmpObject(device, id), QmpObject.Empty, arguments => On(arguments, disk => Close(disk, arguments)));
            yield return new("blockdev-remove-medium", new QmpObject(name), QmpObject.Empty, arguments => On(arguments, disk => Remove(disk, arguments)));
            yield return new(
                "blockdev-insert-medium", new QmpObject(name, new("node-name", QmpType.Text)), QmpObject.Empty, arguments =>
                On(arguments, disk => Insert(disk, arguments)));
            yield return new(
                "blockdev-change-medium",
                new QmpObject(
                    device, id, new("filename", QmpType.Text), new("format", QmpType.Text, IsOptional: true), force,
                    new("read-only-mode", new QmpEnum("retain", "read-only", "read-write"), IsOptional: true)),
                QmpObject.Empty, arguments => On(arguments, disk => Change(disk, arguments)));
        }
    }

    /// <summary>What the event tells.</summary>
    public static JsonObject Describe(DomainControl control, DomainEvent.TrayMoved moved) => new()
    {
        ["device"] = moved.Disk.Options.Drive ?? "",
        ["id"] = BlockReport.Device(control, moved.Disk),
        ["tray-open"] = moved.IsOpen,
    };

    private QmpResult On(QmpArguments arguments, Func<Disk, QmpError?> act)
    {
        string? device = arguments.Text("device"), id = arguments.Text("id");
        if (device is null == id is null) return QmpError.Generic("Need exactly one of 'device' and 'id'");
        Disk? disk = control.Backends?.Disks.FirstOrDefault(disk => device is not null ? disk.Options.Drive == device : disk.Options.Id == id);
        if (disk is null) return QmpError.NoDevice(device ?? id!);
        return act(disk) is { } error ? error : QmpResult.Done;
    }

    private static string Name(QmpArguments arguments) => arguments.Text("device") ?? arguments.Required("id");

    private static QmpError NotRemovable(QmpArguments arguments) => QmpError.Generic($"Device '{Name(arguments)}' is not removable");

    /// <summary>Opens a tray, or asks the guest to unlock it.</summary>
    /// <returns>Null, or why it is still closed.</returns>
    private static QmpError? TryOpen(Disk disk, QmpArguments arguments)
    {
        if (disk.Tray is not { } tray) return NotRemovable(arguments);
        return tray.TryOpen(arguments.Bool("force") == true)
            ? null : QmpError.Generic($"Device '{Name(arguments)}' is locked and force was not specified, wait for tray to open and try again");
    }

    private static QmpError? Open(Disk disk, QmpArguments arguments)
    {
        if (disk.Tray is not { } tray) return NotRemovable(arguments);
        // As in QEMU, to have asked the guest is enough.
        tray.TryOpen(arguments.Bool("force") == true);
        return null;
    }

    private static QmpError? Close(Disk disk, QmpArguments arguments)
    {
        if (disk.Tray is not { } tray) return NotRemovable(arguments);
        tray.Close();
        return null;
    }

    private static QmpError? Remove(Disk disk, QmpArguments arguments)
    {
        if (disk.Tray is not { } tray) return NotRemovable(arguments);
        if (!tray.IsOpen) return QmpError.Generic($"Tray of device '{Name(arguments)}' is not open");
        disk.TakeOut();
        return null;
    }

    private static QmpError? Eject(Disk disk, QmpArguments arguments) => TryOpen(disk, arguments) ?? Remove(disk, arguments);

    private QmpError? Insert(Disk disk, QmpArguments arguments)
    {
        string name = arguments.Required("node-name");
        BlockNode? node = control.Backends?.Blocks.Find(name);
        return node is null ? QmpError.Generic($"Node '{name}' not found")
            : node.User is not null ? QmpError.Generic($"Node '{name}' is already in use")
            : PutIn(disk, node, arguments);
    }

    private static QmpError? PutIn(Disk disk, BlockNode node, QmpArguments arguments)
    {
        if (disk.Tray is not { } tray) return NotRemovable(arguments);
        if (!tray.IsOpen) return QmpError.Generic($"Tray of device '{Name(arguments)}' is not open");
        if (disk.Node is not null) return QmpError.Generic($"There already is a medium in device '{Name(arguments)}'");
        return disk.TryPutIn(node) ? null : QmpError.Generic($"Node '{node.Name}' is already in use");
    }

    /// <summary>Opens the new medium, then changes it for the old one, whose place it takes with the tray closed again.</summary>
    private QmpError? Change(Disk disk, QmpArguments arguments)
    {
        string path = arguments.Required("filename");
        string? format = arguments.Text("format");
        if (format is not (null or "raw" or "qcow2")) return QmpError.Generic($"Unknown driver '{format}'");
        bool isReadOnly = arguments.Text("read-only-mode") switch
        {
            "read-only" => true,
            "read-write" => false,
            _ => disk.Node?.IsReadOnly ?? true,
        };
        BlockGraph blocks = control.Backends!.Blocks;
        var options = new BlockNodeOptions
        {
            Driver = format switch
            {
                "raw" => BlockDriver.Raw,
                "qcow2" => BlockDriver.Qcow2,
                _ => null,
            },
            File = new BlockNodeOptions { Driver = BlockDriver.File, Path = path },
            IsReadOnly = isReadOnly,
        };
        if (!blocks.TryAdd(options, out BlockNode? node, out BlockGraphFailure? failure)) return QmpError.Generic(StorageWords.CannotOpen(failure.Name, failure.Cause!, format ?? "raw"));
        QmpError? error = Eject(disk, arguments) ?? PutIn(disk, node, arguments);
        if (error is null) return Close(disk, arguments);
        blocks.TryRemove(node.Name);
        return error;
    }
}
