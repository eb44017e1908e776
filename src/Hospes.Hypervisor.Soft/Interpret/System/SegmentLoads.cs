using Hospes.Hypervisor.Soft.Cpu;

namespace Hospes.Hypervisor.Soft.Interpret.System;

/// <summary>Loads of DS, ES, FS, GS and SS (Intel SDM vol. 3, 5.6 and 5.7; vol. 2, "MOV").</summary>
internal static unsafe class SegmentLoads
{
    private const int Ss = 2;

    /// <summary>Loads a data segment register or SS as MOV, POP and LxS do.</summary>
    public static void Load(CpuState* s, int number, ushort selector)
    {
        SegmentRegister* target = CpuState.Segment(s, number);
        if ((s->Mode & (Mode.Protected | Mode.Virtual8086)) != Mode.Protected)
        {
            // Real mode keeps limit and rights; virtual-8086 mode has fixed ones.
            target->Selector = selector;
            target->Base = (ulong)selector << 4;
            if ((s->Mode & Mode.Virtual8086) != 0)
            {
                target->Limit = 0xFFFF;
                target->Attributes = Virtual8086Attributes;
            }
            ModeUpdate.All(s);
            return;
        }
        if (number == Ss) *target = CheckStack(s, selector, s->Cpl, Vector.GeneralProtection);
        else *target = CheckData(s, target, selector);
        ModeUpdate.All(s);
    }

    /// <summary>Present, DPL 3, writable data, accessed: what segments are in virtual-8086 mode.</summary>
    public const ushort Virtual8086Attributes = 0xF3;

    /// <summary>The register contents for SS at a privilege level; faults when the descriptor is none that a stack may have.</summary>
    public static SegmentRegister CheckStack(CpuState* s, ushort selector, int cpl, Vector vector)
    {
        if ((selector & 0xFFFC) == 0)
        {
            // In 64-bit mode a null SS is allowed below CPL 3, with an RPL that is the CPL.
            if ((s->Mode & Mode.Code64) == 0 || cpl == 3 || (selector & 3) != cpl) Fault.Raise(s, vector, 0);
            return new SegmentRegister { Selector = selector, Attributes = (ushort)(cpl << 5) };
        }
        Descriptor descriptor = Descriptors.Read(s, selector, vector);
        if ((selector & 3) != cpl || !descriptor.IsSegment || descriptor.IsCode || !descriptor.IsWritableOrReadable || descriptor.Dpl != cpl)
        {
            Fault.Raise(s, vector, selector & 0xFFFC);
        }
        if (!descriptor.IsPresent) Fault.Stack(s, selector & 0xFFFC);
        Descriptors.SetAccessed(s, selector, ref descriptor);
        return descriptor.ToRegister(selector);
    }

    private static SegmentRegister CheckData(CpuState* s, SegmentRegister* target, ushort selector)
    {
        if ((selector & 0xFFFC) == 0)
        {
            // A null selector makes the register unusable; the base becomes 0, as recent processors do.
            return new SegmentRegister { Selector = selector };
        }
        Descriptor descriptor = Descriptors.Read(s, selector);
        bool readable = descriptor.IsSegment && (!descriptor.IsCode || descriptor.IsWritableOrReadable);
        bool checkedByPrivilege = !descriptor.IsCode || !descriptor.IsConforming;
        if (!readable || (checkedByPrivilege && ((selector & 3) > descriptor.Dpl || s->Cpl > descriptor.Dpl)))
        {
            Fault.GeneralProtection(s, selector & 0xFFFC);
        }
        if (!descriptor.IsPresent) Fault.Raise(s, Vector.SegmentNotPresent, selector & 0xFFFC);
        Descriptors.SetAccessed(s, selector, ref descriptor);
        return descriptor.ToRegister(selector);
    }

    /// <summary>On a return to an outer level, data segments that the outer level may not use become null (SDM vol. 2, "RET", "IRET").
    /// Their hidden bases stay, as on the processors at hand.</summary>
    public static void DropInner(CpuState* s, int cpl)
    {
        for (int number = 0; number < 6; number++)
        {
            if (number is 1 or Ss) continue;
            SegmentRegister* segment = CpuState.Segment(s, number);
            bool conforming = (segment->Attributes & (SegmentRegister.Code | SegmentRegister.Conforming)) == (SegmentRegister.Code | SegmentRegister.Conforming);
            if (segment->IsUsable && !conforming && segment->Dpl < cpl)
            {
                segment->Selector = 0;
                segment->Attributes = 0;
            }
        }
    }
}
