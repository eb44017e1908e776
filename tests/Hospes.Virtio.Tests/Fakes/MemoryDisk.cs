namespace Hospes.Virtio.Tests;

/// <summary>A disk in memory that can be made to fail and to wait.</summary>
internal sealed class MemoryDisk(int size) : IBlockBackend
{
    private int _flushes;

    public byte[] Bytes { get; private set; } = new byte[size];

    public BlockResult Answer { get; set; } = BlockResult.Ok;

    /// <summary>Reads wait here while it is not set.</summary>
    public ManualResetEventSlim Gate { get; } = new(initialState: true);

    /// <summary>Reads that wait or run now.</summary>
    public int Reading;

    /// <summary>Bytes that the reading thread has allocated up to its last read.</summary>
    public long Allocated { get; private set; }

    public int Flushes => Volatile.Read(ref _flushes);

    public List<(long Offset, long Length, bool? MayUnmap)> Ranges { get; } = [];

    public long Length => Bytes.Length;

    public bool IsReadOnly { get; init; }

    public BlockResult Read(long offset, Span<byte> destination)
    {
        Interlocked.Increment(ref Reading);
        Gate.Wait();
        Bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);
        Allocated = GC.GetAllocatedBytesForCurrentThread();
        Interlocked.Decrement(ref Reading);
        return Answer;
    }

    public BlockResult Write(long offset, ReadOnlySpan<byte> source)
    {
        source.CopyTo(Bytes.AsSpan((int)offset));
        return Answer;
    }

    public BlockResult Flush()
    {
        Interlocked.Increment(ref _flushes);
        return Answer;
    }

    public BlockResult Discard(long offset, long length)
    {
        lock (Ranges) Ranges.Add((offset, length, null));
        return Answer;
    }

    public BlockResult WriteZeroes(long offset, long length, bool mayUnmap)
    {
        lock (Ranges) Ranges.Add((offset, length, mayUnmap));
        Bytes.AsSpan((int)offset, (int)length).Clear();
        return Answer;
    }

    public void Resize(int length)
    {
        byte[] bytes = new byte[length];
        Bytes.AsSpan(0, Math.Min(length, Bytes.Length)).CopyTo(bytes);
        Bytes = bytes;
    }
}
