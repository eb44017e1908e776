using Hospes.Virtio.FileSystem.Native;

namespace Hospes.Virtio.FileSystem;

/// <summary>Requests on the names in folders.</summary>
internal sealed partial class FuseServer
{
    private long Lookup(Node folder, ref FuseReader arguments, Span<byte> reply)
    {
        int result = FindFolder(folder, ref arguments, out int descriptor, out ReadOnlySpan<byte> name);
        return result < 0 ? result : Show(folder, descriptor, name, reply);
    }

    private long MakeFolder(in FuseRequestHeader header, Node folder, ref FuseReader arguments, Span<byte> reply)
    {
        if (!arguments.TryRead(out FusePair asked)) return -Errno.Invalid;
        int result = FindFolder(folder, ref arguments, out int descriptor, out ReadOnlySpan<byte> name);
        uint mode = asked.First & HostMode.Permissions;
        if (result >= 0) result = HostCalls.MakeFolder(descriptor, name, mode);
        return result < 0 ? result : ShowNew(header, folder, descriptor, name, mode, reply);
    }

    private long MakeNode(in FuseRequestHeader header, Node folder, ref FuseReader arguments, Span<byte> reply)
    {
        if (!arguments.TryRead(out FuseQuad asked)) return -Errno.Invalid;
        int result = FindFolder(folder, ref arguments, out int descriptor, out ReadOnlySpan<byte> name);
        if (result < 0) return result;
        // A device that the guest makes would be one of the host's.
        if ((asked.First & HostMode.Kind) is not (HostMode.Regular or HostMode.Pipe or HostMode.Socket)) return -Errno.NotPermitted;
        uint mode = WithoutSetId(asked.First);
        result = HostCalls.MakeNode(descriptor, name, mode);
        return result < 0 ? result : ShowNew(header, folder, descriptor, name, mode, reply);
    }

    private long MakeSymbolicLink(in FuseRequestHeader header, Node folder, ref FuseReader arguments, Span<byte> reply)
    {
        int result = FindFolder(folder, ref arguments, out int descriptor, out ReadOnlySpan<byte> name);
        if (result < 0) return result;
        if (!arguments.TryReadText(out ReadOnlySpan<byte> target)) return -Errno.Invalid;
        if (target.Length > HostCalls.LongestTarget) return -Errno.NameTooLong;
        result = HostCalls.MakeSymbolicLink(target, descriptor, name);
        return result < 0 ? result : ShowNew(header, folder, descriptor, name, mode: null, reply);
    }

    private long ReadLink(Node node, Span<byte> reply)
    {
        if (node.Kind != HostMode.SymbolicLink) return -Errno.Invalid;
        int file = _nodes.DescriptorOf(node);
        return file < 0 ? file : HostCalls.ReadLink(file, reply[..Math.Min(reply.Length, HostCalls.LongestTarget)]);
    }

    private long Link(Node folder, ref FuseReader arguments, Span<byte> reply)
    {
        if (!arguments.TryRead(out ulong old) || !_nodes.TryFind(old, out Node? node)) return -Errno.Stale;
        int result = FindFolder(folder, ref arguments, out int descriptor, out ReadOnlySpan<byte> name);
        if (result < 0) return result;
        int file = _nodes.DescriptorOf(node);
        result = file < 0 ? file : HostCalls.Link(_descriptors, file, descriptor, name);
        return result < 0 ? result : Show(folder, descriptor, name, reply);
    }

    private long Unlink(Node folder, ref FuseReader arguments, bool isFolder)
    {
        int result = FindFolder(folder, ref arguments, out int descriptor, out ReadOnlySpan<byte> name);
        return result < 0 ? result : HostCalls.Unlink(descriptor, name, isFolder);
    }

    private long Rename(Node folder, ref FuseReader arguments, bool hasFlags)
    {
        uint flags = 0;
        if (!arguments.TryRead(out ulong target) || (hasFlags && !arguments.TryRead(out flags)) || (hasFlags && !arguments.TryRead(out uint _))) return -Errno.Invalid;
        // A whiteout is a device.
        if ((flags & ~(HostCalls.RenameNoReplace | HostCalls.RenameExchange)) != 0) return -Errno.Invalid;
        if (!_nodes.TryFind(target, out Node? other)) return -Errno.Stale;
        int result = FindFolder(folder, ref arguments, out int descriptor, out ReadOnlySpan<byte> name);
        if (result < 0) return result;
        result = arguments.ReadName(out ReadOnlySpan<byte> otherName);
        if (result < 0) return result;
        int otherDescriptor = _nodes.DescriptorOf(other);
        result = otherDescriptor < 0 ? otherDescriptor : HostCalls.Rename(descriptor, name, otherDescriptor, otherName, flags);
        if (result < 0) return result;
        Moved(other, otherDescriptor, otherName);
        if ((flags & HostCalls.RenameExchange) != 0) Moved(folder, descriptor, name);
        return 0;
    }

    /// <summary>Notes that a file lies somewhere else now, if the guest knows of it.</summary>
    private void Moved(Node folder, int descriptor, ReadOnlySpan<byte> name)
    {
        if (HostCalls.StatChild(descriptor, name, out HostStat stat) == 0 && _nodes.Find(stat.Identity) is { } node) _nodes.Place(node, folder, name);
    }

    private void Forget(in FuseRequestHeader header, ref FuseReader arguments)
    {
        if (header.Operation == FuseOperation.Forget)
        {
            if (arguments.TryRead(out ulong times)) _nodes.Forget(header.Node, times);
            return;
        }
        if (!arguments.TryRead(out FusePair count)) return;
        for (uint i = 0; i < count.First && arguments.TryRead(out FuseLongPair one); i++) _nodes.Forget(one.First, one.Second);
    }

    /// <summary>Reads a name, and finds the folder that it is in.</summary>
    private int FindFolder(Node folder, ref FuseReader arguments, out int descriptor, out ReadOnlySpan<byte> name)
    {
        descriptor = arguments.ReadName(out name);
        if (descriptor >= 0) descriptor = folder.Kind == HostMode.Folder ? _nodes.DescriptorOf(folder) : -Errno.NotFolder;
        return descriptor;
    }

    /// <summary>Tells the guest of what a folder has under a name.</summary>
    private long Show(Node folder, int descriptor, ReadOnlySpan<byte> name, Span<byte> reply)
    {
        int result = HostCalls.StatChild(descriptor, name, out HostStat stat);
        return result < 0 ? result : Enter(folder, name, stat) is { } entry ? Answer(reply, entry) : -Errno.TooManyFiles;
    }

    /// <summary>Gives what was made under a name to who asked, and tells the guest of it.</summary>
    /// <param name="header">Who asked.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="descriptor">Its descriptor.</param>
    /// <param name="name">The name.</param>
    /// <param name="mode">What the mode is to be; null where it does not count.</param>
    /// <param name="reply">Where the entry goes.</param>
    private long ShowNew(in FuseRequestHeader header, Node folder, int descriptor, ReadOnlySpan<byte> name, uint? mode, Span<byte> reply)
    {
        if (GivesAway(header, folder, out uint user, out uint group)) _ = HostCalls.ChangeOwnerOfChild(descriptor, name, user, group);
        int result = HostCalls.StatChild(descriptor, name, out HostStat stat);
        if (result < 0) return result;
        if (Enter(folder, name, stat) is not { } entry) return -Errno.TooManyFiles;
        if (mode is { } wanted && Masks(wanted, stat) && _nodes.Find(stat.Identity) is { } node && _nodes.DescriptorOf(node) is var file and >= 0)
        {
            entry.Attributes.Mode = stat.Kind | FullMode(wanted, stat);
            _ = HostCalls.ChangeMode(_descriptors, file, entry.Attributes.Mode & HostMode.Permissions);
        }
        return Answer(reply, entry);
    }

    /// <summary>Whether the process's mask took something of a mode away.</summary>
    private bool Masks(uint wanted, in HostStat stat) => (wanted & _umask & ~stat.Mode) != 0;

    /// <summary>The mode that was asked for; a folder's group that came from the one above stays inherited.</summary>
    private static uint FullMode(uint wanted, in HostStat stat) => (wanted | (stat.Mode & HostMode.SetGroup)) & HostMode.Permissions;

    /// <summary>Whether something new is to be another's than the process's.</summary>
    private bool GivesAway(in FuseRequestHeader header, Node folder, out uint user, out uint group)
    {
        (user, group) = (header.User, header.Group);
        if (!_owners.AreSame) return false;
        // A folder can give its own group to what is made in it (inode(7), S_ISGID).
        if (group == _owners.Group || (_nodes.Stat(folder, out HostStat stat) == 0 && (stat.Mode & HostMode.SetGroup) != 0)) group = Owners.Unchanged;
        if (user == _owners.User) user = Owners.Unchanged;
        return user != Owners.Unchanged || group != Owners.Unchanged;
    }

    /// <summary>A mode without what would let programs of the guest's making run as their owner on the host. POSIX lets chmod() leave that out.</summary>
    private static uint WithoutSetId(uint mode) => mode & ~(HostMode.SetUser | HostMode.SetGroup);

    private FuseEntry? Enter(Node folder, ReadOnlySpan<byte> name, in HostStat stat) => _nodes.Enter(folder, name, stat) is not { } node ? null : new FuseEntry
    {
        Node = node.Id,
        EntryValid = SecondsValid,
        AttributesValid = SecondsValid,
        Attributes = Translate(stat, isSubMount: stat.Kind == HostMode.Folder && stat.Identity.Device != folder.Identity.Device),
    };
}
