using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Hospes.Hypervisor;

namespace Hospes.Builder.Images;

/// <summary>A program header that was checked: its bytes are in the file, its addresses do not wrap.</summary>
/// <param name="Physical">p_paddr.</param>
/// <param name="Virtual">p_vaddr.</param>
/// <param name="MemorySize">p_memsz; at least the data's length.</param>
/// <param name="Data">What the file holds of it.</param>
internal readonly record struct ElfSegment(ulong Physical, ulong Virtual, ulong MemorySize, ReadOnlyMemory<byte> Data)
{
    public ulong End => Physical + MemorySize;
}

/// <summary>An ELF executable for x86 whose headers were checked.</summary>
internal sealed class ElfImage
{
    private ElfImage(bool is64, ulong entry, List<ElfSegment> segments, ulong? pvhEntry)
    {
        Is64 = is64;
        Entry = entry;
        Segments = segments;
        PvhEntry = pvhEntry;
    }

    public bool Is64 { get; }

    /// <summary>e_entry as it stands.</summary>
    public ulong Entry { get; }

    /// <summary>The loadable segments in order of physical address; they do not overlap.</summary>
    public IReadOnlyList<ElfSegment> Segments { get; }

    /// <summary>The PVH entry; null when there is no note.</summary>
    public ulong? PvhEntry { get; }

    public static bool IsElf(ReadOnlySpan<byte> file) => file.StartsWith(ElfLayout.Magic);

    public static bool TryRead(ReadOnlyMemory<byte> file, [NotNullWhen(true)] out ElfImage? image, [NotNullWhen(false)] out BuildFailure? failure)
    {
        image = null;
        ReadOnlySpan<byte> bytes = file.Span;
        if ((failure = CheckIdent(bytes, out bool is64)) is not null) return false;
        var header = new Fields(bytes, is64);
        ulong entry = header.Word(24, 24);
        ulong table = header.Word(28, 32);
        int entrySize = header.Half(42, 54), count = header.Half(44, 56);
        int expected = is64 ? ElfLayout.ProgramHeader64Size : ElfLayout.ProgramHeader32Size;
        if (count > 0 && entrySize != expected) return Fail(BuildError.ElfHeaderInvalid, $"program headers of {entrySize} bytes", out failure);
        if (count > Limits.MaxProgramHeaders) return Fail(BuildError.ElfTooManySegments, count == ElfLayout.ExtendedNumbering ? "extended numbering" : $"{count}", out failure);
        ulong length = (ulong)bytes.Length;
        if (table > length || (ulong)(count * entrySize) > length - table) return Fail(BuildError.KernelTruncated, $"program headers at 0x{table:x}", out failure);

        var segments = new List<ElfSegment>();
        ulong? pvhEntry = null;
        for (int i = 0; i < count; i++)
        {
            var program = new Fields(bytes.Slice((int)table + i * entrySize, entrySize), is64);
            uint type = program.Int(0, 0);
            if (type == ElfLayout.SegmentInterpreter) return Fail(BuildError.ElfNotExecutable, "a user-space program with an interpreter", out failure);
            if (type is not (ElfLayout.SegmentLoad or ElfLayout.SegmentNote)) continue;
            ulong offset = program.Word(4, 8), size = program.Word(16, 32), memory = program.Word(20, 40);
            if (offset > length || size > length - offset) return Fail(BuildError.SegmentOutsideFile, $"header {i}: 0x{size:x} bytes at 0x{offset:x} of 0x{length:x}", out failure);
            ReadOnlyMemory<byte> data = file.Slice((int)offset, (int)size);
            if (type == ElfLayout.SegmentNote)
            {
                if ((failure = ElfNotes.FindPvhEntry(data.Span, program.Word(28, 48), ref pvhEntry)) is not null) return false;
                continue;
            }
            if (memory == 0 && size == 0) continue;
            var segment = new ElfSegment(program.Word(12, 24), program.Word(8, 16), memory, data);
            if (size > memory) return Fail(BuildError.SegmentSizeInvalid, $"header {i}: 0x{size:x} bytes in the file, 0x{memory:x} in memory", out failure);
            if (segment.Physical >= GuestMemory.AddressLimit || memory > GuestMemory.AddressLimit - segment.Physical)
                return Fail(BuildError.SegmentSizeInvalid, $"header {i}: 0x{memory:x} bytes at 0x{segment.Physical:x}", out failure);
            segments.Add(segment);
        }
        if (segments.Count == 0) return Fail(BuildError.ElfNothingToLoad, null, out failure);
        segments.Sort((a, b) => a.Physical.CompareTo(b.Physical));
        for (int i = 1; i < segments.Count; i++)
        {
            if (segments[i].Physical < segments[i - 1].End)
                return Fail(BuildError.SegmentsOverlap, $"0x{segments[i - 1].Physical:x}+0x{segments[i - 1].MemorySize:x} and 0x{segments[i].Physical:x}", out failure);
        }
        image = new ElfImage(is64, entry, segments, pvhEntry);
        return true;
    }

    /// <summary>Whether an address lies inside a loaded segment.</summary>
    public bool Contains(ulong physical)
    {
        foreach (ElfSegment segment in Segments)
        {
            if (physical - segment.Physical < segment.MemorySize) return true;
        }
        return false;
    }

    /// <summary>The physical address of e_entry: kernels state it as a physical or as a virtual address.</summary>
    public bool TryPhysicalEntry(out ulong physical)
    {
        physical = Entry;
        if (Contains(physical)) return true;
        foreach (ElfSegment segment in Segments)
        {
            if (Entry - segment.Virtual >= segment.MemorySize) continue;
            physical = segment.Physical + (Entry - segment.Virtual);
            return true;
        }
        return false;
    }

    private static BuildFailure? CheckIdent(ReadOnlySpan<byte> bytes, out bool is64)
    {
        is64 = false;
        if (bytes.Length < ElfLayout.Header32Size) return new BuildFailure(BuildError.KernelTruncated, $"an ELF header of {bytes.Length} bytes");
        is64 = bytes[ElfLayout.ClassOffset] == ElfLayout.Class64;
        if (!is64 && bytes[ElfLayout.ClassOffset] != ElfLayout.Class32) return new BuildFailure(BuildError.ElfHeaderInvalid, $"class {bytes[ElfLayout.ClassOffset]}");
        if (bytes[ElfLayout.DataOffset] is not (ElfLayout.LittleEndian or 2)) return new BuildFailure(BuildError.ElfHeaderInvalid, $"data encoding {bytes[ElfLayout.DataOffset]}");
        bool little = bytes[ElfLayout.DataOffset] == ElfLayout.LittleEndian;
        ReadOnlySpan<byte> field = bytes[ElfLayout.MachineOffset..];
        ushort machine = little ? BinaryPrimitives.ReadUInt16LittleEndian(field) : BinaryPrimitives.ReadUInt16BigEndian(field);
        if (machine is not (ElfLayout.Machine386 or ElfLayout.MachineX86_64)) return new BuildFailure(BuildError.NotX86, $"it is for {ElfLayout.MachineName(machine)}");
        if (!little) return new BuildFailure(BuildError.ElfHeaderInvalid, "big-endian x86");
        if (is64 && bytes.Length < ElfLayout.Header64Size) return new BuildFailure(BuildError.KernelTruncated, $"an ELF header of {bytes.Length} bytes");
        ushort type = BinaryPrimitives.ReadUInt16LittleEndian(bytes[ElfLayout.TypeOffset..]);
        return type is ElfLayout.TypeExecutable or ElfLayout.TypeDynamic ? null : new BuildFailure(BuildError.ElfNotExecutable, $"type {type}");
    }

    private static bool Fail(BuildError error, string? detail, out BuildFailure failure)
    {
        failure = new BuildFailure(error, detail);
        return false;
    }

    /// <summary>Reads fields at the offset that the file's class has them.</summary>
    private readonly ref struct Fields(ReadOnlySpan<byte> bytes, bool is64)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;

        public ulong Word(int at32, int at64) =>
            is64 ? BinaryPrimitives.ReadUInt64LittleEndian(_bytes[at64..]) : BinaryPrimitives.ReadUInt32LittleEndian(_bytes[at32..]);

        public uint Int(int at32, int at64) => BinaryPrimitives.ReadUInt32LittleEndian(_bytes[(is64 ? at64 : at32)..]);

        public ushort Half(int at32, int at64) => BinaryPrimitives.ReadUInt16LittleEndian(_bytes[(is64 ? at64 : at32)..]);
    }
}
