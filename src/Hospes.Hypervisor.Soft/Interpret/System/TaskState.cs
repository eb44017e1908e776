using Hospes.Hypervisor.Soft.Cpu;

namespace Hospes.Hypervisor.Soft.Interpret.System;

/// <summary>What the task-state segment holds for privilege changes and port permissions (Intel SDM vol. 3, 8.2.1, 8.7).</summary>
internal static unsafe class TaskState
{
    /// <summary>The stack of an inner level from a 16- or 32-bit TSS: selector and pointer.</summary>
    public static (ushort Selector, uint Pointer) InnerStack(CpuState* s, int level, int external)
    {
        Memory.Mmu mmu = SoftVcpu.From(s).Mmu;
        bool wide = (s->Tr.Attributes & 8) != 0;
        uint offset = wide ? 4u + (uint)level * 8 : 2u + (uint)level * 4;
        if (offset + (wide ? 5u : 3u) > s->Tr.Limit) Fault.Raise(s, Vector.InvalidTss, (s->Tr.Selector & 0xFFFC) | external);
        ulong at = s->Tr.Base + offset;
        return wide ? (mmu.ReadSystem<ushort>(at + 4), mmu.ReadSystem<uint>(at)) : (mmu.ReadSystem<ushort>(at + 2), mmu.ReadSystem<ushort>(at));
    }

    /// <summary>A stack pointer from a 64-bit TSS: RSP0 to RSP2 for 0 to 2, IST1 to IST7 for 4 to 10 (offset 4 + 8 * index).</summary>
    public static ulong LongStack(CpuState* s, int index, int external)
    {
        uint offset = 4u + (uint)index * 8;
        if (offset + 7 > s->Tr.Limit) Fault.Raise(s, Vector.InvalidTss, (s->Tr.Selector & 0xFFFC) | external);
        ulong pointer = SoftVcpu.From(s).Mmu.ReadSystem<ulong>(s->Tr.Base + offset);
        if (!Addresses.IsCanonical(pointer)) Fault.Stack(s, external);
        return pointer;
    }

    /// <summary>Faults unless the current privilege may use ports: IOPL, or the permission bitmap (SDM vol. 1, 19.5).</summary>
    public static void CheckPort(CpuState* s, ushort port, int size)
    {
        if ((s->Mode & Mode.Protected) == 0) return;
        bool virtual8086 = (s->Mode & Mode.Virtual8086) != 0;
        if (!virtual8086 && s->Cpl <= (int)(s->SystemFlags >> 12 & 3)) return;
        if ((s->Tr.Attributes & 8) == 0 || s->Tr.Limit < 103) Fault.GeneralProtection(s);
        Memory.Mmu mmu = SoftVcpu.From(s).Mmu;
        uint map = mmu.ReadSystem<ushort>(s->Tr.Base + 102);
        uint at = map + port / 8u;
        if (at + 1 > s->Tr.Limit) Fault.GeneralProtection(s);
        uint bits = mmu.ReadSystem<ushort>(s->Tr.Base + at);
        if ((bits >> (port & 7) & ((1u << size) - 1)) != 0) Fault.GeneralProtection(s);
    }
}
