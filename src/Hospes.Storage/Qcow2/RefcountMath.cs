using System.Buffers.Binary;

namespace Hospes.Storage.Qcow2;

/// <summary>Reads and writes reference counts of every width ("Refcount block entry"): below a byte the first lies in the least significant bits.</summary>
internal static class RefcountMath
{
    /// <summary>The largest count that a width holds.</summary>
    public static ulong Max(int order) => order == 6 ? ulong.MaxValue : (1ul << (1 << order)) - 1;

    public static ulong Read(ReadOnlySpan<byte> block, int order, long index) => order switch
    {
        3 => block[(int)index],
        4 => BinaryPrimitives.ReadUInt16BigEndian(block[(int)(index * 2)..]),
        5 => BinaryPrimitives.ReadUInt32BigEndian(block[(int)(index * 4)..]),
        6 => BinaryPrimitives.ReadUInt64BigEndian(block[(int)(index * 8)..]),
        _ => (ulong)(block[(int)(index >> (3 - order))] >> Shift(order, index)) & Max(order),
    };

    public static void Write(Span<byte> block, int order, long index, ulong count)
    {
        switch (order)
        {
            case 3: block[(int)index] = (byte)count; break;
            case 4: BinaryPrimitives.WriteUInt16BigEndian(block[(int)(index * 2)..], (ushort)count); break;
            case 5: BinaryPrimitives.WriteUInt32BigEndian(block[(int)(index * 4)..], (uint)count); break;
            case 6: BinaryPrimitives.WriteUInt64BigEndian(block[(int)(index * 8)..], count); break;
            default:
                ref byte cell = ref block[(int)(index >> (3 - order))];
                int shift = Shift(order, index);
                cell = (byte)((cell & ~((int)Max(order) << shift)) | (int)count << shift);
                break;
        }
    }

    private static int Shift(int order, long index) => (int)(index & ((8 >> order) - 1)) << order;
}
