using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.System;

/// <summary>IN, OUT, INS, OUTS (Intel SDM vol. 2; vol. 1, chapter 19).</summary>
internal static unsafe class PortOps
{
    private const int Rcx = VcpuState.Rcx, Rsi = VcpuState.Rsi, Rdi = VcpuState.Rdi;

    public static void InImmediate8(CpuState* s, Op* op) => In(s, (byte)op->Imm, 1);

    public static void InImmediate16(CpuState* s, Op* op) => In(s, (byte)op->Imm, 2);

    public static void InImmediate32(CpuState* s, Op* op) => In(s, (byte)op->Imm, 4);

    public static void InDx8(CpuState* s, Op* op) => In(s, Dx(s), 1);

    public static void InDx16(CpuState* s, Op* op) => In(s, Dx(s), 2);

    public static void InDx32(CpuState* s, Op* op) => In(s, Dx(s), 4);

    public static void OutImmediate8(CpuState* s, Op* op) => Out(s, (byte)op->Imm, 1);

    public static void OutImmediate16(CpuState* s, Op* op) => Out(s, (byte)op->Imm, 2);

    public static void OutImmediate32(CpuState* s, Op* op) => Out(s, (byte)op->Imm, 4);

    public static void OutDx8(CpuState* s, Op* op) => Out(s, Dx(s), 1);

    public static void OutDx16(CpuState* s, Op* op) => Out(s, Dx(s), 2);

    public static void OutDx32(CpuState* s, Op* op) => Out(s, Dx(s), 4);

    public static void Insb(CpuState* s, Op* op) => Ins(s, op, 1);

    public static void Insw(CpuState* s, Op* op) => Ins(s, op, 2);

    public static void Insd(CpuState* s, Op* op) => Ins(s, op, 4);

    public static void Outsb(CpuState* s, Op* op) => Outs(s, op, 1);

    public static void Outsw(CpuState* s, Op* op) => Outs(s, op, 2);

    public static void Outsd(CpuState* s, Op* op) => Outs(s, op, 4);

    private static ushort Dx(CpuState* s) => (ushort)s->General[VcpuState.Rdx];

    private static void In(CpuState* s, ushort port, int size)
    {
        TaskState.CheckPort(s, port, size);
        SoftVcpu.From(s).Input(port, size);
    }

    private static void Out(CpuState* s, ushort port, int size)
    {
        TaskState.CheckPort(s, port, size);
        uint value = (uint)s->General[VcpuState.Rax];
        SoftVcpu.From(s).Output(port, size, size switch { 1 => (byte)value, 2 => (ushort)value, _ => value });
    }

    private static void Ins(CpuState* s, Op* op, int size)
    {
        bool repeats = (op->Prefixes & (OpPrefixes.Rep | OpPrefixes.Repne)) != 0;
        ushort port = Dx(s);
        TaskState.CheckPort(s, port, size);
        ulong mask = Mask(op->AddressSize);
        while (!repeats || (s->General[Rcx] & mask) != 0)
        {
            ulong at = Segmentation.Linear(s, 0, s->General[Rdi] & mask, size, write: true);
            SoftVcpu.From(s).Mmu.Probe(at, size, write: true);
            uint value = SoftVcpu.From(s).ReplayedInput(port, size);
            if (size == 1) Mem.Write(s, at, (byte)value);
            else if (size == 2) Mem.Write(s, at, (ushort)value);
            else Mem.Write(s, at, value);
            Step(s, Rdi, size, op->AddressSize);
            if (!repeats) return;
            Set(s, Rcx, s->General[Rcx] - 1, op->AddressSize);
        }
    }

    private static void Outs(CpuState* s, Op* op, int size)
    {
        bool repeats = (op->Prefixes & (OpPrefixes.Rep | OpPrefixes.Repne)) != 0;
        ushort port = Dx(s);
        TaskState.CheckPort(s, port, size);
        ulong mask = Mask(op->AddressSize);
        while (!repeats || (s->General[Rcx] & mask) != 0)
        {
            ulong at = Segmentation.Linear(s, op->Segment, s->General[Rsi] & mask, size, write: false);
            uint value = size switch { 1 => Mem.Read<byte>(s, at), 2 => Mem.Read<ushort>(s, at), _ => Mem.Read<uint>(s, at) };
            SoftVcpu.From(s).ReplayedOutput(port, size, value);
            Step(s, Rsi, size, op->AddressSize);
            if (!repeats) return;
            Set(s, Rcx, s->General[Rcx] - 1, op->AddressSize);
        }
    }

    private static ulong Mask(int addressSize) => addressSize switch { 2 => ushort.MaxValue, 4 => uint.MaxValue, _ => ulong.MaxValue };

    private static void Step(CpuState* s, int register, int size, int addressSize)
    {
        long step = (s->SystemFlags & Flags.Df) != 0 ? -size : size;
        Set(s, register, s->General[register] + (ulong)step, addressSize);
    }

    private static void Set(CpuState* s, int register, ulong value, int addressSize)
    {
        if (addressSize == 2) *(ushort*)&s->General[register] = (ushort)value;
        else s->General[register] = addressSize == 4 ? (uint)value : value;
    }
}
