using System.Buffers.Binary;

namespace Hospes.Display.Rfb;

/// <summary>How a client wants pixels (RFC 6143, 7.4).</summary>
internal sealed class PixelFormat
{
    /// <summary>Bytes of a format on the wire.</summary>
    public const int Size = 16;

    private readonly uint[] _red = new uint[256], _green = new uint[256], _blue = new uint[256];
    private readonly bool _isBig;

    /// <param name="bits">Bits of a pixel: 8, 16 or 32.</param>
    /// <param name="depth">How many of them matter.</param>
    /// <param name="isBig">Whether the byte with the most significant bits comes first.</param>
    /// <param name="red">The largest red, and where its bits begin.</param>
    /// <param name="green">Likewise.</param>
    /// <param name="blue">Likewise.</param>
    public PixelFormat(int bits, int depth, bool isBig, (int Max, int Shift) red, (int Max, int Shift) green, (int Max, int Shift) blue)
    {
        CompactSize = BytesPerPixel = bits / 8;
        _isBig = isBig;
        Fill(_red, red);
        Fill(_green, green);
        Fill(_blue, blue);
        if (bits != 32 || depth > 24) return;
        // What ZRLE leaves out (7.7.5): the byte in which no colour is.
        uint all = _red[255] | _green[255] | _blue[255];
        if ((all & 0xFF00_0000) == 0) (CompactStart, CompactSize) = (isBig ? 1 : 0, 3);
        else if ((all & 0xFF) == 0) (CompactStart, CompactSize) = (isBig ? 0 : 1, 3);
    }

    /// <summary>The format in which pixels are kept here: blue, green, red and a byte without meaning.</summary>
    public static PixelFormat Own { get; } = new(32, 24, isBig: false, (255, 16), (255, 8), (255, 0));

    /// <summary>Eight bits for which the client is told what each number is.</summary>
    public static PixelFormat Mapped { get; } = new(8, 8, isBig: false, (7, 0), (7, 3), (3, 6));

    /// <summary>Bytes of a pixel: 1, 2 or 4.</summary>
    public int BytesPerPixel { get; }

    /// <summary>Bytes of a compact pixel (7.7.5), and which byte of a whole one is its first.</summary>
    public int CompactSize { get; private init; }

    /// <summary>Which byte of a whole pixel is the first of a compact one.</summary>
    public int CompactStart { get; private init; }

    /// <summary>Reads a format.</summary>
    /// <param name="bytes">Its bytes.</param>
    /// <param name="isMapped">Whether the client needs to be told the colours of <see cref="Mapped"/>.</param>
    /// <returns>Null for one that makes no sense.</returns>
    public static PixelFormat? TryRead(ReadOnlySpan<byte> bytes, out bool isMapped)
    {
        int bits = bytes[0];
        isMapped = bytes[3] == 0;
        if (isMapped) return bits == 8 ? Mapped : null;
        if (bits is not (8 or 16 or 32)) return null;
        Span<(int Max, int Shift)> colours = stackalloc (int, int)[3];
        for (int i = 0; i < 3; i++)
        {
            int max = BinaryPrimitives.ReadUInt16BigEndian(bytes[(4 + (2 * i))..]), shift = bytes[10 + i];
            // A whole number of bits (7.4), all of them in the pixel.
            if (max == 0 || (max & (max + 1)) != 0 || shift >= bits || (long)max << shift > (1L << bits) - 1) return null;
            colours[i] = (max, shift);
        }
        return new PixelFormat(bits, bytes[1], bytes[2] != 0, colours[0], colours[1], colours[2]);
    }

    /// <summary>Writes <see cref="Own"/> as it is on the wire.</summary>
    public static void WriteOwn(Span<byte> bytes)
    {
        ReadOnlySpan<byte> own = [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0];
        own.CopyTo(bytes);
    }

    /// <summary>A pixel's number.</summary>
    /// <param name="pixel">As it is kept here.</param>
    public uint Translate(uint pixel) => _red[(byte)(pixel >> 16)] | _green[(byte)(pixel >> 8)] | _blue[(byte)pixel];

    /// <summary>Writes a pixel.</summary>
    /// <param name="pixel">As it is kept here.</param>
    /// <param name="destination"><see cref="BytesPerPixel"/> bytes.</param>
    public void Write(uint pixel, Span<byte> destination)
    {
        uint value = Translate(pixel);
        if (BytesPerPixel == 1)
        {
            destination[0] = (byte)value;
        }
        else if (BytesPerPixel == 2)
        {
            if (_isBig) BinaryPrimitives.WriteUInt16BigEndian(destination, (ushort)value);
            else BinaryPrimitives.WriteUInt16LittleEndian(destination, (ushort)value);
        }
        else if (_isBig)
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination, value);
        }
        else
        {
            BinaryPrimitives.WriteUInt32LittleEndian(destination, value);
        }
    }

    private static void Fill(uint[] table, (int Max, int Shift) colour)
    {
        for (int i = 0; i < table.Length; i++) table[i] = (uint)(((i * colour.Max) + 127) / 255) << colour.Shift;
    }
}
