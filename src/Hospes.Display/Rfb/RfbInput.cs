using System.Buffers.Binary;

namespace Hospes.Display.Rfb;

/// <summary>Reads what a client sends, in pieces of a known length, through a small buffer. For one thread.</summary>
internal sealed class RfbInput(Stream stream)
{
    private readonly byte[] _buffer = new byte[4096];
    private int _start, _end;

    /// <summary>Reads a piece.</summary>
    /// <param name="count">Its bytes: up to 1024.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The piece; valid until the next one is read.</returns>
    /// <exception cref="EndOfStreamException">The client is gone.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(int count, CancellationToken cancellation)
    {
        if (_buffer.Length - _start < count)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        while (_end - _start < count)
        {
            int read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellation).ConfigureAwait(false);
            if (read == 0) throw new EndOfStreamException();
            _end += read;
        }
        ReadOnlyMemory<byte> piece = _buffer.AsMemory(_start, count);
        _start += count;
        if (_start == _end) (_start, _end) = (0, 0);
        return piece;
    }

    /// <summary>Reads a byte.</summary>
    public async ValueTask<byte> ByteAsync(CancellationToken cancellation) => (await ReadAsync(1, cancellation).ConfigureAwait(false)).Span[0];

    /// <summary>Passes over bytes.</summary>
    public async ValueTask SkipAsync(long count, CancellationToken cancellation)
    {
        for (; count > 0; count -= Math.Min(count, 1024)) await ReadAsync((int)Math.Min(count, 1024), cancellation).ConfigureAwait(false);
    }

    /// <summary>A number of 16 bits.</summary>
    public static int Short(ReadOnlyMemory<byte> bytes, int at) => BinaryPrimitives.ReadUInt16BigEndian(bytes.Span[at..]);

    /// <summary>A number of 32 bits.</summary>
    public static uint Int(ReadOnlyMemory<byte> bytes, int at) => BinaryPrimitives.ReadUInt32BigEndian(bytes.Span[at..]);
}
