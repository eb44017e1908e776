using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Hospes.Storage.Qcow2;

/// <summary>Says by name which feature keeps an image from being opened.</summary>
internal static class Qcow2Features
{
    private const ulong Known = Qcow2Format.Dirty | Qcow2Format.CorruptBit | Qcow2Format.CompressionBit;

    /// <summary>The bytes of one entry of the feature name table: kind, bit, name.</summary>
    private const int NameEntry = 48;

    /// <summary>The names that this program gives the bits, for the table that it writes.</summary>
    private static readonly (byte Kind, byte Bit, string Name)[] Names =
    [
        (0, 0, "dirty bit"), (0, 1, "corrupt bit"), (0, 2, "external data file"), (0, 3, "compression type"), (0, 4, "extended L2 entries"),
        (1, 0, "lazy refcounts"), (2, 0, "bitmaps"), (2, 1, "raw external data"),
    ];

    /// <summary>What is refused, or null when nothing is.</summary>
    /// <param name="incompatible">The incompatible feature bits.</param>
    /// <param name="area">The first cluster, whose extensions can name features.</param>
    /// <param name="extensions">Where the extensions start.</param>
    /// <param name="cryptMethod">The header's encryption method.</param>
    public static string? Refusal(ulong incompatible, ReadOnlySpan<byte> area, int extensions, int cryptMethod)
    {
        if (cryptMethod != 0) return cryptMethod switch { 1 => "AES encryption", 2 => "LUKS encryption", _ => $"encryption method {(uint)cryptMethod}" };
        ulong unknown = incompatible & ~Known;
        if (unknown == 0) return null;
        var names = new List<string>();
        for (ulong left = unknown; left != 0; left &= left - 1) names.Add(NameOf(BitOperations.TrailingZeroCount(left), area, extensions));
        return string.Join(", ", names);
    }

    /// <summary>The feature name table that new images carry.</summary>
    public static byte[] Table()
    {
        byte[] table = new byte[Names.Length * NameEntry];
        for (int i = 0; i < Names.Length; i++)
        {
            Span<byte> entry = table.AsSpan(i * NameEntry, NameEntry);
            entry[0] = Names[i].Kind;
            entry[1] = Names[i].Bit;
            Encoding.ASCII.GetBytes(Names[i].Name, entry[2..]);
        }

        return table;
    }

    private static string NameOf(int bit, ReadOnlySpan<byte> area, int at)
    {
        foreach ((byte kind, byte known, string name) in Names)
        {
            if (kind == 0 && known == bit) return name;
        }

        while (at >= 0 && at <= area.Length - 8)
        {
            uint type = BinaryPrimitives.ReadUInt32BigEndian(area[at..]);
            uint length = BinaryPrimitives.ReadUInt32BigEndian(area[(at + 4)..]);
            at += 8;
            if (type == Qcow2Format.ExtensionEnd || length > area.Length - at) break;
            for (int entry = 0; type == Qcow2Format.ExtensionFeatures && entry + NameEntry <= length; entry += NameEntry)
            {
                ReadOnlySpan<byte> name = area.Slice(at + entry, NameEntry);
                if (name[0] == 0 && name[1] == bit) return Encoding.UTF8.GetString(name[2..]).TrimEnd('\0');
            }

            at += (int)((length + 7) & ~7u);
        }

        return $"unknown feature bit {bit}";
    }
}
