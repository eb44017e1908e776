using Hospes.Storage;
using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>Disks and drives, by themselves or behind a SCSI host device.</summary>
public sealed partial class DeviceBackends
{
    private DeviceFailure? OpenScsi(ScsiOptions options)
    {
        var units = new List<(ScsiUnitOptions Options, Disk Disk)>();
        foreach (ScsiUnitOptions unit in options.Units)
        {
            if (OpenDisk(unit.Disk, unit.IsDrive, out Disk? disk) is { } failure)
            {
                foreach ((ScsiUnitOptions before, _) in units) RemoveDisk(before.Disk);
                return failure;
            }
            units.Add((unit, disk!));
        }
        _makers = [.. _makers, new Maker(options, _ => MakeScsi(options, units))];
        return null;
    }

    private static ScsiDevice MakeScsi(ScsiOptions options, List<(ScsiUnitOptions Options, Disk Disk)> units)
    {
        ScsiUnitSettings[] settings = [.. units.Select(static unit => new ScsiUnitSettings(unit.Options.Target, unit.Options.Lun, unit.Disk)
        {
            Serial = unit.Disk.Options.Serial,
            IsReadOnly = unit.Options.IsDrive || unit.Disk.Options.IsReadOnly,
            Tray = unit.Disk.Tray,
            Gate = unit.Disk.Gate,
        })];
        var device = new ScsiDevice(settings, options.Queues);
        for (int i = 0; i < settings.Length; i++)
        {
            ScsiUnitSettings unit = settings[i];
            units[i].Disk.Begin(() => device.CapacityChanged(unit));
        }
        return device;
    }

    private DeviceFailure? OpenDisk(DiskOptions options, bool isRemovable, out Disk? disk)
    {
        disk = null;
        BlockNode? node = null;
        if (options.IsEmpty && !isRemovable) return new DeviceFailure("a disk has no image", "give one");
        if (!options.IsEmpty && OpenNode(options, out node) is { } failure) return failure;
        var opened = new Disk(options, Blocks, node, _time, isRemovable);
        if (node is not null && !Blocks.TryUse(node, opened)) return new DeviceFailure($"the block node '{options.NodeName}' is in use", "give another one");
        opened.Failed = (at, error) => DiskFailed?.Invoke(at, error);
        if (opened.Tray is { } tray) tray.Moved = isOpen => TrayMoved?.Invoke(opened, isOpen);
        _disks = [.. _disks, opened];
        disk = opened;
        return null;
    }

    private DeviceFailure? OpenNode(DiskOptions options, out BlockNode? node)
    {
        if (options.IsPresent)
        {
            node = Blocks.Find(options.NodeName!);
            return node is null ? new DeviceFailure($"there is no block node '{options.NodeName}'", "add it first") : null;
        }
        node = null;
        BlockDriver? format = null;
        if (options.Format is { } name)
        {
            if (!ImageFormats.TryParse(name, out ImageFormat parsed)) return new DeviceFailure($"there is no image format '{name}'", "give raw or qcow2");
            format = parsed == ImageFormat.Qcow2 ? BlockDriver.Qcow2 : BlockDriver.Raw;
        }
        var file = new BlockNodeOptions { Name = options.FileNodeName, Driver = BlockDriver.File, Path = options.Path };
        if (Blocks.TryAdd(new BlockNodeOptions { Name = options.NodeName, Driver = format, File = file, IsReadOnly = options.IsReadOnly }, out node, out BlockGraphFailure? failure)) return null;
        return failure.Cause is { } cause
            ? new DeviceFailure($"the disk '{options.Path}' cannot be opened: {cause.Cause}", cause.Remedy)
            : new DeviceFailure($"there are two block nodes '{failure.Name}'", "give each a name of its own");
    }

    /// <summary>Lets a disk go. As with QEMU, a drive goes with its device; a node that was given a name stays until it is removed.</summary>
    private void RemoveDisk(DiskOptions options)
    {
        if (_disks.Find(disk => ReferenceEquals(disk.Options, options)) is not { } found) return;
        _disks = [.. _disks.Where(other => other != found)];
        found.TakeOut();
    }
}
