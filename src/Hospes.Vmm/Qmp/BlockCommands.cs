using System.Text.Json;
using System.Text.Json.Nodes;
using Hospes.Machine;
using Hospes.Qmp;
using Hospes.Qmp.Schema;
using Hospes.Storage;
using Hospes.Vmm.CommandLine;

namespace Hospes.Vmm.Qmp;

/// <summary>
/// Commands over disks and block nodes (QEMU, <c>qapi/block-core.json</c>, <c>qapi/block.json</c>), and the event of a disk that fails.
/// </summary>
internal sealed class BlockCommands(DomainControl control)
{
    private const int LongestNodeName = 31;

    /// <summary>The event of a request that failed; QEMU holds it back likewise.</summary>
    public static QmpEventType FailureEvent { get; } = new("BLOCK_IO_ERROR", BlockTypes.Failure) { Interval = TimeSpan.FromSeconds(1) };

    /// <summary>The commands.</summary>
    public IEnumerable<QmpCommand> Commands
    {
        get
        {
            var name = new QmpObject(new QmpMember("node-name", QmpType.Text));
            var flat = new QmpObject(new QmpMember("flat", QmpType.Bool, IsOptional: true));
            yield return new("query-block", QmpObject.Empty, new QmpArray(BlockTypes.Drive), _ => List(Disks, disk => BlockReport.Drive(control, disk)));
            yield return new("query-named-block-nodes", flat, new QmpArray(BlockTypes.Node), _ => List(Nodes.Reverse(), BlockReport.Node));
            yield return new(
                "query-blockstats", new QmpObject(new QmpMember("query-nodes", QmpType.Bool, IsOptional: true)), new QmpArray(BlockTypes.Statistics), arguments =>
                arguments.Bool("query-nodes") == true ? List(Nodes.Reverse(), BlockReport.Statistics) : List(Disks, disk => BlockReport.Statistics(control, disk)));
            yield return new("blockdev-add", BlockTypes.Options, QmpObject.Empty, arguments => Add(arguments.Object));
            yield return new("blockdev-del", name, QmpObject.Empty, arguments => Remove(arguments.Required("node-name")));
            yield return new(
                "block_resize", new QmpObject(new("device", QmpType.Text, IsOptional: true), new("node-name", QmpType.Text, IsOptional: true), new("size", QmpType.Integer)),
                QmpObject.Empty, Resize);
        }
    }

    private IReadOnlyList<Disk> Disks => control.Backends?.Disks ?? [];

    private IReadOnlyList<BlockNode> Nodes => control.Backends?.Blocks.Nodes ?? [];

    /// <summary>A request that failed, as it is told.</summary>
    public static JsonObject Describe(DomainEvent.BlockError happened) => new()
    {
        ["device"] = happened.Disk.Options.Drive ?? "",
        ["node-name"] = happened.Disk.Node?.Name ?? "",
        ["operation"] = happened.Failure.IsWrite ? "write" : "read",
        ["action"] = "report",
        ["nospace"] = happened.Failure.Error == StorageError.NoSpace,
        ["reason"] = StorageWords.Reason(happened.Failure.Error),
    };

    private static JsonArray List<T>(IEnumerable<T> items, Func<T, JsonNode> describe) => [.. items.Select(describe)];

    private QmpResult Add(JsonElement arguments)
    {
        if (control.Backends is not { } backends) return QmpError.Generic("The domain does not run");
        if (!arguments.TryGetProperty("node-name", out _)) return QmpError.Generic("'node-name' must be specified for the root node");
        if (Read(arguments, out BlockNodeOptions? options) is { } error) return QmpError.Generic(error);
        return backends.Blocks.TryAdd(options!, out _, out BlockGraphFailure? failure) ? QmpResult.Done : QmpError.Generic(Words(failure, options!));
    }

    /// <summary>Reads what makes a node; the shape was checked.</summary>
    /// <returns>Null, or what is wrong.</returns>
    private static string? Read(JsonElement value, out BlockNodeOptions? options)
    {
        options = null;
        var members = new QmpArguments(value);
        string? name = members.Text("node-name");
        if (name is not null && !OptionReader.IsIdentifier(name)) return $"Invalid node-name: '{name}'";
        if (name?.Length > LongestNodeName) return "Node name too long";
        if (members["cache"] is { } cache && (new QmpArguments(cache).Bool("direct") == true || new QmpArguments(cache).Bool("no-flush") == true))
            return "The cache modes 'direct' and 'no-flush' are not supported";
        bool isReadOnly = members.Bool("read-only") == true;
        string driver = members.Required("driver");
        if (driver == "file")
        {
            string path = members.Required("filename");
            if (path.Length == 0) return "A block device must be specified for \"file\"";
            options = new BlockNodeOptions { Name = name, Driver = BlockDriver.File, Path = path, IsReadOnly = isReadOnly };
            return null;
        }
        options = new BlockNodeOptions { Name = name, Driver = driver == "qcow2" ? BlockDriver.Qcow2 : BlockDriver.Raw, IsReadOnly = isReadOnly };
        JsonElement file = members["file"]!.Value;
        if (file.ValueKind == JsonValueKind.String)
        {
            options = options with { FileName = file.GetString() };
            return null;
        }
        // A format over a format would hold the image of the one below, which is written by nobody else here.
        if (new QmpArguments(file).Required("driver") != "file") return $"The driver '{driver}' takes a node of the driver 'file' only";
        string? error = Read(file, out BlockNodeOptions? below);
        options = options with { File = below };
        return error;
    }

    private static string Words(BlockGraphFailure failure, BlockNodeOptions options) => failure.Error switch
    {
        BlockGraphError.DuplicateName => $"Duplicate nodes with node-name='{failure.Name}'",
        BlockGraphError.NotFound => $"Cannot find device='{failure.Name}' nor node-name='{failure.Name}'",
        BlockGraphError.ReadOnly => "Block node is read-only",
        BlockGraphError.Image => StorageWords.CannotOpen(failure.Name, failure.Cause!, BlockReport.Name(options.Driver ?? BlockDriver.Raw)),
        _ => $"Block device {failure.Name} is in use",
    };

    private QmpResult Remove(string name)
    {
        BlockNode? node = control.Backends?.Blocks.Find(name);
        BlockGraphFailure? failure = control.Backends?.Blocks.TryRemove(name);
        if (node is null) return QmpError.Generic($"Failed to find node with node-name='{name}'");
        return failure is null ? QmpResult.Done : QmpError.Generic(node.User is null ? $"Block device {name} is in use" : $"Node {name} is in use");
    }

    private QmpResult Resize(QmpArguments arguments)
    {
        string device = arguments.Text("device") ?? "", name = arguments.Text("node-name") ?? "";
        BlockNode? node = Disks.FirstOrDefault(disk => disk.Options.Drive == device && device.Length > 0)?.Node ?? control.Backends?.Blocks.Find(name);
        if (node is null) return QmpError.Generic($"Cannot find device='{device}' nor node-name='{name}'");
        long size = arguments.Integer("size")!.Value;
        if (size < 0) return QmpError.Generic("Parameter 'size' expects a >0 size");
        // Through the raw disk above a file, which is the same bytes.
        if (node.Above is { Driver: BlockDriver.Raw } raw) node = raw;
        if (node.Above is not null) return QmpError.Generic($"Block device {node.Name} is in use");
        if (node.IsReadOnly) return QmpError.Generic("Block node is read-only");
        if (node.Driver == BlockDriver.Qcow2 && size % IBlockImage.SectorSize != 0) return QmpError.Generic($"The new size must be a multiple of {IBlockImage.SectorSize}");
        StorageError error = control.Backends!.Blocks.TryResize(node, size);
        if (error != StorageError.None) return QmpError.Generic($"Failed to resize the image: {StorageWords.Reason(error)}");
        // Where no life is there to be told, the next one is told at its beginning.
        if (node.User is { } disk) control.Look(_ => Tell(disk));
        return QmpResult.Done;
    }

    private static Disk Tell(Disk disk)
    {
        disk.TellLength();
        return disk;
    }
}
