using System.Buffers.Binary;
using Hospes.Builder.Native;

namespace Hospes.Builder.Compression;

/// <summary>
/// The legacy frame of lz4 ("LZ4 Frame Format", Legacy frame): the magic, then blocks, each a 32-bit size and that many bytes which
/// unpack to at most 8 MiB. Linux' build appends the size of the whole result behind the last block.
/// </summary>
internal sealed class Lz4LegacyStream : ForwardStream
{
    private const uint Magic = 0x184C2102;
    private const int BlockSize = 8 << 20;

    /// <summary>The largest packed form of a block: LZ4_compressBound(8 MiB).</summary>
    private const int PackedBound = BlockSize + BlockSize / 255 + 16;

    private readonly Stream _source;
    private byte[] _block = [];
    private byte[] _packed = [];
    private int _start, _end;
    private bool _begun, _ended;
    private uint _produced;

    public Lz4LegacyStream(Stream source)
    {
        Lz4.Require();
        _source = source;
    }

    public override int Read(Span<byte> buffer)
    {
        while (_start == _end)
        {
            if (_ended || !NextBlock())
            {
                _ended = true;
                return 0;
            }
        }
        int count = Math.Min(buffer.Length, _end - _start);
        _block.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _source.Dispose();
        base.Dispose(disposing);
    }

    private bool NextBlock()
    {
        Span<byte> word = stackalloc byte[4];
        uint size;
        int got;
        do
        {
            got = _source.ReadAtLeast(word, 4, throwOnEndOfStream: false);
            if (got == 0 && _begun) return false;
            if (got < 4) throw Truncated();
            size = BinaryPrimitives.ReadUInt32LittleEndian(word);
            if (!_begun && size != Magic) throw new DecompressionException(DecompressionError.Corrupt, "not an lz4 legacy frame");
            _begun = true;
        }
        while (size == Magic);
        // The size of the result that Linux' build appends; it can't be told from a block's size but by what follows: nothing.
        bool atResultSize = size == _produced;
        if (size is 0 or > PackedBound) return atResultSize ? false : throw new DecompressionException(DecompressionError.Corrupt, $"an lz4 block of {size} bytes");
        if (_packed.Length < size) _packed = new byte[Math.Max(size, (uint)Math.Min(PackedBound, _packed.Length * 2L))];
        got = _source.ReadAtLeast(_packed.AsSpan(0, (int)size), (int)size, throwOnEndOfStream: false);
        if (got == 0 && atResultSize) return false;
        if (got < size) throw Truncated();
        // No byte of a block stands for more than 255 of the result ("LZ4 Block Format": lengths grow by 255 per byte).
        int room = (int)Math.Min(BlockSize, size * 255L);
        if (_block.Length < room) _block = new byte[room];
        int written = Lz4.Unpack(_packed.AsSpan(0, (int)size), _block);
        if (written < 0) throw new DecompressionException(DecompressionError.Corrupt, "a damaged lz4 block");
        _start = 0;
        _end = written;
        _produced += (uint)written;
        return true;
    }

    private static DecompressionException Truncated() => new(DecompressionError.Truncated, "the lz4 data end too early");
}
