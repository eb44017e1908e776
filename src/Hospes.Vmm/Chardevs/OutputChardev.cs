namespace Hospes.Vmm.Chardevs;

/// <summary>A character device that is only written: a file, nothing, or memory. Its peer is always there.</summary>
internal abstract class OutputChardev(string id) : Chardev(id)
{
    private bool _given;

    /// <inheritdoc/>
    public override ValueTask<Stream?> ConnectAsync()
    {
        if (_given) return NeverAsync();
        _given = true;
        return new(new Output(this));
    }

    /// <summary>Takes bytes. Does not throw: what can't be kept is gone.</summary>
    protected abstract void Put(ReadOnlySpan<byte> bytes);

    private sealed class Output(OutputChardev chardev) : DuplexStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => SilenceAsync(chardev.Ended, cancellationToken);

        public override void Write(ReadOnlySpan<byte> buffer) => chardev.Put(buffer);
    }
}

/// <summary>Nothing.</summary>
internal sealed class NullChardev(string id) : OutputChardev(id)
{
    /// <inheritdoc/>
    public override string FileName => "null";

    /// <inheritdoc/>
    protected override void Put(ReadOnlySpan<byte> bytes)
    {
    }
}

/// <summary>A file. What does not fit on the disk any more is lost.</summary>
internal sealed class FileChardev : OutputChardev
{
    private readonly FileStream _file;

    private FileChardev(string id, FileStream file)
        : base(id) => _file = file;

    /// <inheritdoc/>
    public override string FileName => "file";

    /// <summary>Opens the file, or makes it.</summary>
    public static FileChardev? TryOpen(FileChardevOptions options, out string? error)
    {
        error = null;
        try
        {
            var file = new FileStream(options.Path, new FileStreamOptions
            {
                Mode = options.Append ? FileMode.Append : FileMode.Create,
                Access = FileAccess.Write,
                Share = FileShare.ReadWrite,
                BufferSize = 0,
            });
            return new FileChardev(options.Id, file);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            error = $"Could not open '{options.Path}': {SocketChardev.Reason(fault)}";
            return null;
        }
    }

    /// <inheritdoc/>
    protected override void Put(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _file.Write(bytes);
        }
        catch (Exception fault) when (fault is IOException or ObjectDisposedException)
        {
            // The disk is full or gone; the guest goes on.
        }
    }

    /// <inheritdoc/>
    protected override void Close() => _file.Dispose();
}

/// <summary>Memory that keeps what was written last. Thread-safe.</summary>
/// <param name="id">Its name.</param>
/// <param name="size">How many bytes it keeps.</param>
internal sealed class RingbufChardev(string id, int size) : OutputChardev(id)
{
    private readonly Lock _gate = new();
    private readonly byte[] _ring = new byte[size];
    private long _written, _taken;

    /// <inheritdoc/>
    public override string FileName => "ringbuf";

    /// <summary>Takes the oldest bytes that are kept.</summary>
    /// <returns>How many.</returns>
    public int Take(Span<byte> destination)
    {
        lock (_gate)
        {
            _taken = Math.Max(_taken, _written - size);
            int count = (int)Math.Min(destination.Length, _written - _taken);
            for (int i = 0; i < count; i++) destination[i] = _ring[(int)((_taken + i) % size)];
            _taken += count;
            return count;
        }
    }

    /// <inheritdoc/>
    protected override void Put(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            foreach (byte value in bytes) _ring[(int)(_written++ % size)] = value;
        }
    }
}
