using System.Buffers.Binary;

namespace Hospes.Machine;

/// <summary>All tables of the machine as one image, with the root pointer at its start.</summary>
internal static class AcpiTables
{
    private const int RootPointerSize = 36;
    private const int Alignment = 64;

    /// <summary>Lays the tables out.</summary>
    /// <param name="config">The machine.</param>
    /// <param name="address">Where in guest memory the image goes.</param>
    public static byte[] Build(MachineConfig config, ulong address)
    {
        var image = new List<byte>(new byte[RootPointerSize]);
        ulong dsdt = Append(image, address, Dsdt.Build(config));
        List<ulong> tables =
        [
            Append(image, address, FixedTables.BuildFadt(dsdt)),
            Append(image, address, FixedTables.BuildMadt(config)),
        ];
        if (config.HasPci) tables.Add(Append(image, address, FixedTables.BuildMcfg(config)));
        if (config.HasWatchdog) tables.Add(Append(image, address, WatchdogTable.Build()));
        ulong xsdt = Append(image, address, FixedTables.BuildXsdt(tables));
        byte[] result = [.. image];
        WriteRootPointer(result.AsSpan(0, RootPointerSize), xsdt);
        return result;
    }

    private static ulong Append(List<byte> image, ulong address, byte[] table)
    {
        while (image.Count % Alignment != 0) image.Add(0);
        ulong at = address + (ulong)image.Count;
        image.AddRange(table);
        return at;
    }

    /// <summary>The root system description pointer (ACPI 6.5, 5.2.5.3), revision 2: it has an XSDT and no RSDT.</summary>
    private static void WriteRootPointer(Span<byte> pointer, ulong xsdt)
    {
        "RSD PTR "u8.CopyTo(pointer);
        System.Text.Encoding.ASCII.GetBytes(AcpiTable.OemId, pointer[9..]);
        pointer[15] = 2;
        BinaryPrimitives.WriteInt32LittleEndian(pointer[20..], RootPointerSize);
        BinaryPrimitives.WriteUInt64LittleEndian(pointer[24..], xsdt);
        pointer[8] = AcpiTable.Checksum(pointer[..20]);
        pointer[32] = AcpiTable.Checksum(pointer);
    }
}
