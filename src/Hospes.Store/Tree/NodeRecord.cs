using System.Runtime.InteropServices;

namespace Hospes.Store.Tree;

/// <summary>One node as it is now: 64 bytes, no references, so that the garbage collector never looks at a million of them.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct NodeRecord
{
    /// <summary>Set in <see cref="NameAndFlags"/> when the node was removed and stays only for snapshots that still see it.</summary>
    public const ushort RemovedFlag = 0x8000;
    private const ushort NameLengthMask = 0x0FFF;

    public uint Hash;

    public int Parent;

    public ushort NameAndFlags;
    public ushort ValueLength;

    /// <summary>Arena block with the name, then the value.</summary>
    public uint Block;

    /// <summary>Next node in the same bucket of the index; next free record when the record is free.</summary>
    public int NextInBucket;

    public int Permissions;

    /// <summary>Generation of the last change of value or permissions, of the creation, or of the removal.</summary>
    public ulong Generation;

    public int FirstChild;
    public int NextSibling;

    /// <summary>Bytes of the list of child names, a nul after each.</summary>
    public int ChildrenLength;

    /// <summary>Newest of the older versions that some snapshot may still see; 0 for none.</summary>
    public int OlderVersion;

    /// <summary>Generation of the last creation or removal of a direct child.</summary>
    public ulong ChildGeneration;

    public int PreviousSibling;
    public int LastChild;

    public readonly int NameLength => NameAndFlags & NameLengthMask;

    public readonly int BlockLength => NameLength + ValueLength;

    public readonly bool IsRemoved => (NameAndFlags & RemovedFlag) != 0;
}

/// <summary>What a node was before a change, kept while a snapshot can see it. Never changes.</summary>
internal struct NodeVersion
{
    public ulong Generation;
    public uint Block;
    public ushort NameLength;
    public ushort ValueLength;
    public int Permissions;

    /// <summary>The version before this one; 0 for none. In a free record: the next free one.</summary>
    public int Older;
}
