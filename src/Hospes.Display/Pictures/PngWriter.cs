using System.Buffers.Binary;
using System.IO.Compression;

namespace Hospes.Display;

/// <summary>Writes pictures in the Portable Network Graphics format (W3C PNG, third edition): true colour, 8 bits, no filters but what is above.</summary>
public static class PngWriter
{
    private const uint Polynomial = 0xEDB88320;

    /// <summary>Colour type (11.2.1): red, green, blue. Filter type (9.2): the difference to the row above.</summary>
    private const byte TrueColour = 2, Up = 2;

    /// <summary>Writes a picture.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="output">Where to.</param>
    public static void Write(Picture picture, Stream output)
    {
        output.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, picture.Width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), picture.Height);
        header[8] = 8;
        header[9] = TrueColour;
        WriteChunk(output, "IHDR"u8, header);
        using var data = new MemoryStream();
        using (var packed = new ZLibStream(data, CompressionLevel.Fastest, leaveOpen: true)) WriteRows(picture, packed);
        WriteChunk(output, "IDAT"u8, data.GetBuffer().AsSpan(0, (int)data.Length));
        WriteChunk(output, "IEND"u8, []);
    }

    private static void WriteRows(Picture picture, ZLibStream packed)
    {
        int length = picture.Width * 3, stride = picture.Width * Screen.PixelSize;
        byte[] above = new byte[length], row = new byte[length], filtered = new byte[length + 1];
        filtered[0] = Up;
        for (int y = 0; y < picture.Height; y++)
        {
            ColourRows.ToRgb(picture.Pixels.AsSpan(y * stride, stride), row);
            for (int i = 0; i < length; i++) filtered[i + 1] = (byte)(row[i] - above[i]);
            packed.Write(filtered);
            (above, row) = (row, above);
        }
    }

    /// <summary>A chunk (5.3): length, type, data, and a sum over type and data.</summary>
    private static void WriteChunk(Stream output, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        output.Write(number);
        output.Write(type);
        output.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, ~Sum(data, Sum(type, uint.MaxValue)));
        output.Write(number);
    }

    /// <summary>CRC-32 as 5.5 has it.</summary>
    private static uint Sum(ReadOnlySpan<byte> bytes, uint sum)
    {
        foreach (byte value in bytes)
        {
            sum ^= value;
            for (int bit = 0; bit < 8; bit++) sum = (sum >> 1) ^ ((sum & 1) * Polynomial);
        }
        return sum;
    }
}
