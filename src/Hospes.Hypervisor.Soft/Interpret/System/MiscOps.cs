using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Interrupts;
using Hospes.Hypervisor.Soft.Memory;
using static Hospes.Hypervisor.Soft.Cpu.ControlRegisters;

namespace Hospes.Hypervisor.Soft.Interpret.System;

/// <summary>MSRs, CPUID, counters, software interrupts, segment moves, bases, protection keys, hypercalls.</summary>
internal static unsafe class MiscOps
{
    private const int Rax = VcpuState.Rax, Rcx = VcpuState.Rcx, Rdx = VcpuState.Rdx, Rbx = VcpuState.Rbx, Rsi = VcpuState.Rsi;

    public static void Rdmsr(CpuState* s, Op* op)
    {
        ControlOps.Privileged(s);
        if (!SoftVcpu.From(s).Msrs.TryRead((uint)s->General[Rcx], out ulong value)) Fault.GeneralProtection(s);
        SetPair(s, value);
    }

    public static void Wrmsr(CpuState* s, Op* op)
    {
        ControlOps.Privileged(s);
        ulong value = (uint)s->General[Rax] | s->General[Rdx] << 32;
        if (!SoftVcpu.From(s).Msrs.TryWrite((uint)s->General[Rcx], value)) Fault.GeneralProtection(s);
    }

    public static void Cpuid(CpuState* s, Op* op)
    {
        (uint eax, uint ebx, uint ecx, uint edx) = CpuId.Query(SoftVcpu.From(s), (uint)s->General[Rax], (uint)s->General[Rcx]);
        s->General[Rax] = eax;
        s->General[Rbx] = ebx;
        s->General[Rcx] = ecx;
        s->General[Rdx] = edx;
    }

    public static void Rdtsc(CpuState* s, Op* op)
    {
        CheckTimeStamp(s);
        SetPair(s, SoftVcpu.From(s).Msrs.TimeStamp);
    }

    public static void Rdtscp(CpuState* s, Op* op)
    {
        CheckTimeStamp(s);
        SetPair(s, SoftVcpu.From(s).Msrs.TimeStamp);
        s->General[Rcx] = (uint)s->TscAux;
    }

    public static void Rdpid(CpuState* s, Op* op) => *(ulong*)((byte*)s + op->Reg0) = (uint)s->TscAux;

    /// <summary>RDPMC: the model has no counters.</summary>
    public static void Rdpmc(CpuState* s, Op* op) => Fault.GeneralProtection(s);

    public static void Swapgs(CpuState* s, Op* op)
    {
        ControlOps.Privileged(s);
        (s->Gs.Base, s->KernelGsBase) = (s->KernelGsBase, s->Gs.Base);
    }

    public static void ReadFsBase32(CpuState* s, Op* op) => ReadBase(s, op, (uint)s->Fs.Base);

    public static void ReadFsBase64(CpuState* s, Op* op) => ReadBase(s, op, s->Fs.Base);

    public static void ReadGsBase32(CpuState* s, Op* op) => ReadBase(s, op, (uint)s->Gs.Base);

    public static void ReadGsBase64(CpuState* s, Op* op) => ReadBase(s, op, s->Gs.Base);

    public static void WriteFsBase32(CpuState* s, Op* op) => s->Fs.Base = NewBase(s, *(uint*)((byte*)s + op->Reg0));

    public static void WriteFsBase64(CpuState* s, Op* op) => s->Fs.Base = NewBase(s, *(ulong*)((byte*)s + op->Reg0));

    public static void WriteGsBase32(CpuState* s, Op* op) => s->Gs.Base = NewBase(s, *(uint*)((byte*)s + op->Reg0));

    public static void WriteGsBase64(CpuState* s, Op* op) => s->Gs.Base = NewBase(s, *(ulong*)((byte*)s + op->Reg0));

    public static void Rdpkru(CpuState* s, Op* op)
    {
        if ((s->Cr4 & Cr4Pke) == 0) Fault.InvalidOpcode(s);
        if ((uint)s->General[Rcx] != 0) Fault.GeneralProtection(s);
        SetPair(s, s->Pkru);
    }

    public static void Wrpkru(CpuState* s, Op* op)
    {
        if ((s->Cr4 & Cr4Pke) == 0) Fault.InvalidOpcode(s);
        if ((uint)s->General[Rcx] != 0 || (uint)s->General[Rdx] != 0) Fault.GeneralProtection(s);
        s->Pkru = (uint)s->General[Rax];
        SoftVcpu.From(s).Mmu.Reload();
    }

    public static void Int(CpuState* s, Op* op)
    {
        if ((s->Mode & Mode.Virtual8086) != 0 && (s->SystemFlags & Flags.IoplMask) != Flags.IoplMask) Fault.GeneralProtection(s);
        Delivery.Software(SoftVcpu.From(s), (byte)op->Imm, EventSource.Software);
    }

    public static void Int3(CpuState* s, Op* op) => Delivery.Software(SoftVcpu.From(s), (byte)Vector.Breakpoint, EventSource.Software);

    public static void Into(CpuState* s, Op* op)
    {
        if (Flags.Overflow(s)) Delivery.Software(SoftVcpu.From(s), (byte)Vector.Overflow, EventSource.Software);
    }

    /// <summary>INT1: a debug trap that no gate's DPL holds back and that leaves DR6 alone. Data breakpoints that MOV SS held over arrive with it.</summary>
    public static void Int1(CpuState* s, Op* op)
    {
        SoftVcpu vcpu = SoftVcpu.From(s);
        vcpu.SuppressTrap();
        if (vcpu.PendingDebug != 0)
        {
            Debugger.Report(vcpu, vcpu.PendingDebug);
            vcpu.PendingDebug = 0;
        }
        Delivery.Software(SoftVcpu.From(s), (byte)Vector.Debug, EventSource.External);
    }

    public static void MoveFromSegment(CpuState* s, Op* op)
    {
        ushort selector = CpuState.Segment(s, op->Reg1)->Selector;
        if (op->HasMemory) Mem.Write(s, Mem.Address(s, op), selector);
        else if (op->OperandSize == 2) *(ushort*)((byte*)s + op->Reg0) = selector;
        else *(ulong*)((byte*)s + op->Reg0) = selector;
    }

    public static void MoveToSegment(CpuState* s, Op* op)
    {
        if (op->Reg0 == 1) Fault.InvalidOpcode(s);
        ushort selector = op->HasMemory ? Mem.Read<ushort>(s, Mem.Address(s, op)) : *(ushort*)((byte*)s + op->Reg1);
        SegmentLoads.Load(s, op->Reg0, selector);
        if (op->Reg0 == 2) ShadowAfterStack(s);
    }

    public static void PushSegment16(CpuState* s, Op* op) => Stack.Push(s, 2, CpuState.Segment(s, op->Reg0)->Selector);

    public static void PushSegment32(CpuState* s, Op* op) => Stack.Push(s, 4, CpuState.Segment(s, op->Reg0)->Selector);

    public static void PushSegment64(CpuState* s, Op* op) => Stack.Push(s, 8, CpuState.Segment(s, op->Reg0)->Selector);

    public static void PopSegment16(CpuState* s, Op* op) => PopSegment(s, op, 2);

    public static void PopSegment32(CpuState* s, Op* op) => PopSegment(s, op, 4);

    public static void PopSegment64(CpuState* s, Op* op) => PopSegment(s, op, 8);

    public static void LoadEs(CpuState* s, Op* op) => LoadFar(s, op, 0);

    public static void LoadSs(CpuState* s, Op* op)
    {
        LoadFar(s, op, 2);
        ShadowAfterStack(s);
    }

    public static void LoadDs(CpuState* s, Op* op) => LoadFar(s, op, 3);

    public static void LoadFs(CpuState* s, Op* op) => LoadFar(s, op, 4);

    public static void LoadGs(CpuState* s, Op* op) => LoadFar(s, op, 5);

    /// <summary>VMCALL: the one hypercall of KVM's interface that guests probe without asking first, "send IPI"; any other number is unknown.</summary>
    public static void Vmcall(CpuState* s, Op* op)
    {
        const ulong SendIpi = 10;
        const long Unknown = -1000, NotPermitted = -1;
        if (s->Cpl != 0) s->General[Rax] = unchecked((ulong)NotPermitted);
        else s->General[Rax] = s->General[Rax] == SendIpi
            ? (ulong)InterruptRouter.Broadcast(SoftVcpu.From(s), s->General[Rbx], s->General[Rcx], (uint)s->General[Rdx], (uint)s->General[Rsi])
            : unchecked((ulong)Unknown);
    }

    private static void PopSegment(CpuState* s, Op* op, int size)
    {
        ushort selector = (ushort)Stack.Peek(s, size, 0);
        int pops = size;
        ulong rsp = s->General[VcpuState.Rsp];
        // The load may change SS and with it the pointer's width: adjust by the old one.
        Stack.Adjust(s, pops);
        try
        {
            SegmentLoads.Load(s, op->Reg0, selector);
        }
        catch (GuestFault)
        {
            s->General[VcpuState.Rsp] = rsp;
            throw;
        }
        if (op->Reg0 == 2) ShadowAfterStack(s);
    }

    private static void LoadFar(CpuState* s, Op* op, int number)
    {
        ulong at = Mem.Address(s, op);
        int size = op->OperandSize;
        ulong offset = size switch { 2 => Mem.Read<ushort>(s, at), 4 => Mem.Read<uint>(s, at), _ => Mem.Read<ulong>(s, at) };
        ushort selector = Mem.Read<ushort>(s, at + (ulong)size);
        SegmentLoads.Load(s, number, selector);
        byte* to = (byte*)s + op->Reg0;
        if (size == 2) *(ushort*)to = (ushort)offset;
        else *(ulong*)to = offset;
    }

    private static void ShadowAfterStack(CpuState* s)
    {
        s->InterruptShadow = Shadow.MovSs;
        SoftVcpu.From(s).LookAfterBlock();
    }

    private static void ReadBase(CpuState* s, Op* op, ulong value)
    {
        CheckBases(s);
        *(ulong*)((byte*)s + op->Reg0) = value;
    }

    private static ulong NewBase(CpuState* s, ulong value)
    {
        CheckBases(s);
        if (!Addresses.IsCanonical(value)) Fault.GeneralProtection(s);
        return value;
    }

    private static void CheckBases(CpuState* s)
    {
        if ((s->Cr4 & Cr4Fsgsbase) == 0 || (s->Mode & Mode.Code64) == 0) Fault.InvalidOpcode(s);
    }

    private static void CheckTimeStamp(CpuState* s)
    {
        if ((s->Cr4 & Cr4Tsd) != 0 && s->Cpl != 0) Fault.GeneralProtection(s);
    }

    private static void SetPair(CpuState* s, ulong value)
    {
        s->General[Rax] = (uint)value;
        s->General[Rdx] = value >> 32;
    }
}
