using Hospes.Virtio.FileSystem.Native;

namespace Hospes.Virtio.FileSystem;

/// <summary>Requests on what the host tells of files.</summary>
internal sealed partial class FuseServer
{
    /// <summary>How long the guest may believe what it was told: others change the folder too.</summary>
    private const int SecondsValid = 1;

    private long GetAttributes(Node node, Span<byte> reply)
    {
        int result = _nodes.Stat(node, out HostStat stat);
        return result < 0 ? result : Answer(reply, new FuseAttributesReply { Valid = SecondsValid, Attributes = Translate(stat) });
    }

    private long SetAttributes(Node node, ref FuseReader arguments, Span<byte> reply)
    {
        if (!arguments.TryRead(out FuseSetAttributes asked)) return -Errno.Invalid;
        int file = _nodes.DescriptorOf(node);
        if (file < 0) return file;
        int result = SetOwner(file, asked);
        if (result >= 0 && (asked.Valid & FuseLayout.SetsMode) != 0) result = SetMode(node, file, asked.Mode);
        if (result >= 0 && (asked.Valid & FuseLayout.SetsSize) != 0) result = SetSize(node, file, asked);
        if (result >= 0 && (asked.Valid & (FuseLayout.SetsAccessed | FuseLayout.SetsModified)) != 0) result = HostCalls.SetTimes(_descriptors, file, Accessed(asked), Modified(asked));
        return result < 0 ? result : GetAttributes(node, reply);
    }

    private int SetOwner(int file, in FuseSetAttributes asked)
    {
        uint user = (asked.Valid & FuseLayout.SetsUser) != 0 ? asked.User : Owners.Unchanged, group = (asked.Valid & FuseLayout.SetsGroup) != 0 ? asked.Group : Owners.Unchanged;
        if (user == Owners.Unchanged && group == Owners.Unchanged) return 0;
        return _owners.TryToHost(ref user, ref group) ? HostCalls.ChangeOwner(file, user, group) : -Errno.NotPermitted;
    }

    private int SetMode(Node node, int file, uint mode)
    {
        if (node.Kind == HostMode.SymbolicLink) return -Errno.NotSupported;
        return HostCalls.ChangeMode(_descriptors, file, (node.Kind == HostMode.Folder ? mode : WithoutSetId(mode)) & HostMode.Permissions);
    }

    private int SetSize(Node node, int file, in FuseSetAttributes asked)
    {
        if (node.Kind != HostMode.Regular) return node.Kind == HostMode.Folder ? -Errno.IsFolder : -Errno.Invalid;
        if (asked.Size > long.MaxValue) return -Errno.Invalid;
        if ((asked.Valid & FuseLayout.KillsSetId) != 0) DropSetId(file);
        // Truncating a handle needs no permission but the handle's.
        if ((asked.Valid & FuseLayout.HasHandle) != 0 && _handles.TryFind(asked.Handle, node.Id, out Handle? handle)) return HostCalls.Truncate(handle.File, (long)asked.Size);
        int opened = HostCalls.Reopen(_descriptors, file, HostCalls.WriteOnly | HostCalls.NonBlocking);
        if (opened < 0) return opened;
        int result = HostCalls.Truncate(opened, (long)asked.Size);
        HostCalls.Close(opened);
        return result;
    }

    /// <summary>Takes away what a change of a program's contents takes away: the bits by which it runs as its owner.</summary>
    private void DropSetId(int file)
    {
        if (HostCalls.Stat(file, out HostStat stat) < 0 || stat.Kind != HostMode.Regular) return;
        uint dropped = stat.Mode & HostMode.SetUser;
        // Without the group's right to execute, the bit means a mandatory lock.
        if ((stat.Mode & HostMode.GroupExecutes) != 0) dropped |= stat.Mode & HostMode.SetGroup;
        if (dropped != 0) _ = HostCalls.ChangeMode(_descriptors, file, stat.Mode & HostMode.Permissions & ~dropped);
    }

    private static HostTime Accessed(in FuseSetAttributes asked) => (asked.Valid & FuseLayout.SetsAccessed) == 0 ? new HostTime { Nanoseconds = HostTime.Omit }
        : (asked.Valid & FuseLayout.AccessedNow) != 0 ? new HostTime { Nanoseconds = HostTime.Now }
        : new HostTime { Seconds = asked.Accessed, Nanoseconds = asked.AccessedNanoseconds };

    private static HostTime Modified(in FuseSetAttributes asked) => (asked.Valid & FuseLayout.SetsModified) == 0 ? new HostTime { Nanoseconds = HostTime.Omit }
        : (asked.Valid & FuseLayout.ModifiedNow) != 0 ? new HostTime { Nanoseconds = HostTime.Now }
        : new HostTime { Seconds = asked.Modified, Nanoseconds = asked.ModifiedNanoseconds };

    private long StatFileSystem(Span<byte> reply)
    {
        int result = HostCalls.StatFileSystem(_nodes.Root.Descriptor, out HostFileSystemStat stat);
        return result < 0 ? result : Answer(reply, new FuseFileSystemReply
        {
            Blocks = stat.Blocks,
            FreeBlocks = stat.FreeBlocks,
            AvailableBlocks = stat.AvailableBlocks,
            Files = stat.Files,
            FreeFiles = stat.FreeFiles,
            BlockSize = (uint)stat.BlockSize,
            NameLength = (uint)stat.NameLength,
            FragmentSize = (uint)stat.FragmentSize,
        });
    }

    private FuseAttributes Translate(in HostStat stat, bool isSubMount = false) => new()
    {
        Inode = stat.Inode,
        Size = stat.Size,
        Blocks = stat.Blocks,
        Accessed = (ulong)stat.Accessed.Seconds,
        Modified = (ulong)stat.Modified.Seconds,
        Changed = (ulong)stat.Changed.Seconds,
        AccessedNanoseconds = stat.Accessed.Nanoseconds,
        ModifiedNanoseconds = stat.Modified.Nanoseconds,
        ChangedNanoseconds = stat.Changed.Nanoseconds,
        Mode = stat.Mode,
        Links = stat.Links,
        User = _owners.ToGuestUser(stat.User),
        Group = _owners.ToGuestGroup(stat.Group),
        // As Linux packs it for user space: 12 bits of the minor number around 12 of the major.
        Device = (stat.SpecialMinor & 0xFF) | (stat.SpecialMajor << 8 & 0xFFF00) | (stat.SpecialMinor & ~0xFFu) << 12,
        BlockSize = stat.BlockSize,
        Flags = isSubMount && _tellsSubMounts ? FuseLayout.IsSubMount : 0,
    };
}
