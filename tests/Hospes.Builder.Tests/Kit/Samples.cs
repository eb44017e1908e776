using System.Buffers.Binary;
using System.Text;
using Hospes.Hypervisor;

namespace Hospes.Builder.Tests.Kit;

/// <summary>Small kernels of every format, and a small machine to load them into.</summary>
internal static class Samples
{
    public const ulong Mebibyte = 1 << 20;

    /// <summary>Code that can be told from everything else.</summary>
    public static byte[] Code(int size, byte first = 0x11)
    {
        byte[] code = new byte[size];
        for (int i = 0; i < size; i++) code[i] = (byte)(first + i * 7);
        return code;
    }

    public static byte[] PvhElf(bool is64 = true) => new ElfMaker { Is64 = is64, Machine = (ushort)(is64 ? 62 : 3), Entry = 0x100000 }
        .PvhNote(0x100040).Load(0x100000, Code(600), 0x3000).Load(0x104010, Code(300, 0x55)).Make();

    public static byte[] PlainElf() => new ElfMaker { Entry = 0xFFFFFFFF80000010 }.Load(0x100000, [.. "Linux version 6.9-sample\n"u8, .. Code(600)], virtualAddress: 0xFFFFFFFF80000000).Make();

    public static byte[] MultibootElf(uint flags = 3) => new ElfMaker { Is64 = false, Machine = 3, Entry = 0x1000C0 }
        .Load(0x1000B0, [.. MultibootHeader(flags), .. Code(500)], 0x2000).Make();

    public static byte[] MultibootHeader(uint flags, params uint[] addresses)
    {
        uint[] words = [0x1BADB002, flags, unchecked(0u - 0x1BADB002 - flags), .. addresses];
        byte[] header = new byte[words.Length * 4];
        for (int i = 0; i < words.Length; i++) BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(i * 4), words[i]);
        return header;
    }

    /// <summary>A flat file: 16 bytes that are not loaded, then the header at its load address.</summary>
    public static byte[] MultibootFlat(uint load = 0x100000, uint loadEnd = 0, uint bssEnd = 0x101000, uint entry = 0x100020, uint header = 0x100000) =>
        [.. new byte[16], .. MultibootHeader(1 << 16, header, load, loadEnd, bssEnd, entry), .. Code(400)];

    /// <summary>A bzImage around a payload.</summary>
    public static byte[] BzImage(byte[] payload, ushort version = 0x20F, ushort extendedFlags = 3, uint initSize = 0x8000, ulong preferred = 0x100000,
        bool relocatable = true, uint? payloadOffset = null, uint? payloadLength = null, string text = "6.1.0-sample")
    {
        const int sectors = 2, stub = 0x280;
        byte[] file = new byte[(sectors + 1) * 512 + stub + payload.Length];
        Span<byte> bytes = file;
        bytes[0] = (byte)'M';
        bytes[1] = (byte)'Z';
        bytes[0x1F1] = sectors;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x1F4..], (uint)(stub + payload.Length + 15) / 16);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[0x1FE..], 0xAA55);
        bytes[0x200] = 0xEB;
        bytes[0x201] = 0x6A;
        "HdrS"u8.CopyTo(bytes[0x202..]);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[0x206..], version);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[0x20E..], 0x300 - 0x200);
        bytes[0x211] = 1;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x22C..], 0x7FFFFFFF);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x230..], 0x200000);
        bytes[0x234] = (byte)(relocatable ? 1 : 0);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[0x236..], extendedFlags);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x238..], 255);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x248..], payloadOffset ?? stub);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x24C..], payloadLength ?? (uint)payload.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[0x258..], preferred);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x260..], initSize);
        Encoding.ASCII.GetBytes(text).CopyTo(bytes[0x300..]);
        Code(stub).CopyTo(bytes[((sectors + 1) * 512)..]);
        payload.CopyTo(bytes[((sectors + 1) * 512 + stub)..]);
        return file;
    }

    /// <summary>A machine with RAM from 0 to a size, the usual hole below 1 MiB, and optionally more RAM above 4 GiB.</summary>
    public static (Guest Guest, BootContext Context) Machine(byte[] kernel, ulong size = 16 * Mebibyte, ulong high = 0)
    {
        Guest guest = high == 0 ? IdleEngine.Guest((0, size)) : IdleEngine.Guest((0, size), (1UL << 32, high));
        return (guest, new BootContext { Memory = guest.Memory, MemoryMap = Map(size, high), Kernel = kernel });
    }

    public static MemoryMapEntry[] Map(ulong size, ulong high = 0)
    {
        MemoryMapEntry[] low = [new(0, 0x9FC00, MemoryKind.Ram), new(0x9FC00, 0x60400, MemoryKind.Reserved), new(Mebibyte, size - Mebibyte, MemoryKind.Ram)];
        return high == 0 ? low : [.. low, new(1UL << 32, high, MemoryKind.Ram)];
    }
}
