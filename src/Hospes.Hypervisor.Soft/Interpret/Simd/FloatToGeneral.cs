using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Floating;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>CVTSI2SS, CVTSI2SD, CVT(T)SS2SI, CVT(T)SD2SI, COMISx, UCOMISx, VCVTPS2PH: between vector registers and others.</summary>
internal static unsafe class FloatToGeneral
{
    // SAFETY: general registers are byte offsets inside CpuState, made by the decoder.

    /// <summary>CVT(T)SS2SI.</summary>
    public static void FromSingle<TWide, TTruncate>(CpuState* s, Op* op)
        where TWide : struct, ISwitch
        where TTruncate : struct, ISwitch
    {
        uint value = op->HasMemory ? Mem.Read<uint>(s, Mem.Address(s, op)) : *(uint*)VectorState.Xmm(s, op->Reg1);
        FloatStatus status = new(s->Mxcsr);
        ulong result = TWide.IsOn
            ? (ulong)(TTruncate.IsOn ? Float32.TruncateToInt64(value, ref status) : Float32.ToInt64(value, ref status))
            : (uint)(TTruncate.IsOn ? Float32.TruncateToInt32(value, ref status) : Float32.ToInt32(value, ref status));
        FloatExceptions.Commit(s, status);
        *(ulong*)((byte*)s + op->Reg0) = result;
    }

    /// <summary>CVT(T)SD2SI.</summary>
    public static void FromDouble<TWide, TTruncate>(CpuState* s, Op* op)
        where TWide : struct, ISwitch
        where TTruncate : struct, ISwitch
    {
        ulong value = op->HasMemory ? Mem.Read<ulong>(s, Mem.Address(s, op)) : *(ulong*)VectorState.Xmm(s, op->Reg1);
        FloatStatus status = new(s->Mxcsr);
        ulong result = TWide.IsOn
            ? (ulong)(TTruncate.IsOn ? Float64.TruncateToInt64(value, ref status) : Float64.ToInt64(value, ref status))
            : (uint)(TTruncate.IsOn ? Float64.TruncateToInt32(value, ref status) : Float64.ToInt32(value, ref status));
        FloatExceptions.Commit(s, status);
        *(ulong*)((byte*)s + op->Reg0) = result;
    }

    /// <summary>CVTSI2SS; in the VEX form the rest of the register comes from operand 1.</summary>
    public static void ToSingle<TWide, TVex>(CpuState* s, Op* op)
        where TWide : struct, ISwitch
        where TVex : struct, ISwitch
    {
        long value = Integer<TWide>(s, op, TVex.IsOn ? op->Reg2 : op->Reg1);
        FloatStatus status = new(s->Mxcsr);
        uint result = Float32.FromInt64(value, ref status);
        FloatExceptions.Commit(s, status);
        if (TVex.IsOn) VectorState.SetZeroUpper(s, op->Reg0, VectorState.Xmm(s, op->Reg1)->AsUInt32().WithElement(0, result).AsByte());
        else *(uint*)VectorState.Xmm(s, op->Reg0) = result;
    }

    /// <summary>CVTSI2SD.</summary>
    public static void ToDouble<TWide, TVex>(CpuState* s, Op* op)
        where TWide : struct, ISwitch
        where TVex : struct, ISwitch
    {
        long value = Integer<TWide>(s, op, TVex.IsOn ? op->Reg2 : op->Reg1);
        FloatStatus status = new(s->Mxcsr);
        ulong result = Float64.FromInt64(value, ref status);
        FloatExceptions.Commit(s, status);
        if (TVex.IsOn) VectorState.SetZeroUpper(s, op->Reg0, VectorState.Xmm(s, op->Reg1)->AsUInt64().WithElement(0, result).AsByte());
        else *(ulong*)VectorState.Xmm(s, op->Reg0) = result;
    }

    /// <summary>COMISS and, not signalling, UCOMISS.</summary>
    public static void CompareSingles<TSignal>(CpuState* s, Op* op)
        where TSignal : struct, ISwitch
    {
        uint b = op->HasMemory ? Mem.Read<uint>(s, Mem.Address(s, op)) : *(uint*)VectorState.Xmm(s, op->Reg1);
        FloatStatus status = new(s->Mxcsr);
        FloatRelation relation = Float32.Compare(*(uint*)VectorState.Xmm(s, op->Reg0), b, TSignal.IsOn, ref status);
        FloatExceptions.Commit(s, status);
        SetFlags(s, relation);
    }

    /// <summary>COMISD and, not signalling, UCOMISD.</summary>
    public static void CompareDoubles<TSignal>(CpuState* s, Op* op)
        where TSignal : struct, ISwitch
    {
        ulong b = op->HasMemory ? Mem.Read<ulong>(s, Mem.Address(s, op)) : *(ulong*)VectorState.Xmm(s, op->Reg1);
        FloatStatus status = new(s->Mxcsr);
        FloatRelation relation = Float64.Compare(*(ulong*)VectorState.Xmm(s, op->Reg0), b, TSignal.IsOn, ref status);
        FloatExceptions.Commit(s, status);
        SetFlags(s, relation);
    }

    /// <summary>VCVTPS2PH of four or eight elements: to a register, zero above, or to memory.</summary>
    public static void ToHalves<TWide>(CpuState* s, Op* op)
        where TWide : struct, ISwitch
    {
        const int ByMxcsr = 4;
        int control = (int)op->Imm;
        FloatStatus status = new(s->Mxcsr);
        if ((control & ByMxcsr) == 0) status = status.WithRounding((RoundingMode)(control & 3));
        uint* source = (uint*)VectorState.Ymm(s, op->Reg1);
        Vector128<ushort> result = default;
        for (int i = 0; i < (TWide.IsOn ? 8 : 4); i++)
            result = result.WithElement(i, FormatConversion.Float32ToHalf(source[i], ref status));
        if (op->HasMemory)
        {
            // An unmasked exception comes before the store is made, the store's faults before MXCSR changes.
            ulong address = Mem.Address(s, op);
            int size = TWide.IsOn ? 16 : 8;
            if (status.Flags != 0)
            {
                Alignment.Check(s, address, size);
                SoftVcpu.From(s).Mmu.Probe(address, size, write: true);
            }
            FloatExceptions.Commit(s, status);
            if (TWide.IsOn) Mem.Write(s, address, result.AsByte());
            else Mem.Write(s, address, result.AsUInt64().ToScalar());
            return;
        }
        FloatExceptions.Commit(s, status);
        VectorState.SetZeroUpper(s, op->Reg0, result.AsByte());
    }

    private static long Integer<TWide>(CpuState* s, Op* op, byte register)
        where TWide : struct, ISwitch
    {
        if (TWide.IsOn) return op->HasMemory ? Mem.Read<long>(s, Mem.Address(s, op)) : *(long*)((byte*)s + register);
        return op->HasMemory ? Mem.Read<int>(s, Mem.Address(s, op)) : *(int*)((byte*)s + register);
    }

    /// <summary>ZF, PF, CF tell the relation; the others are cleared (SDM vol. 2, COMISS).</summary>
    private static void SetFlags(CpuState* s, FloatRelation relation) =>
        Flags.WriteArithmetic(s, relation switch
        {
            FloatRelation.Less => Flags.Cf,
            FloatRelation.Equal => Flags.Zf,
            FloatRelation.Greater => 0,
            _ => Flags.Zf | Flags.Pf | Flags.Cf,
        });
}

/// <summary>A choice that the JIT compiles into a handler.</summary>
internal interface ISwitch
{
    static abstract bool IsOn { get; }
}

/// <summary>Yes.</summary>
internal readonly struct On : ISwitch
{
    public static bool IsOn => true;
}

/// <summary>No.</summary>
internal readonly struct Off : ISwitch
{
    public static bool IsOn => false;
}
