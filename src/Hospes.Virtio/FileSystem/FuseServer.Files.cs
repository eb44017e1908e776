using System.Runtime.CompilerServices;
using Hospes.Virtio.FileSystem.Native;

namespace Hospes.Virtio.FileSystem;

/// <summary>Requests on open files.</summary>
internal sealed partial class FuseServer
{
    /// <summary>The longest read or write: as much as Linux allows (FUSE_MAX_MAX_PAGES).</summary>
    private const uint MostData = 1 << 20, PageSize = 4096;

    /// <summary>Reads ahead and late writes that the guest has in flight at most.</summary>
    private const ushort MostBackground = 64;

    private const int FlagsOfGuest = HostCalls.AccessMode | HostCalls.Truncates | HostCalls.Sync | HostCalls.DataSync;
    private const int SeekData = 3, SeekHole = 4;

    private long Open(Node node, ref FuseReader arguments, Span<byte> reply)
    {
        if (!arguments.TryRead(out FusePair asked)) return -Errno.Invalid;
        int flags = (int)asked.First;
        if (_isReadOnly && (flags & (HostCalls.AccessMode | HostCalls.Truncates)) != 0) return -Errno.ReadOnly;
        // Pipes, sockets and devices are the guest's own; opened here they would be the host's.
        if (node.Kind != HostMode.Regular) return node.Kind == HostMode.Folder ? -Errno.IsFolder : -Errno.Loop;
        if (_handles.IsFull) return -Errno.TooManyFiles;
        int descriptor = _nodes.DescriptorOf(node);
        if (descriptor < 0) return descriptor;
        if ((asked.Second & FuseLayout.OpenKillsSetId) != 0) DropSetId(descriptor);
        int file = HostCalls.Reopen(_descriptors, descriptor, (flags & FlagsOfGuest) | HostCalls.NonBlocking);
        return file < 0 ? file : Answer(reply, Opened(_handles.Add(node, file), flags));
    }

    private long Create(in FuseRequestHeader header, Node folder, ref FuseReader arguments, Span<byte> reply)
    {
        if (!arguments.TryRead(out FuseQuad asked)) return -Errno.Invalid;
        int result = FindFolder(folder, ref arguments, out int descriptor, out ReadOnlySpan<byte> name);
        if (result < 0) return result;
        if (_handles.IsFull) return -Errno.TooManyFiles;
        int flags = (int)asked.First;
        uint mode = WithoutSetId(asked.Second) & HostMode.Permissions;
        int file = HostCalls.OpenChild(descriptor, name, (flags & FlagsOfGuest) | HostCalls.Create | HostCalls.Exclusive | HostCalls.NonBlocking, mode);
        if (file == -Errno.Exists && (flags & HostCalls.Exclusive) == 0) return OpenExisting(folder, descriptor, name, flags, reply);
        if (file < 0) return file;
        if (GivesAway(header, folder, out uint user, out uint group)) _ = HostCalls.ChangeOwner(file, user, group);
        result = HostCalls.Stat(file, out HostStat stat);
        if (result >= 0 && Masks(mode, stat))
        {
            _ = HostCalls.ChangeMode(_descriptors, file, mode);
            result = HostCalls.Stat(file, out stat);
        }
        return CreateHandle(folder, name, file, flags, result, stat, reply);
    }

    /// <summary>Opens what somebody else made between the guest's look and its request.</summary>
    private long OpenExisting(Node folder, int descriptor, ReadOnlySpan<byte> name, int flags, Span<byte> reply)
    {
        int found = HostCalls.OpenChild(descriptor, name, HostCalls.Path);
        if (found < 0) return found;
        int result = HostCalls.Stat(found, out HostStat stat), file = -1;
        if (result >= 0) result = stat.Kind == HostMode.Regular ? 0 : stat.Kind == HostMode.Folder ? -Errno.IsFolder : -Errno.Loop;
        if (result >= 0) result = file = HostCalls.Reopen(_descriptors, found, (flags & FlagsOfGuest) | HostCalls.NonBlocking);
        HostCalls.Close(found);
        return result < 0 ? result : CreateHandle(folder, name, file, flags, result, stat, reply);
    }

    private long CreateHandle(Node folder, ReadOnlySpan<byte> name, int file, int flags, int result, in HostStat stat, Span<byte> reply)
    {
        FuseEntry? entry = result < 0 ? null : Enter(folder, name, stat);
        if (entry is not { } known || _nodes.Find(stat.Identity) is not { } node)
        {
            HostCalls.Close(file);
            return result < 0 ? result : -Errno.TooManyFiles;
        }
        Answer(reply, known);
        return Unsafe.SizeOf<FuseEntry>() + Answer(reply[Unsafe.SizeOf<FuseEntry>()..], Opened(_handles.Add(node, file), flags));
    }

    /// <summary>What the guest is told of a handle. What was only read has nothing to be told at its closing.</summary>
    private static FuseOpenReply Opened(Handle handle, int flags) => new() { Handle = handle.Id, Flags = (flags & HostCalls.AccessMode) == HostCalls.ReadOnly ? FuseLayout.NoFlush : 0 };

    private long Read(in FuseRequestHeader header, ref FuseReader arguments, IFuseData data)
    {
        if (!arguments.TryRead(out FuseTransfer asked) || asked.Offset > long.MaxValue) return -Errno.Invalid;
        if (!_handles.TryFind(asked.Handle, header.Node, out Handle? handle)) return -Errno.BadFile;
        return data.FromFile(handle.File, (long)asked.Offset, Math.Min(Math.Min(asked.Size, MostData), data.Room));
    }

    private long Write(in FuseRequestHeader header, ref FuseReader arguments, Span<byte> reply, IFuseData data)
    {
        if (!arguments.TryRead(out FuseTransfer asked) || asked.Offset > long.MaxValue) return -Errno.Invalid;
        if (header.Length - FuseLayout.RequestHeader - FuseLayout.WriteArguments < asked.Size || asked.Size > MostData) return -Errno.Invalid;
        if (!_handles.TryFind(asked.Handle, header.Node, out Handle? handle)) return -Errno.BadFile;
        if ((asked.TransferFlags & FuseLayout.WriteKillsSetId) != 0) DropSetId(handle.File);
        // What the guest's cache writes late has its place, even in a file that is open for appending.
        bool appends = (asked.Flags & HostCalls.Appends) != 0 && (asked.TransferFlags & FuseLayout.WriteFromCache) == 0;
        long done = data.ToFile(handle.File, (long)asked.Offset, asked.Size, appends);
        return done < 0 ? done : Answer(reply, new FusePair { First = (uint)done });
    }

    private long Release(in FuseRequestHeader header, ref FuseReader arguments)
    {
        if (!arguments.TryRead(out ulong id) || !_handles.TryFind(id, header.Node, out Handle? handle)) return -Errno.BadFile;
        _handles.Close(handle);
        return 0;
    }

    private long Synchronize(in FuseRequestHeader header, ref FuseReader arguments)
    {
        if (!arguments.TryRead(out FuseLongPair asked) || !_handles.TryFind(asked.First, header.Node, out Handle? handle)) return -Errno.BadFile;
        return HostCalls.Synchronize(handle.File, (asked.Second & FuseLayout.DataOnly) != 0);
    }

    private long SynchronizeFileSystem()
    {
        int file = HostCalls.Reopen(_descriptors, _nodes.Root.Descriptor, HostCalls.ReadOnly | HostCalls.Folder);
        if (file < 0) return file;
        int result = HostCalls.SynchronizeFileSystem(file);
        HostCalls.Close(file);
        return result;
    }

    private long Allocate(in FuseRequestHeader header, ref FuseReader arguments)
    {
        if (!arguments.TryRead(out FuseAllocate asked) || asked.Offset > long.MaxValue || asked.Length > long.MaxValue) return -Errno.Invalid;
        if (!_handles.TryFind(asked.Handle, header.Node, out Handle? handle)) return -Errno.BadFile;
        return HostCalls.Allocate(handle.File, (int)asked.Mode, (long)asked.Offset, (long)asked.Length);
    }

    private long Seek(in FuseRequestHeader header, ref FuseReader arguments, Span<byte> reply)
    {
        if (!arguments.TryRead(out FuseSeek asked) || asked.Whence is not (SeekData or SeekHole)) return -Errno.Invalid;
        if (!_handles.TryFind(asked.Handle, header.Node, out Handle? handle)) return -Errno.BadFile;
        if (handle.Node.Kind != HostMode.Regular) return -Errno.Invalid;
        long at = HostCalls.Seek(handle.File, (long)asked.Offset, (int)asked.Whence);
        return at < 0 ? at : Answer(reply, (ulong)at);
    }

    private long CopyRange(in FuseRequestHeader header, ref FuseReader arguments, Span<byte> reply)
    {
        if (!arguments.TryRead(out FuseCopy asked) || asked.Flags != 0 || asked.Offset > long.MaxValue || asked.TargetOffset > long.MaxValue) return -Errno.Invalid;
        if (!_handles.TryFind(asked.Handle, header.Node, out Handle? source) || !_handles.TryFind(asked.TargetHandle, asked.TargetNode, out Handle? target)) return -Errno.BadFile;
        // The worker has others to serve: a long copy goes on with the guest's next request.
        long done = HostCalls.CopyRange(source.File, (long)asked.Offset, target.File, (long)asked.TargetOffset, Math.Min(asked.Length, MostCopied));
        return done < 0 ? done : Answer(reply, new FusePair { First = (uint)done });
    }

    /// <summary>How much one request copies.</summary>
    private const ulong MostCopied = 64 << 20;
}
