using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Hospes.Virtio.FileSystem.Native;

namespace Hospes.Virtio.FileSystem;

/// <summary>
/// Serves FUSE requests (Linux, <c>include/uapi/linux/fuse.h</c>) on one folder of the host. Only what lies in the folder can be reached, for
/// every name is one component that is opened in a folder's descriptor without following links. Reads and writes allocate nothing. For one thread.
/// </summary>
internal sealed partial class FuseServer : IDisposable
{
    /// <summary>The longest request without the data of a write: an attribute's value, its name, and what stands before; and the longest reply without the data of a read.</summary>
    public const int LongestRequest = LongestAttribute + 1024, LongestReply = LongestAttribute + FuseLayout.ReplyHeader;

    private const int LongestAttribute = 64 << 10;

    private readonly NodeTable _nodes;
    private readonly HandleTable _handles;
    private readonly Owners _owners;
    private readonly uint _umask;
    private readonly int _descriptors;
    private readonly bool _isReadOnly;
    private bool _isReady, _tellsSubMounts;

    private FuseServer(int root, int descriptors, in HostStat stat, bool isReadOnly, Owners owners, ShareLimits limits, uint umask)
    {
        _nodes = new NodeTable(root, stat, limits);
        _handles = new HandleTable(_nodes, limits.Handles);
        (_descriptors, _isReadOnly, _owners, _umask) = (descriptors, isReadOnly, owners, umask);
    }

    /// <summary>How many files the guest knows of.</summary>
    public int Nodes => _nodes.Count;

    /// <summary>How many descriptors are kept for those.</summary>
    public int Kept => _nodes.Kept;

    /// <summary>How many files and folders it has open.</summary>
    public int Handles => _handles.Count;

    /// <summary>Opens a folder to be served.</summary>
    /// <param name="path">The folder, as a person names it.</param>
    /// <param name="isReadOnly">Whether nothing in it may change.</param>
    /// <param name="error">Why not: an error number of Linux.</param>
    /// <param name="limits">How much a guest can take; null for what the process can spare.</param>
    /// <param name="owners">Whose files are whose; null for what the process is.</param>
    public static FuseServer? TryOpen(string path, bool isReadOnly, out int error, ShareLimits? limits = null, Owners? owners = null)
    {
        int descriptors = HostCalls.OpenShared("/proc/self/fd");
        int root = descriptors < 0 ? descriptors : HostCalls.OpenShared(path);
        HostStat stat = default;
        // A kernel without openat2, or one that forbids it, is noticed now.
        int probe = root < 0 ? root : HostCalls.OpenChild(root, "."u8, HostCalls.Path);
        int result = probe < 0 ? probe : HostCalls.Stat(root, out stat);
        foreach (int file in (ReadOnlySpan<int>)[probe, result < 0 ? root : -1, result < 0 ? descriptors : -1])
        {
            if (file >= 0) HostCalls.Close(file);
        }
        error = Math.Max(0, -result);
        return result < 0 ? null : new FuseServer(root, descriptors, stat, isReadOnly, owners ?? Owners.OfProcess(), limits ?? ShareLimits.OfProcess(), ReadUmask());
    }

    /// <summary>Serves a request.</summary>
    /// <param name="request">A copy of it: its header and arguments, of a write without the data.</param>
    /// <param name="length">How long it is with the data.</param>
    /// <param name="reply">Where the reply goes, its header first.</param>
    /// <param name="data">The data of reads and writes, which are not in <paramref name="reply"/> and <paramref name="request"/>.</param>
    /// <returns>How long the reply is with the data; 0 for none.</returns>
    public uint Serve(ReadOnlySpan<byte> request, uint length, Span<byte> reply, IFuseData data)
    {
        var arguments = new FuseReader(request);
        if (!arguments.TryRead(out FuseRequestHeader header)) return 0;
        if (header.Operation is FuseOperation.Forget or FuseOperation.BatchForget)
        {
            if (header.Length == length) Forget(header, ref arguments);
            return 0;
        }
        if (reply.Length < FuseLayout.ReplyHeader) return 0;
        Span<byte> body = reply[FuseLayout.ReplyHeader..];
        long result = header.Length != length ? -Errno.Invalid
            : !_isReady && header.Operation != FuseOperation.Initialize ? -Errno.InputOutput
            : _isReadOnly && Changes(header.Operation) ? -Errno.ReadOnly
            : body.Length < Needs(header.Operation) ? -Errno.Invalid
            : Dispatch(header, ref arguments, body, data);
        var answer = new FuseReplyHeader
        {
            Length = (uint)(FuseLayout.ReplyHeader + Math.Max(result, 0)),
            Error = (int)Math.Min(result, 0),
            Unique = header.Unique,
        };
        MemoryMarshal.Write(reply, answer);
        return answer.Length;
    }

    /// <summary>Forgets everything: the guest begins anew.</summary>
    public void Reset()
    {
        _handles.Clear();
        _nodes.Clear();
        _isReady = false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Reset();
        _nodes.Dispose();
        HostCalls.Close(_descriptors);
    }

    private long Dispatch(in FuseRequestHeader header, ref FuseReader arguments, Span<byte> reply, IFuseData data)
    {
        // Copies go between two files, and what the guest says of a handle's file is compared with the handle.
        if (!_nodes.TryFind(header.Node, out Node? node)) node = null;
        if (node is null && NeedsNode(header.Operation)) return -Errno.Stale;
        return header.Operation switch
        {
            FuseOperation.Initialize => Initialize(ref arguments, reply),
            FuseOperation.Lookup => Lookup(node!, ref arguments, reply),
            FuseOperation.GetAttributes => GetAttributes(node!, reply),
            FuseOperation.SetAttributes => SetAttributes(node!, ref arguments, reply),
            FuseOperation.ReadLink => ReadLink(node!, reply),
            FuseOperation.SymbolicLink => MakeSymbolicLink(header, node!, ref arguments, reply),
            FuseOperation.MakeNode => MakeNode(header, node!, ref arguments, reply),
            FuseOperation.MakeFolder => MakeFolder(header, node!, ref arguments, reply),
            FuseOperation.Unlink => Unlink(node!, ref arguments, isFolder: false),
            FuseOperation.RemoveFolder => Unlink(node!, ref arguments, isFolder: true),
            FuseOperation.Rename => Rename(node!, ref arguments, hasFlags: false),
            FuseOperation.RenameWithFlags => Rename(node!, ref arguments, hasFlags: true),
            FuseOperation.Link => Link(node!, ref arguments, reply),
            FuseOperation.Open => Open(node!, ref arguments, reply),
            FuseOperation.Create => Create(header, node!, ref arguments, reply),
            FuseOperation.Read => Read(header, ref arguments, data),
            FuseOperation.Write => Write(header, ref arguments, reply, data),
            FuseOperation.Release or FuseOperation.ReleaseFolder => Release(header, ref arguments),
            FuseOperation.Flush => 0,
            FuseOperation.Synchronize or FuseOperation.SynchronizeFolder => Synchronize(header, ref arguments),
            FuseOperation.Allocate => Allocate(header, ref arguments),
            FuseOperation.Seek => Seek(header, ref arguments, reply),
            FuseOperation.CopyRange => CopyRange(header, ref arguments, reply),
            FuseOperation.OpenFolder => OpenFolder(node!, reply),
            FuseOperation.ReadFolder => ReadFolder(header, ref arguments, reply, plus: false),
            FuseOperation.ReadFolderPlus => ReadFolder(header, ref arguments, reply, plus: true),
            FuseOperation.StatFileSystem => StatFileSystem(reply),
            FuseOperation.SynchronizeFileSystem => SynchronizeFileSystem(),
            FuseOperation.GetExtended => GetExtended(node!, ref arguments, reply),
            FuseOperation.SetExtended => SetExtended(node!, ref arguments),
            FuseOperation.ListExtended => ListExtended(node!, ref arguments, reply),
            FuseOperation.RemoveExtended => RemoveExtended(node!, ref arguments),
            FuseOperation.Destroy => Destroy(),
            // Nothing that is served waits, so that there is nothing to interrupt; locks, ioctl and poll are the guest's own affair then.
            _ => -Errno.NotThere,
        };
    }

    private long Destroy()
    {
        Reset();
        return 0;
    }

    private long Initialize(ref FuseReader arguments, Span<byte> reply)
    {
        if (!arguments.TryRead(out FuseInitRequest asked)) return -Errno.Invalid;
        var answer = new FuseInitReply { Major = FuseLayout.Major, Minor = FuseLayout.Minor };
        // A newer major asks again with ours.
        if (asked.Major > FuseLayout.Major) return Answer(reply, answer);
        if (asked.Major < FuseLayout.Major || asked.Minor < FuseLayout.OldestMinor) return -Errno.Protocol;
        Reset();
        const uint Wanted = FuseLayout.AsyncRead | FuseLayout.AtomicTruncate | FuseLayout.BigWrites | FuseLayout.AutoInvalidate | FuseLayout.ReadFolderPlus | FuseLayout.ReadFolderPlusAuto
            | FuseLayout.AsyncDirect | FuseLayout.ParallelFolders | FuseLayout.MaxPages | FuseLayout.CacheLinks | FuseLayout.SubMounts | FuseLayout.DropsSetId;
        answer.Flags = asked.Flags & Wanted;
        _tellsSubMounts = (answer.Flags & FuseLayout.SubMounts) != 0;
        answer.MaxReadAhead = Math.Min(asked.MaxReadAhead, MostData);
        answer.MaxBackground = MostBackground;
        answer.CongestionThreshold = MostBackground * 3 / 4;
        answer.MaxWrite = MostData;
        answer.TimeGranularity = 1;
        answer.MaxPages = (ushort)(MostData / PageSize);
        _isReady = true;
        return Answer(reply, answer);
    }

    /// <summary>Writes a reply's body.</summary>
    /// <returns>Its bytes.</returns>
    private static long Answer<T>(Span<byte> reply, in T answer)
        where T : unmanaged
    {
        MemoryMarshal.Write(reply, answer);
        return Unsafe.SizeOf<T>();
    }

    private static bool NeedsNode(FuseOperation operation) =>
        operation is not (FuseOperation.Initialize or FuseOperation.Destroy or FuseOperation.StatFileSystem or FuseOperation.SynchronizeFileSystem or FuseOperation.Interrupt);

    private static bool Changes(FuseOperation operation) => operation is FuseOperation.SetAttributes or FuseOperation.SymbolicLink or FuseOperation.MakeNode or FuseOperation.MakeFolder
        or FuseOperation.Unlink or FuseOperation.RemoveFolder or FuseOperation.Rename or FuseOperation.RenameWithFlags or FuseOperation.Link or FuseOperation.Write or FuseOperation.Create
        or FuseOperation.SetExtended or FuseOperation.RemoveExtended or FuseOperation.Allocate or FuseOperation.CopyRange;

    /// <summary>Bytes that the body of a good reply has at least: asked for before anything is done.</summary>
    private static int Needs(FuseOperation operation) => operation switch
    {
        FuseOperation.Initialize => Unsafe.SizeOf<FuseInitReply>(),
        FuseOperation.Lookup or FuseOperation.SymbolicLink or FuseOperation.MakeNode or FuseOperation.MakeFolder or FuseOperation.Link => Unsafe.SizeOf<FuseEntry>(),
        FuseOperation.Create => Unsafe.SizeOf<FuseEntry>() + Unsafe.SizeOf<FuseOpenReply>(),
        FuseOperation.GetAttributes or FuseOperation.SetAttributes => Unsafe.SizeOf<FuseAttributesReply>(),
        FuseOperation.Open or FuseOperation.OpenFolder => Unsafe.SizeOf<FuseOpenReply>(),
        FuseOperation.StatFileSystem => Unsafe.SizeOf<FuseFileSystemReply>(),
        FuseOperation.Write or FuseOperation.CopyRange or FuseOperation.Seek => sizeof(ulong),
        _ => 0,
    };

    /// <summary>The process's mask for new files: what it takes away is given back, for the guest's kernel has taken its own away already.</summary>
    private static uint ReadUmask()
    {
        const string Field = "Umask:";
        foreach (string line in File.ReadLines("/proc/self/status"))
        {
            if (line.StartsWith(Field, StringComparison.Ordinal)) return Convert.ToUInt32(line[Field.Length..].Trim(), 8);
        }
        return HostMode.Permissions;
    }
}
