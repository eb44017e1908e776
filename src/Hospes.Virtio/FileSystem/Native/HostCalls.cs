using System.Runtime.InteropServices;
using System.Text;

namespace Hospes.Virtio.FileSystem.Native;

/// <summary>
/// System calls on descriptors, for callers without unsafe code. A name is one component of a path without its terminator, never more than
/// <see cref="LongestName"/> bytes. Each answers a number from 0 on, or the negative error number of Linux; none allocates.
/// </summary>
internal static unsafe partial class HostCalls
{
    // SAFETY: every pointer is to the caller's pinned span or to the stack of the call that uses it, with the length that the kernel is told.

    /// <summary>The longest name and the longest target of a symbolic link, in bytes (NAME_MAX, PATH_MAX less its terminator).</summary>
    public const int LongestName = 255, LongestTarget = 4095;

    public const int ReadOnly = 0, WriteOnly = 1, ReadWrite = 2, AccessMode = 3, Create = 0x40, Exclusive = 0x80, NoTerminal = 0x100, Truncates = 0x200, Appends = 0x400,
        NonBlocking = 0x800, DataSync = 0x1000, Folder = 0x10000, NoFollow = 0x20000, CloseOnExec = 0x80000, Sync = 0x101000, Path = 0x200000;

    /// <summary>Flags of renameat2(2).</summary>
    public const uint RenameNoReplace = 1, RenameExchange = 2;

    private const int EmptyPath = 0x1000, RemoveFolder = 0x200, AtNoFollow = 0x100, NoAutomount = 0x800, FollowLink = 0x400, CurrentFolder = -100;
    private const uint BasicStatsAndBirth = 0xFFF;
    private const ulong ResolveBeneath = 8, NoSymbolicLinks = 4, NoMagicLinks = 2;
    private const nint OpenAt2Number = 437;
    private const int OpenFilesLimit = 7;

    /// <summary>Opens a folder by a path that a person gave; symbolic links in it count.</summary>
    public static int OpenShared(string path)
    {
        fixed (byte* bytes = Encoding.UTF8.GetBytes(path + '\0')) return Result(LibC.Open(bytes, Path | Folder | CloseOnExec, 0));
    }

    /// <summary>Opens what a folder has under a name: no symbolic link is followed and nothing above the folder is reached.</summary>
    public static int OpenChild(int folder, ReadOnlySpan<byte> name, int flags, uint mode = 0)
    {
        byte* path = stackalloc byte[LongestName + 1];
        var how = new LibC.OpenHow
        {
            // With O_PATH, openat2 takes nothing that it has no use for.
            Flags = (ulong)(uint)(flags | NoFollow | CloseOnExec | ((flags & Path) != 0 ? 0 : NoTerminal)),
            Mode = mode,
            Resolve = ResolveBeneath | NoSymbolicLinks | NoMagicLinks,
        };
        return Result(LibC.OpenAt2(OpenAt2Number, folder, Terminate(name, path, LongestName), &how, sizeof(LibC.OpenHow)));
    }

    /// <summary>Opens the file behind a descriptor once more, with other rights.</summary>
    /// <param name="descriptors">The folder of the process's own descriptors.</param>
    /// <param name="file">The descriptor.</param>
    /// <param name="flags">How it is to be opened.</param>
    public static int Reopen(int descriptors, int file, int flags)
    {
        byte* path = stackalloc byte[MostDigits];
        return Result(LibC.OpenAt(descriptors, Number(file, path), flags | CloseOnExec | NoTerminal, 0));
    }

    public static void Close(int file) => _ = LibC.Close(file);

    /// <summary>Tells of the file behind a descriptor.</summary>
    public static int Stat(int file, out HostStat stat)
    {
        byte empty = 0;
        fixed (HostStat* at = &stat) return Result(LibC.Stat(file, &empty, EmptyPath, BasicStatsAndBirth, at));
    }

    /// <summary>Tells of what a folder has under a name, be it a symbolic link.</summary>
    public static int StatChild(int folder, ReadOnlySpan<byte> name, out HostStat stat)
    {
        byte* path = stackalloc byte[LongestName + 1];
        fixed (HostStat* at = &stat) return Result(LibC.Stat(folder, Terminate(name, path, LongestName), AtNoFollow | NoAutomount, BasicStatsAndBirth, at));
    }

    public static int ChangeMode(int descriptors, int file, uint mode)
    {
        byte* path = stackalloc byte[MostDigits];
        return Result(LibC.ChangeMode(descriptors, Number(file, path), mode, 0));
    }

    /// <summary>Changes owner and group; all ones for no change.</summary>
    public static int ChangeOwner(int file, uint user, uint group)
    {
        byte empty = 0;
        return Result(LibC.ChangeOwner(file, &empty, user, group, EmptyPath | AtNoFollow));
    }

    public static int ChangeOwnerOfChild(int folder, ReadOnlySpan<byte> name, uint user, uint group)
    {
        byte* path = stackalloc byte[LongestName + 1];
        return Result(LibC.ChangeOwner(folder, Terminate(name, path, LongestName), user, group, AtNoFollow));
    }

    public static int SetTimes(int descriptors, int file, HostTime accessed, HostTime modified)
    {
        byte* path = stackalloc byte[MostDigits];
        HostTime* times = stackalloc HostTime[] { accessed, modified };
        return Result(LibC.SetTimes(descriptors, Number(file, path), times, 0));
    }

    public static int Truncate(int file, long length) => Result(LibC.Truncate(file, length));

    public static int MakeFolder(int folder, ReadOnlySpan<byte> name, uint mode)
    {
        byte* path = stackalloc byte[LongestName + 1];
        return Result(LibC.MakeFolder(folder, Terminate(name, path, LongestName), mode));
    }

    /// <summary>Makes a regular file, a pipe or a socket; devices are for nobody.</summary>
    public static int MakeNode(int folder, ReadOnlySpan<byte> name, uint mode)
    {
        byte* path = stackalloc byte[LongestName + 1];
        return Result(LibC.MakeNode(folder, Terminate(name, path, LongestName), mode, 0));
    }

    public static int MakeSymbolicLink(ReadOnlySpan<byte> target, int folder, ReadOnlySpan<byte> name)
    {
        byte* path = stackalloc byte[LongestName + 1];
        byte* text = stackalloc byte[LongestTarget + 1];
        return Result(LibC.MakeSymbolicLink(Terminate(target, text, LongestTarget), folder, Terminate(name, path, LongestName)));
    }

    /// <summary>Gives the file behind a descriptor a further name.</summary>
    public static int Link(int descriptors, int file, int folder, ReadOnlySpan<byte> name)
    {
        byte* path = stackalloc byte[LongestName + 1];
        byte* number = stackalloc byte[MostDigits];
        return Result(LibC.Link(descriptors, Number(file, number), folder, Terminate(name, path, LongestName), FollowLink));
    }

    public static int Unlink(int folder, ReadOnlySpan<byte> name, bool isFolder)
    {
        byte* path = stackalloc byte[LongestName + 1];
        return Result(LibC.Unlink(folder, Terminate(name, path, LongestName), isFolder ? RemoveFolder : 0));
    }

    public static int Rename(int oldFolder, ReadOnlySpan<byte> oldName, int newFolder, ReadOnlySpan<byte> newName, uint flags)
    {
        byte* oldPath = stackalloc byte[LongestName + 1];
        byte* newPath = stackalloc byte[LongestName + 1];
        return Result(LibC.Rename(oldFolder, Terminate(oldName, oldPath, LongestName), newFolder, Terminate(newName, newPath, LongestName), flags));
    }

    /// <summary>Reads the target of the symbolic link behind a descriptor.</summary>
    public static int ReadLink(int file, Span<byte> target)
    {
        byte empty = 0;
        fixed (byte* at = target) return Result(LibC.ReadLink(file, &empty, at, (nuint)target.Length));
    }

    /// <summary>The effective user and group of the process.</summary>
    public static (uint User, uint Group) Identity() => (LibC.EffectiveUser(), LibC.EffectiveGroup());

    /// <summary>How many descriptors the process may have.</summary>
    public static long MostDescriptors()
    {
        LibC.Limit limit;
        return LibC.GetLimit(OpenFilesLimit, &limit) == 0 ? (long)Math.Min(limit.Soft, int.MaxValue) : 0;
    }

    private const int MostDigits = 12;

    /// <summary>Writes a descriptor's number as text.</summary>
    private static byte* Number(int file, byte* path)
    {
        file.TryFormat(new Span<byte>(path, MostDigits - 1), out int length, default, System.Globalization.CultureInfo.InvariantCulture);
        path[length] = 0;
        return path;
    }

    private static byte* Terminate(ReadOnlySpan<byte> text, byte* at, int longest)
    {
        text.CopyTo(new Span<byte>(at, longest));
        at[text.Length] = 0;
        return at;
    }

    private static int Result(nint value) => value >= 0 ? (int)value : -Marshal.GetLastPInvokeError();
}
