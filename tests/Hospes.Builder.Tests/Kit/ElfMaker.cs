using System.Buffers.Binary;

namespace Hospes.Builder.Tests.Kit;

/// <summary>Makes small ELF kernels, sound ones and broken ones.</summary>
internal sealed class ElfMaker
{
    private readonly List<(uint Type, ulong Physical, ulong Virtual, byte[] Data, ulong MemorySize, ulong Alignment)> _headers = [];

    public bool Is64 { get; init; } = true;

    public ushort Machine { get; init; } = 62;

    public ushort Type { get; init; } = 2;

    public ulong Entry { get; init; } = 0x1000000;

    public ElfMaker Load(ulong physical, byte[] data, ulong? memorySize = null, ulong? virtualAddress = null)
    {
        _headers.Add((1, physical, virtualAddress ?? physical, data, memorySize ?? (ulong)data.Length, 4096));
        return this;
    }

    public ElfMaker Header(uint type, byte[] data, ulong alignment = 4)
    {
        _headers.Add((type, 0, 0, data, (ulong)data.Length, alignment));
        return this;
    }

    public ElfMaker PvhNote(ulong entry, int size = 4, ulong alignment = 4)
    {
        byte[] value = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(value, entry);
        return Header(4, [.. Note("GNU\0"u8, 3, new byte[20], (int)alignment), .. Note("Xen\0"u8, 18, value.AsSpan(0, size), (int)alignment)], alignment);
    }

    public static byte[] Note(ReadOnlySpan<byte> name, uint type, ReadOnlySpan<byte> value, int alignment = 4)
    {
        int Up(int n) => (n + alignment - 1) / alignment * alignment;
        int start = Up(12 + name.Length);
        byte[] note = new byte[Up(start + value.Length)];
        BinaryPrimitives.WriteInt32LittleEndian(note, name.Length);
        BinaryPrimitives.WriteInt32LittleEndian(note.AsSpan(4), value.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(note.AsSpan(8), type);
        name.CopyTo(note.AsSpan(12));
        value.CopyTo(note.AsSpan(start));
        return note;
    }

    public byte[] Make()
    {
        int header = Is64 ? 64 : 52, entry = Is64 ? 56 : 32;
        int at = header + entry * _headers.Count;
        byte[] file = new byte[at + _headers.Sum(h => h.Data.Length)];
        byte[] ident = [0x7F, (byte)'E', (byte)'L', (byte)'F', (byte)(Is64 ? 2 : 1), 1, 1];
        ident.CopyTo(file, 0);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(16), Type);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(18), Machine);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(20), 1);
        Word(file, 24, 24, Entry);
        Word(file, 28, 32, (ulong)header);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(Is64 ? 54 : 42), (ushort)entry);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(Is64 ? 56 : 44), (ushort)_headers.Count);
        for (int i = 0; i < _headers.Count; i++)
        {
            (uint type, ulong physical, ulong virt, byte[] data, ulong memory, ulong alignment) = _headers[i];
            Span<byte> program = file.AsSpan(header + i * entry, entry);
            BinaryPrimitives.WriteUInt32LittleEndian(program, type);
            Word(program, 4, 8, (ulong)at);
            Word(program, 8, 16, virt);
            Word(program, 12, 24, physical);
            Word(program, 16, 32, (ulong)data.Length);
            Word(program, 20, 40, memory);
            Word(program, 28, 48, alignment);
            data.CopyTo(file, at);
            at += data.Length;
        }
        return file;
    }

    private void Word(Span<byte> bytes, int at32, int at64, ulong value)
    {
        if (Is64) BinaryPrimitives.WriteUInt64LittleEndian(bytes[at64..], value);
        else BinaryPrimitives.WriteUInt32LittleEndian(bytes[at32..], (uint)value);
    }
}
