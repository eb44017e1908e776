using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Hospes.Network;

/// <summary>
/// A link to a tap device of the host (Linux, Documentation/networking/tuntap.rst), with virtio headers, so that the host's stack computes
/// checksums and cuts segments. Making the device takes CAP_NET_ADMIN; one that belongs to this user takes nothing.
/// </summary>
public sealed class TapLink : INetworkLink
{
    /// <summary>How long a receive waits before it looks whether the link was disposed, in milliseconds.</summary>
    private const int Pause = 200;

    private const int NameSize = 16;

    private readonly SafeFileHandle _file;
    private volatile bool _isDisposed;

    private TapLink(SafeFileHandle file, string name)
    {
        _file = file;
        Name = name;
    }

    /// <summary>The device's name on the host.</summary>
    public string Name { get; }

    /// <inheritdoc/>
    public int HeaderSize => Tun.HeaderSize;

    /// <inheritdoc/>
    public bool IsReliable => false;

    /// <inheritdoc/>
    public bool HasGoodChecksums => false;

    /// <summary>Opens a tap device, or makes it.</summary>
    /// <param name="name">Its name, up to 15 bytes; with <c>%d</c> in it, the host chooses the number.</param>
    /// <param name="link">The link, or null.</param>
    /// <returns>Null, or why not.</returns>
    public static NetworkFailure? TryOpen(string name, out TapLink? link)
    {
        link = null;
        if (name.Length is 0 or >= NameSize || !Ascii.IsValid(name)) return new NetworkFailure($"'{name}' is no name of a network device", "give one of up to 15 letters");
        SafeFileHandle file;
        try
        {
            file = File.OpenHandle(Tun.Device, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new NetworkFailure($"the host has no tap devices for this user ({fault.Message.TrimEnd('.')})", "use user-mode networking, which needs none");
        }
        Span<byte> request = stackalloc byte[Tun.RequestSize];
        request.Clear();
        Encoding.ASCII.GetBytes(name, request);
        BinaryPrimitives.WriteUInt16LittleEndian(request[NameSize..], Tun.Tap | Tun.NoPacketInformation | Tun.VirtioHeader);
        int size = Tun.HeaderSize;
        if (Tun.Control(file, Tun.SetInterface, ref MemoryMarshal.GetReference(request)) < 0 || Tun.Control(file, Tun.SetHeaderSize, ref size) < 0)
        {
            string why = Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
            file.Dispose();
            return new NetworkFailure($"the tap device '{name}' cannot be opened ({why})", "make it for this user with 'ip tuntap add', or use user-mode networking");
        }
        ReadOnlySpan<byte> given = request[..NameSize];
        link = new TapLink(file, Encoding.ASCII.GetString(given[..given.IndexOf((byte)0)]));
        return null;
    }

    /// <inheritdoc/>
    public void SetOffloads(bool checksum, bool segments4, bool segments6)
    {
        nuint flags = checksum ? Tun.OffloadChecksum | (segments4 ? Tun.OffloadTso4 : 0) | (segments6 ? Tun.OffloadTso6 : 0) : 0;
        // A host that knows none of it goes on with whole frames, which every guest takes.
        _ = Tun.Control(_file, Tun.SetOffload, flags);
    }

    /// <inheritdoc/>
    public void Send(ReadOnlySpan<byte> frame)
    {
        // A device that is down or full loses the frame, as a wire does.
        try
        {
            _ = Tun.Write(_file, in MemoryMarshal.GetReference(frame), (nuint)frame.Length);
        }
        catch (ObjectDisposedException)
        {
            // The link ended meanwhile.
        }
    }

    /// <inheritdoc/>
    public int Receive(Span<byte> frame)
    {
        while (!_isDisposed)
        {
            if (!Tun.WaitReadable(_file, Pause)) continue;
            nint read;
            try
            {
                read = Tun.Read(_file, ref MemoryMarshal.GetReference(frame), (nuint)frame.Length);
            }
            catch (ObjectDisposedException)
            {
                return 0;
            }
            if (read > 0) return (int)read;
            if (read < 0 && Marshal.GetLastPInvokeError() is not (Tun.Interrupted or Tun.Again or Tun.Down)) return 0;
            if (read < 0 && Marshal.GetLastPInvokeError() == Tun.Down) Thread.Sleep(Pause);
        }
        return 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _isDisposed = true;
        _file.Dispose();
    }
}
