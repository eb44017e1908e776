using System.Diagnostics;
using System.Text.Json.Nodes;
using Hospes.Machine;
using Hospes.Storage;

namespace Hospes.Vmm.Qmp;

/// <summary>Block nodes and drives as QEMU's monitors show them.</summary>
internal static class BlockReport
{
    /// <summary>Where a device is in QEMU's tree: under its id, or under its number among those without one.</summary>
    public static string Path(DomainControl control, DeviceOptions device) => device.Id is { } id
        ? $"/machine/peripheral/{id}"
        : $"/machine/peripheral-anon/device[{control.Devices.Where(static other => other.Id is null).TakeWhile(other => !ReferenceEquals(other, device)).Count()}]";

    /// <summary>The name of a driver.</summary>
    public static string Name(BlockDriver driver) => driver switch
    {
        BlockDriver.File => "file",
        BlockDriver.Raw => "raw",
        _ => "qcow2",
    };

    /// <summary>What a disk is attached to, as QEMU names it: a virtio device has the disk in a part of its own, without a name.</summary>
    public static string Device(DomainControl control, Disk disk) =>
        control.Devices.Any(device => ReferenceEquals(device, disk.Options)) ? $"{Path(control, disk.Options)}/virtio-backend" : disk.Options.Id ?? Path(control, disk.Options);

    /// <summary>A drive: <c>BlockInfo</c>.</summary>
    public static JsonObject Drive(DomainControl control, Disk disk)
    {
        var drive = new JsonObject
        {
            ["io-status"] = "ok",
            ["device"] = disk.Options.Drive ?? "",
            ["locked"] = disk.Tray?.IsLocked ?? false,
            ["removable"] = disk.Tray is not null,
            ["qdev"] = Device(control, disk),
            ["type"] = "unknown",
        };
        if (disk.Tray is { } tray) drive["tray_open"] = tray.IsOpen;
        if (disk.Node is { } node) drive["inserted"] = Node(node);
        return drive;
    }

    /// <summary>A node: <c>BlockDeviceInfo</c>.</summary>
    public static JsonObject Node(BlockNode node)
    {
        var info = new JsonObject
        {
            ["detect_zeroes"] = "off",
            ["image"] = Image(node),
            ["ro"] = node.IsReadOnly,
            ["node-name"] = node.Name,
            ["backing_file_depth"] = Chain(node).Count(),
            ["drv"] = Name(node.Driver),
            ["write_threshold"] = 0,
            ["encrypted"] = false,
            ["cache"] = new JsonObject { ["no-flush"] = false, ["direct"] = false, ["writeback"] = true },
            ["file"] = node.Path,
        };
        ThrottleCommands.Describe(node.User?.Gate.Limits ?? new(), info);
        return info;
    }

    /// <summary>What was done to a drive: <c>BlockStats</c>.</summary>
    public static JsonObject Statistics(DomainControl control, Disk disk)
    {
        var statistics = new JsonObject { ["device"] = disk.Options.Drive ?? "", ["stats"] = Counts(disk), ["qdev"] = Device(control, disk) };
        if (disk.Node is not { } node) return statistics;
        statistics["node-name"] = node.Name;
        if (node.File is { } file) statistics["parent"] = Statistics(file);
        return statistics;
    }

    /// <summary>What was done to a node, and to the file below; only whoever uses it counts.</summary>
    public static JsonObject Statistics(BlockNode node)
    {
        var statistics = new JsonObject { ["stats"] = Counts(node.User), ["node-name"] = node.Name };
        if (node.File is { } file) statistics["parent"] = Statistics(file);
        return statistics;
    }

    private static JsonObject Image(BlockNode node)
    {
        ImageInfo? info = Inspect(node.Path, node.Driver == BlockDriver.Qcow2 ? ImageFormat.Qcow2 : ImageFormat.Raw);
        var image = new JsonObject
        {
            ["virtual-size"] = node.Length,
            ["filename"] = node.Path,
            ["format"] = Name(node.Driver),
            ["dirty-flag"] = info?.Qcow2?.Dirty ?? false,
        };
        if (info is not null) image["actual-size"] = info.SpaceUsed;
        if (info?.Qcow2 is not { } qcow2) return image;
        image["cluster-size"] = qcow2.ClusterSize;
        if (qcow2.BackingFile is { } backing) image["backing-filename"] = backing;
        if (qcow2.BackingFormat is { } format) image["backing-filename-format"] = format;
        return image;
    }

    /// <summary>The backing files, the nearest first.</summary>
    private static IEnumerable<string> Chain(BlockNode node)
    {
        ImageInfo? info = node.Driver == BlockDriver.Qcow2 ? Inspect(node.Path, ImageFormat.Qcow2) : null;
        for (int depth = 0; depth < DiskImage.MaxChain && info?.BackingPath is { } path; depth++)
        {
            yield return path;
            info = Inspect(path, ImageFormats.TryParse(info.Qcow2!.BackingFormat ?? "", out ImageFormat format) ? format : null);
        }
    }

    private static ImageInfo? Inspect(string path, ImageFormat? format) => ImageInspector.TryRead(path, format, shared: true, out ImageInfo? info, out _) ? info : null;

    private static JsonObject Counts(Disk? disk)
    {
        var counts = new JsonObject
        {
            ["wr_highest_offset"] = disk?.HighestWrite ?? 0,
            ["account_invalid"] = false,
            ["account_failed"] = false,
            ["timed_stats"] = new JsonArray(),
        };
        Add("rd", disk?.Reads ?? default);
        Add("wr", disk?.Writes ?? default);
        Add("unmap", disk?.Discards ?? default);
        Add("flush", disk?.Flushes ?? default);
        return counts;

        void Add(string kind, DiskTotals totals)
        {
            counts[$"{kind}_operations"] = totals.Operations;
            counts[$"failed_{kind}_operations"] = totals.Failed;
            counts[$"invalid_{kind}_operations"] = 0;
            counts[$"{kind}_total_time_ns"] = (long)((Int128)totals.Ticks * 1_000_000_000 / Stopwatch.Frequency);
            if (kind == "flush") return;
            counts[$"{kind}_bytes"] = totals.Bytes;
            counts[$"{kind}_merged"] = 0;
        }
    }
}
