using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

[assembly: DisableRuntimeMarshalling]

namespace Hospes.Store.Native;

/// <summary>The system calls of the store's loop, on raw descriptors. Every result is checked by the caller; nothing here throws but the setup calls.</summary>
/// <remarks>SAFETY: spans are handed over as references to their first byte with their length; the generated stubs pin them for the call, and no call keeps them.</remarks>
internal static partial class Linux
{
    public const int EventIn = 0x001;
    public const int EventOut = 0x004;
    public const int EventError = 0x008;
    public const int EventHangUp = 0x010;
    public const int TryAgain = 11;
    public const int Interrupted = 4;

    private const int AddressFamilyUnix = 1;
    private const int SocketStream = 1;
    private const int SocketNonBlocking = 0x800;
    private const int SocketCloseOnExec = 0x80000;
    private const int MessageNoSignal = 0x4000;
    private const int MessageDontWait = 0x40;
    private const int PathMax = 107;

    /// <summary>The kernel packs epoll_event on x86-64 only (include/uapi/linux/eventpoll.h).</summary>
    private static readonly int EventDataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    public static int EventSize => EventDataOffset + 8;

    public static int LastError => Marshal.GetLastSystemError();

    public static int CreateEpoll() => Checked(epoll_create1(SocketCloseOnExec), "epoll_create1");

    public static int CreateEventDescriptor() => Checked(eventfd(0, SocketNonBlocking | SocketCloseOnExec), "eventfd");

    public static void Watch(int epoll, int descriptor, int events) => Control(epoll, 1, descriptor, events);

    public static void Unwatch(int epoll, int descriptor) => Control(epoll, 2, descriptor, 0);

    public static void Rewatch(int epoll, int descriptor, int events) => Control(epoll, 3, descriptor, events);

    private static void Control(int epoll, int operation, int descriptor, int events)
    {
        Span<byte> entry = stackalloc byte[16];
        entry.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(entry, events);
        BinaryPrimitives.WriteInt32LittleEndian(entry[EventDataOffset..], descriptor);
        _ = epoll_ctl(epoll, operation, descriptor, ref entry[0]);
    }

    /// <summary>Waits; gives the number of entries, or 0 when interrupted.</summary>
    public static int Wait(int epoll, Span<byte> entries, int timeout) => Math.Max(0, epoll_wait(epoll, ref entries[0], entries.Length / EventSize, timeout));

    public static (int Descriptor, int Events) Entry(ReadOnlySpan<byte> entries, int index)
    {
        ReadOnlySpan<byte> entry = entries[(index * EventSize)..];
        return (BinaryPrimitives.ReadInt32LittleEndian(entry[EventDataOffset..]), BinaryPrimitives.ReadInt32LittleEndian(entry));
    }

    /// <summary>Bytes received, 0 at the end, -1 with <see cref="LastError"/>.</summary>
    public static int Receive(int descriptor, Span<byte> buffer) => (int)recv(descriptor, ref buffer[0], (nuint)buffer.Length, MessageDontWait);

    public static int Send(int descriptor, ReadOnlySpan<byte> bytes) =>
        (int)send(descriptor, ref MemoryMarshal.GetReference(bytes), (nuint)bytes.Length, MessageNoSignal | MessageDontWait);

    /// <summary>A listening socket at a path; an old socket there is replaced.</summary>
    public static int Listen(string path, int mode)
    {
        byte[] address = Address(path);
        int descriptor = Checked(socket(AddressFamilyUnix, SocketStream | SocketNonBlocking | SocketCloseOnExec, 0), "socket");
        File.Delete(path);
        if (bind(descriptor, ref address[0], (uint)address.Length) < 0 || listen(descriptor, 4096) < 0)
        {
            int error = LastError;
            close(descriptor);
            throw new IOException($"Cannot listen at {path}: {Marshal.GetPInvokeErrorMessage(error)}");
        }
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, (UnixFileMode)mode);
        return descriptor;
    }

    /// <summary>A connection to the socket at a path.</summary>
    public static int Connect(string path)
    {
        byte[] address = Address(path);
        int descriptor = Checked(socket(AddressFamilyUnix, SocketStream | SocketCloseOnExec, 0), "socket");
        if (connect(descriptor, ref address[0], (uint)address.Length) >= 0) return descriptor;
        int error = LastError;
        close(descriptor);
        throw new IOException($"Cannot connect to {path}: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    /// <summary>Two sockets that are connected with each other.</summary>
    public static (int One, int Other) CreatePair()
    {
        Span<int> pair = stackalloc int[2];
        Checked(socketpair(AddressFamilyUnix, SocketStream | SocketNonBlocking | SocketCloseOnExec, 0, ref pair[0]), "socketpair");
        return (pair[0], pair[1]);
    }

    private static byte[] Address(string path)
    {
        byte[] name = Encoding.UTF8.GetBytes(path);
        if (name.Length > PathMax) throw new ArgumentException($"The socket's path is longer than {PathMax} bytes: {path}", nameof(path));
        return [AddressFamilyUnix, 0, .. name, 0];
    }

    /// <summary>A new connection's descriptor, or -1.</summary>
    public static int Accept(int listener) => accept4(listener, 0, 0, SocketNonBlocking | SocketCloseOnExec);

    public static void Close(int descriptor) => _ = close(descriptor);

    public static void Signal(int eventDescriptor)
    {
        ulong one = 1;
        _ = write(eventDescriptor, ref one, 8);
    }

    public static void Drain(int eventDescriptor)
    {
        ulong count = 0;
        _ = read(eventDescriptor, ref count, 8);
    }

    private static int Checked(int result, string call) =>
        result >= 0 ? result : throw new IOException($"{call}: {Marshal.GetPInvokeErrorMessage(LastError)}");

    [LibraryImport("libc", SetLastError = true)] private static partial int epoll_create1(int flags);
    [LibraryImport("libc", SetLastError = true)] private static partial int epoll_ctl(int epoll, int operation, int descriptor, ref byte entry);
    [LibraryImport("libc", SetLastError = true)] private static partial int epoll_wait(int epoll, ref byte entries, int count, int timeout);
    [LibraryImport("libc", SetLastError = true)] private static partial int eventfd(uint initial, int flags);
    [LibraryImport("libc", SetLastError = true)] private static partial int socket(int family, int type, int protocol);
    [LibraryImport("libc", SetLastError = true)] private static partial int socketpair(int family, int type, int protocol, ref int pair);
    [LibraryImport("libc", SetLastError = true)] private static partial int bind(int descriptor, ref byte address, uint length);
    [LibraryImport("libc", SetLastError = true)] private static partial int connect(int descriptor, ref byte address, uint length);
    [LibraryImport("libc", SetLastError = true)] private static partial int listen(int descriptor, int backlog);
    [LibraryImport("libc", SetLastError = true)] private static partial int accept4(int descriptor, nint address, nint length, int flags);
    [LibraryImport("libc", SetLastError = true)] private static partial nint recv(int descriptor, ref byte buffer, nuint length, int flags);
    [LibraryImport("libc", SetLastError = true)] private static partial nint send(int descriptor, ref byte buffer, nuint length, int flags);
    [LibraryImport("libc", SetLastError = true)] private static partial int close(int descriptor);
    [LibraryImport("libc", SetLastError = true)] private static partial nint write(int descriptor, ref ulong value, nuint length);
    [LibraryImport("libc", SetLastError = true)] private static partial nint read(int descriptor, ref ulong value, nuint length);
}
