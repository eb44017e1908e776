using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.System;

/// <summary>What a task switch was asked for by.</summary>
internal enum TaskSwitchReason
{
    Jump,
    Call,
    Gate,
    Return,
}

/// <summary>Hardware task switching with 32- and 16-bit TSSs (Intel SDM vol. 3, chapter 8).</summary>
internal static unsafe class TaskSwitch
{
    /// <summary>Returns to the task that the link field names (IRET with NT set).</summary>
    public static void Back(CpuState* s)
    {
        ushort link = SoftVcpu.From(s).Mmu.ReadSystem<ushort>(s->Tr.Base);
        To(s, link, TaskSwitchReason.Return, Flags.Read(s));
    }

    /// <summary>Switches to the task of a TSS selector.</summary>
    public static void To(CpuState* s, ushort selector, TaskSwitchReason reason, uint flags)
    {
        bool back = reason == TaskSwitchReason.Return;
        Vector vector = back ? Vector.InvalidTss : Vector.GeneralProtection;
        if ((selector & 4) != 0) Fault.Raise(s, vector, selector & 0xFFFC);
        Descriptor target = Descriptors.Read(s, selector, vector);
        bool available = target.Type is Descriptor.Tss16 or Descriptor.Tss32, busy = target.Type is Descriptor.Tss16Busy or Descriptor.Tss32Busy;
        if (target.IsSegment || !(back ? busy : available)) Fault.Raise(s, vector, selector & 0xFFFC);
        if (!target.IsPresent) Fault.Raise(s, Vector.SegmentNotPresent, selector & 0xFFFC);
        bool wide = (target.Type & 8) != 0;
        if (target.Limit < (wide ? 0x67u : 0x2Bu)) Fault.Raise(s, Vector.InvalidTss, selector & 0xFFFC);
        Mmu mmu = SoftVcpu.From(s).Mmu;
        mmu.ProbeAs(Privilege.Supervisor, target.Base, wide ? 0x68 : 0x2C, write: true);
        Save(s, mmu, back ? flags & ~Flags.Nt : flags);
        bool nested = reason is TaskSwitchReason.Call or TaskSwitchReason.Gate;
        if (!nested) MarkBusy(s, s->Tr.Selector, false);
        if (nested) mmu.WriteSystem(target.Base, s->Tr.Selector);
        if (!back) MarkBusy(s, selector, true);
        s->Tr = target.ToRegister(selector);
        s->Tr.Attributes |= 2;
        s->Cr0 |= ControlRegisters.Cr0Ts;
        Load(s, mmu, target.Base, wide, nested);
    }

    private static void Save(CpuState* s, Mmu mmu, uint flags)
    {
        ulong at = s->Tr.Base;
        bool wide = (s->Tr.Attributes & 8) != 0;
        if (wide)
        {
            mmu.WriteSystem(at + 32, (uint)s->Rip);
            mmu.WriteSystem(at + 36, flags);
            for (int i = 0; i < 8; i++) mmu.WriteSystem(at + 40 + (ulong)i * 4, (uint)s->General[i]);
            for (int i = 0; i < 6; i++) mmu.WriteSystem(at + 72 + (ulong)i * 4, CpuState.Segment(s, i)->Selector);
            return;
        }
        mmu.WriteSystem(at + 14, (ushort)s->Rip);
        mmu.WriteSystem(at + 16, (ushort)flags);
        for (int i = 0; i < 8; i++) mmu.WriteSystem(at + 18 + (ulong)i * 2, (ushort)s->General[i]);
        for (int i = 0; i < 4; i++) mmu.WriteSystem(at + 34 + (ulong)i * 2, CpuState.Segment(s, i)->Selector);
    }

    private static void Load(CpuState* s, Mmu mmu, ulong at, bool wide, bool nested)
    {
        ushort* selectors = stackalloc ushort[6];
        uint flags;
        ushort ldt;
        if (wide)
        {
            uint cr3 = mmu.ReadSystem<uint>(at + 28);
            s->Rip = mmu.ReadSystem<uint>(at + 32);
            flags = mmu.ReadSystem<uint>(at + 36);
            for (int i = 0; i < 8; i++) s->General[i] = mmu.ReadSystem<uint>(at + 40 + (ulong)i * 4);
            for (int i = 0; i < 6; i++) selectors[i] = mmu.ReadSystem<ushort>(at + 72 + (ulong)i * 4);
            ldt = mmu.ReadSystem<ushort>(at + 96);
            if ((s->Cr0 & ControlRegisters.Cr0Pg) != 0) s->Cr3 = cr3;
        }
        else
        {
            s->Rip = mmu.ReadSystem<ushort>(at + 14);
            flags = mmu.ReadSystem<ushort>(at + 16);
            for (int i = 0; i < 8; i++) s->General[i] = mmu.ReadSystem<ushort>(at + 18 + (ulong)i * 2);
            for (int i = 0; i < 4; i++) selectors[i] = mmu.ReadSystem<ushort>(at + 34 + (ulong)i * 2);
            ldt = mmu.ReadSystem<ushort>(at + 42);
        }
        Flags.Write(s, nested ? flags | Flags.Nt : flags);
        for (int i = 0; i < 6; i++) *CpuState.Segment(s, i) = new SegmentRegister { Selector = selectors[i] };
        s->CurrentOp = null;
        mmu.Reload();
        s->Ldtr = LoadLdt(s, ldt);
        if ((s->SystemFlags & Flags.Vm) != 0)
        {
            s->Cpl = 3;
            ModeUpdate.All(s);
            for (int i = 0; i < 6; i++)
            {
                *CpuState.Segment(s, i) = new SegmentRegister
                {
                    Selector = selectors[i],
                    Base = (ulong)selectors[i] << 4,
                    Limit = 0xFFFF,
                    Attributes = SegmentLoads.Virtual8086Attributes,
                };
            }
            ModeUpdate.All(s);
            return;
        }
        s->Cpl = (byte)(selectors[1] & 3);
        Descriptor code = Descriptors.Read(s, selectors[1], Vector.InvalidTss);
        if (!code.IsCode || (code.IsConforming ? code.Dpl > s->Cpl : code.Dpl != s->Cpl)) Fault.Raise(s, Vector.InvalidTss, selectors[1] & 0xFFFC);
        if (!code.IsPresent) Fault.Raise(s, Vector.SegmentNotPresent, selectors[1] & 0xFFFC);
        s->Cs = code.ToRegister(selectors[1]);
        ModeUpdate.All(s);
        s->Ss = SegmentLoads.CheckStack(s, selectors[2], s->Cpl, Vector.InvalidTss);
        foreach (int number in (ReadOnlySpan<int>)[0, 3, 4, 5]) SegmentLoads.Load(s, number, selectors[number]);
        ModeUpdate.All(s);
    }

    private static SegmentRegister LoadLdt(CpuState* s, ushort selector)
    {
        if ((selector & 0xFFFC) == 0) return default;
        Descriptor descriptor = Descriptors.Read(s, selector, Vector.InvalidTss);
        if ((selector & 4) != 0 || descriptor.IsSegment || descriptor.Type != Descriptor.Ldt || !descriptor.IsPresent) Fault.Raise(s, Vector.InvalidTss, selector & 0xFFFC);
        return descriptor.ToRegister(selector);
    }

    private static void MarkBusy(CpuState* s, ushort selector, bool busy)
    {
        Descriptor descriptor = Descriptors.Read(s, selector, Vector.InvalidTss);
        const ulong Busy = 1UL << 41;
        Descriptors.Replace(s, selector, new Descriptor(busy ? descriptor.Raw | Busy : descriptor.Raw & ~Busy));
    }
}
