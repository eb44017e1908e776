using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Floating;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.X87;

/// <summary>A kind of number that arithmetic instructions take from memory.</summary>
internal unsafe interface IMemoryNumber
{
    static abstract Operand Read(CpuState* s, ulong address);
}

/// <summary>binary32 in memory.</summary>
internal readonly unsafe struct SingleInMemory : IMemoryNumber
{
    public static Operand Read(CpuState* s, ulong address) => Interchange<Binary32>.Unpack(Mem.Read<uint>(s, address), daz: false);
}

/// <summary>binary64 in memory.</summary>
internal readonly unsafe struct DoubleInMemory : IMemoryNumber
{
    public static Operand Read(CpuState* s, ulong address) => Interchange<Binary64>.Unpack(Mem.Read<ulong>(s, address), daz: false);
}

/// <summary>A signed 16-bit integer in memory.</summary>
internal readonly unsafe struct Int16InMemory : IMemoryNumber
{
    public static Operand Read(CpuState* s, ulong address) => ExtendedArithmetic.Integer((short)Mem.Read<ushort>(s, address));
}

/// <summary>A signed 32-bit integer in memory.</summary>
internal readonly unsafe struct Int32InMemory : IMemoryNumber
{
    public static Operand Read(CpuState* s, ulong address) => ExtendedArithmetic.Integer((int)Mem.Read<uint>(s, address));
}

/// <summary>A signed 64-bit integer in memory: FILD only.</summary>
internal readonly unsafe struct Int64InMemory : IMemoryNumber
{
    public static Operand Read(CpuState* s, ulong address) => ExtendedArithmetic.Integer((long)Mem.Read<ulong>(s, address));
}

/// <summary>Accesses that are wider than one of <see cref="Mem"/>'s.</summary>
internal static unsafe class FpuMemory
{
    private const ulong PageMask = 0xfff;

    public static Float80 ReadExtended(CpuState* s, ulong address)
    {
        ulong significand = Mem.Read<ulong>(s, address);
        return new Float80(Mem.Read<ushort>(s, Next(s, address, 8)), significand);
    }

    public static void WriteExtended(CpuState* s, ulong address, ulong low, ushort high)
    {
        Check(s, address, 10, write: true);
        Mem.Write(s, address, low);
        Mem.Write(s, Next(s, address, 8), high);
    }

    /// <summary>Copies an image out of guest memory.</summary>
    public static void Read(CpuState* s, ulong address, byte* image, int size)
    {
        int at = 0;
        for (; at + 8 <= size; at += 8)
            *(ulong*)(image + at) = Mem.Read<ulong>(s, Next(s, address, at));
        for (; at < size; at += 2)
            *(ushort*)(image + at) = Mem.Read<ushort>(s, Next(s, address, at));
    }

    /// <summary>Copies an image into guest memory; nothing is written when any byte can't be.</summary>
    public static void Write(CpuState* s, ulong address, byte* image, int size)
    {
        Check(s, address, size, write: true);
        int at = 0;
        for (; at + 8 <= size; at += 8)
            Mem.Write(s, Next(s, address, at), *(ulong*)(image + at));
        for (; at < size; at += 2)
            Mem.Write(s, Next(s, address, at), *(ushort*)(image + at));
    }

    /// <summary>Faults unless the whole range can be accessed. An access within one page is checked by its first part.</summary>
    public static void Check(CpuState* s, ulong address, int size, bool write)
    {
        if ((address & PageMask) + (ulong)size > PageMask + 1)
            SoftVcpu.From(s).Mmu.Probe(address, size, write);
    }

    /// <summary>A later part of an operand; linear addresses outside 64-bit mode wrap at 4 GiB.</summary>
    public static ulong Next(CpuState* s, ulong address, int offset) =>
        (s->Mode & Mode.Code64) != 0 ? address + (ulong)offset : (uint)(address + (ulong)offset);
}
