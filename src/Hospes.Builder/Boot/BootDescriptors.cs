using System.Buffers.Binary;

namespace Hospes.Builder.Boot;

/// <summary>
/// The flat segments that kernels are entered with, and their descriptor table. The selectors are those that the Linux boot protocol
/// asks for ("__BOOT_CS must be 0x10 and __BOOT_DS 0x18"); PVH and Multiboot leave them open.
/// </summary>
internal static class BootDescriptors
{
    public const ushort CodeSelector = 0x10, DataSelector = 0x18, TaskSelector = 0x20;

    /// <summary>Two empty entries, code, data, and a task segment that is 16 bytes long in long mode.</summary>
    public const int TableSize = 6 * 8;

    // Access rights as in bytes 5 and 6 of a descriptor (Intel SDM vol. 3, 3.4.5): present, ring 0, accessed; 4 GiB limit in pages.
    public const uint Code32 = 0xC09B, Code64 = 0xA09B, Data = 0xC093;

    /// <summary>A busy 32-bit (in long mode: 64-bit) task segment; a limit of 0x67 as PVH has it.</summary>
    public const uint Task = 0x008B, TaskLimit = 0x67;

    /// <summary>LDTR holds nothing: present LDT type with the unusable bit.</summary>
    public const uint Unusable = 0x10082;

    public static byte[] Table(bool longMode)
    {
        byte[] table = new byte[TableSize];
        Write(table, CodeSelector, longMode ? Code64 : Code32, 0xFFFFF);
        Write(table, DataSelector, Data, 0xFFFFF);
        Write(table, TaskSelector, Task, TaskLimit);
        return table;
    }

    private static void Write(byte[] table, int selector, uint attributes, uint limit) =>
        BinaryPrimitives.WriteUInt64LittleEndian(table.AsSpan(selector), (limit & 0xFFFF) | ((ulong)(attributes & 0xFF) << 40) | ((ulong)(limit >> 16) << 48) | ((ulong)(attributes >> 12) << 52));
}
