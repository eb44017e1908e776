using System.Buffers.Binary;

namespace Hospes.EndToEnd;

/// <summary>Small Multiboot 1 kernels, entered in 32-bit protected mode, as bytes with their assembly beside them.</summary>
internal static class TestKernels
{
    private const uint Magic = 0x1BADB002;
    private const uint HasAddresses = 1 << 16;
    private const uint Address = 0x10_0000;
    private const int HeaderSize = 32;

    /// <summary>Powers off through ACPI's sleep control register.</summary>
    public static byte[] PowerOff => Make(
        0x66, 0xBA, 0x00, 0x06, // mov dx, 0x600
        0xB0, 0x34,             // mov al, 5 << 2 | 1 << 5
        0xEE,                   // out dx, al
        0xF4, 0xEB, 0xFD);      // hlt; jmp to the hlt

    /// <summary>Resets through the keyboard controller.</summary>
    public static byte[] Reset => Make(
        0xB0, 0xFE,             // mov al, 0xfe
        0xE6, 0x64,             // out 0x64, al
        0xF4, 0xEB, 0xFD);      // hlt; jmp to the hlt

    /// <summary>Raises an exception without a table to handle it.</summary>
    public static byte[] TripleFault => Make(
        0x0F, 0x01, 0x1D, 0x40, 0x00, 0x10, 0x00, // lidt [0x100040], which is zeros
        0x0F, 0x0B);            // ud2

    /// <summary>Tells of a panic through the pvpanic port.</summary>
    public static byte[] Panic => Make(
        0x66, 0xBA, 0x05, 0x05, // mov dx, 0x505
        0xB0, 0x01,             // mov al, 1
        0xEE,                   // out dx, al
        0xF4, 0xEB, 0xFD);      // hlt; jmp to the hlt

    /// <summary>Never ends, and never halts.</summary>
    public static byte[] Spin => Make(0xEB, 0xFE); // jmp to itself

    /// <summary>Halts with interrupts off.</summary>
    public static byte[] Halt => Make(0xFA, 0xF4, 0xEB, 0xFD); // cli; hlt; jmp to the hlt

    /// <summary>Writes 0x21 to port 0xf4.</summary>
    public static byte[] DebugExit => Make(0xB0, 0x21, 0xE6, 0xF4, 0xF4); // mov al, 0x21; out 0xf4, al; hlt

    /// <summary>Repeats what is typed, up to a 'q', then powers off.</summary>
    public static byte[] Echo => Make(
        0x66, 0xBA, 0xFD, 0x03, // again: mov dx, 0x3fd
        0xEC,                   // in al, dx
        0xA8, 0x01,             // test al, 1
        0x74, 0xF7,             // jz again
        0x66, 0xBA, 0xF8, 0x03, // mov dx, 0x3f8
        0xEC,                   // in al, dx
        0xEE,                   // out dx, al
        0x3C, 0x71,             // cmp al, 'q'
        0x75, 0xED,             // jnz again
        0x66, 0xBA, 0x00, 0x06, // mov dx, 0x600
        0xB0, 0x34,             // mov al, 5 << 2 | 1 << 5
        0xEE,                   // out dx, al
        0xF4);                  // hlt

    private static byte[] Make(params byte[] code)
    {
        byte[] kernel = new byte[128];
        uint end = Address + (uint)kernel.Length;
        uint[] header = [Magic, HasAddresses, unchecked(0 - Magic - HasAddresses), Address, Address, end, end, Address + HeaderSize];
        for (int i = 0; i < header.Length; i++) BinaryPrimitives.WriteUInt32LittleEndian(kernel.AsSpan(i * 4), header[i]);
        code.CopyTo(kernel, HeaderSize);
        return kernel;
    }
}
