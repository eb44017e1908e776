using Hospes.Storage;

namespace Hospes.Machine;

/// <summary>What a block node does with what is below it: the names of QEMU's block drivers.</summary>
public enum BlockDriver
{
    /// <summary>A file of the host, as it is.</summary>
    File,

    /// <summary>A disk whose bytes are those of the node below.</summary>
    Raw,

    /// <summary>A disk in the format qcow2.</summary>
    Qcow2,
}

/// <summary>What a block node is to be made of.</summary>
public sealed record BlockNodeOptions
{
    /// <summary>Its name, unique in the graph; null for one that is made up.</summary>
    public string? Name { get; init; }

    /// <summary>What it does; null for a format that is found by looking.</summary>
    public BlockDriver? Driver { get; init; }

    /// <summary>For a file, its path.</summary>
    public string? Path { get; init; }

    /// <summary>For a format, the name of the file's node when it is there already.</summary>
    public string? FileName { get; init; }

    /// <summary>For a format, the file's node when it is made along with this one.</summary>
    public BlockNodeOptions? File { get; init; }

    /// <summary>Whether nothing can be written through it.</summary>
    public bool IsReadOnly { get; init; }
}

/// <summary>A node of the graph of block nodes: a file of the host, or a disk in the format that a file has. Its image belongs to the graph.</summary>
public sealed class BlockNode
{
    /// <summary>What names begin with that are made up; nobody can give one that does.</summary>
    internal const char MadeUp = '#';

    internal BlockNode(string name, BlockDriver driver, string path, bool isReadOnly, BlockNode? file)
    {
        (Name, Driver, Path, IsReadOnly, File) = (name, driver, path, isReadOnly, file);
        if (file is not null) file.Above = this;
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Whether its name was made up: then it goes with the disk that uses it.</summary>
    public bool IsAnonymous => Name.StartsWith(MadeUp);

    /// <summary>What it does.</summary>
    public BlockDriver Driver { get; }

    /// <summary>The path of the file at the bottom.</summary>
    public string Path { get; }

    /// <summary>Whether nothing can be written through it.</summary>
    public bool IsReadOnly { get; }

    /// <summary>The node below; null for a file.</summary>
    public BlockNode? File { get; }

    /// <summary>The node above, if one uses this as its file.</summary>
    public BlockNode? Above { get; internal set; }

    /// <summary>The disk that uses it, or null.</summary>
    public Disk? User { get; internal set; }

    /// <summary>The bytes of the disk, or of the file.</summary>
    public long Length => Image?.Size ?? (System.IO.File.Exists(Path) ? new FileInfo(Path).Length : 0);

    /// <summary>Whether the node was made along with the one above, and goes with it.</summary>
    internal bool IsInner { get; init; }

    /// <summary>The image; null for a file below a format, which has it open itself.</summary>
    internal IBlockImage? Image { get; set; }
}
