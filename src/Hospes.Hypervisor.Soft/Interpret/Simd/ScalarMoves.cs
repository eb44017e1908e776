using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>MOVSS between registers: the low doubleword of the second source, the rest of the first.</summary>
internal readonly struct MergeLow32 : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => a.AsUInt32().WithElement(0, b.AsUInt32().ToScalar()).AsByte();
}

/// <summary>MOVSD between registers, MOVLPS and MOVLPD from memory.</summary>
internal readonly struct MergeLow64 : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Vector128.Create(b.GetLower(), a.GetUpper());
}

/// <summary>MOVQ between XMM registers: the low quadword, zero above.</summary>
internal readonly struct OnlyLow64 : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Vector128.CreateScalar(b.AsUInt64().ToScalar()).AsByte();
}

/// <summary>Moves of parts of vector registers: MOVD, MOVQ, MOVSS, MOVSD, MOVLPS, MOVHPS and their kin.</summary>
internal static unsafe class ScalarMoves
{
    // SAFETY: general registers are byte offsets inside CpuState, made by the decoder.

    /// <summary>MOVSS, MOVSD, MOVQ from memory: zero above.</summary>
    public static void Load<T>(CpuState* s, Op* op)
        where T : unmanaged => *VectorState.Xmm(s, op->Reg0) = VectorState.Load<T>(s, op);

    public static void LoadZeroUpper<T>(CpuState* s, Op* op)
        where T : unmanaged => VectorState.SetZeroUpper(s, op->Reg0, VectorState.Load<T>(s, op));

    /// <summary>MOVSS, MOVSD, MOVQ, MOVLPS, MOVLPD to memory.</summary>
    public static void Store<T>(CpuState* s, Op* op)
        where T : unmanaged => Mem.Write(s, Mem.Address(s, op), *(T*)VectorState.Xmm(s, op->Reg1));

    /// <summary>MOVHPS, MOVHPD to memory.</summary>
    public static void StoreHigh(CpuState* s, Op* op) =>
        Mem.Write(s, Mem.Address(s, op), *((ulong*)VectorState.Xmm(s, op->Reg1) + 1));

    /// <summary>MOVD, MOVQ from a general register.</summary>
    public static void FromGeneral32(CpuState* s, Op* op) =>
        *VectorState.Xmm(s, op->Reg0) = Vector128.CreateScalar(*(uint*)((byte*)s + op->Reg1)).AsByte();

    public static void FromGeneral64(CpuState* s, Op* op) =>
        *VectorState.Xmm(s, op->Reg0) = Vector128.CreateScalar(*(ulong*)((byte*)s + op->Reg1)).AsByte();

    public static void FromGeneral32ZeroUpper(CpuState* s, Op* op) =>
        VectorState.SetZeroUpper(s, op->Reg0, Vector128.CreateScalar(*(uint*)((byte*)s + op->Reg1)).AsByte());

    public static void FromGeneral64ZeroUpper(CpuState* s, Op* op) =>
        VectorState.SetZeroUpper(s, op->Reg0, Vector128.CreateScalar(*(ulong*)((byte*)s + op->Reg1)).AsByte());

    /// <summary>MOVD, MOVQ to a general register.</summary>
    public static void ToGeneral32(CpuState* s, Op* op) => *(ulong*)((byte*)s + op->Reg0) = *(uint*)VectorState.Xmm(s, op->Reg1);

    public static void ToGeneral64(CpuState* s, Op* op) => *(ulong*)((byte*)s + op->Reg0) = *(ulong*)VectorState.Xmm(s, op->Reg1);

    /// <summary>MOVNTI.</summary>
    public static void StoreGeneral<T>(CpuState* s, Op* op)
        where T : unmanaged => Mem.Write(s, Mem.Address(s, op), *(T*)((byte*)s + op->Reg1));

    /// <summary>PMOVMSKB.</summary>
    public static void ByteMask(CpuState* s, Op* op) =>
        *(ulong*)((byte*)s + op->Reg0) = VectorState.Xmm(s, op->Reg1)->ExtractMostSignificantBits();

    public static void ByteMaskYmm(CpuState* s, Op* op) =>
        *(ulong*)((byte*)s + op->Reg0) = VectorState.Ymm(s, op->Reg1)->ExtractMostSignificantBits();

    /// <summary>MOVMSKPS, MOVMSKPD.</summary>
    public static void SignMask<T>(CpuState* s, Op* op) =>
        *(ulong*)((byte*)s + op->Reg0) = VectorState.Xmm(s, op->Reg1)->As<byte, T>().ExtractMostSignificantBits();

    public static void SignMaskYmm<T>(CpuState* s, Op* op) =>
        *(ulong*)((byte*)s + op->Reg0) = VectorState.Ymm(s, op->Reg1)->As<byte, T>().ExtractMostSignificantBits();
}
