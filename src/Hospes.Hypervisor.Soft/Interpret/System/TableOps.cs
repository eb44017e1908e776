using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using static Hospes.Hypervisor.Soft.Cpu.ControlRegisters;

namespace Hospes.Hypervisor.Soft.Interpret.System;

/// <summary>Descriptor tables and descriptor inspection (Intel SDM vol. 2: LGDT … VERW, ARPL, LAR, LSL).</summary>
internal static unsafe class TableOps
{
    /// <summary>Faults at CPL above 0 when CR4.UMIP keeps system registers from user code.</summary>
    public static void CheckUmip(CpuState* s)
    {
        if (s->Cpl != 0 && (s->Cr4 & Cr4Umip) != 0) Fault.GeneralProtection(s);
    }

    public static void Sgdt(CpuState* s, Op* op) => StoreTable(s, op, s->GdtBase, s->GdtLimit);

    public static void Sidt(CpuState* s, Op* op) => StoreTable(s, op, s->IdtBase, s->IdtLimit);

    public static void Lgdt16(CpuState* s, Op* op) => (s->GdtBase, s->GdtLimit) = LoadTable(s, op, 0xFFFFFF);

    public static void Lgdt32(CpuState* s, Op* op) => (s->GdtBase, s->GdtLimit) = LoadTable(s, op, uint.MaxValue);

    public static void Lgdt64(CpuState* s, Op* op) => (s->GdtBase, s->GdtLimit) = LoadTable(s, op, ulong.MaxValue);

    public static void Lidt16(CpuState* s, Op* op) => (s->IdtBase, s->IdtLimit) = LoadTable(s, op, 0xFFFFFF);

    public static void Lidt32(CpuState* s, Op* op) => (s->IdtBase, s->IdtLimit) = LoadTable(s, op, uint.MaxValue);

    public static void Lidt64(CpuState* s, Op* op) => (s->IdtBase, s->IdtLimit) = LoadTable(s, op, ulong.MaxValue);

    public static void Sldt16(CpuState* s, Op* op) => StoreSelector(s, op, s->Ldtr.Selector, 2);

    public static void Sldt32(CpuState* s, Op* op) => StoreSelector(s, op, s->Ldtr.Selector, 4);

    public static void Str16(CpuState* s, Op* op) => StoreSelector(s, op, s->Tr.Selector, 2);

    public static void Str32(CpuState* s, Op* op) => StoreSelector(s, op, s->Tr.Selector, 4);

    public static void Lldt(CpuState* s, Op* op)
    {
        CheckProtected(s);
        ControlOps.Privileged(s);
        ushort selector = Operand(s, op);
        if ((selector & 0xFFFC) == 0)
        {
            s->Ldtr = new SegmentRegister { Selector = selector };
            return;
        }
        if ((selector & 4) != 0) Fault.GeneralProtection(s, selector & 0xFFFC);
        Descriptor descriptor = Descriptors.Read(s, selector);
        if (descriptor.IsSegment || descriptor.Type != Descriptor.Ldt) Fault.GeneralProtection(s, selector & 0xFFFC);
        if (!descriptor.IsPresent) Fault.Raise(s, Vector.SegmentNotPresent, selector & 0xFFFC);
        s->Ldtr = SystemRegister(s, selector, descriptor);
    }

    public static void Ltr(CpuState* s, Op* op)
    {
        CheckProtected(s);
        ControlOps.Privileged(s);
        ushort selector = Operand(s, op);
        if ((selector & 0xFFFC) == 0) Fault.GeneralProtection(s);
        if ((selector & 4) != 0) Fault.GeneralProtection(s, selector & 0xFFFC);
        Descriptor descriptor = Descriptors.Read(s, selector);
        bool longMode = (s->Efer & EferLma) != 0;
        if (descriptor.IsSegment || !(descriptor.Type == Descriptor.Tss32 || (descriptor.Type == Descriptor.Tss16 && !longMode))) Fault.GeneralProtection(s, selector & 0xFFFC);
        if (!descriptor.IsPresent) Fault.Raise(s, Vector.SegmentNotPresent, selector & 0xFFFC);
        SegmentRegister register = SystemRegister(s, selector, descriptor);
        Descriptors.Replace(s, selector, new Descriptor(descriptor.Raw | 1UL << 41));
        register.Attributes |= 2;
        s->Tr = register;
    }

    public static void Verr(CpuState* s, Op* op) => Verify(s, op, write: false);

    public static void Verw(CpuState* s, Op* op) => Verify(s, op, write: true);

    public static void Lar(CpuState* s, Op* op)
    {
        CheckProtected(s);
        ushort selector = Source(s, op);
        bool valid = TryInspect(s, selector, out Descriptor descriptor)
            && (descriptor.IsSegment || IsValidSystem(s, descriptor.Type, forLimit: false)) && IsVisible(s, selector, descriptor);
        SetZero(s, valid);
        if (valid) WriteSized(s, op, (uint)(descriptor.Raw >> 32) & 0x00FFFF00);
    }

    public static void Lsl(CpuState* s, Op* op)
    {
        CheckProtected(s);
        ushort selector = Source(s, op);
        bool valid = TryInspect(s, selector, out Descriptor descriptor)
            && (descriptor.IsSegment || IsValidSystem(s, descriptor.Type, forLimit: true)) && IsVisible(s, selector, descriptor);
        SetZero(s, valid);
        if (valid) WriteSized(s, op, descriptor.Limit);
    }

    public static void Arpl(CpuState* s, Op* op)
    {
        CheckProtected(s);
        ushort source = *(ushort*)((byte*)s + op->Reg1);
        ulong at = op->HasMemory ? Mem.Address(s, op) : 0;
        ushort* target = op->HasMemory ? Mem.BeginModify<ushort>(s, at) : (ushort*)((byte*)s + op->Reg0);
        bool adjust = (*target & 3) < (source & 3);
        if (adjust) *target = (ushort)((*target & ~3) | (source & 3));
        if (op->HasMemory) Mem.EndModify(s, at, target);
        SetZero(s, adjust);
    }

    private static void CheckProtected(CpuState* s)
    {
        if ((s->Mode & (Mode.Protected | Mode.Virtual8086)) != Mode.Protected) Fault.InvalidOpcode(s);
    }

    private static ushort Operand(CpuState* s, Op* op) =>
        op->HasMemory ? Mem.Read<ushort>(s, Mem.Address(s, op)) : *(ushort*)((byte*)s + op->Reg0);

    private static ushort Source(CpuState* s, Op* op) =>
        op->HasMemory ? Mem.Read<ushort>(s, Mem.Address(s, op)) : *(ushort*)((byte*)s + op->Reg1);

    private static SegmentRegister SystemRegister(CpuState* s, ushort selector, Descriptor descriptor)
    {
        SegmentRegister register = descriptor.ToRegister(selector);
        if ((s->Efer & EferLma) == 0) return register;
        register.Base |= Descriptors.ReadUpper(s, selector);
        if (!Addresses.IsCanonical(register.Base)) Fault.GeneralProtection(s, selector & 0xFFFC);
        return register;
    }

    private static void StoreTable(CpuState* s, Op* op, ulong @base, ushort limit)
    {
        CheckUmip(s);
        ulong at = Mem.Address(s, op);
        bool wide = (s->Mode & Mode.Code64) != 0;
        SoftVcpu.From(s).Mmu.Probe(at, wide ? 10 : 6, write: true);
        Mem.Write(s, at, limit);
        if (wide) Mem.Write(s, at + 2, @base);
        else Mem.Write(s, at + 2, (uint)@base);
    }

    private static (ulong Base, ushort Limit) LoadTable(CpuState* s, Op* op, ulong mask)
    {
        ControlOps.Privileged(s);
        ulong at = Mem.Address(s, op);
        ushort limit = Mem.Read<ushort>(s, at);
        ulong @base = mask == ulong.MaxValue ? Mem.Read<ulong>(s, at + 2) : Mem.Read<uint>(s, at + 2) & mask;
        if (mask == ulong.MaxValue && !Addresses.IsCanonical(@base)) Fault.GeneralProtection(s);
        return (@base, limit);
    }

    private static void StoreSelector(CpuState* s, Op* op, ushort selector, int size)
    {
        CheckProtected(s);
        CheckUmip(s);
        if (op->HasMemory) Mem.Write(s, Mem.Address(s, op), selector);
        else if (size == 2) *(ushort*)((byte*)s + op->Reg0) = selector;
        else *(ulong*)((byte*)s + op->Reg0) = selector;
    }

    private static void Verify(CpuState* s, Op* op, bool write)
    {
        CheckProtected(s);
        ushort selector = Operand(s, op);
        bool valid = TryInspect(s, selector, out Descriptor descriptor) && descriptor.IsSegment && IsVisible(s, selector, descriptor)
            && (write ? !descriptor.IsCode && descriptor.IsWritableOrReadable : !descriptor.IsCode || descriptor.IsWritableOrReadable);
        SetZero(s, valid);
    }

    private static bool TryInspect(CpuState* s, ushort selector, out Descriptor descriptor)
    {
        descriptor = default;
        if ((selector & 0xFFFC) == 0 || !Descriptors.TryLocate(s, selector, 8, out ulong address)) return false;
        descriptor = new Descriptor(SoftVcpu.From(s).Mmu.ReadSystem<ulong>(address));
        return true;
    }

    private static bool IsVisible(CpuState* s, ushort selector, Descriptor descriptor)
    {
        if (descriptor.IsCode && descriptor.IsConforming) return true;
        return descriptor.Dpl >= s->Cpl && descriptor.Dpl >= (selector & 3);
    }

    private static bool IsValidSystem(CpuState* s, int type, bool forLimit)
    {
        if ((s->Efer & EferLma) != 0) return type is Descriptor.Ldt or Descriptor.Tss32 or Descriptor.Tss32Busy || (!forLimit && type == Descriptor.CallGate32);
        return type is Descriptor.Tss16 or Descriptor.Ldt or Descriptor.Tss16Busy or Descriptor.Tss32 or Descriptor.Tss32Busy
            || (!forLimit && type is Descriptor.CallGate16 or Descriptor.TaskGate or Descriptor.CallGate32);
    }

    private static void WriteSized(CpuState* s, Op* op, uint value)
    {
        byte* to = (byte*)s + op->Reg0;
        if (op->OperandSize == 2) *(ushort*)to = (ushort)value;
        else *(ulong*)to = value;
    }

    private static void SetZero(CpuState* s, bool zero) =>
        Flags.WriteArithmetic(s, (Flags.Read(s) & ~Flags.Zf) | (zero ? Flags.Zf : 0));
}
