using ICSharpCode.SharpZipLib;

namespace Hospes.Builder.Compression;

/// <summary>A stream that is only read, in one direction.</summary>
internal abstract class ForwardStream : Stream
{
    public sealed override bool CanRead => true;

    public sealed override bool CanSeek => false;

    public sealed override bool CanWrite => false;

    public sealed override long Length => throw new NotSupportedException();

    public sealed override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public sealed override void Flush()
    {
    }

    public sealed override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public abstract override int Read(Span<byte> buffer);

    public sealed override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public sealed override void SetLength(long value) => throw new NotSupportedException();

    public sealed override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}

/// <summary>Ends a decompressor that gives more than was agreed, and turns every decompressor's way to say "damaged" into one.</summary>
internal sealed class BoundedStream(Stream inner, long limit) : ForwardStream
{
    private long _given;

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty) return 0;
        int read;
        try
        {
            // One byte beyond the limit is asked for, so that a result of exactly the limit ends well.
            int most = (int)Math.Min(buffer.Length, limit - _given + 1);
            read = inner.Read(buffer[..most]);
        }
        catch (Exception e) when (Damage(e) is { } damage)
        {
            throw damage;
        }
        _given += read;
        return _given <= limit ? read : throw new DecompressionException(DecompressionError.TooLarge, $"more than {limit} bytes");
    }

    /// <summary>What a decompressor's exception says of the data; null when it is about something else.</summary>
    public static DecompressionException? Damage(Exception e) => e switch
    {
        DecompressionException => null,
        EndOfStreamException => new DecompressionException(DecompressionError.Truncated, "the compressed data end too early"),
        // The bzip2 decoder indexes its tables with what it reads and relies on the bounds checks.
        SharpZipBaseException or InvalidDataException or IndexOutOfRangeException or OverflowException => new DecompressionException(DecompressionError.Corrupt, e.Message),
        _ => null,
    };

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>Reads from memory without copying it first.</summary>
internal sealed class ReadOnlyMemoryStream(ReadOnlyMemory<byte> memory) : ForwardStream
{
    private int _position;

    public override int Read(Span<byte> buffer)
    {
        int count = Math.Min(buffer.Length, memory.Length - _position);
        memory.Span.Slice(_position, count).CopyTo(buffer);
        _position += count;
        return count;
    }
}
