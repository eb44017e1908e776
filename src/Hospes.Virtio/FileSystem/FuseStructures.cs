using System.Runtime.InteropServices;

namespace Hospes.Virtio.FileSystem;

// The structures of Linux' include/uapi/linux/fuse.h, field by field; all little-endian, as are the guests.

[StructLayout(LayoutKind.Sequential)]
internal struct FuseRequestHeader
{
    public uint Length;
    public FuseOperation Operation;
    public ulong Unique;
    public ulong Node;
    public uint User;
    public uint Group;
    public uint Process;
    public ushort ExtensionLength;
    public ushort Padding;
}

[StructLayout(LayoutKind.Sequential)]
internal struct FuseReplyHeader
{
    public uint Length;
    public int Error;
    public ulong Unique;
}

[StructLayout(LayoutKind.Sequential)]
internal struct FuseAttributes
{
    public ulong Inode;
    public ulong Size;
    public ulong Blocks;
    public ulong Accessed;
    public ulong Modified;
    public ulong Changed;
    public uint AccessedNanoseconds;
    public uint ModifiedNanoseconds;
    public uint ChangedNanoseconds;
    public uint Mode;
    public uint Links;
    public uint User;
    public uint Group;
    public uint Device;
    public uint BlockSize;
    public uint Flags;
}

[StructLayout(LayoutKind.Sequential)]
internal struct FuseEntry
{
    public ulong Node;
    public ulong Generation;
    public ulong EntryValid;
    public ulong AttributesValid;
    public uint EntryValidNanoseconds;
    public uint AttributesValidNanoseconds;
    public FuseAttributes Attributes;
}

[StructLayout(LayoutKind.Sequential)]
internal struct FuseAttributesReply
{
    public ulong Valid;
    public uint ValidNanoseconds;
    public uint Padding;
    public FuseAttributes Attributes;
}

[StructLayout(LayoutKind.Sequential)]
internal struct FuseSetAttributes
{
    public uint Valid;
    public uint Padding;
    public ulong Handle;
    public ulong Size;
    public ulong LockOwner;
    public long Accessed;
    public long Modified;
    public long Changed;
    public uint AccessedNanoseconds;
    public uint ModifiedNanoseconds;
    public uint ChangedNanoseconds;
    public uint Mode;
    public uint Unused4;
    public uint User;
    public uint Group;
    public uint Unused5;
}

[StructLayout(LayoutKind.Sequential)]
internal struct FuseInitRequest
{
    public uint Major;
    public uint Minor;
    public uint MaxReadAhead;
    public uint Flags;
}

[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct FuseInitReply
{
    public uint Major;
    public uint Minor;
    public uint MaxReadAhead;
    public uint Flags;
    public ushort MaxBackground;
    public ushort CongestionThreshold;
    public uint MaxWrite;
    public uint TimeGranularity;
    public ushort MaxPages;
    public ushort MapAlignment;
    public uint Flags2;
}

[StructLayout(LayoutKind.Sequential)]
internal struct FuseOpenReply
{
    public ulong Handle;
    public uint Flags;
    public uint Padding;
}

/// <summary>The arguments of READ, READDIR and READDIRPLUS, and of WRITE.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseTransfer
{
    public ulong Handle;
    public ulong Offset;
    public uint Size;
    public uint TransferFlags;
    public ulong LockOwner;
    public uint Flags;
    public uint Padding;
}

[StructLayout(LayoutKind.Sequential, Size = 80)]
internal struct FuseFileSystemReply
{
    public ulong Blocks;
    public ulong FreeBlocks;
    public ulong AvailableBlocks;
    public ulong Files;
    public ulong FreeFiles;
    public uint BlockSize;
    public uint NameLength;
    public uint FragmentSize;
}

[StructLayout(LayoutKind.Sequential)]
internal struct FuseCopy
{
    public ulong Handle;
    public ulong Offset;
    public ulong TargetNode;
    public ulong TargetHandle;
    public ulong TargetOffset;
    public ulong Length;
    public ulong Flags;
}

[StructLayout(LayoutKind.Sequential)]
internal struct FuseAllocate
{
    public ulong Handle;
    public ulong Offset;
    public ulong Length;
    public uint Mode;
    public uint Padding;
}

/// <summary>A pair of numbers: the arguments of OPEN, MKDIR, GETXATTR and LISTXATTR, and the answers of WRITE and GETXATTR.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FusePair
{
    public uint First;
    public uint Second;
}

/// <summary>Four numbers: the arguments of MKNOD, CREATE and SETXATTR.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseQuad
{
    public uint First;
    public uint Second;
    public uint Third;
    public uint Fourth;
}

/// <summary>Two long numbers: an entry of BATCH_FORGET; RENAME2 (a node, flags) and FSYNC (a handle, flags).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseLongPair
{
    public ulong First;
    public ulong Second;
}

/// <summary>The arguments of RELEASE, FLUSH and LSEEK begin with these.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseSeek
{
    public ulong Handle;
    public ulong Offset;
    public uint Whence;
    public uint Padding;
}
