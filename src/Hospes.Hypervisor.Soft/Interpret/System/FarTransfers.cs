using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.System;

/// <summary>Far JMP, CALL and RET (Intel SDM vol. 2, "JMP", "CALL", "RET"; vol. 3, 5.8).</summary>
internal static unsafe class FarTransfers
{
    public static void JumpPointer16(CpuState* s, Op* op) => Jump(s, (ushort)op->Disp, (ushort)op->Imm);

    public static void JumpPointer32(CpuState* s, Op* op) => Jump(s, (ushort)op->Disp, (uint)op->Imm);

    public static void JumpMemory16(CpuState* s, Op* op)
    {
        (ushort selector, ulong offset) = ReadPointer(s, op, 2);
        Jump(s, selector, offset);
    }

    public static void JumpMemory32(CpuState* s, Op* op)
    {
        (ushort selector, ulong offset) = ReadPointer(s, op, 4);
        Jump(s, selector, offset);
    }

    public static void JumpMemory64(CpuState* s, Op* op)
    {
        (ushort selector, ulong offset) = ReadPointer(s, op, 8);
        Jump(s, selector, offset);
    }

    public static void CallPointer16(CpuState* s, Op* op) => Call(s, (ushort)op->Disp, (ushort)op->Imm, 2);

    public static void CallPointer32(CpuState* s, Op* op) => Call(s, (ushort)op->Disp, (uint)op->Imm, 4);

    public static void CallMemory16(CpuState* s, Op* op)
    {
        (ushort selector, ulong offset) = ReadPointer(s, op, 2);
        Call(s, selector, offset, 2);
    }

    public static void CallMemory32(CpuState* s, Op* op)
    {
        (ushort selector, ulong offset) = ReadPointer(s, op, 4);
        Call(s, selector, offset, 4);
    }

    public static void CallMemory64(CpuState* s, Op* op)
    {
        (ushort selector, ulong offset) = ReadPointer(s, op, 8);
        Call(s, selector, offset, 8);
    }

    public static void Return16(CpuState* s, Op* op) => Return(s, 2, (ushort)op->Imm);

    public static void Return32(CpuState* s, Op* op) => Return(s, 4, (ushort)op->Imm);

    public static void Return64(CpuState* s, Op* op) => Return(s, 8, (ushort)op->Imm);

    private static (ushort Selector, ulong Offset) ReadPointer(CpuState* s, Op* op, int size)
    {
        ulong at = Mem.Address(s, op);
        ulong offset = size switch { 2 => Mem.Read<ushort>(s, at), 4 => Mem.Read<uint>(s, at), _ => Mem.Read<ulong>(s, at) };
        return (Mem.Read<ushort>(s, at + (ulong)size), offset);
    }

    private static bool IsReal(CpuState* s) => (s->Mode & (Mode.Protected | Mode.Virtual8086)) != Mode.Protected;

    private static void Jump(CpuState* s, ushort selector, ulong offset)
    {
        if (IsReal(s))
        {
            SetRealCode(s, selector, offset);
            return;
        }
        if ((selector & 0xFFFC) == 0) Fault.GeneralProtection(s);
        Descriptor descriptor = Descriptors.Read(s, selector);
        if (descriptor.IsSegment)
        {
            CheckDirect(s, selector, descriptor);
            EnterCode(s, selector, descriptor, offset, s->Cpl);
            return;
        }
        switch (descriptor.Type)
        {
            case Descriptor.CallGate16 or Descriptor.CallGate32:
                (ushort target, Descriptor code, ulong entry) = ReadGate(s, selector, descriptor);
                if (code.IsConforming ? code.Dpl > s->Cpl : code.Dpl != s->Cpl) Fault.GeneralProtection(s, target & 0xFFFC);
                EnterCode(s, target, code, entry, s->Cpl);
                break;
            case Descriptor.TaskGate or Descriptor.Tss16 or Descriptor.Tss32 when (s->Efer & ControlRegisters.EferLma) == 0:
                SwitchTask(s, selector, descriptor, TaskSwitchReason.Jump);
                break;
            default:
                Fault.GeneralProtection(s, selector & 0xFFFC);
                break;
        }
    }

    private static void Call(CpuState* s, ushort selector, ulong offset, int size)
    {
        ulong next = s->Rip;
        if (IsReal(s))
        {
            if (offset > 0xFFFF) Fault.GeneralProtection(s);
            PushPair(s, size, s->Cs.Selector, next);
            SetRealCode(s, selector, offset);
            return;
        }
        if ((selector & 0xFFFC) == 0) Fault.GeneralProtection(s);
        Descriptor descriptor = Descriptors.Read(s, selector);
        if (descriptor.IsSegment)
        {
            CheckDirect(s, selector, descriptor);
            CheckOffset(s, descriptor, offset);
            PushPair(s, size, s->Cs.Selector, next);
            EnterCode(s, selector, descriptor, offset, s->Cpl);
            return;
        }
        switch (descriptor.Type)
        {
            case Descriptor.CallGate16 or Descriptor.CallGate32:
                CallGate(s, selector, descriptor, next);
                break;
            case Descriptor.TaskGate or Descriptor.Tss16 or Descriptor.Tss32 when (s->Efer & ControlRegisters.EferLma) == 0:
                SwitchTask(s, selector, descriptor, TaskSwitchReason.Call);
                break;
            default:
                Fault.GeneralProtection(s, selector & 0xFFFC);
                break;
        }
    }

    private static void CallGate(CpuState* s, ushort selector, Descriptor gate, ulong next)
    {
        (ushort target, Descriptor code, ulong entry) = ReadGate(s, selector, gate);
        bool longMode = (s->Efer & ControlRegisters.EferLma) != 0;
        int size = longMode ? 8 : gate.Type == Descriptor.CallGate32 ? 4 : 2;
        if (code.IsConforming || code.Dpl == s->Cpl)
        {
            CheckOffset(s, code, entry);
            PushPair(s, size, s->Cs.Selector, next);
            EnterCode(s, target, code, entry, s->Cpl);
            return;
        }
        int cpl = code.Dpl;
        Mmu mmu = SoftVcpu.From(s).Mmu;
        CheckOffset(s, code, entry);
        if (longMode)
        {
            ulong top = TaskState.LongStack(s, cpl, 0) - 32;
            ulong* frame = stackalloc ulong[4] { next, s->Cs.Selector, s->General[VcpuState.Rsp], s->Ss.Selector };
            mmu.WriteAs(Privilege.Supervisor, top, (byte*)frame, 32);
            s->Ss = new SegmentRegister { Selector = (ushort)cpl, Attributes = (ushort)(cpl << 5) };
            EnterCode(s, target, code, entry, cpl);
            s->General[VcpuState.Rsp] = top;
            return;
        }
        (ushort stackSelector, uint stackPointer) = TaskState.InnerStack(s, cpl, 0);
        SegmentRegister stack = SegmentLoads.CheckStack(s, stackSelector, cpl, Vector.InvalidTss);
        int parameters = (int)(gate.Raw >> 32) & 31;
        Span<uint> words = stackalloc uint[36];
        int count = 0;
        words[count++] = s->Ss.Selector;
        words[count++] = (uint)s->General[VcpuState.Rsp];
        for (int i = parameters - 1; i >= 0; i--) words[count++] = (uint)Stack.Peek(s, size, i * size);
        words[count++] = s->Cs.Selector;
        words[count++] = (uint)next;
        ulong pointer = stackPointer;
        FarStack.Push(s, cpl, stack, ref pointer, words[..count], size);
        s->Ss = stack;
        EnterCode(s, target, code, entry, cpl);
        FarStack.SetPointer(s, stack, pointer);
    }

    private static void Return(CpuState* s, int size, int release)
    {
        ulong offset = Stack.Peek(s, size, 0);
        ushort selector = (ushort)Stack.Peek(s, size, size);
        if (IsReal(s))
        {
            if (offset > 0xFFFF) Fault.GeneralProtection(s);
            Stack.Adjust(s, 2 * size + release);
            SetRealCode(s, selector, offset);
            return;
        }
        ReturnTo(s, selector, offset, size, 2 * size, release);
    }

    /// <summary>The common end of RET and IRET in protected mode: to the same or an outer level. The frame below the stack pair has
    /// <paramref name="frame"/> bytes.</summary>
    public static void ReturnTo(CpuState* s, ushort selector, ulong offset, int size, int frame, int release)
    {
        if ((selector & 0xFFFC) == 0) Fault.GeneralProtection(s);
        Descriptor code = Descriptors.Read(s, selector);
        int cpl = selector & 3;
        if (!code.IsCode || cpl < s->Cpl || (code.IsConforming ? code.Dpl > cpl : code.Dpl != cpl)) Fault.GeneralProtection(s, selector & 0xFFFC);
        if (!code.IsPresent) Fault.Raise(s, Vector.SegmentNotPresent, selector & 0xFFFC);
        CheckOffset(s, code, offset);
        if (cpl == s->Cpl)
        {
            EnterCode(s, selector, code, offset, cpl, adjust: frame + release);
            return;
        }
        ulong pointer = Stack.Peek(s, size, frame + release);
        ushort stackSelector = (ushort)Stack.Peek(s, size, frame + release + size);
        OuterStack(s, code, stackSelector, cpl, out SegmentRegister stack);
        EnterCode(s, selector, code, offset, cpl);
        s->Ss = stack;
        ModeUpdate.All(s);
        if ((s->Mode & Mode.Code64) != 0 || size == 8) s->General[VcpuState.Rsp] = pointer + (ulong)release;
        else FarStack.SetPointer(s, stack, pointer + (ulong)release);
        SegmentLoads.DropInner(s, cpl);
        ModeUpdate.All(s);
    }

    /// <summary>The SS of an outer level: null is allowed towards 64-bit code below CPL 3.</summary>
    public static void OuterStack(CpuState* s, Descriptor code, ushort selector, int cpl, out SegmentRegister stack)
    {
        bool to64 = (s->Efer & ControlRegisters.EferLma) != 0 && code.IsLong;
        if ((selector & 0xFFFC) == 0 && to64 && cpl != 3 && (selector & 3) == cpl)
        {
            stack = new SegmentRegister { Selector = selector, Attributes = (ushort)(cpl << 5) };
            return;
        }
        if ((selector & 0xFFFC) == 0) Fault.GeneralProtection(s);
        stack = SegmentLoads.CheckStack(s, selector, cpl, Vector.GeneralProtection);
    }

    /// <summary>CS as real and virtual-8086 mode load it.</summary>
    public static void SetRealCode(CpuState* s, ushort selector, ulong offset)
    {
        if (offset > 0xFFFF && offset > s->Cs.Limit) Fault.GeneralProtection(s);
        s->Cs.Selector = selector;
        s->Cs.Base = (ulong)selector << 4;
        if ((s->Mode & Mode.Virtual8086) != 0)
        {
            s->Cs.Limit = 0xFFFF;
            s->Cs.Attributes = SegmentLoads.Virtual8086Attributes;
        }
        s->Rip = offset;
        ModeUpdate.All(s);
    }

    /// <summary>Loads CS and RIP after all checks, and moves the stack pointer.</summary>
    public static void EnterCode(CpuState* s, ushort selector, Descriptor code, ulong offset, int cpl, int adjust = 0)
    {
        CheckOffset(s, code, offset);
        Descriptors.SetAccessed(s, selector, ref code);
        if (adjust != 0) Stack.Adjust(s, adjust);
        s->Cs = code.ToRegister((ushort)((selector & 0xFFFC) | cpl));
        bool to64 = (s->Efer & ControlRegisters.EferLma) != 0 && code.IsLong;
        if (to64) s->Cs.Base = 0;
        s->Cpl = (byte)cpl;
        s->Rip = to64 ? offset : (uint)offset;
        ModeUpdate.All(s);
    }

    private static void CheckOffset(CpuState* s, Descriptor code, ulong offset)
    {
        bool to64 = (s->Efer & ControlRegisters.EferLma) != 0 && code.IsLong;
        if (to64 ? !Addresses.IsCanonical(offset) : (uint)offset > code.Limit) Fault.GeneralProtection(s);
    }

    private static void CheckDirect(CpuState* s, ushort selector, Descriptor code)
    {
        int rpl = selector & 3;
        bool allowed = code.IsCode && (code.IsConforming ? code.Dpl <= s->Cpl : rpl <= s->Cpl && code.Dpl == s->Cpl);
        // L and D together is a reserved combination in IA-32e mode.
        bool reserved = (s->Efer & ControlRegisters.EferLma) != 0 && code.IsLong && code.IsBig;
        if (!allowed || reserved) Fault.GeneralProtection(s, selector & 0xFFFC);
        if (!code.IsPresent) Fault.Raise(s, Vector.SegmentNotPresent, selector & 0xFFFC);
    }

    private static (ushort Selector, Descriptor Code, ulong Offset) ReadGate(CpuState* s, ushort selector, Descriptor gate)
    {
        bool longMode = (s->Efer & ControlRegisters.EferLma) != 0;
        if (gate.Dpl < s->Cpl || gate.Dpl < (selector & 3) || (longMode && gate.Type != Descriptor.CallGate32)) Fault.GeneralProtection(s, selector & 0xFFFC);
        if (!gate.IsPresent) Fault.Raise(s, Vector.SegmentNotPresent, selector & 0xFFFC);
        ulong offset = gate.Type == Descriptor.CallGate32 ? gate.GateOffset : (ushort)gate.GateOffset;
        if (longMode) offset |= Descriptors.ReadUpper(s, selector);
        ushort target = gate.GateSelector;
        if ((target & 0xFFFC) == 0) Fault.GeneralProtection(s);
        Descriptor code = Descriptors.Read(s, target);
        if (!code.IsCode || code.Dpl > s->Cpl || (longMode && (!code.IsLong || code.IsBig))) Fault.GeneralProtection(s, target & 0xFFFC);
        if (!code.IsPresent) Fault.Raise(s, Vector.SegmentNotPresent, target & 0xFFFC);
        return (target, code, offset);
    }

    private static void SwitchTask(CpuState* s, ushort selector, Descriptor descriptor, TaskSwitchReason reason)
    {
        if (descriptor.Dpl < s->Cpl || descriptor.Dpl < (selector & 3)) Fault.GeneralProtection(s, selector & 0xFFFC);
        if (!descriptor.IsPresent) Fault.Raise(s, Vector.SegmentNotPresent, selector & 0xFFFC);
        TaskSwitch.To(s, descriptor.Type == Descriptor.TaskGate ? descriptor.GateSelector : selector, reason, Flags.Read(s));
    }

    private static void PushPair(CpuState* s, int size, ushort selector, ulong offset)
    {
        ulong saved = s->General[VcpuState.Rsp];
        try
        {
            Stack.Push(s, size, selector);
            Stack.Push(s, size, offset);
        }
        catch (GuestFault)
        {
            s->General[VcpuState.Rsp] = saved;
            throw;
        }
    }
}
