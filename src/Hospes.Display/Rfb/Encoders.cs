using System.IO.Compression;

namespace Hospes.Display.Rfb;

/// <summary>Writes what is in a rectangle, behind its header. One for each client, whose state it may keep. For one thread.</summary>
internal interface IEncoder
{
    /// <summary>The encoding's number.</summary>
    int Number { get; }

    /// <summary>Writes.</summary>
    /// <param name="copy">What the client is to see.</param>
    /// <param name="area">The rectangle, which lies inside.</param>
    /// <param name="format">How the client wants pixels.</param>
    /// <param name="output">Where to.</param>
    void Write(ScreenCopy copy, ScreenArea area, PixelFormat format, RfbOutput output);
}

/// <summary>Pixel after pixel (RFC 6143, 7.7.1).</summary>
internal sealed class RawEncoder : IEncoder
{
    public int Number => RfbNumbers.Raw;

    public void Write(ScreenCopy copy, ScreenArea area, PixelFormat format, RfbOutput output)
    {
        for (int y = area.Y; y < area.Y + area.Height; y++)
        {
            ReadOnlySpan<byte> row = copy.Pixels.AsSpan((y * copy.Stride) + (area.X * Screen.PixelSize), area.Width * Screen.PixelSize);
            if (ReferenceEquals(format, PixelFormat.Own))
            {
                output.Bytes(row);
                continue;
            }
            Span<byte> to = output.Take(area.Width * format.BytesPerPixel);
            for (; !row.IsEmpty; row = row[Screen.PixelSize..], to = to[format.BytesPerPixel..])
                format.Write(System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(row), to);
        }
    }
}

/// <summary>Tiles of 16 pixels with a background and rectangles on it (7.7.4).</summary>
internal sealed class HextileEncoder : IEncoder
{
    private const int Side = 16;

    /// <summary>What a tile has: pixels as they are, a background, a colour for all rectangles, rectangles, rectangles each with a colour.</summary>
    private const byte IsRaw = 1, HasBackground = 2, HasForeground = 4, HasRectangles = 8, AreColoured = 16;

    private readonly RawEncoder _raw = new();
    private readonly TilePixels _tile = new(Side);
    private readonly bool[] _done = new bool[Side * Side];

    public int Number => RfbNumbers.Hextile;

    public void Write(ScreenCopy copy, ScreenArea area, PixelFormat format, RfbOutput output)
    {
        for (int y = area.Y; y < area.Y + area.Height; y += Side)
        {
            for (int x = area.X; x < area.X + area.Width; x += Side)
            {
                var tile = new ScreenArea(x, y, Math.Min(Side, area.X + area.Width - x), Math.Min(Side, area.Y + area.Height - y));
                _tile.Load(copy, tile);
                int start = output.Length, raw = 1 + (tile.Width * tile.Height * format.BytesPerPixel);
                if (TryWriteRectangles(format, output, start + raw)) continue;
                output.Cut(start);
                output.Byte(IsRaw);
                _raw.Write(copy, tile, format, output);
            }
        }
    }

    /// <summary>Writes a tile as rectangles.</summary>
    /// <returns>False when it gets no shorter so, or there would be too many.</returns>
    private bool TryWriteRectangles(PixelFormat format, RfbOutput output, int limit)
    {
        bool hasTwo = _tile.ColourCount == 2;
        uint background = _tile.Background;
        byte kind = _tile.ColourCount == 1 ? HasBackground : hasTwo ? (byte)(HasBackground | HasForeground | HasRectangles) : (byte)(HasBackground | HasRectangles | AreColoured);
        output.Byte(kind);
        output.Pixel(format, background);
        if (_tile.ColourCount == 1) return true;
        if (hasTwo) output.Pixel(format, _tile.Colours[0] == background ? _tile.Colours[1] : _tile.Colours[0]);
        int countAt = output.Length, count = 0;
        output.Byte(0);
        Array.Clear(_done);
        ReadOnlySpan<uint> pixels = _tile.Pixels;
        for (int i = 0; i < pixels.Length; i++)
        {
            if (_done[i] || pixels[i] == background) continue;
            if (++count > byte.MaxValue || output.Length >= limit) return false;
            (int x, int y) = (i % _tile.Width, i / _tile.Width);
            (int width, int height) = Grow(x, y, pixels[i]);
            if (!hasTwo) output.Pixel(format, pixels[i]);
            output.Byte((byte)((x << 4) | y));
            output.Byte((byte)(((width - 1) << 4) | (height - 1)));
        }
        output.Patch(countAt, (byte)count);
        return output.Length <= limit;
    }

    /// <summary>Finds how far a colour reaches, to the right first, and marks that.</summary>
    private (int Width, int Height) Grow(int x, int y, uint colour)
    {
        int width = 1, height = 1;
        while (x + width < _tile.Width && IsFree(x + width, y, colour)) width++;
        for (bool fits = true; fits && y + height < _tile.Height;)
        {
            for (int i = 0; i < width && fits; i++) fits = IsFree(x + i, y + height, colour);
            if (fits) height++;
        }
        for (int j = 0; j < height; j++) _done.AsSpan(((y + j) * _tile.Width) + x, width).Fill(true);
        return (width, height);
    }

    private bool IsFree(int x, int y, uint colour)
    {
        int at = (y * _tile.Width) + x;
        return !_done[at] && _tile.Pixels[at] == colour;
    }
}

/// <summary>Tiles of 64 pixels, packed, through one zlib stream for the whole connection (7.7.6).</summary>
internal sealed class ZrleEncoder : IEncoder, IDisposable
{
    private const int Side = 64;

    /// <summary>Kinds of tiles: pixels as they are, one colour, runs; between two and sixteen colours, their number.</summary>
    private const byte IsRaw = 0, IsSolid = 1, HasRuns = 128;

    private readonly TilePixels _tile = new(Side);
    private readonly RfbOutput _plain = new();
    private readonly MemoryStream _packed = new();
    private readonly ZLibStream _stream;

    public ZrleEncoder() => _stream = new ZLibStream(_packed, CompressionLevel.Fastest, leaveOpen: true);

    public int Number => RfbNumbers.Zrle;

    public void Write(ScreenCopy copy, ScreenArea area, PixelFormat format, RfbOutput output)
    {
        _plain.Clear();
        _packed.SetLength(0);
        for (int y = area.Y; y < area.Y + area.Height; y += Side)
        {
            for (int x = area.X; x < area.X + area.Width; x += Side)
            {
                _tile.Load(copy, new ScreenArea(x, y, Math.Min(Side, area.X + area.Width - x), Math.Min(Side, area.Y + area.Height - y)));
                WriteTile(format);
            }
            _stream.Write(_plain.Written.Span);
            _plain.Clear();
        }
        _stream.Flush();
        output.Int((int)_packed.Length);
        output.Bytes(_packed.GetBuffer().AsSpan(0, (int)_packed.Length));
    }

    public void Dispose()
    {
        _stream.Dispose();
        _packed.Dispose();
    }

    private void WriteTile(PixelFormat format)
    {
        if (_tile.ColourCount == 1)
        {
            _plain.Byte(IsSolid);
            _plain.CompactPixel(format, _tile.Colours[0]);
        }
        else if (_tile.ColourCount > 1)
        {
            WritePalette(format);
        }
        else
        {
            int start = _plain.Length, raw = 1 + (_tile.Pixels.Length * format.CompactSize);
            if (TryWriteRuns(format, start + raw)) return;
            _plain.Cut(start);
            _plain.Byte(IsRaw);
            foreach (uint pixel in _tile.Pixels) _plain.CompactPixel(format, pixel);
        }
    }

    /// <summary>The colours, then for each pixel which one it is, in 1, 2 or 4 bits; rows begin with a byte.</summary>
    private void WritePalette(PixelFormat format)
    {
        _plain.Byte((byte)_tile.ColourCount);
        foreach (uint colour in _tile.Colours) _plain.CompactPixel(format, colour);
        int bits = _tile.ColourCount == 2 ? 1 : _tile.ColourCount <= 4 ? 2 : 4;
        for (int y = 0; y < _tile.Height; y++)
        {
            Span<byte> row = _plain.Take(((_tile.Width * bits) + 7) / 8);
            row.Clear();
            for (int x = 0; x < _tile.Width; x++)
            {
                int at = x * bits;
                row[at / 8] |= (byte)(_tile.IndexOf(_tile.Pixels[(y * _tile.Width) + x]) << (8 - bits - (at % 8)));
            }
        }
    }

    private bool TryWriteRuns(PixelFormat format, int limit)
    {
        _plain.Byte(HasRuns);
        ReadOnlySpan<uint> pixels = _tile.Pixels;
        for (int i = 0; i < pixels.Length;)
        {
            int length = pixels[i..].IndexOfAnyExcept(pixels[i]);
            if (length < 0) length = pixels.Length - i;
            _plain.CompactPixel(format, pixels[i]);
            int rest = length - 1;
            for (; rest >= byte.MaxValue; rest -= byte.MaxValue) _plain.Byte(byte.MaxValue);
            _plain.Byte((byte)rest);
            if (_plain.Length > limit) return false;
            i += length;
        }
        return true;
    }
}
