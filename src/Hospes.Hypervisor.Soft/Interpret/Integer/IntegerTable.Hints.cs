using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

internal static unsafe partial class IntegerTable
{
    private static void FillDecimal(HandlerTable t)
    {
        t.Add(Code.Daa, &Decimals.AdjustAfterAdd);
        t.Add(Code.Das, &Decimals.AdjustAfterSubtract);
        t.Add(Code.Aaa, &Decimals.AsciiAfterAdd);
        t.Add(Code.Aas, &Decimals.AsciiAfterSubtract);
        t.Add(Code.Aam_imm8, &Decimals.AsciiAfterMultiply);
        t.Add(Code.Aad_imm8, &Decimals.AsciiBeforeDivide);
    }

    private static void FillHints(HandlerTable t)
    {
        ReadOnlySpan<Code> nothing =
        [
            Code.Nopw, Code.Nopd, Code.Nopq, Code.Pcommit, Code.Nop_rm16, Code.Nop_rm32, Code.Nop_rm64, Code.Endbr32, Code.Endbr64,
            Code.Prefetchnta_m8, Code.Prefetcht0_m8, Code.Prefetcht1_m8, Code.Prefetcht2_m8, Code.Prefetch_m8, Code.Prefetchw_m8, Code.Prefetchwt1_m8,
            // 0F 0D /3 to /7: reserved, and executed as prefetches.
            Code.Prefetchreserved3_m8, Code.Prefetchreserved4_m8, Code.Prefetchreserved5_m8, Code.Prefetchreserved6_m8, Code.Prefetchreserved7_m8,
            Code.Cldemote_m8, Code.Rdsspd_r32, Code.Rdsspq_r64,
        ];
        t.Add(Code.Pause, &Hints.Pause);
        foreach (Code code in nothing) t.Add(code, &Hints.Nothing);
        // 0F 0D and 0F 18 to 0F 1F in the forms that no feature has taken, three widths each.
        for (Code code = Code.Reservednop_rm16_r16_0F0D; code <= Code.Reservednop_rm64_r64_0F0D; code++) t.Add(code, &Hints.Nothing);
        for (Code code = Code.Reservednop_rm16_r16_0F18; code <= Code.Reservednop_rm64_r64_0F1F; code++) t.Add(code, &Hints.Nothing);
        for (Code code = Code.Lfence; code <= Code.Lfence_EF; code++) t.Add(code, &Hints.Fence);
        for (Code code = Code.Mfence; code <= Code.Mfence_F7; code++) t.Add(code, &Hints.Fence);
        for (Code code = Code.Sfence; code <= Code.Sfence_FF; code++) t.Add(code, &Hints.Fence);
        ReadOnlySpan<Code> lines = [Code.Clflush_m8, Code.Clflushopt_m8, Code.Clwb_m8];
        foreach (Code code in lines) t.Add(code, &Hints.CacheLine);
        ReadOnlySpan<Code> undefined =
        [
            Code.Ud0, Code.Ud0_r16_rm16, Code.Ud0_r32_rm32, Code.Ud0_r64_rm64, Code.Ud1_r16_rm16, Code.Ud1_r32_rm32, Code.Ud1_r64_rm64, Code.Ud2,
        ];
        foreach (Code code in undefined) t.Add(code, &Hints.Undefined);
        ReadOnlySpan<Code> random = [Code.Rdrand_r16, Code.Rdseed_r16];
        foreach (Code code in random)
        {
            t.Add(code, &Hints.Random<ushort>);
            t.Add(code + 1, &Hints.Random<uint>);
            t.Add(code + 2, &Hints.Random<ulong>);
        }
        t.Add(Code.Bound_r16_m1616, &Hints.Bound<ushort>);
        t.Add(Code.Bound_r32_m3232, &Hints.Bound<uint>);
    }
}
