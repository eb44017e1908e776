using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

internal static unsafe partial class SimdTable
{
    /// <summary>Floating-point arithmetic and comparisons.</summary>
    private static void FillFloat(HandlerTable t)
    {
        FloatPacked<PackedSingles<FloatAdd>>(t, Code.Addps_xmm_xmmm128, Code.VEX_Vaddps_xmm_xmm_xmmm128, Code.VEX_Vaddps_ymm_ymm_ymmm256);
        FloatPacked<PackedDoubles<FloatAdd>>(t, Code.Addpd_xmm_xmmm128, Code.VEX_Vaddpd_xmm_xmm_xmmm128, Code.VEX_Vaddpd_ymm_ymm_ymmm256);
        FloatScalar<ScalarSingle<FloatAdd>, uint>(t, Code.Addss_xmm_xmmm32, Code.VEX_Vaddss_xmm_xmm_xmmm32);
        FloatScalar<ScalarDouble<FloatAdd>, ulong>(t, Code.Addsd_xmm_xmmm64, Code.VEX_Vaddsd_xmm_xmm_xmmm64);
        FloatPacked<PackedSingles<FloatSubtract>>(t, Code.Subps_xmm_xmmm128, Code.VEX_Vsubps_xmm_xmm_xmmm128, Code.VEX_Vsubps_ymm_ymm_ymmm256);
        FloatPacked<PackedDoubles<FloatSubtract>>(t, Code.Subpd_xmm_xmmm128, Code.VEX_Vsubpd_xmm_xmm_xmmm128, Code.VEX_Vsubpd_ymm_ymm_ymmm256);
        FloatScalar<ScalarSingle<FloatSubtract>, uint>(t, Code.Subss_xmm_xmmm32, Code.VEX_Vsubss_xmm_xmm_xmmm32);
        FloatScalar<ScalarDouble<FloatSubtract>, ulong>(t, Code.Subsd_xmm_xmmm64, Code.VEX_Vsubsd_xmm_xmm_xmmm64);
        FloatPacked<PackedSingles<FloatMultiply>>(t, Code.Mulps_xmm_xmmm128, Code.VEX_Vmulps_xmm_xmm_xmmm128, Code.VEX_Vmulps_ymm_ymm_ymmm256);
        FloatPacked<PackedDoubles<FloatMultiply>>(t, Code.Mulpd_xmm_xmmm128, Code.VEX_Vmulpd_xmm_xmm_xmmm128, Code.VEX_Vmulpd_ymm_ymm_ymmm256);
        FloatScalar<ScalarSingle<FloatMultiply>, uint>(t, Code.Mulss_xmm_xmmm32, Code.VEX_Vmulss_xmm_xmm_xmmm32);
        FloatScalar<ScalarDouble<FloatMultiply>, ulong>(t, Code.Mulsd_xmm_xmmm64, Code.VEX_Vmulsd_xmm_xmm_xmmm64);
        FloatPacked<PackedSingles<FloatDivide>>(t, Code.Divps_xmm_xmmm128, Code.VEX_Vdivps_xmm_xmm_xmmm128, Code.VEX_Vdivps_ymm_ymm_ymmm256);
        FloatPacked<PackedDoubles<FloatDivide>>(t, Code.Divpd_xmm_xmmm128, Code.VEX_Vdivpd_xmm_xmm_xmmm128, Code.VEX_Vdivpd_ymm_ymm_ymmm256);
        FloatScalar<ScalarSingle<FloatDivide>, uint>(t, Code.Divss_xmm_xmmm32, Code.VEX_Vdivss_xmm_xmm_xmmm32);
        FloatScalar<ScalarDouble<FloatDivide>, ulong>(t, Code.Divsd_xmm_xmmm64, Code.VEX_Vdivsd_xmm_xmm_xmmm64);
        FloatPacked<PackedSingles<FloatMinimum>>(t, Code.Minps_xmm_xmmm128, Code.VEX_Vminps_xmm_xmm_xmmm128, Code.VEX_Vminps_ymm_ymm_ymmm256);
        FloatPacked<PackedDoubles<FloatMinimum>>(t, Code.Minpd_xmm_xmmm128, Code.VEX_Vminpd_xmm_xmm_xmmm128, Code.VEX_Vminpd_ymm_ymm_ymmm256);
        FloatScalar<ScalarSingle<FloatMinimum>, uint>(t, Code.Minss_xmm_xmmm32, Code.VEX_Vminss_xmm_xmm_xmmm32);
        FloatScalar<ScalarDouble<FloatMinimum>, ulong>(t, Code.Minsd_xmm_xmmm64, Code.VEX_Vminsd_xmm_xmm_xmmm64);
        FloatPacked<PackedSingles<FloatMaximum>>(t, Code.Maxps_xmm_xmmm128, Code.VEX_Vmaxps_xmm_xmm_xmmm128, Code.VEX_Vmaxps_ymm_ymm_ymmm256);
        FloatPacked<PackedDoubles<FloatMaximum>>(t, Code.Maxpd_xmm_xmmm128, Code.VEX_Vmaxpd_xmm_xmm_xmmm128, Code.VEX_Vmaxpd_ymm_ymm_ymmm256);
        FloatScalar<ScalarSingle<FloatMaximum>, uint>(t, Code.Maxss_xmm_xmmm32, Code.VEX_Vmaxss_xmm_xmm_xmmm32);
        FloatScalar<ScalarDouble<FloatMaximum>, ulong>(t, Code.Maxsd_xmm_xmmm64, Code.VEX_Vmaxsd_xmm_xmm_xmmm64);
        FloatUnary<PackedSingles<FloatSquareRoot>>(t, Code.Sqrtps_xmm_xmmm128, Code.VEX_Vsqrtps_xmm_xmmm128, Code.VEX_Vsqrtps_ymm_ymmm256);
        FloatUnary<PackedDoubles<FloatSquareRoot>>(t, Code.Sqrtpd_xmm_xmmm128, Code.VEX_Vsqrtpd_xmm_xmmm128, Code.VEX_Vsqrtpd_ymm_ymmm256);
        FloatScalar<ScalarSingle<FloatSquareRoot>, uint>(t, Code.Sqrtss_xmm_xmmm32, Code.VEX_Vsqrtss_xmm_xmm_xmmm32);
        FloatScalar<ScalarDouble<FloatSquareRoot>, ulong>(t, Code.Sqrtsd_xmm_xmmm64, Code.VEX_Vsqrtsd_xmm_xmm_xmmm64);
        FloatUnary<PackedSingles<FloatRound>>(t, Code.Roundps_xmm_xmmm128_imm8, Code.VEX_Vroundps_xmm_xmmm128_imm8, Code.VEX_Vroundps_ymm_ymmm256_imm8);
        FloatUnary<PackedDoubles<FloatRound>>(t, Code.Roundpd_xmm_xmmm128_imm8, Code.VEX_Vroundpd_xmm_xmmm128_imm8, Code.VEX_Vroundpd_ymm_ymmm256_imm8);
        FloatScalar<ScalarSingle<FloatRound>, uint>(t, Code.Roundss_xmm_xmmm32_imm8, Code.VEX_Vroundss_xmm_xmm_xmmm32_imm8);
        FloatScalar<ScalarDouble<FloatRound>, ulong>(t, Code.Roundsd_xmm_xmmm64_imm8, Code.VEX_Vroundsd_xmm_xmm_xmmm64_imm8);
        FloatUnary<PackedSingles<FloatReciprocal>>(t, Code.Rcpps_xmm_xmmm128, Code.VEX_Vrcpps_xmm_xmmm128, Code.VEX_Vrcpps_ymm_ymmm256);
        FloatScalar<ScalarSingle<FloatReciprocal>, uint>(t, Code.Rcpss_xmm_xmmm32, Code.VEX_Vrcpss_xmm_xmm_xmmm32);
        FloatUnary<PackedSingles<FloatReciprocalRoot>>(t, Code.Rsqrtps_xmm_xmmm128, Code.VEX_Vrsqrtps_xmm_xmmm128, Code.VEX_Vrsqrtps_ymm_ymmm256);
        FloatScalar<ScalarSingle<FloatReciprocalRoot>, uint>(t, Code.Rsqrtss_xmm_xmmm32, Code.VEX_Vrsqrtss_xmm_xmm_xmmm32);
        t.Add(Code.Cmpps_xmm_xmmm128_imm8, &FloatLegacy<PackedSingles<FloatCompare<EightPredicates>>, Lane>.Register, &FloatLegacy<PackedSingles<FloatCompare<EightPredicates>>, Lane>.Memory);
        FloatPacked<PackedSingles<FloatCompare<AllPredicates>>>(t, Code.INVALID, Code.VEX_Vcmpps_xmm_xmm_xmmm128_imm8, Code.VEX_Vcmpps_ymm_ymm_ymmm256_imm8);
        t.Add(Code.Cmppd_xmm_xmmm128_imm8, &FloatLegacy<PackedDoubles<FloatCompare<EightPredicates>>, Lane>.Register, &FloatLegacy<PackedDoubles<FloatCompare<EightPredicates>>, Lane>.Memory);
        FloatPacked<PackedDoubles<FloatCompare<AllPredicates>>>(t, Code.INVALID, Code.VEX_Vcmppd_xmm_xmm_xmmm128_imm8, Code.VEX_Vcmppd_ymm_ymm_ymmm256_imm8);
        FloatScalar<ScalarSingle<FloatCompare<EightPredicates>>, uint>(t, Code.Cmpss_xmm_xmmm32_imm8, Code.INVALID);
        FloatScalar<ScalarSingle<FloatCompare<AllPredicates>>, uint>(t, Code.INVALID, Code.VEX_Vcmpss_xmm_xmm_xmmm32_imm8);
        FloatScalar<ScalarDouble<FloatCompare<EightPredicates>>, ulong>(t, Code.Cmpsd_xmm_xmmm64_imm8, Code.INVALID);
        FloatScalar<ScalarDouble<FloatCompare<AllPredicates>>, ulong>(t, Code.INVALID, Code.VEX_Vcmpsd_xmm_xmm_xmmm64_imm8);
        FloatPacked<HorizontalSingles<FloatAdd>>(t, Code.Haddps_xmm_xmmm128, Code.VEX_Vhaddps_xmm_xmm_xmmm128, Code.VEX_Vhaddps_ymm_ymm_ymmm256);
        FloatPacked<HorizontalDoubles<FloatAdd>>(t, Code.Haddpd_xmm_xmmm128, Code.VEX_Vhaddpd_xmm_xmm_xmmm128, Code.VEX_Vhaddpd_ymm_ymm_ymmm256);
        FloatPacked<HorizontalSingles<FloatSubtract>>(t, Code.Hsubps_xmm_xmmm128, Code.VEX_Vhsubps_xmm_xmm_xmmm128, Code.VEX_Vhsubps_ymm_ymm_ymmm256);
        FloatPacked<HorizontalDoubles<FloatSubtract>>(t, Code.Hsubpd_xmm_xmmm128, Code.VEX_Vhsubpd_xmm_xmm_xmmm128, Code.VEX_Vhsubpd_ymm_ymm_ymmm256);
        FloatPacked<AlternatingSingles>(t, Code.Addsubps_xmm_xmmm128, Code.VEX_Vaddsubps_xmm_xmm_xmmm128, Code.VEX_Vaddsubps_ymm_ymm_ymmm256);
        FloatPacked<AlternatingDoubles>(t, Code.Addsubpd_xmm_xmmm128, Code.VEX_Vaddsubpd_xmm_xmm_xmmm128, Code.VEX_Vaddsubpd_ymm_ymm_ymmm256);
        FloatPacked<DotSingles>(t, Code.Dpps_xmm_xmmm128_imm8, Code.VEX_Vdpps_xmm_xmm_xmmm128_imm8, Code.INVALID);
        t.Add(Code.VEX_Vdpps_ymm_ymm_ymmm256_imm8, &DotSinglesYmm.Register, &DotSinglesYmm.Memory);
        FloatPacked<DotDoubles>(t, Code.Dppd_xmm_xmmm128_imm8, Code.VEX_Vdppd_xmm_xmm_xmmm128_imm8, Code.INVALID);
        t.Add(Code.Comiss_xmm_xmmm32, &FloatToGeneral.CompareSingles<On>);
        t.Add(Code.VEX_Vcomiss_xmm_xmmm32, &FloatToGeneral.CompareSingles<On>);
        t.Add(Code.Comisd_xmm_xmmm64, &FloatToGeneral.CompareDoubles<On>);
        t.Add(Code.VEX_Vcomisd_xmm_xmmm64, &FloatToGeneral.CompareDoubles<On>);
        t.Add(Code.Ucomiss_xmm_xmmm32, &FloatToGeneral.CompareSingles<Off>);
        t.Add(Code.VEX_Vucomiss_xmm_xmmm32, &FloatToGeneral.CompareSingles<Off>);
        t.Add(Code.Ucomisd_xmm_xmmm64, &FloatToGeneral.CompareDoubles<Off>);
        t.Add(Code.VEX_Vucomisd_xmm_xmmm64, &FloatToGeneral.CompareDoubles<Off>);
    }
}
