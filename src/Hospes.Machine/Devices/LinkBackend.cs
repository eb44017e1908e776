using Hospes.Network;
using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>
/// A network link as what a network device sends to and receives from. One thread receives for as long as the link lives, over all lives of the
/// domain; what comes while no device runs is dropped.
/// </summary>
internal sealed class LinkBackend : INetBackend, IDisposable
{
    /// <summary>How long the receiving thread waits for the guest before it looks whether there still is one.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(100);

    private readonly INetworkLink _link;
    private readonly Thread _receiver;
    private volatile INetSink? _sink;
    private volatile bool _isEnded, _isDisposed;

    public LinkBackend(INetworkLink link)
    {
        _link = link;
        _receiver = new Thread(Receive) { Name = "network", IsBackground = true };
        _receiver.Start();
    }

    /// <summary>Whether frames are lost both ways, as with a cable that is not plugged in.</summary>
    public bool IsCut { get; set; }

    /// <inheritdoc/>
    public bool TakesHeaders => _link.HeaderSize != 0;

    /// <inheritdoc/>
    public bool DeliversGoodChecksums => _link.HasGoodChecksums;

    /// <inheritdoc/>
    public void Start(INetSink sink, ulong features)
    {
        _link.SetOffloads((features & NetLayout.GuestChecksum) != 0, (features & NetLayout.GuestTso4) != 0, (features & NetLayout.GuestTso6) != 0);
        _sink = sink;
        if (_isEnded) sink.SetLink(false);
    }

    /// <inheritdoc/>
    public void Stop() => _sink = null;

    /// <inheritdoc/>
    public void Send(ReadOnlySpan<byte> packet)
    {
        if (IsCut || _isEnded) return;
        _link.Send(TakesHeaders ? packet : packet[NetHeader.Size..]);
    }

    /// <summary>Ends the link and its thread; the guest's link goes down then.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        _link.Dispose();
        _receiver.Join();
        _sink = null;
    }

    private void Receive()
    {
        int gap = NetHeader.Size - _link.HeaderSize;
        byte[] buffer = new byte[NetHeader.Size + INetworkLink.LongestFrame];
        while (_link.Receive(buffer.AsSpan(gap)) is var length and > 0)
        {
            if (gap > 0) buffer.AsSpan(0, gap).Clear();
            Span<byte> packet = buffer.AsSpan(0, gap + length);
            // Over a reliable link the sender waits for the guest; over another one the packet is lost.
            while (!IsCut && !_isDisposed && _sink is { } sink && !sink.TryReceive(packet) && _link.IsReliable) sink.WaitForRoom(s_patience);
        }
        _isEnded = true;
        _sink?.SetLink(false);
    }
}
