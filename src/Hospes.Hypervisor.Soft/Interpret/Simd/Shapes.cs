using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>
/// What an instruction does to one 128-bit lane. Instructions of one source ignore the first operand, instructions without an
/// immediate ignore the last: the JIT leaves out what is not used.
/// </summary>
internal interface ILaneOperation
{
    /// <summary>How far the immediate is shifted right for the upper lane of a YMM instruction.</summary>
    static virtual int UpperShift => 0;

    /// <summary>The result for the first source (the old destination in legacy forms), the second source and the immediate.</summary>
    static abstract Vector128<byte> Apply(Vector128<byte> a, Vector128<byte> b, byte immediate);
}

/// <summary>Legacy SSE instructions: XMM destination is also the first source; the upper half of the YMM register stays.</summary>
/// <typeparam name="TOperation">The operation.</typeparam>
/// <typeparam name="TMemory">What the memory form reads; 16 bytes must be aligned.</typeparam>
internal static unsafe class Legacy<TOperation, TMemory>
    where TOperation : struct, ILaneOperation
    where TMemory : unmanaged
{
    public static void Register(CpuState* s, Op* op)
    {
        Vector128<byte>* destination = VectorState.Xmm(s, op->Reg0);
        *destination = TOperation.Apply(*destination, *VectorState.Xmm(s, op->Reg1), (byte)op->Imm);
    }

    public static void Memory(CpuState* s, Op* op)
    {
        Vector128<byte> source = VectorState.LoadLegacy<TMemory>(s, op);
        Vector128<byte>* destination = VectorState.Xmm(s, op->Reg0);
        *destination = TOperation.Apply(*destination, source, (byte)op->Imm);
    }

    /// <summary>The memory form of instructions that take any alignment.</summary>
    public static void MemoryUnaligned(CpuState* s, Op* op)
    {
        Vector128<byte> source = VectorState.Load<TMemory>(s, op);
        Vector128<byte>* destination = VectorState.Xmm(s, op->Reg0);
        *destination = TOperation.Apply(*destination, source, (byte)op->Imm);
    }

    /// <summary>Immediate shifts: the destination is the only register.</summary>
    public static void Single(CpuState* s, Op* op)
    {
        Vector128<byte>* destination = VectorState.Xmm(s, op->Reg0);
        *destination = TOperation.Apply(default, *destination, (byte)op->Imm);
    }
}

/// <summary>VEX.128 instructions: the upper half of the destination becomes zero.</summary>
internal static unsafe class Vex128<TOperation, TMemory>
    where TOperation : struct, ILaneOperation
    where TMemory : unmanaged
{
    public static void Register(CpuState* s, Op* op) =>
        VectorState.SetZeroUpper(s, op->Reg0, TOperation.Apply(*VectorState.Xmm(s, op->Reg1), *VectorState.Xmm(s, op->Reg2), (byte)op->Imm));

    public static void Memory(CpuState* s, Op* op)
    {
        Vector128<byte> source = VectorState.Load<TMemory>(s, op);
        VectorState.SetZeroUpper(s, op->Reg0, TOperation.Apply(*VectorState.Xmm(s, op->Reg1), source, (byte)op->Imm));
    }

    /// <summary>One source, in a register.</summary>
    public static void UnaryRegister(CpuState* s, Op* op) =>
        VectorState.SetZeroUpper(s, op->Reg0, TOperation.Apply(default, *VectorState.Xmm(s, op->Reg1), (byte)op->Imm));

    /// <summary>One source, in memory.</summary>
    public static void UnaryMemory(CpuState* s, Op* op) =>
        VectorState.SetZeroUpper(s, op->Reg0, TOperation.Apply(default, VectorState.Load<TMemory>(s, op), (byte)op->Imm));
}

/// <summary>VEX.256 instructions that work on both lanes alike.</summary>
internal static unsafe class Vex256<TOperation>
    where TOperation : struct, ILaneOperation
{
    public static void Register(CpuState* s, Op* op) =>
        Apply(s, op, *VectorState.Xmm(s, op->Reg2), *VectorState.YmmUpper(s, op->Reg2));

    public static void Memory(CpuState* s, Op* op)
    {
        Vector256<byte> source = Mem.Read<Vector256<byte>>(s, Mem.Address(s, op));
        Apply(s, op, source.GetLower(), source.GetUpper());
    }

    public static void UnaryRegister(CpuState* s, Op* op) =>
        ApplyUnary(s, op, *VectorState.Xmm(s, op->Reg1), *VectorState.YmmUpper(s, op->Reg1));

    public static void UnaryMemory(CpuState* s, Op* op)
    {
        Vector256<byte> source = Mem.Read<Vector256<byte>>(s, Mem.Address(s, op));
        ApplyUnary(s, op, source.GetLower(), source.GetUpper());
    }

    /// <summary>Shifts by a count in an XMM register: both lanes take it.</summary>
    public static void CountRegister(CpuState* s, Op* op)
    {
        Vector128<byte> count = *VectorState.Xmm(s, op->Reg2);
        Apply(s, op, count, count);
    }

    /// <summary>Shifts by a count in 16 bytes of memory.</summary>
    public static void CountMemory(CpuState* s, Op* op)
    {
        Vector128<byte> count = Mem.Read<Vector128<byte>>(s, Mem.Address(s, op));
        Apply(s, op, count, count);
    }

    private static void Apply(CpuState* s, Op* op, Vector128<byte> lower, Vector128<byte> upper)
    {
        byte immediate = (byte)op->Imm;
        Vector128<byte> first = TOperation.Apply(*VectorState.Xmm(s, op->Reg1), lower, immediate);
        Vector128<byte> second = TOperation.Apply(*VectorState.YmmUpper(s, op->Reg1), upper, (byte)(immediate >> TOperation.UpperShift));
        VectorState.SetYmm(s, op->Reg0, first, second);
    }

    private static void ApplyUnary(CpuState* s, Op* op, Vector128<byte> lower, Vector128<byte> upper)
    {
        byte immediate = (byte)op->Imm;
        Vector128<byte> first = TOperation.Apply(default, lower, immediate);
        Vector128<byte> second = TOperation.Apply(default, upper, (byte)(immediate >> TOperation.UpperShift));
        VectorState.SetYmm(s, op->Reg0, first, second);
    }
}
