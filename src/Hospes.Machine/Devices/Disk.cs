using System.Diagnostics;
using Hospes.Storage;
using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>A request to a disk that failed.</summary>
/// <param name="IsWrite">Whether it was to write or to flush; else to read.</param>
/// <param name="Error">How.</param>
public readonly record struct DiskFailure(bool IsWrite, StorageError Error);

/// <summary>How much was done of one kind of requests since the disk was opened.</summary>
/// <param name="Operations">How many succeeded.</param>
/// <param name="Failed">How many failed.</param>
/// <param name="Bytes">How many bytes those that succeeded were for.</param>
/// <param name="Ticks">How long those took together, in ticks of <see cref="Stopwatch"/>.</param>
public readonly record struct DiskTotals(long Operations, long Failed, long Bytes, long Ticks);

/// <summary>What is behind a disk or a drive over all lives of the domain: a block node, and what was done to it.</summary>
public sealed partial class Disk : IBlockBackend
{
    private readonly BlockGraph _graph;
    private readonly Counter _reads = new(), _writes = new(), _flushes = new(), _discards = new();
    private Action? _tellLength;
    private long _told, _highest;

    internal Disk(DiskOptions options, BlockGraph graph, BlockNode? node, TimeProvider time, bool isRemovable = false)
    {
        (Options, _graph, _node) = (options, graph, node);
        Tray = isRemovable ? new Tray(node is not null) : null;
        Gate = new RequestGate(time) { Limits = options.Limits };
    }

    /// <summary>What lets requests of the guest begin; its limits can be changed at any time.</summary>
    public RequestGate Gate { get; }

    /// <summary>What the device is made of.</summary>
    public DiskOptions Options { get; }

    /// <summary>The node that it reads and writes; null for a drive without a medium.</summary>
    public BlockNode? Node => Volatile.Read(ref _node);

    /// <summary>Reads since it was opened.</summary>
    public DiskTotals Reads => _reads.Totals;

    /// <summary>Writes since it was opened, those of zeros too.</summary>
    public DiskTotals Writes => _writes.Totals;

    /// <summary>Flushes since it was opened.</summary>
    public DiskTotals Flushes => _flushes.Totals;

    /// <summary>Discards since it was opened.</summary>
    public DiskTotals Discards => _discards.Totals;

    /// <summary>The offset behind the last byte that was ever written since it was opened.</summary>
    public long HighestWrite => Volatile.Read(ref _highest);

    /// <summary>Told of requests that fail, on the device's threads. It must not block.</summary>
    public Action<Disk, DiskFailure>? Failed { get; set; }

    /// <inheritdoc/>
    public long Length => Node?.Length ?? 0;

    /// <inheritdoc/>
    public bool IsReadOnly => Node?.Image?.IsReadOnly ?? true;

    /// <inheritdoc/>
    public BlockResult Read(long offset, Span<byte> destination)
    {
        using var use = new Use(this);
        return use.Image is { } image ? Done(_reads, image.Read(offset, destination), destination.Length, use.Start, isWrite: false) : BlockResult.NoMedium;
    }

    /// <inheritdoc/>
    public BlockResult Write(long offset, ReadOnlySpan<byte> source)
    {
        using var use = new Use(this);
        if (use.Image is not { } image) return BlockResult.NoMedium;
        Reached(offset + source.Length);
        return Done(_writes, image.Write(offset, source), source.Length, use.Start, isWrite: true);
    }

    /// <inheritdoc/>
    public BlockResult Flush()
    {
        using var use = new Use(this);
        return use.Image is { } image ? Done(_flushes, image.Flush(), 0, use.Start, isWrite: true) : BlockResult.NoMedium;
    }

    /// <inheritdoc/>
    public BlockResult Discard(long offset, long length)
    {
        using var use = new Use(this);
        return use.Image is { } image ? Done(_discards, image.Discard(offset, length), length, use.Start, isWrite: true) : BlockResult.NoMedium;
    }

    /// <inheritdoc/>
    public BlockResult WriteZeroes(long offset, long length, bool mayUnmap)
    {
        using var use = new Use(this);
        if (use.Image is not { } image) return BlockResult.NoMedium;
        Reached(offset + length);
        return Done(_writes, image.WriteZeroes(offset, length, mayUnmap), length, use.Start, isWrite: true);
    }

    /// <summary>Changes the size, while the guest runs too. Whoever calls lets <see cref="TellLength"/> follow.</summary>
    /// <param name="size">The new size in bytes.</param>
    public StorageError TryResize(long size) => Node is { } node ? _graph.TryResize(node, size) : StorageError.Unsupported;

    /// <summary>Tells the guest of the current life of a length that it was not told yet. The life lasts at least as long as the call.</summary>
    public void TellLength()
    {
        long length = Length;
        if (Interlocked.Exchange(ref _told, length) != length) Volatile.Read(ref _tellLength)?.Invoke();
    }

    /// <summary>Makes the device for a life, where the disk is one by itself.</summary>
    internal BlockDevice MakeDevice()
    {
        var device = new BlockDevice(this, new BlockSettings { Serial = Options.Serial, IsReadOnly = Options.IsReadOnly, Queues = Options.Queues, Gate = Gate });
        Begin(device.CapacityChanged);
        return device;
    }

    /// <summary>A life begins.</summary>
    /// <param name="tellLength">Tells the guest of a length that is another.</param>
    internal void Begin(Action tellLength)
    {
        Volatile.Write(ref _told, Length);
        Volatile.Write(ref _tellLength, tellLength);
    }

    private BlockResult Done(Counter counter, StorageError error, long bytes, long start, bool isWrite)
    {
        if (error == StorageError.None)
        {
            counter.Add(bytes, Stopwatch.GetTimestamp() - start);
            return BlockResult.Ok;
        }
        counter.AddFailure();
        if (error == StorageError.Unsupported) return BlockResult.Unsupported;
        Failed?.Invoke(this, new DiskFailure(isWrite, error));
        return BlockResult.Failed;
    }

    private void Reached(long end)
    {
        long highest = Volatile.Read(ref _highest);
        while (end > highest)
        {
            long seen = Interlocked.CompareExchange(ref _highest, end, highest);
            if (seen == highest) return;
            highest = seen;
        }
    }

    private sealed class Counter
    {
        private long _operations, _failed, _bytes, _ticks;

        public DiskTotals Totals => new(Interlocked.Read(ref _operations), Interlocked.Read(ref _failed), Interlocked.Read(ref _bytes), Interlocked.Read(ref _ticks));

        public void Add(long bytes, long ticks)
        {
            Interlocked.Increment(ref _operations);
            Interlocked.Add(ref _bytes, bytes);
            Interlocked.Add(ref _ticks, ticks);
        }

        public void AddFailure() => Interlocked.Increment(ref _failed);
    }
}
