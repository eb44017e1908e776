using System.Buffers.Binary;
using System.Numerics;

namespace Hospes.Virtio;

/// <summary>The header in front of every frame (virtio 1.2, 5.1.6).</summary>
public static class NetHeader
{
    /// <summary>Bytes of the header as version 1 has it, with the number of buffers.</summary>
    public const int Size = 12;

    /// <summary>Fields.</summary>
    internal const int FlagsField = 0, SegmentationField = 1, ChecksumStart = 6, ChecksumOffset = 8, BuffersField = 10;

    /// <summary>Flags: the checksum is to be filled in; the checksum was found good.</summary>
    internal const byte NeedsChecksum = 1, DataValid = 2;

    /// <summary>Fills the checksum in that the driver left to the device (5.1.6.2): the Internet checksum from a place on, over what stands
    /// in the checksum's field.</summary>
    /// <param name="packet">Header and frame; the header asks for nothing afterwards.</param>
    /// <returns>False when the header's places lie outside the frame: such a packet is dropped.</returns>
    internal static bool FillChecksum(Span<byte> packet)
    {
        Span<byte> frame = packet[Size..];
        int start = BinaryPrimitives.ReadUInt16LittleEndian(packet[ChecksumStart..]);
        int at = start + BinaryPrimitives.ReadUInt16LittleEndian(packet[ChecksumOffset..]);
        if (at + 2 > frame.Length || start >= frame.Length) return false;
        ushort sum = (ushort)~Sum(frame[start..]);
        // A UDP checksum that comes out as 0 is sent as all ones (RFC 768), which is the same number.
        BinaryPrimitives.WriteUInt16LittleEndian(frame[at..], sum == 0 ? ushort.MaxValue : sum);
        packet[..Size].Clear();
        return true;
    }

    /// <summary>The Internet checksum's sum (RFC 1071), in the machine's byte order, which only swaps the result's bytes.</summary>
    internal static ushort Sum(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<uint> words = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, uint>(bytes);
        ulong sum = 0;
        int i = 0;
        if (Vector.IsHardwareAccelerated)
        {
            Vector<ulong> sums = Vector<ulong>.Zero;
            for (; i + Vector<uint>.Count <= words.Length; i += Vector<uint>.Count)
            {
                Vector.Widen(new Vector<uint>(words[i..]), out Vector<ulong> low, out Vector<ulong> high);
                sums += low + high;
            }
            sum = Vector.Sum(sums);
        }
        for (; i < words.Length; i++) sum += words[i];
        ReadOnlySpan<byte> rest = bytes[(words.Length * 4)..];
        if (rest.Length >= 2) sum += BinaryPrimitives.ReadUInt16LittleEndian(rest);
        if (rest.Length % 2 != 0) sum += rest[^1];
        while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)sum;
    }
}
