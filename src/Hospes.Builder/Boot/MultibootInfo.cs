using System.Buffers.Binary;

namespace Hospes.Builder.Boot;

/// <summary>Lays the Multiboot information out (Multiboot Specification 0.6.96, 3.3), and what it points to, as one block.</summary>
internal static class MultibootInfo
{
    public const int Size = 88, ModuleSize = 16;

    /// <summary>An entry of the memory map, with the size field in front that does not count itself.</summary>
    public const int MapEntrySize = 24;

    private const int FlagsAt = 0, LowerAt = 4, UpperAt = 8, CommandLineAt = 16, ModuleCountAt = 20, ModulesAt = 24, MapLengthAt = 44, MapAt = 48, LoaderNameAt = 64;
    private const uint HasMemory = 1 << 0, HasCommandLine = 1 << 2, HasModules = 1 << 3, HasMap = 1 << 6, HasLoaderName = 1 << 9;

    /// <summary>Where lower memory ends at the latest and upper memory begins.</summary>
    private const ulong LowerEnd = 640 << 10, UpperStart = 1 << 20;

    private static ReadOnlySpan<byte> LoaderName => "Hospes\0"u8;

    public static int BlockSize(int mapEntries, int commandLine) => Size + ModuleSize + mapEntries * MapEntrySize + LoaderName.Length + 1 + commandLine + 1;

    public static byte[] Block(ulong address, BootContext context, ReadOnlySpan<byte> commandLine, PlacedRegion? initrd)
    {
        int modules = Size, map = modules + ModuleSize, mapLength = context.MemoryMap.Count * MapEntrySize, name = map + mapLength, text = name + LoaderName.Length + 1;
        byte[] block = new byte[BlockSize(context.MemoryMap.Count, commandLine.Length)];
        Span<byte> info = block;
        Set(info, FlagsAt, HasMemory | HasCommandLine | HasModules | HasMap | HasLoaderName);
        Set(info, LowerAt, RamFrom(context, 0, LowerEnd));
        Set(info, UpperAt, RamFrom(context, UpperStart, Placement.Limit32));
        Set(info, CommandLineAt, address + (ulong)text);
        Set(info, ModulesAt, address + (ulong)modules);
        if (initrd is { } module)
        {
            Set(info, ModuleCountAt, 1);
            Set(info, modules, module.Address);
            Set(info, modules + 4, module.Address + module.Size);
            // A module's string may not be absent; an empty one is the NUL behind the loader's name.
            Set(info, modules + 8, address + (ulong)(text - 1));
        }
        Set(info, MapLengthAt, (ulong)mapLength);
        Set(info, MapAt, address + (ulong)map);
        Set(info, LoaderNameAt, address + (ulong)name);
        foreach (MemoryMapEntry entry in context.MemoryMap)
        {
            Set(info, map, MapEntrySize - 4);
            BinaryPrimitives.WriteUInt64LittleEndian(info[(map + 4)..], entry.Address);
            BinaryPrimitives.WriteUInt64LittleEndian(info[(map + 12)..], entry.Size);
            Set(info, map + 20, (ulong)entry.Kind);
            map += MapEntrySize;
        }
        LoaderName.CopyTo(info[name..]);
        commandLine.CopyTo(info[text..]);
        return block;
    }

    /// <summary>KiB of RAM from an address to the first hole, or to a limit.</summary>
    private static ulong RamFrom(BootContext context, ulong start, ulong limit)
    {
        ulong at = start;
        foreach (MemoryMapEntry entry in context.MemoryMap.OrderBy(e => e.Address))
        {
            if (entry.Kind == MemoryKind.Ram && entry.Address <= at && entry.Address + entry.Size > at) at = entry.Address + entry.Size;
        }
        return (Math.Min(at, limit) - start) >> 10;
    }

    private static void Set(Span<byte> info, int at, ulong value) => BinaryPrimitives.WriteUInt32LittleEndian(info[at..], checked((uint)value));
}
