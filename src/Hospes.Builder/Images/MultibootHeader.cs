using System.Buffers.Binary;

namespace Hospes.Builder.Images;

/// <summary>A Multiboot 1 header (Multiboot Specification 0.6.96, 3.1 "OS image format").</summary>
/// <param name="Offset">Where it is in the file.</param>
/// <param name="Flags">What the kernel demands and states.</param>
internal readonly record struct MultibootHeader(int Offset, uint Flags)
{
    public const uint Magic = 0x1BADB002;

    /// <summary>The header lies wholly inside the first 8192 bytes and is 4-byte aligned.</summary>
    private const int SearchLimit = 8192;

    private const uint PageAlignedModules = 1 << 0, MemoryInformation = 1 << 1;

    /// <summary>Flags 0 to 15 are demands: a loader that does not know one must refuse.</summary>
    private const uint Demands = 0xFFFF;

    private const uint AddressFields = 1 << 16;

    /// <summary>Whether the header says where the file is to be loaded, whatever else the file is.</summary>
    public bool HasAddresses => (Flags & AddressFields) != 0;

    public static MultibootHeader? Find(ReadOnlySpan<byte> file)
    {
        for (int at = 0; at + 12 <= Math.Min(file.Length, SearchLimit); at += 4)
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(file[at..]) != Magic) continue;
            uint flags = BinaryPrimitives.ReadUInt32LittleEndian(file[(at + 4)..]);
            uint checksum = BinaryPrimitives.ReadUInt32LittleEndian(file[(at + 8)..]);
            if (unchecked(Magic + flags + checksum) == 0) return new MultibootHeader(at, flags);
        }
        return null;
    }

    /// <summary>Refuses what the machine can't give.</summary>
    public BuildFailure? CheckDemands()
    {
        uint unmet = Flags & Demands & ~(PageAlignedModules | MemoryInformation);
        if (unmet == 0) return null;
        int bit = System.Numerics.BitOperations.TrailingZeroCount(unmet);
        return new BuildFailure(BuildError.MultibootRequirement, bit == 2 ? "a video mode" : $"flag {bit}");
    }

    /// <summary>Reads the load addresses ("a.out kludge", 3.1.3).</summary>
    public BuildFailure? TryReadAddresses(ReadOnlyMemory<byte> file, out ElfSegment segment, out ulong entry)
    {
        segment = default;
        entry = 0;
        ReadOnlySpan<byte> bytes = file.Span;
        if (bytes.Length - Offset < 32) return new BuildFailure(BuildError.KernelTruncated, "the Multiboot header");
        ulong header = Int(bytes, 12), load = Int(bytes, 16), loadEnd = Int(bytes, 20), bssEnd = Int(bytes, 24);
        entry = Int(bytes, 28);
        if (load > header || header - load > (ulong)Offset) return Impossible($"load address 0x{load:x} with the header at 0x{header:x}");
        ulong start = (ulong)Offset - (header - load);
        ulong size = loadEnd == 0 ? (ulong)bytes.Length - start : loadEnd - load;
        if (loadEnd != 0 && loadEnd < load) return Impossible($"load end 0x{loadEnd:x}");
        if (size > (ulong)bytes.Length - start) return Impossible($"0x{size:x} bytes at 0x{start:x} of a file of 0x{bytes.Length:x}");
        ulong memory = bssEnd == 0 ? size : bssEnd - load;
        if (bssEnd != 0 && bssEnd < load + size) return Impossible($"bss end 0x{bssEnd:x}");
        if (memory == 0 || load + memory > 1UL << 32) return Impossible($"0x{memory:x} bytes at 0x{load:x}");
        segment = new ElfSegment(load, load, memory, file.Slice((int)start, (int)size));
        return entry - load < memory ? null : new BuildFailure(BuildError.EntryOutsideImage, $"0x{entry:x}");
    }

    private static BuildFailure Impossible(string detail) => new(BuildError.MultibootAddresses, detail);

    private uint Int(ReadOnlySpan<byte> file, int field) => BinaryPrimitives.ReadUInt32LittleEndian(file[(Offset + field)..]);
}
