using Hospes.Machine;
using Hospes.Virtio;

namespace Hospes.Vmm.CommandLine;

/// <summary>Collects disks: block nodes (<c>-blockdev</c>) and drives (<c>-drive</c>).</summary>
internal sealed class BlockArguments
{
    /// <summary>How many nodes may be inside one another.</summary>
    private const int MostDepth = 8;

    private readonly List<BlockDescription> _nodes = [];
    private readonly HashSet<BlockDescription> _used = [];
    private int _drives;

    /// <summary>Drives that asked for a card of their own (<c>if=virtio</c>), in order.</summary>
    public List<BlockDescription> Virtio { get; } = [];

    /// <summary>Reads <c>-blockdev</c>.</summary>
    /// <returns>Null, or what is wrong.</returns>
    public string? AddBlockdev(OptionSet set)
    {
        BlockDescription? node = ReadNode(set, inner: false, depth: 0, out string? error);
        if (node is not null) _nodes.Add(node);
        return error;
    }

    /// <summary>Reads <c>-drive</c>.</summary>
    /// <returns>Null, or what is wrong.</returns>
    public string? AddDrive(OptionSet set)
    {
        var reader = new OptionReader(set);
        string bus = reader.Text("if") ?? "none";
        if (bus is not ("none" or "virtio"))
            reader.Fail(bus is "ide" or "scsi" or "sd" or "mtd" or "floppy" or "pflash" or "xen" ? $"bus type '{bus}' is not supported by this machine" : $"unsupported bus type '{bus}'");
        string id = reader.Identifier("id") ?? $"{bus}{_drives++}";
        bool readOnly = reader.Switch("readonly", reader.Switch("read-only", false));
        string? format = reader.Text("format") ?? reader.Text("driver");
        if (format is not (null or "raw" or "qcow2")) reader.Fail($"Unknown driver '{format}'");
        string? file = reader.Text("file") ?? reader.Text("file.filename");
        string? serial = reader.Text("serial");
        bool isCdrom = reader.Choice("media", "disk", "cdrom") == "cdrom";
        if (file is null && !isCdrom) reader.Fail("Must specify either driver or file");
        else if (file?.Length == 0) reader.Fail("The 'file' block driver requires a file name");
        if (serial is not null) reader.Fail("'serial' is a property of the device: use -device virtio-blk-pci,serial=");
        reader.Only("file.driver", "file");
        reader.Only("cache", "writeback");
        reader.Only("snapshot", "off");
        reader.Only("copy-on-read", "off");
        reader.Only("index", $"{Virtio.Count}");
        reader.Only("werror", "report");
        reader.Only("rerror", "report");
        Common(reader);
        RequestLimits limits = ThrottleArguments.Read(reader);
        if (!reader.Finish()) return reader.Error;
        if (_nodes.Exists(node => node.Drive == id)) return $"Duplicate ID '{id}' for drive";
        BlockDescription? below = file is null ? null : new BlockDescription(null, "file") { FileName = file };
        var added = new BlockDescription(reader.Text("node-name"), format) { File = below, IsReadOnly = readOnly || isCdrom, Drive = id, Limits = limits };
        _nodes.Add(added);
        if (bus == "virtio") Virtio.Add(added);
        return null;
    }

    /// <summary>The drive of <c>-cdrom</c>, which gets a device of its own; null for none.</summary>
    public BlockDescription? Cdrom { get; private set; }

    /// <summary>Reads <c>-cdrom</c>.</summary>
    /// <returns>Null, or what is wrong.</returns>
    public string? AddCdrom(string path)
    {
        const string Id = "cd0";
        if (path.Length == 0) return "The 'file' block driver requires a file name";
        if (_nodes.Exists(static node => node.Drive == Id)) return $"Duplicate ID '{Id}' for drive";
        Cdrom = new BlockDescription(null, null) { File = new BlockDescription(null, "file") { FileName = path }, IsReadOnly = true, Drive = Id };
        _nodes.Add(Cdrom);
        return null;
    }

    /// <summary>Gives a device its disk.</summary>
    /// <param name="model">The device's model.</param>
    /// <param name="name">The name of a drive or of a block node.</param>
    /// <param name="error">What is wrong, or null.</param>
    public DiskOptions? Take(string model, string name, out string? error)
    {
        BlockDescription? node = _nodes.Find(node => node.Drive == name) ?? _nodes.Find(node => node.Name == name);
        error = node is null ? $"Property '{model}.drive' can't find value '{name}'" : null;
        return node is null ? null : Take(node, out error);
    }

    /// <summary>Gives a device its disk.</summary>
    /// <param name="node">The node.</param>
    /// <param name="error">What is wrong, or null.</param>
    public DiskOptions? Take(BlockDescription node, out string? error)
    {
        string name = node.Drive ?? node.Name!;
        error = _used.Add(node) ? null : node.Drive is null ? $"Node '{name}' is already in use by another device" : $"Drive '{name}' is already in use by another device";
        if (error is not null) return null;
        // A file without a format above it is raw, as it stands.
        BlockDescription file = node.File ?? node;
        bool readOnly = node.IsReadOnly ?? file.IsReadOnly ?? false;
        if (file != node && file.IsReadOnly == true && !readOnly) readOnly = true;
        return new DiskOptions(file.FileName ?? "")
        {
            Format = node.File is null ? "raw" : node.Driver,
            IsReadOnly = readOnly,
            Drive = node.Drive,
            NodeName = node.Name,
            FileNodeName = node.File?.Name,
            Limits = node.Limits,
        };
    }

    private BlockDescription? ReadNode(OptionSet set, bool inner, int depth, out string? error)
    {
        var reader = new OptionReader(set);
        string driver = reader.Required("driver");
        if (driver is not ("file" or "raw" or "qcow2")) reader.Fail($"Parameter 'driver' does not accept value '{driver}'");
        string? name = reader.Identifier("node-name");
        if (name is null && !inner) reader.Fail("'node-name' must be specified for the root node");
        else if (name is not null && _nodes.Exists(node => node.Name == name)) reader.Fail($"Duplicate nodes with node-name='{name}'");
        bool? readOnly = reader.Text("read-only") is null ? null : reader.Switch("read-only", false);
        var node = new BlockDescription(name, driver) { IsReadOnly = readOnly };
        switch (driver)
        {
            case "file":
                node = node with { FileName = reader.Required("filename") };
                if (node.FileName.Length == 0) reader.Fail("The 'file' block driver requires a file name");
                reader.Only("locking", "auto", "on");
                break;
            case "raw":
                reader.Only("offset", "0");
                reader.Only("size");
                node = node with { File = ReadBelow(reader, depth) };
                break;
            case "qcow2":
                reader.Only("backing");
                reader.Only("lazy-refcounts", "off");
                reader.Only("encrypt");
                node = node with { File = ReadBelow(reader, depth) };
                break;
        }
        Common(reader);
        reader.Finish(name => $"Parameter '{name}' is unexpected");
        error = reader.Error;
        return error is null ? node : null;
    }

    /// <summary>What a format stands on: a node by its name, or one that is described in place. Formats stand on files, not on formats.</summary>
    private BlockDescription? ReadBelow(OptionReader reader, int depth)
    {
        OptionSet described = reader.Below("file");
        if (reader.Text("file") is { } name)
        {
            BlockDescription? node = _nodes.Find(node => node.Name == name);
            if (node is null) reader.Fail($"Cannot find device='{name}' nor node-name='{name}'");
            else if (node.File is not null) reader.Fail($"Node '{name}' is a format; only 'file' nodes are supported below '{reader.Text("driver")}'");
            else if (!_used.Add(node)) reader.Fail($"Node '{name}' is already in use by another node");
            return node;
        }
        string? error = null;
        if (described.Entries.Count == 0) reader.Fail("Parameter 'file' is missing");
        else if (depth == MostDepth) reader.Fail("Parameter 'file' is nested too deep");
        else if (ReadNode(described, inner: true, depth + 1, out error) is { } inner)
        {
            if (inner.File is null) return inner;
            reader.Fail($"Only 'file' nodes are supported below '{reader.Text("driver")}'");
        }
        if (error is not null) reader.Fail(error);
        return null;
    }

    /// <summary>Parameters that all nodes have, of which only what is the case anyway is understood.</summary>
    private static void Common(OptionReader reader)
    {
        reader.Text("node-name");
        reader.Only("auto-read-only", "off");
        reader.Only("force-share", "off");
        reader.Only("discard", "unmap", "on");
        reader.Only("detect-zeroes", "off");
        reader.Only("aio", "threads");
        reader.Only("cache.direct", "off");
        reader.Only("cache.no-flush", "off");
        reader.Only("cache.writeback", "on");
    }
}
