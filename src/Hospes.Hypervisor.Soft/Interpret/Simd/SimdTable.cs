using System.Numerics;
using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>Registers the MMX, SSE, AVX, AVX2, FMA, F16C, AES, PCLMULQDQ and SHA instructions.</summary>
internal static unsafe partial class SimdTable
{
    public static void Fill(HandlerTable t)
    {
        FillMoves(t);
        FillMmxMoves(t);
        FillInteger(t);
        FillShifts(t);
        FillShuffles(t);
        FillSpecial(t);
        FillFloat(t);
        FillConversions(t);
        FillFused(t);
    }

    /// <summary>Two sources: legacy, VEX.128 and VEX.256 forms, where they exist.</summary>
    private static void Packed<TOperation>(HandlerTable t, Code legacy, Code vex128, Code vex256)
        where TOperation : struct, ILaneOperation
    {
        if (legacy != Code.INVALID) t.Add(legacy, &Legacy<TOperation, Lane>.Register, &Legacy<TOperation, Lane>.Memory);
        if (vex128 != Code.INVALID) t.Add(vex128, &Vex128<TOperation, Lane>.Register, &Vex128<TOperation, Lane>.Memory);
        if (vex256 != Code.INVALID) t.Add(vex256, &Vex256<TOperation>.Register, &Vex256<TOperation>.Memory);
    }

    /// <summary>One source.</summary>
    private static void Unary<TOperation>(HandlerTable t, Code legacy, Code vex128, Code vex256)
        where TOperation : struct, ILaneOperation
    {
        if (legacy != Code.INVALID) t.Add(legacy, &Legacy<TOperation, Lane>.Register, &Legacy<TOperation, Lane>.Memory);
        if (vex128 != Code.INVALID) t.Add(vex128, &Vex128<TOperation, Lane>.UnaryRegister, &Vex128<TOperation, Lane>.UnaryMemory);
        if (vex256 != Code.INVALID) t.Add(vex256, &Vex256<TOperation>.UnaryRegister, &Vex256<TOperation>.UnaryMemory);
    }

    private static void PackedMmx<TShape, TMemory>(HandlerTable t, Code code)
        where TShape : struct, IMmxShape
        where TMemory : unmanaged => t.Add(code, &Mmx<TShape, TMemory>.Register, &Mmx<TShape, TMemory>.Memory);

    /// <summary>SHA instructions: unlike other legacy ones they take memory of any alignment, as AMD's processors do.</summary>
    private static void Hash<TOperation>(HandlerTable t, Code code)
        where TOperation : struct, ILaneOperation => t.Add(code, &Legacy<TOperation, Lane>.Register, &Legacy<TOperation, Lane>.MemoryUnaligned);

    private static void ShiftByCount<TShift>(HandlerTable t, Code mmx, Code legacy, Code vex128, Code vex256)
        where TShift : struct, IShift
    {
        PackedMmx<MmxLow<ByCount<TShift>>, ulong>(t, mmx);
        Packed<ByCount<TShift>>(t, legacy, vex128, Code.INVALID);
        t.Add(vex256, &Vex256<ByCount<TShift>>.CountRegister, &Vex256<ByCount<TShift>>.CountMemory);
    }

    private static void ShiftByImmediate<TOperation>(HandlerTable t, Code legacy, Code vex128, Code vex256)
        where TOperation : struct, ILaneOperation
    {
        t.Add(legacy, &Legacy<TOperation, Lane>.Single);
        t.Add(vex128, &Vex128<TOperation, Lane>.UnaryRegister);
        t.Add(vex256, &Vex256<TOperation>.UnaryRegister);
    }

    private static void Extension<TNarrow, TWide, TMemory, TYmmMemory>(HandlerTable t, Code legacy, Code vex128, Code vex256)
        where TNarrow : unmanaged, IBinaryInteger<TNarrow>
        where TWide : unmanaged, IBinaryInteger<TWide>
        where TMemory : unmanaged
        where TYmmMemory : unmanaged
    {
        t.Add(legacy, &Legacy<Extend<TNarrow, TWide>, TMemory>.Register, &Legacy<Extend<TNarrow, TWide>, TMemory>.Memory);
        t.Add(vex128, &Vex128<Extend<TNarrow, TWide>, TMemory>.UnaryRegister, &Vex128<Extend<TNarrow, TWide>, TMemory>.UnaryMemory);
        t.Add(vex256, &ExtendYmm<TNarrow, TWide, TYmmMemory>.Register, &ExtendYmm<TNarrow, TWide, TYmmMemory>.Memory);
    }

    private static void FloatPacked<TLane>(HandlerTable t, Code legacy, Code vex128, Code vex256)
        where TLane : struct, IFloatLane
    {
        if (legacy != Code.INVALID) t.Add(legacy, &FloatLegacy<TLane, Lane>.Register, &FloatLegacy<TLane, Lane>.Memory);
        t.Add(vex128, &FloatVex128<TLane, Lane>.Register, &FloatVex128<TLane, Lane>.Memory);
        if (vex256 != Code.INVALID) t.Add(vex256, &FloatVex256<TLane>.Register, &FloatVex256<TLane>.Memory);
    }

    private static void FloatUnary<TLane>(HandlerTable t, Code legacy, Code vex128, Code vex256)
        where TLane : struct, IFloatLane
    {
        t.Add(legacy, &FloatLegacy<TLane, Lane>.Register, &FloatLegacy<TLane, Lane>.Memory);
        t.Add(vex128, &FloatVex128<TLane, Lane>.UnaryRegister, &FloatVex128<TLane, Lane>.UnaryMemory);
        if (vex256 != Code.INVALID) t.Add(vex256, &FloatVex256<TLane>.UnaryRegister, &FloatVex256<TLane>.UnaryMemory);
    }

    private static void FloatScalar<TLane, TMemory>(HandlerTable t, Code legacy, Code vex)
        where TLane : struct, IFloatLane
        where TMemory : unmanaged
    {
        if (legacy != Code.INVALID) t.Add(legacy, &FloatLegacy<TLane, TMemory>.Register, &FloatLegacy<TLane, TMemory>.Memory);
        if (vex != Code.INVALID) t.Add(vex, &FloatVex128<TLane, TMemory>.Register, &FloatVex128<TLane, TMemory>.Memory);
    }

    private static void FusedForms<TSigns, TOrder>(HandlerTable t, Code ps, Code psYmm, Code pd, Code pdYmm, Code ss, Code sd)
        where TSigns : struct, IFusedSigns
        where TOrder : struct, IFusedOrder
    {
        t.Add(ps, &Fused<TSigns, TOrder>.Singles, &Fused<TSigns, TOrder>.SinglesMemory);
        t.Add(psYmm, &Fused<TSigns, TOrder>.SinglesYmm, &Fused<TSigns, TOrder>.SinglesYmmMemory);
        t.Add(pd, &Fused<TSigns, TOrder>.Doubles, &Fused<TSigns, TOrder>.DoublesMemory);
        t.Add(pdYmm, &Fused<TSigns, TOrder>.DoublesYmm, &Fused<TSigns, TOrder>.DoublesYmmMemory);
        if (ss != Code.INVALID) t.Add(ss, &Fused<TSigns, TOrder>.Single, &Fused<TSigns, TOrder>.SingleMemory);
        if (sd != Code.INVALID) t.Add(sd, &Fused<TSigns, TOrder>.Double, &Fused<TSigns, TOrder>.DoubleMemory);
    }
}
