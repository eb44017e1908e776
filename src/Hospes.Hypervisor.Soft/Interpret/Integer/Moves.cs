using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>MOV in all shapes that touch neither segment nor control registers, MOVBE, BSWAP.</summary>
internal static unsafe class Move<T>
    where T : unmanaged
{
    public static void RegReg(CpuState* s, Op* op) => Register.Set<T>(s, op->Reg0, Register.Get<T>(s, op->Reg1));

    public static void RegImm(CpuState* s, Op* op) => Register.Set<T>(s, op->Reg0, op->Imm);

    public static void RegMem(CpuState* s, Op* op) => Register.Set<T>(s, op->Reg0, Width.Widen(Mem.Read<T>(s, Mem.Address(s, op))));

    public static void MemReg(CpuState* s, Op* op) => Mem.Write(s, Mem.Address(s, op), Width.Narrow<T>(Register.Get<T>(s, op->Reg1)));

    public static void MemImm(CpuState* s, Op* op) => Mem.Write(s, Mem.Address(s, op), Width.Narrow<T>(op->Imm));

    public static void RegMemReversed(CpuState* s, Op* op) =>
        Register.Set<T>(s, op->Reg0, Reverse(Width.Widen(Mem.Read<T>(s, Mem.Address(s, op)))));

    public static void MemRegReversed(CpuState* s, Op* op) =>
        Mem.Write(s, Mem.Address(s, op), Width.Narrow<T>(Reverse(Register.Get<T>(s, op->Reg1))));

    public static void SwapBytes(CpuState* s, Op* op) => Register.Set<T>(s, op->Reg0, Reverse(Register.Get<T>(s, op->Reg0)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Reverse(ulong value) => BinaryPrimitives.ReverseEndianness(value) >> (64 - Width.Bits<T>());
}

/// <summary>MOVZX, MOVSX, MOVSXD, CBW and its like, LEA.</summary>
internal static unsafe class Extend<TTo, TFrom>
    where TTo : unmanaged
    where TFrom : unmanaged
{
    public static void ZeroReg(CpuState* s, Op* op) => Register.Set<TTo>(s, op->Reg0, Register.Get<TFrom>(s, op->Reg1));

    public static void ZeroMem(CpuState* s, Op* op) => Register.Set<TTo>(s, op->Reg0, Width.Widen(Mem.Read<TFrom>(s, Mem.Address(s, op))));

    public static void SignReg(CpuState* s, Op* op) => Register.Set<TTo>(s, op->Reg0, (ulong)Width.Sign<TFrom>(Register.Get<TFrom>(s, op->Reg1)));

    public static void SignMem(CpuState* s, Op* op) =>
        Register.Set<TTo>(s, op->Reg0, (ulong)Width.Sign<TFrom>(Width.Widen(Mem.Read<TFrom>(s, Mem.Address(s, op)))));

    /// <summary>CBW, CWDE, CDQE.</summary>
    public static void Accumulator(CpuState* s, Op* op) =>
        Register.Set<TTo>(s, Register.Rax, (ulong)Width.Sign<TFrom>(Register.Get<TFrom>(s, Register.Rax)));

    /// <summary>CWD, CDQ, CQO.</summary>
    public static void AccumulatorToData(CpuState* s, Op* op) =>
        Register.Set<TTo>(s, Register.Rdx, (ulong)(Width.Sign<TFrom>(Register.Get<TFrom>(s, Register.Rax)) >> 63));

    public static void LoadAddress(CpuState* s, Op* op)
    {
        ulong offset = Mem.Offset(s, op);
        if (op->AddressSize == 2) offset = (ushort)offset;
        else if (op->AddressSize == 4) offset = (uint)offset;
        Register.Set<TTo>(s, op->Reg0, offset);
    }
}

/// <summary>CMOVcc. A load happens, and may fault, whether the condition holds or not; a 32-bit destination loses its upper half either way.</summary>
internal static unsafe class ConditionalMove<TCondition, T>
    where TCondition : struct, ICondition
    where T : unmanaged
{
    public static void Reg(CpuState* s, Op* op) =>
        Register.Set<T>(s, op->Reg0, Register.Get<T>(s, TCondition.Holds(s) ? op->Reg1 : op->Reg0));

    public static void Memory(CpuState* s, Op* op)
    {
        ulong value = Width.Widen(Mem.Read<T>(s, Mem.Address(s, op)));
        Register.Set<T>(s, op->Reg0, TCondition.Holds(s) ? value : Register.Get<T>(s, op->Reg0));
    }
}

/// <summary>SETcc.</summary>
internal static unsafe class SetByte<TCondition>
    where TCondition : struct, ICondition
{
    public static void Reg(CpuState* s, Op* op) => *((byte*)s + op->Reg0) = TCondition.Holds(s) ? (byte)1 : (byte)0;

    public static void Memory(CpuState* s, Op* op) => Mem.Write(s, Mem.Address(s, op), TCondition.Holds(s) ? (byte)1 : (byte)0);
}
