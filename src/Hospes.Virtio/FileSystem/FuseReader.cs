using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Hospes.Virtio.FileSystem.Native;

namespace Hospes.Virtio.FileSystem;

/// <summary>Reads the arguments of a request from a copy that the guest can't change.</summary>
internal ref struct FuseReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>Reads a structure.</summary>
    /// <returns>False when the request is too short.</returns>
    public bool TryRead<T>(out T value)
        where T : unmanaged
    {
        if (!MemoryMarshal.TryRead(_rest, out value)) return false;
        _rest = _rest[Unsafe.SizeOf<T>()..];
        return true;
    }

    /// <summary>Reads bytes.</summary>
    public bool TryTake(uint length, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (length > (uint)_rest.Length) return false;
        bytes = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return true;
    }

    /// <summary>Reads a name of a folder's entry: one component, that leads neither up nor down.</summary>
    /// <returns>0, or a negative error number.</returns>
    public int ReadName(out ReadOnlySpan<byte> name)
    {
        if (!TryReadText(out name)) return -Errno.Invalid;
        if (name.Length > HostCalls.LongestName) return -Errno.NameTooLong;
        bool isBad = name.IsEmpty || name.Contains((byte)'/') || name.SequenceEqual("."u8) || name.SequenceEqual(".."u8);
        return isBad ? -Errno.Invalid : 0;
    }

    /// <summary>Reads a text up to its terminator.</summary>
    public bool TryReadText(out ReadOnlySpan<byte> text)
    {
        int end = _rest.IndexOf((byte)0);
        text = end < 0 ? default : _rest[..end];
        if (end < 0) return false;
        _rest = _rest[(end + 1)..];
        return true;
    }
}
