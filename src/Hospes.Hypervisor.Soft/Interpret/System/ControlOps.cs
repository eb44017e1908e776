using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using static Hospes.Hypervisor.Soft.Cpu.ControlRegisters;

namespace Hospes.Hypervisor.Soft.Interpret.System;

/// <summary>Control and debug registers, the TLB, HLT, CLI and STI (Intel SDM vol. 2 and vol. 3, 2.8).</summary>
internal static unsafe class ControlOps
{
    /// <summary>Faults unless CPL is 0.</summary>
    public static void Privileged(CpuState* s)
    {
        if (s->Cpl != 0) Fault.GeneralProtection(s);
    }

    public static void MoveFromControl(CpuState* s, Op* op)
    {
        Privileged(s);
        ulong value = op->Reg1 switch
        {
            0 => s->Cr0,
            2 => s->Cr2,
            3 => s->Cr3,
            4 => s->Cr4,
            8 => SoftVcpu.From(s).Apic.TaskPriority >> 4,
            _ => Invalid(s),
        };
        *(ulong*)((byte*)s + op->Reg0) = (s->Mode & Mode.Code64) != 0 ? value : (uint)value;
    }

    public static void MoveToControl(CpuState* s, Op* op)
    {
        Privileged(s);
        ulong value = *(ulong*)((byte*)s + op->Reg1);
        if ((s->Mode & Mode.Code64) == 0) value = (uint)value;
        SoftVcpu vcpu = SoftVcpu.From(s);
        bool done = true;
        switch (op->Reg0)
        {
            case 0: done = ControlWrites.TryCr0(vcpu, value); break;
            case 2: s->Cr2 = value; break;
            case 3: done = ControlWrites.TryCr3(vcpu, value); break;
            case 4: done = ControlWrites.TryCr4(vcpu, value); break;
            case 8:
                done = value <= 15;
                if (done) vcpu.Apic.TaskPriority = (uint)value << 4;
                break;
            default: Invalid(s); break;
        }
        if (!done) Fault.GeneralProtection(s);
    }

    public static void MoveFromDebug(CpuState* s, Op* op)
    {
        int number = DebugNumber(s, op->Reg1);
        ulong value = s->Debug[number];
        *(ulong*)((byte*)s + op->Reg0) = (s->Mode & Mode.Code64) != 0 ? value : (uint)value;
    }

    public static void MoveToDebug(CpuState* s, Op* op)
    {
        int number = DebugNumber(s, op->Reg0);
        ulong value = *(ulong*)((byte*)s + op->Reg1);
        if ((s->Mode & Mode.Code64) == 0) value = (uint)value;
        // The upper halves of DR6 and DR7 must be 0; bits that are fixed read as they always do.
        if (number >= 4 && value > uint.MaxValue) Fault.GeneralProtection(s);
        if (number == 4) value = (value & 0xE00F) | 0xFFFF0FF0;
        if (number == 5) value = (value & 0xFFFF23FF) | 0x400;
        s->Debug[number] = value;
        ModeUpdate.All(s);
    }

    public static void Clts(CpuState* s, Op* op)
    {
        Privileged(s);
        s->Cr0 &= ~Cr0Ts;
        ModeUpdate.All(s);
    }

    public static void Smsw16(CpuState* s, Op* op) => Smsw(s, op, 2);

    public static void Smsw32(CpuState* s, Op* op) => Smsw(s, op, 4);

    public static void Smsw64(CpuState* s, Op* op) => Smsw(s, op, 8);

    public static void Lmsw(CpuState* s, Op* op)
    {
        Privileged(s);
        uint value = op->HasMemory ? Mem.Read<ushort>(s, Mem.Address(s, op)) : *(ushort*)((byte*)s + op->Reg0);
        // LMSW can set PE but not clear it.
        ulong next = (s->Cr0 & ~(Cr0Mp | Cr0Em | Cr0Ts)) | (value & (Cr0Pe | Cr0Mp | Cr0Em | Cr0Ts));
        if (!ControlWrites.TryCr0(SoftVcpu.From(s), next)) Fault.GeneralProtection(s);
    }

    public static void Invlpg(CpuState* s, Op* op)
    {
        Privileged(s);
        // No segment check and no fault for addresses that are not canonical.
        ulong offset = Mem.Offset(s, op);
        ulong address = (s->Mode & Mode.Code64) != 0
            ? op->Address == AddressKind.Flat64 ? offset : Segmentation.Linear(s, op, offset)
            : (uint)(CpuState.Segment(s, op->Segment)->Base + offset);
        SoftVcpu.From(s).Mmu.FlushPage(address);
    }

    public static void Invpcid32(CpuState* s, Op* op) => Invpcid(s, op, *(uint*)((byte*)s + op->Reg0));

    public static void Invpcid64(CpuState* s, Op* op) => Invpcid(s, op, *(ulong*)((byte*)s + op->Reg0));

    /// <summary>INVD, WBINVD: memory is always coherent here.</summary>
    public static void Writeback(CpuState* s, Op* op) => Privileged(s);

    public static void Halt(CpuState* s, Op* op)
    {
        Privileged(s);
        SoftVcpu vcpu = SoftVcpu.From(s);
        vcpu.Activity = VcpuActivity.Halted;
        vcpu.LookAfterBlock();
    }

    public static void Cli(CpuState* s, Op* op)
    {
        CheckInterruptFlag(s);
        s->SystemFlags &= ~Flags.If;
    }

    public static void Sti(CpuState* s, Op* op)
    {
        CheckInterruptFlag(s);
        if ((s->SystemFlags & Flags.If) != 0) return;
        s->SystemFlags |= Flags.If;
        s->InterruptShadow = Shadow.Sti;
        SoftVcpu.From(s).LookAfterBlock();
    }

    public static void Clac(CpuState* s, Op* op) => SetAccessCheck(s, 0);

    public static void Stac(CpuState* s, Op* op) => SetAccessCheck(s, Flags.Ac);

    private static void SetAccessCheck(CpuState* s, uint value)
    {
        if (s->Cpl != 0 || (s->Mode & Mode.Protected) == 0) Fault.InvalidOpcode(s);
        if ((s->SystemFlags & Flags.Ac) == value) return;
        s->SystemFlags ^= Flags.Ac;
        ModeUpdate.All(s);
    }

    private static void CheckInterruptFlag(CpuState* s)
    {
        if ((s->Mode & Mode.Protected) != 0 && s->Cpl > (int)(s->SystemFlags >> 12 & 3)) Fault.GeneralProtection(s);
    }

    private static void Smsw(CpuState* s, Op* op, int size)
    {
        TableOps.CheckUmip(s);
        if (op->HasMemory)
        {
            Mem.Write(s, Mem.Address(s, op), (ushort)s->Cr0);
            return;
        }
        byte* to = (byte*)s + op->Reg0;
        if (size == 2) *(ushort*)to = (ushort)s->Cr0;
        else *(ulong*)to = size == 4 ? (uint)s->Cr0 : s->Cr0;
    }

    private static void Invpcid(CpuState* s, Op* op, ulong type)
    {
        Privileged(s);
        ulong at = Mem.Address(s, op);
        ulong context = Mem.Read<ulong>(s, at), address = Mem.Read<ulong>(s, at + 8);
        bool withContexts = (s->Cr4 & Cr4Pcide) != 0;
        if (type > 3) Fault.GeneralProtection(s);
        if (type < 2 && (context > 0xFFF || (!withContexts && context != 0))) Fault.GeneralProtection(s);
        if (type == 0 && !Addresses.IsCanonical(address)) Fault.GeneralProtection(s);
        if (type == 0) SoftVcpu.From(s).Mmu.FlushPage(address);
        else if (type == 2) SoftVcpu.From(s).Mmu.Flush();
        else SoftVcpu.From(s).Mmu.SwitchSpace();
    }

    private static int DebugNumber(CpuState* s, int number)
    {
        if (number is 4 or 5)
        {
            if ((s->Cr4 & Cr4De) != 0) Fault.InvalidOpcode(s);
            number += 2;
        }
        if (number > 7) Fault.InvalidOpcode(s);
        Privileged(s);
        // General detect: any access while DR7.GD is set is a debug fault, and delivery clears GD (SDM vol. 3, 18.2.4).
        if ((s->Debug[5] & 1 << 13) != 0) Debugger.GeneralDetect(SoftVcpu.From(s));
        return number >= 6 ? number - 2 : number;
    }

    private static ulong Invalid(CpuState* s)
    {
        Fault.InvalidOpcode(s);
        return 0;
    }
}
