using System.Buffers.Binary;
using System.Text;

namespace Hospes.Virtio;

/// <summary>What a screen tells of itself: one block of VESA Enhanced EDID, release A revision 2 (EDID 1.4).</summary>
internal static class Edid
{
    /// <summary>Bytes of a block (3).</summary>
    public const int Size = 128;

    /// <summary>Places in the block (table 3.1).</summary>
    private const int Manufacturer = 8, Product = 10, Year = 17, Version = 18, Input = 20, Width = 21, Gamma = 23, Features = 24, Chromaticity = 25,
        StandardTimings = 38, Descriptors = 54, DescriptorSize = 18, Checksum = 127;

    /// <summary>Digital input with 8 bits a colour; sRGB is the usual colour space and the first detailed timing the native one (3.6).</summary>
    private const byte Digital8Bits = 0xA0, NativeFirst = 0x06;

    /// <summary>The largest number that a detailed timing holds for pixels or rows (3.10.2).</summary>
    private const int LargestTiming = 4095;

    private const int DotsPerInch = 96, RefreshRate = 60;

    /// <summary>Writes a block.</summary>
    /// <param name="width">Pixels of a row that the screen has.</param>
    /// <param name="height">Rows that it has.</param>
    /// <param name="number">Which screen it is.</param>
    public static byte[] Build(int width, int height, int number)
    {
        byte[] block = new byte[Size];
        ReadOnlySpan<byte> header = [0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00];
        header.CopyTo(block);
        // Three letters of five bits each: HSP.
        BinaryPrimitives.WriteUInt16BigEndian(block.AsSpan(Manufacturer), ('H' - '@' << 10) | ('S' - '@' << 5) | ('P' - '@'));
        BinaryPrimitives.WriteUInt16LittleEndian(block.AsSpan(Product), 1);
        block[Year] = 2024 - 1990;
        block[Version] = 1;
        block[Version + 1] = 4;
        block[Input] = Digital8Bits;
        int across = Millimetres(width), down = Millimetres(height);
        block[Width] = (byte)Math.Min(across / 10, 255);
        block[Width + 1] = (byte)Math.Min(down / 10, 255);
        block[Gamma] = 220 - 100;
        block[Features] = NativeFirst;
        // The primaries of sRGB and its white, in 1024ths (3.7): low bits of red and green, of blue and white, then the high ones.
        ReadOnlySpan<byte> colours = [0xEE, 0x91, 0xA3, 0x54, 0x4C, 0x99, 0x26, 0x0F, 0x50, 0x54];
        colours.CopyTo(block.AsSpan(Chromaticity));
        block.AsSpan(StandardTimings, Descriptors - StandardTimings).Fill(0x01);
        int next = Descriptors;
        if (width <= LargestTiming && height <= LargestTiming && TryTiming(width, height, across, down, block.AsSpan(next, DescriptorSize))) next += DescriptorSize;
        Describe(block.AsSpan(next, DescriptorSize), 0xFC, $"Hospes {number}");
        // What is left says nothing (3.10.3.11).
        for (next += DescriptorSize; next < Checksum - 1; next += DescriptorSize) block[next + 3] = 0x10;
        byte sum = 0;
        foreach (byte value in block) sum += value;
        block[Checksum] = (byte)-sum;
        return block;
    }

    private static int Millimetres(int pixels) => (int)Math.Min(pixels * 254L / (DotsPerInch * 10), LargestTiming);

    /// <summary>A detailed timing (3.10.2). A screen that is no tube can have short pauses, as those of CVT with reduced blanking.</summary>
    private static bool TryTiming(int width, int height, int across, int down, Span<byte> timing)
    {
        const int Blank = 160, FrontPorch = 48, SyncWidth = 32, Lines = 30, FrontLines = 3, SyncLines = 6;
        long clock = (long)(width + Blank) * (height + Lines) * RefreshRate / 10_000;
        if (clock > ushort.MaxValue) return false;
        BinaryPrimitives.WriteUInt16LittleEndian(timing, (ushort)clock);
        timing[2] = (byte)width;
        timing[3] = Blank;
        timing[4] = (byte)(width >> 8 << 4);
        timing[5] = (byte)height;
        timing[6] = Lines;
        timing[7] = (byte)(height >> 8 << 4);
        timing[8] = FrontPorch;
        timing[9] = SyncWidth;
        timing[10] = FrontLines << 4 | SyncLines;
        timing[12] = (byte)across;
        timing[13] = (byte)down;
        timing[14] = (byte)((across >> 8 << 4) | (down >> 8));
        // Not interlaced, no stereo, digital separate syncs.
        timing[17] = 0x18;
        return true;
    }

    private static void Describe(Span<byte> descriptor, byte tag, string text)
    {
        descriptor[3] = tag;
        Span<byte> letters = descriptor[5..];
        letters.Fill((byte)' ');
        int length = Encoding.ASCII.GetBytes(text, letters);
        if (length < letters.Length) letters[length] = (byte)'\n';
    }
}
