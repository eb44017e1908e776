using System.Buffers.Binary;
using System.Text;

namespace Hospes.Machine;

/// <summary>A system description table in the making (ACPI 6.5, 5.2.6): the header first, the length and the checksum at the end.</summary>
internal sealed class AcpiTable
{
    /// <summary>Bytes of the header that every table starts with.</summary>
    public const int HeaderSize = 36;

    /// <summary>Who made the tables: OEM id, OEM table id, and the creator's id.</summary>
    public const string OemId = "HOSPES", OemTableId = "HOSPESPV", CreatorId = "HSPS";

    private readonly List<byte> _bytes = [];

    public AcpiTable(string signature, byte revision)
    {
        Text(signature, 4).Number(0, 4).Number(revision, 1).Number(0, 1);
        Text(OemId, 6).Text(OemTableId, 8).Number(1, 4).Text(CreatorId, 4).Number(1, 4);
    }

    /// <summary>How many bytes there are so far.</summary>
    public int Length => _bytes.Count;

    /// <summary>Appends a little-endian number.</summary>
    public AcpiTable Number(ulong value, int size)
    {
        for (int i = 0; i < size; i++) _bytes.Add((byte)(value >> (8 * i)));
        return this;
    }

    /// <summary>Appends bytes.</summary>
    public AcpiTable Bytes(ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    /// <summary>Appends zeros up to an offset from the table's start.</summary>
    public AcpiTable ZerosTo(int offset)
    {
        while (_bytes.Count < offset) _bytes.Add(0);
        return this;
    }

    /// <summary>The finished table.</summary>
    public byte[] ToArray()
    {
        byte[] table = [.. _bytes];
        BinaryPrimitives.WriteInt32LittleEndian(table.AsSpan(4), table.Length);
        table[9] = Checksum(table);
        return table;
    }

    /// <summary>The byte that makes the sum of all bytes zero.</summary>
    public static byte Checksum(ReadOnlySpan<byte> bytes)
    {
        byte sum = 0;
        foreach (byte value in bytes) sum += value;
        return (byte)-sum;
    }

    private AcpiTable Text(string text, int size)
    {
        _bytes.AddRange(Encoding.ASCII.GetBytes(text.PadRight(size)[..size]));
        return this;
    }
}
