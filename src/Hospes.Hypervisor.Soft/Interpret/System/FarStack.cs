using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.System;

/// <summary>Stacks of another privilege level than the current one, outside 64-bit mode.</summary>
internal static unsafe class FarStack
{
    /// <summary>Pushes words on a stack that is not yet the current one, first word first. Faults before anything is written.</summary>
    public static void Push(CpuState* s, int cpl, in SegmentRegister stack, ref ulong pointer, ReadOnlySpan<uint> words, int size)
    {
        bool big = (stack.Attributes & SegmentRegister.Big) != 0;
        ulong mask = big ? uint.MaxValue : (ulong)ushort.MaxValue;
        ulong top = (pointer - (ulong)(words.Length * size)) & mask;
        Mmu mmu = SoftVcpu.From(s).Mmu;
        Privilege privilege = cpl == 3 ? Privilege.User : Privilege.Supervisor;
        for (int i = 0; i < words.Length; i++)
        {
            ulong offset = (pointer - (ulong)((i + 1) * size)) & mask;
            if (!Fits(stack, offset, size)) Fault.Stack(s, (stack.Selector & 0xFFFC) == (s->Ss.Selector & 0xFFFC) ? 0 : stack.Selector & 0xFFFC);
            mmu.ProbeAs(privilege, (uint)(stack.Base + offset), size, write: true);
        }
        for (int i = 0; i < words.Length; i++)
        {
            ulong offset = (pointer - (ulong)((i + 1) * size)) & mask;
            uint word = words[i];
            mmu.WriteAs(privilege, (uint)(stack.Base + offset), (byte*)&word, size);
        }
        pointer = (pointer & ~mask) | top;
    }

    /// <summary>Sets the stack pointer within the width that a stack segment gives it.</summary>
    public static void SetPointer(CpuState* s, in SegmentRegister stack, ulong pointer)
    {
        ulong* rsp = &s->General[VcpuState.Rsp];
        if ((stack.Attributes & SegmentRegister.Big) != 0) *rsp = (uint)pointer;
        else *(ushort*)rsp = (ushort)pointer;
    }

    private static bool Fits(in SegmentRegister stack, ulong offset, int size)
    {
        ulong last = offset + (ulong)size - 1;
        if ((stack.Attributes & SegmentRegister.ExpandDown) == 0) return last <= stack.Limit;
        return offset > stack.Limit && last <= ((stack.Attributes & SegmentRegister.Big) != 0 ? uint.MaxValue : (ulong)ushort.MaxValue);
    }
}
