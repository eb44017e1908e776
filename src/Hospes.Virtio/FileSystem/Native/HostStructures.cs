using System.Runtime.InteropServices;

namespace Hospes.Virtio.FileSystem.Native;

/// <summary>What the host tells of a file: <c>struct statx</c> (statx(2)).</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct HostStat
{
    [FieldOffset(4)]
    public uint BlockSize;

    [FieldOffset(16)]
    public uint Links;

    [FieldOffset(20)]
    public uint User;

    [FieldOffset(24)]
    public uint Group;

    [FieldOffset(28)]
    public ushort Mode;

    [FieldOffset(32)]
    public ulong Inode;

    [FieldOffset(40)]
    public ulong Size;

    [FieldOffset(48)]
    public ulong Blocks;

    [FieldOffset(64)]
    public StatTime Accessed;

    [FieldOffset(80)]
    public StatTime Born;

    [FieldOffset(96)]
    public StatTime Changed;

    [FieldOffset(112)]
    public StatTime Modified;

    [FieldOffset(128)]
    public uint SpecialMajor;

    [FieldOffset(132)]
    public uint SpecialMinor;

    [FieldOffset(136)]
    public uint DeviceMajor;

    [FieldOffset(140)]
    public uint DeviceMinor;

    /// <summary>The kind of file: bits of <see cref="HostMode.Kind"/>.</summary>
    public readonly uint Kind => Mode & HostMode.Kind;

    /// <summary>What no other file of the host has as long as this one is there; the time of its birth tells it from a later one with the same number.</summary>
    public readonly HostIdentity Identity => new((ulong)DeviceMajor << 32 | DeviceMinor, Inode, Born.Seconds, Born.Nanoseconds);
}

/// <summary>Which file of the host it is.</summary>
internal readonly record struct HostIdentity(ulong Device, ulong Inode, long BornSeconds, uint BornNanoseconds);

/// <summary><c>struct statx_timestamp</c>.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
internal struct StatTime
{
    public long Seconds;
    public uint Nanoseconds;
}

/// <summary><c>struct timespec</c>.</summary>
internal struct HostTime
{
    /// <summary>Values of the nanoseconds with a meaning (utimensat(2)): the time now, and no change.</summary>
    public const long Now = 0x3FFFFFFF, Omit = 0x3FFFFFFE;

    public long Seconds;
    public long Nanoseconds;
}

/// <summary><c>struct statfs</c> of 64-bit Linux.</summary>
[StructLayout(LayoutKind.Sequential, Size = 120)]
internal struct HostFileSystemStat
{
    public long Type;
    public long BlockSize;
    public ulong Blocks;
    public ulong FreeBlocks;
    public ulong AvailableBlocks;
    public ulong Files;
    public ulong FreeFiles;
    public ulong Id;
    public long NameLength;
    public long FragmentSize;
}

/// <summary>Bits of a file's mode (inode(7)).</summary>
internal static class HostMode
{
    public const uint Kind = 0xF000, Socket = 0xC000, SymbolicLink = 0xA000, Regular = 0x8000, Block = 0x6000, Folder = 0x4000, Character = 0x2000, Pipe = 0x1000;

    public const uint SetUser = 0x800, SetGroup = 0x400, GroupExecutes = 0x8, Permissions = 0xFFF;
}

/// <summary>Error numbers of Linux, which are FUSE's too.</summary>
internal static class Errno
{
    public const int
        NotPermitted = 1, NoEntry = 2, InputOutput = 5, BadFile = 9, Exists = 17, NotFolder = 20, IsFolder = 21, Invalid = 22, TooManyFiles = 23, ReadOnly = 30,
        OutOfRange = 34, NameTooLong = 36, NotThere = 38, Loop = 40, NoData = 61, Protocol = 71, NotSupported = 95, Stale = 116;
}
