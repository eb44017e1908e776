using System.Buffers.Binary;
using Hospes.Builder.Images;

namespace Hospes.Builder.Boot;

/// <summary>Lays boot_params out (Linux, Documentation/arch/x86/zero-page.rst) with the command line behind it, and identity page tables.</summary>
internal static class LinuxBootParams
{
    public const int Size = 4096;

    private const int RsdpAt = 0x70, MapCountAt = 0x1E8, MapAt = 0x2D0, MapEntrySize = 20;

    /// <summary>What an ELF kernel without a setup header is told: the protocol version of the fields that are filled in.</summary>
    private const ushort PlainVersion = 0x20C;

    private const uint PlainAlignment = 0x1000000;

    // Entries: present, writable; a page of 2 MiB (Intel SDM vol. 3, 4.5.4).
    private const ulong TableEntry = 3, LargePage = 0x83;
    private const int TableSize = 4096, MappedGiB = 4;

    /// <summary>One top table, one of 1 GiB entries, and one of 2 MiB pages per mapped GiB.</summary>
    public const int PageTablesSize = (2 + MappedGiB) * TableSize;

    public static int BlockSize(int commandLine) => Size + commandLine + 1;

    public static byte[] Block(ulong address, BootContext context, ReadOnlySpan<byte> commandLine, PlacedRegion? initrd, LinuxHeader? header)
    {
        byte[] block = new byte[BlockSize(commandLine.Length)];
        Span<byte> zero = block;
        if (header is not null) header.Raw.CopyTo(zero[LinuxLayout.SetupSectors..]);
        else
        {
            BinaryPrimitives.WriteUInt16LittleEndian(zero[LinuxLayout.BootFlag..], LinuxLayout.BootFlagValue);
            BinaryPrimitives.WriteUInt32LittleEndian(zero[LinuxLayout.Signature..], LinuxLayout.Magic);
            BinaryPrimitives.WriteUInt16LittleEndian(zero[LinuxLayout.Version..], PlainVersion);
            BinaryPrimitives.WriteUInt32LittleEndian(zero[LinuxLayout.KernelAlignment..], PlainAlignment);
            BinaryPrimitives.WriteUInt32LittleEndian(zero[LinuxLayout.CommandLineSize..], (uint)commandLine.Length);
            zero[LinuxLayout.LoadFlags] = LinuxLayout.LoadedHigh;
        }
        zero[LinuxLayout.TypeOfLoader] = LinuxLayout.UnknownLoader;
        BinaryPrimitives.WriteUInt32LittleEndian(zero[LinuxLayout.CommandLinePointer..], (uint)address + Size);
        if (initrd is { } module)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(zero[LinuxLayout.RamDiskImage..], (uint)module.Address);
            BinaryPrimitives.WriteUInt32LittleEndian(zero[LinuxLayout.RamDiskSize..], (uint)module.Size);
        }
        BinaryPrimitives.WriteUInt64LittleEndian(zero[RsdpAt..], context.RsdpAddress);
        zero[MapCountAt] = (byte)context.MemoryMap.Count;
        int map = MapAt;
        foreach (MemoryMapEntry entry in context.MemoryMap)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(zero[map..], entry.Address);
            BinaryPrimitives.WriteUInt64LittleEndian(zero[(map + 8)..], entry.Size);
            BinaryPrimitives.WriteUInt32LittleEndian(zero[(map + 16)..], (uint)entry.Kind);
            map += MapEntrySize;
        }
        commandLine.CopyTo(zero[Size..]);
        return block;
    }

    /// <summary>Page tables that map the first 4 GiB to themselves: kernel, boot_params, command line and initrd lie below.</summary>
    public static byte[] PageTables(ulong address)
    {
        byte[] tables = new byte[PageTablesSize];
        BinaryPrimitives.WriteUInt64LittleEndian(tables, (address + TableSize) | TableEntry);
        for (int i = 0; i < MappedGiB; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(tables.AsSpan(TableSize + i * 8), (address + (ulong)(2 + i) * TableSize) | TableEntry);
        for (int i = 0; i < MappedGiB * 512; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(tables.AsSpan(2 * TableSize + i * 8), ((ulong)i << 21) | LargePage);
        return tables;
    }
}
