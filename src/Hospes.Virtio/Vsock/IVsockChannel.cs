namespace Hospes.Virtio;

/// <summary>The host's end of a connection: a stream of bytes both ways. One reads and one writes at a time; <see cref="IDisposable.Dispose"/> ends
/// both, with an <see cref="IOException"/> or <see cref="ObjectDisposedException"/>, as the peer's going does.</summary>
public interface IVsockChannel : IDisposable
{
    /// <summary>Takes what came; 0 bytes when nothing will come any more.</summary>
    /// <param name="destination">Where to, not empty.</param>
    ValueTask<int> ReadAsync(Memory<byte> destination);

    /// <summary>Sends all bytes.</summary>
    /// <param name="source">The bytes.</param>
    ValueTask WriteAsync(ReadOnlyMemory<byte> source);

    /// <summary>Tells the peer that nothing will come any more.</summary>
    void EndWriting();
}

/// <summary>Where a guest's connections to the host lead.</summary>
public interface IVsockBackend
{
    /// <summary>Connects to whoever listens for a port.</summary>
    /// <param name="port">The port that the guest asks for.</param>
    /// <returns>Null when nobody does.</returns>
    ValueTask<IVsockChannel?> ConnectAsync(uint port);
}
