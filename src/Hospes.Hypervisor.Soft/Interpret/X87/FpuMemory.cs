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
    /// <summary>SS in the instruction set's numbering.</summary>
    private const byte StackSegment = 2;

    public static Float80 ReadExtended(CpuState* s, ulong address)
    {
        ulong significand = Mem.Read<ulong>(s, address);
        return new Float80(Mem.Read<ushort>(s, Next(s, address, 8)), significand);
    }

    public static void WriteExtended(CpuState* s, ulong address, ulong low, ushort high)
    {
        TouchExtended(s, address);
        Mem.Write(s, address, low);
        Mem.Write(s, Next(s, address, 8), high);
    }

    /// <summary>Faults unless ten bytes can be written: a store of eight and one of two.</summary>
    public static void TouchExtended(CpuState* s, ulong address)
    {
        TouchEnds(s, address, 9, sizeof(ulong), write: true);
        Touch(s, Next(s, address, 9), write: true);
    }

    /// <summary>Copies an image out of guest memory in units of 2, 4 or 8 bytes, which are what alignment checks see.</summary>
    public static void Read(CpuState* s, ulong address, byte* image, int size, int unit)
    {
        for (int at = 0; at < size; at += unit)
        {
            ulong from = Next(s, address, at);
            switch (unit)
            {
                case 2: *(ushort*)(image + at) = Mem.Read<ushort>(s, from); break;
                case 4: *(uint*)(image + at) = Mem.Read<uint>(s, from); break;
                default: *(ulong*)(image + at) = Mem.Read<ulong>(s, from); break;
            }
        }
    }

    /// <summary>Copies an image into guest memory in units of 2, 4 or 8 bytes. The caller has checked the range.</summary>
    public static void Write(CpuState* s, ulong address, byte* image, int size, int unit)
    {
        for (int at = 0; at < size; at += unit)
        {
            ulong to = Next(s, address, at);
            switch (unit)
            {
                case 2: Mem.Write(s, to, *(ushort*)(image + at)); break;
                case 4: Mem.Write(s, to, *(uint*)(image + at)); break;
                default: Mem.Write(s, to, *(ulong*)(image + at)); break;
            }
        }
    }

    /// <summary>
    /// Faults unless an operand of at most a page can be accessed. The first unit of 2, 4 or 8 bytes is looked at as an
    /// access of its own, alignment included, then the last byte, as processors do it.
    /// </summary>
    public static void TouchEnds(CpuState* s, ulong address, int size, int unit, bool write)
    {
        TlbEntry* entry = s->Tlb + TlbEntry.Index(address);
        if (!TlbEntry.Hits(write ? entry->Write : entry->Read, address, unit))
        {
            // Beginning a modification checks all that a store would, and what is not ended stores nothing.
            switch (unit)
            {
                case 2 when write: Mem.BeginModify<ushort>(s, address); break;
                case 2: Mem.Read<ushort>(s, address); break;
                case 4 when write: Mem.BeginModify<uint>(s, address); break;
                case 4: Mem.Read<uint>(s, address); break;
                case 8 when write: Mem.BeginModify<ulong>(s, address); break;
                default: Mem.Read<ulong>(s, address); break;
            }
        }

        Touch(s, Next(s, address, size - 1), write);
    }

    /// <summary>Faults unless a byte can be accessed.</summary>
    public static void Touch(CpuState* s, ulong address, bool write)
    {
        TlbEntry* entry = s->Tlb + TlbEntry.Index(address);
        if (!TlbEntry.Hits(write ? entry->Write : entry->Read, address, 1))
            SoftVcpu.From(s).Mmu.Probe(address, 1, write);
    }

    /// <summary>Whether misaligned operands raise #AC (SDM vol. 3, 6.15).</summary>
    public static bool ChecksAlignment(CpuState* s) => ModeUpdate.ChecksAlignment(s);

    /// <summary>#GP, or #SS for the stack segment, unless an address is canonical.</summary>
    public static void CheckCanonical(CpuState* s, Op* op, ulong address)
    {
        if ((s->Mode & Mode.Code64) == 0 || Addresses.IsCanonical(address))
            return;
        if (op->Segment == StackSegment)
            Fault.Stack(s);
        Fault.GeneralProtection(s);
    }

    /// <summary>A later part of an operand; linear addresses outside 64-bit mode wrap at 4 GiB.</summary>
    public static ulong Next(CpuState* s, ulong address, int offset) =>
        (s->Mode & Mode.Code64) != 0 ? address + (ulong)offset : (uint)(address + (ulong)offset);
}
