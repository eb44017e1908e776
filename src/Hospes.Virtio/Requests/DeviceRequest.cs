namespace Hospes.Virtio;

/// <summary>
/// One request of a device, from the chain that it arrived in until that is given back. Objects are reused; each has a buffer through which data pass
/// between the guest and a disk.
/// </summary>
internal abstract class DeviceRequest(RequestDevice device) : IThreadPoolWorkItem
{
    private const int ChunkSize = 128 << 10;

    private readonly byte[] _chunk = new byte[ChunkSize];
    private VirtQueue? _queue;
    private DescriptorChain? _chain;
    private int _index;

    /// <summary>The queue that it came in.</summary>
    public int Index => _index;

    /// <summary>Where it waits for a permit; null for nowhere.</summary>
    public abstract HeldRequests? Held { get; }

    /// <summary>The chain, between <see cref="Begin"/> and the end.</summary>
    protected DescriptorChain Chain => _chain!;

    /// <summary>The queue, between <see cref="Begin"/> and the end.</summary>
    protected VirtQueue Queue => _queue!;

    /// <summary>Takes a chain in.</summary>
    public virtual void Begin(int index, VirtQueue queue, DescriptorChain chain) => (_index, _queue, _chain) = (index, queue, chain);

    /// <summary>The request is over, or was none: the object waits for the next.</summary>
    public virtual void Ended()
    {
    }

    /// <summary>Tells what a limit counts.</summary>
    /// <param name="isWrite">Whether it changes the disk.</param>
    /// <param name="bytes">How many bytes pass.</param>
    /// <returns>False for a request that no limit counts, or that is wrong.</returns>
    public abstract bool Measure(out bool isWrite, out ulong bytes);

    /// <summary>Does it, on whatever thread, and gives the chain back.</summary>
    public void Execute()
    {
        VirtQueue queue = _queue!;
        try
        {
            if (Serve(_chain!, out uint written)) queue.Complete(_chain!, written);
            else queue.Complete(_chain!, 0);
        }
#pragma warning disable CA1031 // A fault of a disk's own code ends its guest, not the process beside it.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            device.Failed(fault);
        }
        (_queue, _chain) = (null, null);
        device.Done(this, _index, queue);
    }

    /// <summary>Serves the request.</summary>
    /// <param name="chain">What it came in.</param>
    /// <param name="written">How many bytes were written into it.</param>
    /// <returns>False when the chain is not even a request, or the guest's memory did not hold it: the queue is broken then.</returns>
    protected abstract bool Serve(DescriptorChain chain, out uint written);

    /// <summary>Reads from a disk into the chain.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="offset">Where on it.</param>
    /// <param name="at">Where in what may be written.</param>
    /// <param name="length">How many bytes.</param>
    /// <param name="result">How it ended.</param>
    /// <param name="done">How many bytes were read.</param>
    /// <returns>As <see cref="Serve"/>.</returns>
    protected bool ReadDisk(IBlockBackend disk, long offset, uint at, uint length, out BlockResult result, out uint done)
    {
        result = BlockResult.Ok;
        for (done = 0; done < length;)
        {
            Span<byte> part = _chunk.AsSpan(0, (int)Math.Min(ChunkSize, length - done));
            result = disk.Read(offset + done, part);
            if (result != BlockResult.Ok) return true;
            if (!Chain.Write(at + done, part)) return false;
            done += (uint)part.Length;
        }
        return true;
    }

    /// <summary>Writes from the chain to a disk.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="offset">Where on it.</param>
    /// <param name="at">Where in what the driver wrote.</param>
    /// <param name="length">How many bytes.</param>
    /// <param name="result">How it ended.</param>
    /// <returns>As <see cref="Serve"/>.</returns>
    protected bool WriteDisk(IBlockBackend disk, long offset, uint at, uint length, out BlockResult result)
    {
        result = BlockResult.Ok;
        for (uint done = 0; done < length && result == BlockResult.Ok;)
        {
            Span<byte> part = _chunk.AsSpan(0, (int)Math.Min(ChunkSize, length - done));
            if (!Chain.Read(at + done, part)) return false;
            result = disk.Write(offset + done, part);
            done += (uint)part.Length;
        }
        return true;
    }
}
