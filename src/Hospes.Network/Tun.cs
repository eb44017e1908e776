using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Hospes.Network;

/// <summary>The host's tun driver (Linux, include/uapi/linux/if_tun.h) and the calls that it takes.</summary>
internal static unsafe partial class Tun
{
    // SAFETY: every call gets buffers of the size that it is told, by reference, pinned by the marshaller for the call.

    /// <summary>The driver's node.</summary>
    public const string Device = "/dev/net/tun";

    /// <summary>Bytes of <c>struct ifreq</c>, and of the virtio header with its number of buffers.</summary>
    public const int RequestSize = 40, HeaderSize = 12;

    /// <summary>Requests: TUNSETIFF, TUNSETVNETHDRSZ, TUNSETOFFLOAD.</summary>
    public const nuint SetInterface = 0x400454CA, SetHeaderSize = 0x400454D8, SetOffload = 0x400454D0;

    /// <summary>Flags of an interface: IFF_TAP, IFF_NO_PI, IFF_VNET_HDR.</summary>
    public const ushort Tap = 0x0002, NoPacketInformation = 0x1000, VirtioHeader = 0x4000;

    /// <summary>Offloads: TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6.</summary>
    public const uint OffloadChecksum = 1, OffloadTso4 = 2, OffloadTso6 = 4;

    /// <summary>errno(3): EINTR, EAGAIN, and EIO, which a device that is down answers.</summary>
    public const int Interrupted = 4, Again = 11, Down = 5;

    private const short PollIn = 1;

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Control(SafeFileHandle file, nuint request, ref byte argument);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Control(SafeFileHandle file, nuint request, ref int argument);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Control(SafeFileHandle file, nuint request, nuint argument);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(SafeFileHandle file, ref byte buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(SafeFileHandle file, in byte buffer, nuint size);

    /// <summary>Waits for data.</summary>
    public static bool WaitReadable(SafeFileHandle file, int milliseconds)
    {
        bool held = false;
        try
        {
            file.DangerousAddRef(ref held);
            var entry = new PollEntry { File = (int)file.DangerousGetHandle(), Events = PollIn };
            return Poll(ref entry, 1, milliseconds) > 0;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
        finally
        {
            if (held) file.DangerousRelease();
        }
    }

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(ref PollEntry entries, nuint count, int milliseconds);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int File;
        public short Events;
        public short Returned;
    }
}
