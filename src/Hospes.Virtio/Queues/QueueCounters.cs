namespace Hospes.Virtio;

/// <summary>What went through one queue of a device, over resets. Written under the queue's lock, read by any thread.</summary>
public sealed class QueueCounters
{
    private long _taken, _completed, _read, _written;

    /// <summary>How many buffers were given back to the driver.</summary>
    public long Operations => Volatile.Read(ref _completed);

    /// <summary>How many buffers the device has taken and not given back yet.</summary>
    public long Depth => Math.Max(0, Volatile.Read(ref _taken) - Volatile.Read(ref _completed));

    /// <summary>Bytes that the driver wrote for the device.</summary>
    public long BytesFromGuest => Volatile.Read(ref _read);

    /// <summary>Bytes that the device wrote for the driver.</summary>
    public long BytesToGuest => Volatile.Read(ref _written);

    /// <summary>The queue is set up anew: what the device had taken is gone.</summary>
    internal void Begin() => Volatile.Write(ref _taken, Volatile.Read(ref _completed));

    internal void Took(DescriptorChain chain)
    {
        Volatile.Write(ref _taken, _taken + 1);
        Volatile.Write(ref _read, _read + chain.ReadableBytes);
    }

    internal void PutBack(DescriptorChain chain)
    {
        Volatile.Write(ref _taken, _taken - 1);
        Volatile.Write(ref _read, _read - chain.ReadableBytes);
    }

    internal void Gave(uint written)
    {
        Volatile.Write(ref _completed, _completed + 1);
        Volatile.Write(ref _written, _written + written);
    }
}
