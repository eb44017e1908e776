namespace Hospes.Domains.Storage;

/// <summary>A part of a stream: reads end at its end, and writes beyond it fail.</summary>
internal sealed class LimitedStream(Stream inner, ulong length) : Stream
{
    private ulong _left = length;

    public override bool CanRead => inner.CanRead;

    public override bool CanSeek => false;

    public override bool CanWrite => inner.CanWrite;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int count = await inner.ReadAsync(buffer[..(int)Math.Min((ulong)buffer.Length, _left)], cancellationToken).ConfigureAwait(false);
        _left -= (ulong)count;
        return count;
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if ((ulong)buffer.Length > _left) throw new IOException("more was sent than was announced");
        _left -= (ulong)buffer.Length;
        inner.Write(buffer);
    }

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }
}
