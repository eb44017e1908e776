using System.Buffers.Binary;

namespace Hospes.Vmm.Tests;

/// <summary>The smallest kernel that the builder takes: a Multiboot 1 header with addresses, and a few instructions.</summary>
internal static class TestKernel
{
    private const uint Magic = 0x1BADB002;
    private const uint HasAddresses = 1 << 16;

    /// <summary>Where it is loaded.</summary>
    public const uint Address = 0x10_0000;

    /// <summary>Where it starts: behind the header of eight words.</summary>
    public const uint Entry = Address + 32;

    /// <summary>A kernel that halts.</summary>
    public static byte[] Make() => Make(0xF4);

    /// <summary>A kernel of some 32-bit code.</summary>
    public static byte[] Make(params byte[] code)
    {
        byte[] kernel = new byte[64];
        uint end = Address + (uint)kernel.Length;
        uint[] header = [Magic, HasAddresses, unchecked(0 - Magic - HasAddresses), Address, Address, end, end, Entry];
        for (int i = 0; i < header.Length; i++) BinaryPrimitives.WriteUInt32LittleEndian(kernel.AsSpan(i * 4), header[i]);
        code.CopyTo(kernel, 32);
        return kernel;
    }
}
