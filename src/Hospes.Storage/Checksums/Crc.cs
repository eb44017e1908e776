using System.Buffers.Binary;
using System.Numerics;

namespace Hospes.Storage.Checksums;

/// <summary>The cyclic redundancy checks of on-disk formats. Each takes the register and gives it, without the final inversion.</summary>
internal static class Crc
{
    /// <summary>The start of a register.</summary>
    public const uint Start = ~0u;

    private static readonly uint[] s_ieee = Table(0xEDB8_8320);

    private static readonly uint[] s_arc = Table(0xA001);

    /// <summary>Castagnoli's polynomial, as ext4 and jbd2 use it (ext4's documentation, "Checksums").</summary>
    public static uint Castagnoli(uint register, ReadOnlySpan<byte> data)
    {
        for (; data.Length >= 8; data = data[8..]) register = BitOperations.Crc32C(register, BinaryPrimitives.ReadUInt64LittleEndian(data));
        foreach (byte value in data) register = BitOperations.Crc32C(register, value);
        return register;
    }

    /// <summary>Adds a number in little-endian order.</summary>
    public static uint Castagnoli(uint register, uint value) => BitOperations.Crc32C(register, value);

    /// <summary>The polynomial of IEEE 802.3, as GPT uses it (UEFI 2.10, 5.3.2).</summary>
    public static uint Ieee(uint register, ReadOnlySpan<byte> data) => Run(s_ieee, register, data);

    /// <summary>CRC-16/ARC, as ext4's older group descriptors use it.</summary>
    public static ushort Arc(uint register, ReadOnlySpan<byte> data) => (ushort)Run(s_arc, register & 0xFFFF, data);

    private static uint Run(uint[] table, uint register, ReadOnlySpan<byte> data)
    {
        foreach (byte value in data) register = table[(byte)(register ^ value)] ^ (register >> 8);
        return register;
    }

    private static uint[] Table(uint polynomial)
    {
        uint[] table = new uint[256];
        for (uint i = 0; i < 256; i++)
        {
            uint value = i;
            for (int bit = 0; bit < 8; bit++) value = (value & 1) != 0 ? (value >> 1) ^ polynomial : value >> 1;
            table[i] = value;
        }

        return table;
    }
}
