using System.Collections.Concurrent;

namespace Hospes.Virtio.Tests;

/// <summary>A network that keeps what is sent.</summary>
internal sealed class FakeNet : INetBackend
{
    public ConcurrentQueue<byte[]> Sent { get; } = new();

    public INetSink? Sink { get; private set; }

    public ulong Features { get; private set; }

    public bool TakesHeaders { get; init; }

    public bool DeliversGoodChecksums { get; init; }

    public void Start(INetSink sink, ulong features) => (Sink, Features) = (sink, features);

    public void Stop() => Sink = null;

    public void Send(ReadOnlySpan<byte> packet) => Sent.Enqueue(packet.ToArray());
}
