using Hospes.Virtio.FileSystem.Native;

namespace Hospes.Virtio.FileSystem;

/// <summary>
/// A file of the host that the guest has a number for. Where it lies is remembered as its folder and one name; whatever is done goes through a
/// descriptor that is opened from there and compared with <see cref="Identity"/>.
/// </summary>
internal sealed class Node(ulong id, HostIdentity identity, uint kind)
{
    /// <summary>The guest's number; never used twice.</summary>
    public ulong Id => id;

    /// <summary>Which file of the host it is.</summary>
    public HostIdentity Identity => identity;

    /// <summary>What kind of file it is: bits of <see cref="HostMode.Kind"/>; a file's kind never changes.</summary>
    public uint Kind => kind;

    /// <summary>How often the guest was told of it, less what it forgot.</summary>
    public ulong Lookups { get; set; }

    /// <summary>The folder that it lies in; null for the root.</summary>
    public Node? Parent { get; set; }

    /// <summary>Its name there.</summary>
    public byte[] Name { get; set; } = [];

    /// <summary>How many nodes lie in it, or did when last seen.</summary>
    public int Children { get; set; }

    /// <summary>A descriptor of it that gives no access (O_PATH); -1 for none.</summary>
    public int Descriptor { get; set; } = -1;

    /// <summary>The first of its open handles.</summary>
    public Handle? FirstHandle { get; set; }

    /// <summary>Its neighbours among those with a descriptor, the one used last first.</summary>
    public Node? Newer { get; set; }

    /// <inheritdoc cref="Newer"/>
    public Node? Older { get; set; }
}

/// <summary>A file or folder that the guest has open.</summary>
internal sealed class Handle(ulong id, Node node, int file)
{
    /// <summary>The guest's number.</summary>
    public ulong Id => id;

    /// <summary>What is open.</summary>
    public Node Node => node;

    /// <summary>The descriptor.</summary>
    public int File => file;

    /// <summary>The next handle of the same node.</summary>
    public Handle? Next { get; set; }

    /// <summary>Of a folder: where its descriptor stands.</summary>
    public ulong Position { get; set; }
}
