namespace Hospes.Virtio;

/// <summary>
/// What a network device sends to and receives from. A packet is the header of virtio 1.2, 5.1.6, (<see cref="NetHeader.Size"/> bytes) and an
/// Ethernet frame without its check sequence. Threading: <see cref="Send"/> is called on the device's worker thread, <see cref="Start"/> and
/// <see cref="Stop"/> too; packets may be given to the sink on any one thread.
/// </summary>
public interface INetBackend
{
    /// <summary>Whether the backend itself does what the header asks for: checksums and segmentation. Else the device fills checksums in, and
    /// no segmentation is offered to the guest.</summary>
    bool TakesHeaders { get; }

    /// <summary>Whether frames come over a way on which they can't be damaged, so that the guest need not check them.</summary>
    bool DeliversGoodChecksums { get; }

    /// <summary>The device runs: packets may be given to the sink from now on.</summary>
    /// <param name="sink">Where received packets go.</param>
    /// <param name="features">The feature bits that were agreed on, for the offloads that the guest takes.</param>
    void Start(INetSink sink, ulong features);

    /// <summary>The device stops.</summary>
    void Stop();

    /// <summary>Sends a packet, or drops it. May block while the other side is slow; it does not throw.</summary>
    /// <param name="packet">Header and frame; valid during the call.</param>
    void Send(ReadOnlySpan<byte> packet);
}

/// <summary>Where received packets go.</summary>
public interface INetSink
{
    /// <summary>Gives the guest a packet.</summary>
    /// <param name="packet">Header and frame. A backend that takes no headers leaves the header zero.</param>
    /// <returns>False when the guest has no room for it now, a limit does not let it pass yet, or the device does not run: try again after <see cref="WaitForRoom"/>, or drop it.</returns>
    bool TryReceive(Span<byte> packet);

    /// <summary>Waits until the guest made room or the limit lets frames pass, or for a while.</summary>
    /// <param name="patience">How long.</param>
    void WaitForRoom(TimeSpan patience);

    /// <summary>The way that packets go came up or went down.</summary>
    /// <param name="isUp">Whether the link is up.</param>
    void SetLink(bool isUp);
}
