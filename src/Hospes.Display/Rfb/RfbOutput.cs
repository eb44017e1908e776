using System.Buffers.Binary;

namespace Hospes.Display.Rfb;

/// <summary>Collects what goes to a client; numbers have their most significant byte first (RFC 6143, 7). For one thread.</summary>
internal sealed class RfbOutput
{
    private byte[] _bytes = new byte[4096];

    /// <summary>How many bytes there are.</summary>
    public int Length { get; private set; }

    /// <summary>What there is.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, Length);

    /// <summary>Begins anew.</summary>
    public void Clear() => Length = 0;

    /// <summary>Forgets the last bytes.</summary>
    public void Cut(int length) => Length = length;

    /// <summary>Makes room that is to be filled at once.</summary>
    public Span<byte> Take(int count)
    {
        if (_bytes.Length - Length < count) Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length + count));
        Length += count;
        return _bytes.AsSpan(Length - count, count);
    }

    /// <summary>Changes a byte.</summary>
    public void Patch(int at, byte value) => _bytes[at] = value;

    public void Byte(byte value) => Take(1)[0] = value;

    public void Short(int value) => BinaryPrimitives.WriteUInt16BigEndian(Take(2), (ushort)value);

    public void Int(int value) => BinaryPrimitives.WriteInt32BigEndian(Take(4), value);

    public void Bytes(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    /// <summary>The header of a rectangle (7.6.1).</summary>
    public void Rectangle(ScreenArea area, int encoding)
    {
        Short(area.X);
        Short(area.Y);
        Short(area.Width);
        Short(area.Height);
        Int(encoding);
    }

    /// <summary>A pixel as the client wants it.</summary>
    public void Pixel(PixelFormat format, uint pixel) => format.Write(pixel, Take(format.BytesPerPixel));

    /// <summary>A pixel as ZRLE has it (7.7.5).</summary>
    public void CompactPixel(PixelFormat format, uint pixel)
    {
        Span<byte> whole = stackalloc byte[4];
        format.Write(pixel, whole);
        Bytes(whole.Slice(format.CompactStart, format.CompactSize));
    }
}
