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
}
