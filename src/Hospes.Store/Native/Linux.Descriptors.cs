using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Hospes.Store.Native;

/// <content>Descriptors that one process hands to another over a Unix socket (unix(7), SCM_RIGHTS).</content>
internal static partial class Linux
{
    private const int SocketLevel = 1;
    private const int Rights = 1;
    private const int CloseOnExecMessage = 0x40000000;
    private const int ControlHead = 16;

    /// <summary>Descriptors in one message; the kernel takes at most 253.</summary>
    public const int DescriptorsPerMessage = 200;

    [StructLayout(LayoutKind.Sequential)]
    private struct Vector
    {
        public nint Base;
        public nuint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct MessageHead
    {
        public nint Name;
        public uint NameLength;
        public nint Vectors;
        public nuint VectorCount;
        public nint Control;
        public nuint ControlLength;
        public int Flags;
    }

    /// <summary>Sends one byte with descriptors beside it.</summary>
    public static unsafe bool SendDescriptors(int socket, ReadOnlySpan<int> descriptors)
    {
        int length = ControlHead + descriptors.Length * sizeof(int);
        var control = new byte[(length + 7) & ~7];
        BinaryPrimitives.WriteUInt64LittleEndian(control, (ulong)length);
        BinaryPrimitives.WriteInt32LittleEndian(control.AsSpan(8), SocketLevel);
        BinaryPrimitives.WriteInt32LittleEndian(control.AsSpan(12), Rights);
        MemoryMarshal.AsBytes(descriptors).CopyTo(control.AsSpan(ControlHead));
        byte mark = 1;
        // SAFETY: control is pinned and mark is on this stack for the whole call; the kernel copies both.
        fixed (byte* pinned = control)
        {
            var vector = new Vector { Base = (nint)(&mark), Length = 1 };
            var head = new MessageHead { Vectors = (nint)(&vector), VectorCount = 1, Control = (nint)pinned, ControlLength = (nuint)control.Length };
            return sendmsg(socket, &head, MessageNoSignal) == 1;
        }
    }

    /// <summary>Receives what <see cref="SendDescriptors"/> sent; null when something else came.</summary>
    public static unsafe int[]? ReceiveDescriptors(int socket)
    {
        var control = new byte[ControlHead + DescriptorsPerMessage * sizeof(int)];
        byte mark = 0;
        // SAFETY: as above; the kernel writes at most the lengths given.
        fixed (byte* pinned = control)
        {
            var vector = new Vector { Base = (nint)(&mark), Length = 1 };
            var head = new MessageHead { Vectors = (nint)(&vector), VectorCount = 1, Control = (nint)pinned, ControlLength = (nuint)control.Length };
            if (recvmsg(socket, &head, CloseOnExecMessage) != 1 || head.ControlLength < ControlHead) return null;
            int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(control) - ControlHead;
            if (BinaryPrimitives.ReadInt32LittleEndian(control.AsSpan(12)) != Rights || length < 0 || length > control.Length - ControlHead) return null;
            return MemoryMarshal.Cast<byte, int>(control.AsSpan(ControlHead, length)).ToArray();
        }
    }

    /// <summary>Sends all bytes, waiting as long as it takes; false when the other side is gone.</summary>
    public static bool SendAll(int descriptor, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int sent = (int)send(descriptor, ref MemoryMarshal.GetReference(bytes), (nuint)bytes.Length, MessageNoSignal);
            if (sent < 0 && LastError == Interrupted) continue;
            if (sent <= 0) return false;
            bytes = bytes[sent..];
        }
        return true;
    }

    /// <summary>Fills the buffer, waiting as long as it takes; false when the other side is gone first.</summary>
    public static bool ReceiveAll(int descriptor, Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            int received = (int)recv(descriptor, ref buffer[0], (nuint)buffer.Length, 0);
            if (received < 0 && LastError == Interrupted) continue;
            if (received <= 0) return false;
            buffer = buffer[received..];
        }
        return true;
    }

    /// <summary>Makes calls on the descriptor wait, at most so many milliseconds each.</summary>
    public static void MakeBlocking(int descriptor, int milliseconds)
    {
        const int setFlags = 4, receiveTimeout = 20, sendTimeout = 21;
        _ = fcntl(descriptor, setFlags, 0);
        Span<byte> time = stackalloc byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(time, milliseconds / 1000);
        BinaryPrimitives.WriteInt64LittleEndian(time[8..], milliseconds % 1000 * 1000);
        _ = setsockopt(descriptor, SocketLevel, receiveTimeout, ref time[0], (uint)time.Length);
        _ = setsockopt(descriptor, SocketLevel, sendTimeout, ref time[0], (uint)time.Length);
    }

    [LibraryImport("libc", SetLastError = true)] private static unsafe partial nint sendmsg(int descriptor, MessageHead* head, int flags);
    [LibraryImport("libc", SetLastError = true)] private static unsafe partial nint recvmsg(int descriptor, MessageHead* head, int flags);
    [LibraryImport("libc", SetLastError = true)] private static partial int fcntl(int descriptor, int command, int argument);
    [LibraryImport("libc", SetLastError = true)] private static partial int setsockopt(int descriptor, int level, int option, ref byte value, uint length);
}
