using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Hospes.Virtio.FileSystem.Native;

namespace Hospes.Virtio.FileSystem;

/// <summary>Requests on open folders.</summary>
internal sealed partial class FuseServer
{
    /// <summary>Where the fields of the host's entries are (getdents64(2)): inode, offset of the next, length, kind, name.</summary>
    private const int HostNext = 8, HostLength = 16, HostKind = 18, HostName = 19;

    /// <summary>Attributes of an entry of which nothing is told.</summary>
    private static readonly byte[] s_nothing = new byte[FuseLayout.EntryAttributes];

    private readonly byte[] _entries = new byte[LongestReply];

    private long OpenFolder(Node node, Span<byte> reply)
    {
        if (node.Kind != HostMode.Folder) return -Errno.NotFolder;
        if (_handles.IsFull) return -Errno.TooManyFiles;
        int descriptor = _nodes.DescriptorOf(node);
        if (descriptor < 0) return descriptor;
        int file = HostCalls.Reopen(_descriptors, descriptor, HostCalls.ReadOnly | HostCalls.Folder);
        return file < 0 ? file : Answer(reply, new FuseOpenReply { Handle = _handles.Add(node, file).Id });
    }

    private long ReadFolder(in FuseRequestHeader header, ref FuseReader arguments, Span<byte> reply, bool plus)
    {
        if (!arguments.TryRead(out FuseTransfer asked) || asked.Offset > long.MaxValue) return -Errno.Invalid;
        if (!_handles.TryFind(asked.Handle, header.Node, out Handle? handle)) return -Errno.BadFile;
        if (handle.Node.Kind != HostMode.Folder) return -Errno.NotFolder;
        if (asked.Size < reply.Length) reply = reply[..(int)asked.Size];
        if (asked.Offset != handle.Position)
        {
            long at = HostCalls.Seek(handle.File, (long)asked.Offset, 0);
            if (at < 0) return at;
            handle.Position = asked.Offset;
        }
        // With attributes, an entry takes several times what the host gives: what would not fit is not read.
        int wanted = plus ? Math.Max(reply.Length / 4, Math.Min(reply.Length, 1024)) : reply.Length;
        int count = HostCalls.ReadFolder(handle.File, _entries.AsSpan(0, Math.Min(wanted, _entries.Length)));
        return count < 0 ? count : Pack(handle, _entries.AsSpan(0, count), reply, plus);
    }

    /// <summary>Packs entries of the host as FUSE has them, as many as there is room for.</summary>
    private int Pack(Handle folder, ReadOnlySpan<byte> entries, Span<byte> reply, bool plus)
    {
        int used = 0, header = FuseLayout.EntryHeader + (plus ? FuseLayout.EntryAttributes : 0);
        bool isWhole = true;
        while (!entries.IsEmpty && isWhole)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(entries[HostLength..]);
            ReadOnlySpan<byte> name = entries[HostName..length];
            name = name[..name.IndexOf((byte)0)];
            int padded = (header + name.Length + FuseLayout.EntryAlignment - 1) & -FuseLayout.EntryAlignment;
            isWhole = padded <= reply.Length - used;
            if (!isWhole) break;
            ulong next = BinaryPrimitives.ReadUInt64LittleEndian(entries[HostNext..]), inode = BinaryPrimitives.ReadUInt64LittleEndian(entries);
            bool isDots = name.SequenceEqual("."u8) || name.SequenceEqual(".."u8);
            // What is above the shared folder is not told of.
            if (isDots && folder.Node == _nodes.Root) inode = _nodes.Root.Identity.Inode;
            Span<byte> at = reply.Slice(used, padded);
            at.Clear();
            if (plus)
            {
                if (!isDots) PutAttributes(folder, name, at);
                at = at[FuseLayout.EntryAttributes..];
            }
            BinaryPrimitives.WriteUInt64LittleEndian(at, inode);
            BinaryPrimitives.WriteUInt64LittleEndian(at[8..], next);
            BinaryPrimitives.WriteInt32LittleEndian(at[16..], name.Length);
            BinaryPrimitives.WriteInt32LittleEndian(at[20..], entries[HostKind]);
            name.CopyTo(at[FuseLayout.EntryHeader..]);
            used += padded;
            folder.Position = next;
            entries = entries[length..];
        }
        // The descriptor stands behind what was left out.
        if (!isWhole) HostCalls.Seek(folder.File, (long)folder.Position, 0);
        return isWhole || used > 0 ? used : -Errno.Invalid;
    }

    /// <summary>Tells of a file beside its entry; an entry without is one that the guest asks for by itself.</summary>
    private void PutAttributes(Handle folder, ReadOnlySpan<byte> name, Span<byte> at)
    {
        if (HostCalls.StatChild(folder.File, name, out HostStat stat) == 0 && Enter(folder.Node, name, stat) is { } entry) MemoryMarshal.Write(at, entry);
    }
}
