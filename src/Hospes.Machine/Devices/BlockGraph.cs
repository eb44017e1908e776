using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Hospes.Storage;

namespace Hospes.Machine;

/// <summary>Why the graph of block nodes was not changed.</summary>
public enum BlockGraphError
{
    /// <summary>A node of that name is there already.</summary>
    DuplicateName,

    /// <summary>There is no node of that name.</summary>
    NotFound,

    /// <summary>A disk or another node uses it.</summary>
    InUse,

    /// <summary>It would write, and what is below can only be read.</summary>
    ReadOnly,

    /// <summary>The image refused.</summary>
    Image,
}

/// <summary>Why the graph of block nodes was not changed.</summary>
/// <param name="Error">The way.</param>
/// <param name="Name">The node's name, or for <see cref="BlockGraphError.Image"/> the file's path.</param>
/// <param name="Cause">With <see cref="BlockGraphError.Image"/>, what is wrong.</param>
public sealed record BlockGraphFailure(BlockGraphError Error, string Name, StorageFailure? Cause = null);

/// <summary>A domain's block nodes. It owns their images. Thread-safe.</summary>
public sealed class BlockGraph : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<BlockNode> _nodes = [];
    private int _made;

    /// <summary>The nodes, the newest last.</summary>
    public IReadOnlyList<BlockNode> Nodes
    {
        get
        {
            lock (_gate) return [.. _nodes];
        }
    }

    /// <summary>Finds a node.</summary>
    /// <param name="name">Its name.</param>
    public BlockNode? Find(string name)
    {
        lock (_gate) return _nodes.Find(node => node.Name == name);
    }

    /// <summary>Makes a node, with the file's node below when that is wanted too.</summary>
    /// <param name="options">What it is made of.</param>
    /// <param name="node">The node.</param>
    /// <param name="failure">Why not.</param>
    public bool TryAdd(BlockNodeOptions options, [NotNullWhen(true)] out BlockNode? node, [NotNullWhen(false)] out BlockGraphFailure? failure)
    {
        lock (_gate)
        {
            node = Add(options, isInner: false, out failure);
            return node is not null;
        }
    }

    /// <summary>Removes a node that nobody uses, with those that were made along with it.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>Null, or why not.</returns>
    public BlockGraphFailure? TryRemove(string name)
    {
        lock (_gate)
        {
            if (_nodes.Find(node => node.Name == name) is not { } node) return new BlockGraphFailure(BlockGraphError.NotFound, name);
            if (node.User is not null || node.Above is not null) return new BlockGraphFailure(BlockGraphError.InUse, name);
            Remove(node);
            return null;
        }
    }

    /// <summary>Gives a node to a disk, which then reads and writes it.</summary>
    /// <returns>False when another disk, or a node, uses it.</returns>
    internal bool TryUse(BlockNode node, Disk disk)
    {
        lock (_gate)
        {
            if (node.User is not null || node.Above is not null) return false;
            node.User = disk;
            return true;
        }
    }

    /// <summary>Takes a node from its disk, which is no longer there.</summary>
    /// <param name="node">The node.</param>
    /// <param name="remove">Whether it goes too.</param>
    internal void Release(BlockNode node, bool remove)
    {
        lock (_gate)
        {
            node.User = null;
            if (remove) Remove(node);
        }
    }

    /// <summary>Changes the size of a node's disk.</summary>
    /// <param name="node">The node.</param>
    /// <param name="size">The new size in bytes.</param>
    /// <returns>How that ended; a node whose file another node has open is <see cref="StorageError.Locked"/>.</returns>
    public StorageError TryResize(BlockNode node, long size)
    {
        lock (_gate) return node.Image?.Resize(size) ?? StorageError.Locked;
    }

    /// <summary>Closes all images.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (BlockNode node in _nodes) node.Image?.Dispose();
            _nodes.Clear();
        }
    }

    private BlockNode? Add(BlockNodeOptions options, bool isInner, out BlockGraphFailure? failure)
    {
        failure = options.Name is { } taken && _nodes.Exists(node => node.Name == taken) ? new BlockGraphFailure(BlockGraphError.DuplicateName, taken) : null;
        if (failure is not null) return null;
        return options.Driver == BlockDriver.File ? AddFile(options, isInner, out failure) : AddFormat(options, isInner, out failure);
    }

    private BlockNode? AddFile(BlockNodeOptions options, bool isInner, out BlockGraphFailure? failure)
    {
        var node = new BlockNode(options.Name ?? MakeName(), BlockDriver.File, options.Path!, options.IsReadOnly, null) { IsInner = isInner };
        // One that a format is about to be put on is opened there.
        if (!isInner && !TryOpen(node, ImageFormat.Raw, out failure)) return null;
        failure = null;
        _nodes.Add(node);
        return node;
    }

    private BlockNode? AddFormat(BlockNodeOptions options, bool isInner, out BlockGraphFailure? failure)
    {
        BlockNode? file;
        if (options.FileName is { } name)
        {
            file = _nodes.Find(node => node.Name == name);
            failure = file is null ? new BlockGraphFailure(BlockGraphError.NotFound, name)
                : file.User is not null || file.Above is not null || file.Driver != BlockDriver.File ? new BlockGraphFailure(BlockGraphError.InUse, name)
                : file.IsReadOnly && !options.IsReadOnly ? new BlockGraphFailure(BlockGraphError.ReadOnly, name)
                : null;
        }
        else
        {
            file = Add(options.File! with { IsReadOnly = options.File!.IsReadOnly || options.IsReadOnly }, isInner: true, out failure);
            if (file is not null && options.File.IsReadOnly && !options.IsReadOnly) failure = new BlockGraphFailure(BlockGraphError.ReadOnly, file.Name);
        }
        if (failure is not null)
        {
            if (file is { IsInner: true, Above: null } && options.FileName is null) _nodes.Remove(file);
            return null;
        }
        Close(file!);
        ImageFormat? format = options.Driver switch
        {
            BlockDriver.Qcow2 => ImageFormat.Qcow2,
            BlockDriver.Raw => ImageFormat.Raw,
            _ => null,
        };
        if (DiskImage.TryOpen(file!.Path, new ImageOpening { Format = format, ReadOnly = options.IsReadOnly }, out IBlockImage? image, out StorageFailure? cause))
        {
            BlockDriver driver = image.Format == ImageFormat.Qcow2 ? BlockDriver.Qcow2 : BlockDriver.Raw;
            var node = new BlockNode(options.Name ?? MakeName(), driver, file.Path, options.IsReadOnly, file) { Image = image, IsInner = isInner };
            _nodes.Add(node);
            return node;
        }
        failure = new BlockGraphFailure(BlockGraphError.Image, file.Path, cause);
        if (file.IsInner) _nodes.Remove(file);
        else TryOpen(file, ImageFormat.Raw, out _);
        return null;
    }

    private void Remove(BlockNode node)
    {
        Close(node);
        _nodes.Remove(node);
        if (node.File is not { } file) return;
        file.Above = null;
        if (file.IsInner) Remove(file);
        else TryOpen(file, ImageFormat.Raw, out _);
    }

    private static void Close(BlockNode node)
    {
        node.Image?.Dispose();
        node.Image = null;
    }

    private static bool TryOpen(BlockNode node, ImageFormat format, out BlockGraphFailure? failure)
    {
        bool opened = DiskImage.TryOpen(node.Path, new ImageOpening { Format = format, ReadOnly = node.IsReadOnly }, out IBlockImage? image, out StorageFailure? cause);
        node.Image = image;
        failure = opened ? null : new BlockGraphFailure(BlockGraphError.Image, node.Path, cause);
        return opened;
    }

    /// <summary>A name as QEMU makes them.</summary>
    private string MakeName() => string.Create(CultureInfo.InvariantCulture, $"{BlockNode.MadeUp}block{++_made:D3}");
}
