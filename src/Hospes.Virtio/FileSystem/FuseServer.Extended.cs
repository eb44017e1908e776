using Hospes.Virtio.FileSystem.Native;

namespace Hospes.Virtio.FileSystem;

/// <summary>
/// Requests on extended attributes. Only those of users (<c>user.</c>) are shared: the others mean something to the host's kernel.
/// </summary>
internal sealed partial class FuseServer
{
    private static ReadOnlySpan<byte> Shared => "user."u8;

    private long GetExtended(Node node, ref FuseReader arguments, Span<byte> reply)
    {
        if (!arguments.TryRead(out FusePair asked)) return -Errno.Invalid;
        int file = FindAttribute(node, ref arguments, out ReadOnlySpan<byte> name);
        if (file < 0) return file;
        Span<byte> value = reply[..(int)Math.Min(asked.First, (uint)reply.Length)];
        int length = HostCalls.GetAttribute(file, name, asked.First == 0 ? default : value);
        return asked.First != 0 || length < 0 ? length : AnswerLength(reply, length);
    }

    private long ListExtended(Node node, ref FuseReader arguments, Span<byte> reply)
    {
        if (!arguments.TryRead(out FusePair asked)) return -Errno.Invalid;
        if (!HasAttributes(node)) return asked.First == 0 ? AnswerLength(reply, 0) : 0;
        int file = _nodes.DescriptorOf(node);
        if (file < 0) return file;
        int length = HostCalls.ListAttributes(file, _entries);
        if (length < 0) return length;
        int kept = 0;
        for (ReadOnlySpan<byte> rest = _entries.AsSpan(0, length); rest.IndexOf((byte)0) is var end and >= 0; rest = rest[(end + 1)..])
        {
            if (!rest.StartsWith(Shared)) continue;
            // Never behind where it is read from.
            rest[..(end + 1)].CopyTo(_entries.AsSpan(kept));
            kept += end + 1;
        }
        if (asked.First == 0) return AnswerLength(reply, kept);
        if (kept > Math.Min(asked.First, (uint)reply.Length)) return -Errno.OutOfRange;
        _entries.AsSpan(0, kept).CopyTo(reply);
        return kept;
    }

    private long SetExtended(Node node, ref FuseReader arguments)
    {
        // The long form of the arguments was not asked for.
        if (!arguments.TryRead(out FusePair asked)) return -Errno.Invalid;
        int file = FindAttribute(node, ref arguments, out ReadOnlySpan<byte> name);
        if (file < 0) return file == -Errno.NoData ? -Errno.NotPermitted : file;
        return arguments.TryTake(asked.First, out ReadOnlySpan<byte> value) ? HostCalls.SetAttribute(file, name, value, (int)asked.Second) : -Errno.Invalid;
    }

    private long RemoveExtended(Node node, ref FuseReader arguments)
    {
        int file = FindAttribute(node, ref arguments, out ReadOnlySpan<byte> name);
        return file < 0 ? file : HostCalls.RemoveAttribute(file, name);
    }

    /// <summary>Reads an attribute's name, and finds the file that it is of.</summary>
    private int FindAttribute(Node node, ref FuseReader arguments, out ReadOnlySpan<byte> name)
    {
        if (!arguments.TryReadText(out name)) return -Errno.Invalid;
        if (name.Length > HostCalls.LongestName) return -Errno.OutOfRange;
        if (!name.StartsWith(Shared)) return -Errno.NotSupported;
        return HasAttributes(node) ? _nodes.DescriptorOf(node) : -Errno.NoData;
    }

    /// <summary>Only files and folders have attributes of users (xattr(7)).</summary>
    private static bool HasAttributes(Node node) => node.Kind is HostMode.Regular or HostMode.Folder;

    private static long AnswerLength(Span<byte> reply, int length) => reply.Length < sizeof(ulong) ? -Errno.Invalid : Answer(reply, new FusePair { First = (uint)length });
}
