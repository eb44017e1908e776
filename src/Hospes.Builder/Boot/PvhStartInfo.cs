using System.Buffers.Binary;

namespace Hospes.Builder.Boot;

/// <summary>Lays hvm_start_info out (Xen, public/arch-x86/hvm/start_info.h), version 1, and what it points to, as one block.</summary>
internal static class PvhStartInfo
{
    public const uint Magic = 0x336EC578;
    public const uint Version = 1;
    public const int Size = 56, ModuleSize = 32, MapEntrySize = 24;

    // Offsets in hvm_start_info.
    private const int MagicAt = 0, VersionAt = 4, ModuleCountAt = 12, ModuleListAt = 16, CommandLineAt = 24, RsdpAt = 32, MapAt = 40, MapCountAt = 48;

    /// <summary>How large the block is.</summary>
    public static int BlockSize(int mapEntries, int commandLine) => Size + ModuleSize + mapEntries * MapEntrySize + commandLine + 1;

    /// <summary>Makes the block for a given address.</summary>
    public static byte[] Block(ulong address, BootContext context, ReadOnlySpan<byte> commandLine, PlacedRegion? initrd)
    {
        int modules = Size, map = modules + ModuleSize, text = map + context.MemoryMap.Count * MapEntrySize;
        byte[] block = new byte[BlockSize(context.MemoryMap.Count, commandLine.Length)];
        Span<byte> info = block;
        BinaryPrimitives.WriteUInt32LittleEndian(info[MagicAt..], Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(info[VersionAt..], Version);
        if (initrd is { } module)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(info[ModuleCountAt..], 1);
            BinaryPrimitives.WriteUInt64LittleEndian(info[ModuleListAt..], address + (ulong)modules);
            BinaryPrimitives.WriteUInt64LittleEndian(info[modules..], module.Address);
            BinaryPrimitives.WriteUInt64LittleEndian(info[(modules + 8)..], module.Size);
        }
        BinaryPrimitives.WriteUInt64LittleEndian(info[CommandLineAt..], address + (ulong)text);
        BinaryPrimitives.WriteUInt64LittleEndian(info[RsdpAt..], context.RsdpAddress);
        BinaryPrimitives.WriteUInt64LittleEndian(info[MapAt..], address + (ulong)map);
        BinaryPrimitives.WriteUInt32LittleEndian(info[MapCountAt..], (uint)context.MemoryMap.Count);
        foreach (MemoryMapEntry entry in context.MemoryMap)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(info[map..], entry.Address);
            BinaryPrimitives.WriteUInt64LittleEndian(info[(map + 8)..], entry.Size);
            BinaryPrimitives.WriteUInt32LittleEndian(info[(map + 16)..], (uint)entry.Kind);
            map += MapEntrySize;
        }
        commandLine.CopyTo(info[text..]);
        return block;
    }
}
