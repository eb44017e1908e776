using System.Buffers.Binary;

namespace Hospes.Builder.Images;

/// <summary>Finds the PVH note among ELF notes (gABI 4.1, chapter 5 "Note Section"; Xen, public/elfnote.h).</summary>
internal static class ElfNotes
{
    /// <summary>XEN_ELFNOTE_PHYS32_ENTRY.</summary>
    public const uint Phys32Entry = 18;

    private const int HeaderSize = 12;

    /// <summary>Walks one note segment.</summary>
    /// <param name="notes">The segment's bytes.</param>
    /// <param name="alignment">p_align: 8 aligns name and descriptor to 8, everything else to 4.</param>
    /// <param name="entry">Set when the note is found.</param>
    /// <returns>Null, or what is wrong. A broken list behind a sound PVH note is nobody's problem.</returns>
    public static BuildFailure? FindPvhEntry(ReadOnlySpan<byte> notes, ulong alignment, ref ulong? entry)
    {
        uint align = alignment == 8 ? 8u : 4u;
        while (notes.Length >= HeaderSize)
        {
            ulong nameSize = BinaryPrimitives.ReadUInt32LittleEndian(notes);
            ulong size = BinaryPrimitives.ReadUInt32LittleEndian(notes[4..]);
            uint type = BinaryPrimitives.ReadUInt32LittleEndian(notes[8..]);
            ulong start = Align(HeaderSize + nameSize, align), end = start + size;
            if (end > (ulong)notes.Length) return null;
            if (type == Phys32Entry && notes.Slice(HeaderSize, (int)nameSize).SequenceEqual("Xen\0"u8))
            {
                ReadOnlySpan<byte> value = notes.Slice((int)start, (int)size);
                if (size is not (4 or 8)) return new BuildFailure(BuildError.PvhNoteInvalid, $"{size} bytes");
                ulong address = size == 8 ? BinaryPrimitives.ReadUInt64LittleEndian(value) : BinaryPrimitives.ReadUInt32LittleEndian(value);
                if (address > uint.MaxValue) return new BuildFailure(BuildError.PvhNoteInvalid, $"entry 0x{address:x} is no 32-bit address");
                entry = address;
                return null;
            }
            ulong next = Align(end, align);
            if (next >= (ulong)notes.Length) return null;
            notes = notes[(int)next..];
        }
        return null;
    }

    private static ulong Align(ulong value, uint alignment) => (value + alignment - 1) & ~(ulong)(alignment - 1);
}
