using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

internal static unsafe partial class SimdTable
{
    /// <summary>Conversions between formats.</summary>
    private static void FillConversions(HandlerTable t)
    {
        FloatUnary<SinglesFromInt32>(t, Code.Cvtdq2ps_xmm_xmmm128, Code.VEX_Vcvtdq2ps_xmm_xmmm128, Code.VEX_Vcvtdq2ps_ymm_ymmm256);
        FloatUnary<Int32FromSingles>(t, Code.Cvtps2dq_xmm_xmmm128, Code.VEX_Vcvtps2dq_xmm_xmmm128, Code.VEX_Vcvtps2dq_ymm_ymmm256);
        FloatUnary<Int32FromSinglesTruncated>(t, Code.Cvttps2dq_xmm_xmmm128, Code.VEX_Vcvttps2dq_xmm_xmmm128, Code.VEX_Vcvttps2dq_ymm_ymmm256);
        FloatUnary<Int32FromDoubles>(t, Code.Cvtpd2dq_xmm_xmmm128, Code.VEX_Vcvtpd2dq_xmm_xmmm128, Code.INVALID);
        t.Add(Code.VEX_Vcvtpd2dq_xmm_ymmm256, &FloatNarrow256<Int32FromDoubles>.Register, &FloatNarrow256<Int32FromDoubles>.Memory);
        FloatUnary<Int32FromDoublesTruncated>(t, Code.Cvttpd2dq_xmm_xmmm128, Code.VEX_Vcvttpd2dq_xmm_xmmm128, Code.INVALID);
        t.Add(Code.VEX_Vcvttpd2dq_xmm_ymmm256, &FloatNarrow256<Int32FromDoublesTruncated>.Register, &FloatNarrow256<Int32FromDoublesTruncated>.Memory);
        FloatUnary<SinglesFromDoubles>(t, Code.Cvtpd2ps_xmm_xmmm128, Code.VEX_Vcvtpd2ps_xmm_xmmm128, Code.INVALID);
        t.Add(Code.VEX_Vcvtpd2ps_xmm_ymmm256, &FloatNarrow256<SinglesFromDoubles>.Register, &FloatNarrow256<SinglesFromDoubles>.Memory);
        t.Add(Code.Cvtps2pd_xmm_xmmm64, &FloatLegacy<DoublesFromSingles, ulong>.Register, &FloatLegacy<DoublesFromSingles, ulong>.Memory);
        t.Add(Code.VEX_Vcvtps2pd_xmm_xmmm64, &FloatVex128<DoublesFromSingles, ulong>.UnaryRegister, &FloatVex128<DoublesFromSingles, ulong>.UnaryMemory);
        t.Add(Code.VEX_Vcvtps2pd_ymm_xmmm128, &FloatWiden256<DoublesFromSingles>.Register, &FloatWiden256<DoublesFromSingles>.Memory);
        t.Add(Code.Cvtdq2pd_xmm_xmmm64, &FloatLegacy<DoublesFromInt32, ulong>.Register, &FloatLegacy<DoublesFromInt32, ulong>.Memory);
        t.Add(Code.VEX_Vcvtdq2pd_xmm_xmmm64, &FloatVex128<DoublesFromInt32, ulong>.UnaryRegister, &FloatVex128<DoublesFromInt32, ulong>.UnaryMemory);
        t.Add(Code.VEX_Vcvtdq2pd_ymm_xmmm128, &FloatWiden256<DoublesFromInt32>.Register, &FloatWiden256<DoublesFromInt32>.Memory);
        t.Add(Code.VEX_Vcvtph2ps_xmm_xmmm64, &FloatVex128<SinglesFromHalves, ulong>.UnaryRegister, &FloatVex128<SinglesFromHalves, ulong>.UnaryMemory);
        t.Add(Code.VEX_Vcvtph2ps_ymm_xmmm128, &FloatWiden256<SinglesFromHalves>.Register, &FloatWiden256<SinglesFromHalves>.Memory);
        t.Add(Code.VEX_Vcvtps2ph_xmmm64_xmm_imm8, &FloatToGeneral.ToHalves<Off>);
        t.Add(Code.VEX_Vcvtps2ph_xmmm128_ymm_imm8, &FloatToGeneral.ToHalves<On>);
        FloatScalar<DoubleFromSingle, uint>(t, Code.Cvtss2sd_xmm_xmmm32, Code.VEX_Vcvtss2sd_xmm_xmm_xmmm32);
        FloatScalar<SingleFromDouble, ulong>(t, Code.Cvtsd2ss_xmm_xmmm64, Code.VEX_Vcvtsd2ss_xmm_xmm_xmmm64);
        t.Add(Code.Cvtsi2ss_xmm_rm32, &FloatToGeneral.ToSingle<Off, Off>);
        t.Add(Code.VEX_Vcvtsi2ss_xmm_xmm_rm32, &FloatToGeneral.ToSingle<Off, On>);
        t.Add(Code.Cvtss2si_r32_xmmm32, &FloatToGeneral.FromSingle<Off, Off>);
        t.Add(Code.VEX_Vcvtss2si_r32_xmmm32, &FloatToGeneral.FromSingle<Off, Off>);
        t.Add(Code.Cvttss2si_r32_xmmm32, &FloatToGeneral.FromSingle<Off, On>);
        t.Add(Code.VEX_Vcvttss2si_r32_xmmm32, &FloatToGeneral.FromSingle<Off, On>);
        t.Add(Code.Cvtsi2sd_xmm_rm32, &FloatToGeneral.ToDouble<Off, Off>);
        t.Add(Code.VEX_Vcvtsi2sd_xmm_xmm_rm32, &FloatToGeneral.ToDouble<Off, On>);
        t.Add(Code.Cvtsd2si_r32_xmmm64, &FloatToGeneral.FromDouble<Off, Off>);
        t.Add(Code.VEX_Vcvtsd2si_r32_xmmm64, &FloatToGeneral.FromDouble<Off, Off>);
        t.Add(Code.Cvttsd2si_r32_xmmm64, &FloatToGeneral.FromDouble<Off, On>);
        t.Add(Code.VEX_Vcvttsd2si_r32_xmmm64, &FloatToGeneral.FromDouble<Off, On>);
        t.Add(Code.Cvtsi2ss_xmm_rm64, &FloatToGeneral.ToSingle<On, Off>);
        t.Add(Code.VEX_Vcvtsi2ss_xmm_xmm_rm64, &FloatToGeneral.ToSingle<On, On>);
        t.Add(Code.Cvtss2si_r64_xmmm32, &FloatToGeneral.FromSingle<On, Off>);
        t.Add(Code.VEX_Vcvtss2si_r64_xmmm32, &FloatToGeneral.FromSingle<On, Off>);
        t.Add(Code.Cvttss2si_r64_xmmm32, &FloatToGeneral.FromSingle<On, On>);
        t.Add(Code.VEX_Vcvttss2si_r64_xmmm32, &FloatToGeneral.FromSingle<On, On>);
        t.Add(Code.Cvtsi2sd_xmm_rm64, &FloatToGeneral.ToDouble<On, Off>);
        t.Add(Code.VEX_Vcvtsi2sd_xmm_xmm_rm64, &FloatToGeneral.ToDouble<On, On>);
        t.Add(Code.Cvtsd2si_r64_xmmm64, &FloatToGeneral.FromDouble<On, Off>);
        t.Add(Code.VEX_Vcvtsd2si_r64_xmmm64, &FloatToGeneral.FromDouble<On, Off>);
        t.Add(Code.Cvttsd2si_r64_xmmm64, &FloatToGeneral.FromDouble<On, On>);
        t.Add(Code.VEX_Vcvttsd2si_r64_xmmm64, &FloatToGeneral.FromDouble<On, On>);
        t.Add(Code.Cvtpi2ps_xmm_mmm64, &MmxConversions.SinglesFromInt32);
        t.Add(Code.Cvtpi2pd_xmm_mmm64, &MmxConversions.DoublesFromInt32);
        t.Add(Code.Cvtps2pi_mm_xmmm64, &MmxConversions.ToInt32<Int32FromSingles, ulong>);
        t.Add(Code.Cvttps2pi_mm_xmmm64, &MmxConversions.ToInt32<Int32FromSinglesTruncated, ulong>);
        t.Add(Code.Cvtpd2pi_mm_xmmm128, &MmxConversions.ToInt32<Int32FromDoubles, Lane>);
        t.Add(Code.Cvttpd2pi_mm_xmmm128, &MmxConversions.ToInt32<Int32FromDoublesTruncated, Lane>);
    }
}
