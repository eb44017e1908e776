namespace Hospes.Virtio.FileSystem;

/// <summary>FUSE's operations by the numbers of Linux' <c>include/uapi/linux/fuse.h</c>, protocol 7.38. Those that are not here are answered with ENOSYS.</summary>
internal enum FuseOperation : uint
{
    Lookup = 1,
    Forget = 2,
    GetAttributes = 3,
    SetAttributes = 4,
    ReadLink = 5,
    SymbolicLink = 6,
    MakeNode = 8,
    MakeFolder = 9,
    Unlink = 10,
    RemoveFolder = 11,
    Rename = 12,
    Link = 13,
    Open = 14,
    Read = 15,
    Write = 16,
    StatFileSystem = 17,
    Release = 18,
    Synchronize = 20,
    SetExtended = 21,
    GetExtended = 22,
    ListExtended = 23,
    RemoveExtended = 24,
    Flush = 25,
    Initialize = 26,
    OpenFolder = 27,
    ReadFolder = 28,
    ReleaseFolder = 29,
    SynchronizeFolder = 30,
    Create = 35,
    Interrupt = 36,
    Destroy = 38,
    BatchForget = 42,
    Allocate = 43,
    ReadFolderPlus = 44,
    RenameWithFlags = 45,
    Seek = 46,
    CopyRange = 47,
    SynchronizeFileSystem = 50,
}

/// <summary>Numbers of the protocol.</summary>
internal static class FuseLayout
{
    /// <summary>The version that is spoken; of older kernels, those from 7.31 on, which have the driver (Linux 5.4).</summary>
    public const uint Major = 7, Minor = 38, OldestMinor = 31;

    /// <summary>The shared folder's node.</summary>
    public const ulong Root = 1;

    /// <summary>Bytes of the headers, and of the arguments of a write.</summary>
    public const int RequestHeader = 40, ReplyHeader = 16, WriteArguments = 40;

    /// <summary>Bytes of an entry of a folder before its name; and of what stands before that in a READDIRPLUS.</summary>
    public const int EntryHeader = 24, EntryAttributes = 128, EntryAlignment = 8;

    /// <summary>Flags of INIT.</summary>
    public const uint AsyncRead = 1 << 0, AtomicTruncate = 1 << 3, BigWrites = 1 << 5, AutoInvalidate = 1 << 12, ReadFolderPlus = 1 << 13, ReadFolderPlusAuto = 1 << 14, AsyncDirect = 1 << 15,
        ParallelFolders = 1 << 18, MaxPages = 1 << 22, CacheLinks = 1 << 23, SubMounts = 1 << 27, DropsSetId = 1 << 28;

    /// <summary>What SETATTR changes.</summary>
    public const uint SetsMode = 1, SetsUser = 2, SetsGroup = 4, SetsSize = 8, SetsAccessed = 16, SetsModified = 32, HasHandle = 64, AccessedNow = 128, ModifiedNow = 256, KillsSetId = 1 << 11;

    /// <summary>Flags of OPEN and CREATE, of WRITE, of FSYNC, and of attributes.</summary>
    public const uint OpenKillsSetId = 1, WriteFromCache = 1, WriteKillsSetId = 4, DataOnly = 1, IsSubMount = 1;

    /// <summary>Flag of an open file: its closing need not be told of (FOPEN_NOFLUSH).</summary>
    public const uint NoFlush = 1 << 5;
}
