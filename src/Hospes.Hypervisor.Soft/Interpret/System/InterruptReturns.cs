using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.System;

/// <summary>IRET, IRETD, IRETQ (Intel SDM vol. 2, "IRET").</summary>
internal static unsafe class InterruptReturns
{
    public static void Return16(CpuState* s, Op* op) => Return(s, 2);

    public static void Return32(CpuState* s, Op* op) => Return(s, 4);

    public static void Return64(CpuState* s, Op* op) => Return(s, 8);

    private static void Return(CpuState* s, int size)
    {
        uint old = s->SystemFlags;
        if ((s->Mode & Mode.Protected) == 0) ReturnReal(s, size);
        else if ((s->Mode & Mode.Virtual8086) != 0) ReturnVirtual8086(s, size);
        else if ((s->Efer & ControlRegisters.EferLma) != 0) ReturnLong(s, size);
        else ReturnProtected(s, size);
        SoftVcpu vcpu = SoftVcpu.From(s);
        // Any IRET ends the blocking of non-maskable interrupts (SDM vol. 3, 6.7.1).
        if (vcpu.NmiBlocked)
        {
            vcpu.NmiBlocked = false;
            if (vcpu.HasNmi) vcpu.Post(CpuEvents.Nmi);
        }
        ModeUpdate.AfterFlags(s, old);
        ModeUpdate.All(s);
    }

    private static void ReturnReal(CpuState* s, int size)
    {
        ulong offset = Stack.Peek(s, size, 0);
        ushort selector = (ushort)Stack.Peek(s, size, size);
        uint flags = (uint)Stack.Peek(s, size, 2 * size);
        if (offset > 0xFFFF) Fault.GeneralProtection(s);
        Stack.Adjust(s, 3 * size);
        FarTransfers.SetRealCode(s, selector, offset);
        SetFlags(s, flags, size, Flags.If | Flags.IoplMask);
    }

    private static void ReturnVirtual8086(CpuState* s, int size)
    {
        if ((s->SystemFlags & Flags.IoplMask) != Flags.IoplMask) Fault.GeneralProtection(s);
        ulong offset = Stack.Peek(s, size, 0);
        ushort selector = (ushort)Stack.Peek(s, size, size);
        uint flags = (uint)Stack.Peek(s, size, 2 * size);
        if (offset > 0xFFFF) Fault.GeneralProtection(s);
        Stack.Adjust(s, 3 * size);
        FarTransfers.SetRealCode(s, selector, offset);
        SetFlags(s, flags, size, Flags.If);
    }

    private static void ReturnProtected(CpuState* s, int size)
    {
        if ((s->SystemFlags & Flags.Nt) != 0)
        {
            TaskSwitch.Back(s);
            return;
        }
        ulong offset = Stack.Peek(s, size, 0);
        ushort selector = (ushort)Stack.Peek(s, size, size);
        uint flags = (uint)Stack.Peek(s, size, 2 * size);
        uint mutable = Privileged(s);
        if (size == 4 && (flags & Flags.Vm) != 0 && s->Cpl == 0)
        {
            EnterVirtual8086(s, selector, offset, flags);
            return;
        }
        FarTransfers.ReturnTo(s, selector, offset, size, 3 * size, 0);
        SetFlags(s, flags, size, mutable);
    }

    private static void ReturnLong(CpuState* s, int size)
    {
        if ((s->SystemFlags & Flags.Nt) != 0) Fault.GeneralProtection(s);
        ulong offset = Stack.Peek(s, size, 0);
        ushort selector = (ushort)Stack.Peek(s, size, size);
        uint flags = (uint)Stack.Peek(s, size, 2 * size);
        uint mutable = Privileged(s);
        if ((s->Mode & Mode.Code64) == 0)
        {
            FarTransfers.ReturnTo(s, selector, offset, size, 3 * size, 0);
            SetFlags(s, flags, size, mutable);
            return;
        }
        // From 64-bit mode the stack pair is always popped.
        ulong pointer = Stack.Peek(s, size, 3 * size);
        ushort stackSelector = (ushort)Stack.Peek(s, size, 4 * size);
        if ((selector & 0xFFFC) == 0) Fault.GeneralProtection(s);
        Descriptor code = Descriptors.Read(s, selector);
        int cpl = selector & 3;
        if (!code.IsCode || cpl < s->Cpl || (code.IsConforming ? code.Dpl > cpl : code.Dpl != cpl)) Fault.GeneralProtection(s, selector & 0xFFFC);
        if (!code.IsPresent) Fault.Raise(s, Vector.SegmentNotPresent, selector & 0xFFFC);
        FarTransfers.OuterStack(s, code, stackSelector, cpl, out SegmentRegister stack);
        bool outer = cpl != s->Cpl;
        FarTransfers.EnterCode(s, selector, code, offset, cpl);
        s->Ss = stack;
        if (code.IsLong) s->General[VcpuState.Rsp] = pointer;
        else FarStack.SetPointer(s, stack, pointer);
        if (outer) SegmentLoads.DropInner(s, cpl);
        SetFlags(s, flags, size, mutable);
    }

    private static void EnterVirtual8086(CpuState* s, ushort selector, ulong offset, uint flags)
    {
        uint* words = stackalloc uint[6];
        for (int i = 0; i < 6; i++) words[i] = (uint)Stack.Peek(s, 4, 12 + i * 4);
        if (offset > 0xFFFF) Fault.GeneralProtection(s);
        Flags.Write(s, flags & ValidFlags);
        s->Cpl = 3;
        SetVirtual8086(&s->Cs, selector);
        s->Rip = offset;
        s->General[VcpuState.Rsp] = words[0];
        SetVirtual8086(&s->Ss, (ushort)words[1]);
        SetVirtual8086(&s->Es, (ushort)words[2]);
        SetVirtual8086(&s->Ds, (ushort)words[3]);
        SetVirtual8086(&s->Fs, (ushort)words[4]);
        SetVirtual8086(&s->Gs, (ushort)words[5]);
    }

    private const uint ValidFlags = Flags.Arithmetic | Flags.Tf | Flags.If | Flags.Df | Flags.IoplMask | Flags.Nt | Flags.Rf | Flags.Vm
        | Flags.Ac | Flags.Vif | Flags.Vip | Flags.Id;

    private static void SetVirtual8086(SegmentRegister* segment, ushort selector) =>
        *segment = new SegmentRegister { Selector = selector, Base = (ulong)selector << 4, Limit = 0xFFFF, Attributes = SegmentLoads.Virtual8086Attributes };

    /// <summary>IF and IOPL as far as the privilege before the return allows them to change.</summary>
    private static uint Privileged(CpuState* s)
    {
        uint mutable = 0;
        if (s->Cpl <= (int)(s->SystemFlags >> 12 & 3)) mutable |= Flags.If;
        if (s->Cpl == 0) mutable |= Flags.IoplMask | Flags.Vif | Flags.Vip;
        return mutable;
    }

    private static void SetFlags(CpuState* s, uint flags, int size, uint mutable)
    {
        mutable |= Flags.Arithmetic | Flags.Tf | Flags.Df | Flags.Nt;
        if (size > 2) mutable |= Flags.Rf | Flags.Ac | Flags.Id;
        else mutable &= 0xFFFF;
        uint old = Flags.Read(s);
        Flags.Write(s, (old & ~mutable) | (flags & mutable));
    }
}
