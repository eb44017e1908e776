namespace Hospes.Network;

/// <summary>
/// One end of a way that Ethernet frames go: without check sequence, up to <see cref="LongestFrame"/> bytes. Threading: one thread sends, another
/// one receives. Neither throws for what the other side does.
/// </summary>
public interface INetworkLink : IDisposable
{
    /// <summary>The longest frame: 64 KiB behind an Ethernet header with a VLAN tag.</summary>
    const int LongestFrame = 65535 + 18;

    /// <summary>Bytes of a header of virtio 1.2, 5.1.6, in front of each frame: 12, or 0 for frames alone.</summary>
    int HeaderSize { get; }

    /// <summary>Whether nothing is lost on the way, so that a receiver without room is waited for.</summary>
    bool IsReliable { get; }

    /// <summary>Whether frames come from this host's own network stack, with checksums that need no look.</summary>
    bool HasGoodChecksums { get; }

    /// <summary>Tells a link with headers which offloads the receiver of its frames takes.</summary>
    /// <param name="checksum">Frames may come without their checksum.</param>
    /// <param name="segments4">TCP segments over IPv4 may be larger than the MTU.</param>
    /// <param name="segments6">TCP segments over IPv6 may be larger than the MTU.</param>
    void SetOffloads(bool checksum, bool segments4, bool segments6);

    /// <summary>Sends a frame. May block while the other side is slow; drops the frame when nobody is there.</summary>
    /// <param name="frame">Header, if the link has one, and frame.</param>
    void Send(ReadOnlySpan<byte> frame);

    /// <summary>Waits for a frame.</summary>
    /// <param name="frame">Where header and frame go: room for both.</param>
    /// <returns>How many bytes; 0 when the link has ended for good: it was disposed, or the other side is gone.</returns>
    int Receive(Span<byte> frame);
}
