using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

internal static unsafe partial class SimdTable
{
    /// <summary>Shifts.</summary>
    private static void FillShifts(HandlerTable t)
    {
        ShiftByCount<ShiftLeft<ushort>>(t, Code.Psllw_mm_mmm64, Code.Psllw_xmm_xmmm128, Code.VEX_Vpsllw_xmm_xmm_xmmm128, Code.VEX_Vpsllw_ymm_ymm_xmmm128);
        ShiftByImmediate<ByImmediate<ShiftLeft<ushort>>>(t, Code.Psllw_xmm_imm8, Code.VEX_Vpsllw_xmm_xmm_imm8, Code.VEX_Vpsllw_ymm_ymm_imm8);
        t.Add(Code.Psllw_mm_imm8, &Mmx<MmxLow<ByImmediate<ShiftLeft<ushort>>>, ulong>.Single);
        ShiftByCount<ShiftLeft<uint>>(t, Code.Pslld_mm_mmm64, Code.Pslld_xmm_xmmm128, Code.VEX_Vpslld_xmm_xmm_xmmm128, Code.VEX_Vpslld_ymm_ymm_xmmm128);
        ShiftByImmediate<ByImmediate<ShiftLeft<uint>>>(t, Code.Pslld_xmm_imm8, Code.VEX_Vpslld_xmm_xmm_imm8, Code.VEX_Vpslld_ymm_ymm_imm8);
        t.Add(Code.Pslld_mm_imm8, &Mmx<MmxLow<ByImmediate<ShiftLeft<uint>>>, ulong>.Single);
        ShiftByCount<ShiftLeft<ulong>>(t, Code.Psllq_mm_mmm64, Code.Psllq_xmm_xmmm128, Code.VEX_Vpsllq_xmm_xmm_xmmm128, Code.VEX_Vpsllq_ymm_ymm_xmmm128);
        ShiftByImmediate<ByImmediate<ShiftLeft<ulong>>>(t, Code.Psllq_xmm_imm8, Code.VEX_Vpsllq_xmm_xmm_imm8, Code.VEX_Vpsllq_ymm_ymm_imm8);
        t.Add(Code.Psllq_mm_imm8, &Mmx<MmxLow<ByImmediate<ShiftLeft<ulong>>>, ulong>.Single);
        ShiftByCount<ShiftRight<ushort>>(t, Code.Psrlw_mm_mmm64, Code.Psrlw_xmm_xmmm128, Code.VEX_Vpsrlw_xmm_xmm_xmmm128, Code.VEX_Vpsrlw_ymm_ymm_xmmm128);
        ShiftByImmediate<ByImmediate<ShiftRight<ushort>>>(t, Code.Psrlw_xmm_imm8, Code.VEX_Vpsrlw_xmm_xmm_imm8, Code.VEX_Vpsrlw_ymm_ymm_imm8);
        t.Add(Code.Psrlw_mm_imm8, &Mmx<MmxLow<ByImmediate<ShiftRight<ushort>>>, ulong>.Single);
        ShiftByCount<ShiftRight<uint>>(t, Code.Psrld_mm_mmm64, Code.Psrld_xmm_xmmm128, Code.VEX_Vpsrld_xmm_xmm_xmmm128, Code.VEX_Vpsrld_ymm_ymm_xmmm128);
        ShiftByImmediate<ByImmediate<ShiftRight<uint>>>(t, Code.Psrld_xmm_imm8, Code.VEX_Vpsrld_xmm_xmm_imm8, Code.VEX_Vpsrld_ymm_ymm_imm8);
        t.Add(Code.Psrld_mm_imm8, &Mmx<MmxLow<ByImmediate<ShiftRight<uint>>>, ulong>.Single);
        ShiftByCount<ShiftRight<ulong>>(t, Code.Psrlq_mm_mmm64, Code.Psrlq_xmm_xmmm128, Code.VEX_Vpsrlq_xmm_xmm_xmmm128, Code.VEX_Vpsrlq_ymm_ymm_xmmm128);
        ShiftByImmediate<ByImmediate<ShiftRight<ulong>>>(t, Code.Psrlq_xmm_imm8, Code.VEX_Vpsrlq_xmm_xmm_imm8, Code.VEX_Vpsrlq_ymm_ymm_imm8);
        t.Add(Code.Psrlq_mm_imm8, &Mmx<MmxLow<ByImmediate<ShiftRight<ulong>>>, ulong>.Single);
        ShiftByCount<ShiftRightSigned<short>>(t, Code.Psraw_mm_mmm64, Code.Psraw_xmm_xmmm128, Code.VEX_Vpsraw_xmm_xmm_xmmm128, Code.VEX_Vpsraw_ymm_ymm_xmmm128);
        ShiftByImmediate<ByImmediate<ShiftRightSigned<short>>>(t, Code.Psraw_xmm_imm8, Code.VEX_Vpsraw_xmm_xmm_imm8, Code.VEX_Vpsraw_ymm_ymm_imm8);
        t.Add(Code.Psraw_mm_imm8, &Mmx<MmxLow<ByImmediate<ShiftRightSigned<short>>>, ulong>.Single);
        ShiftByCount<ShiftRightSigned<int>>(t, Code.Psrad_mm_mmm64, Code.Psrad_xmm_xmmm128, Code.VEX_Vpsrad_xmm_xmm_xmmm128, Code.VEX_Vpsrad_ymm_ymm_xmmm128);
        ShiftByImmediate<ByImmediate<ShiftRightSigned<int>>>(t, Code.Psrad_xmm_imm8, Code.VEX_Vpsrad_xmm_xmm_imm8, Code.VEX_Vpsrad_ymm_ymm_imm8);
        t.Add(Code.Psrad_mm_imm8, &Mmx<MmxLow<ByImmediate<ShiftRightSigned<int>>>, ulong>.Single);
        ShiftByImmediate<ShiftBytesLeft>(t, Code.Pslldq_xmm_imm8, Code.VEX_Vpslldq_xmm_xmm_imm8, Code.VEX_Vpslldq_ymm_ymm_imm8);
        ShiftByImmediate<ShiftBytesRight>(t, Code.Psrldq_xmm_imm8, Code.VEX_Vpsrldq_xmm_xmm_imm8, Code.VEX_Vpsrldq_ymm_ymm_imm8);
        Packed<AlignRight>(t, Code.Palignr_xmm_xmmm128_imm8, Code.VEX_Vpalignr_xmm_xmm_xmmm128_imm8, Code.VEX_Vpalignr_ymm_ymm_ymmm256_imm8);
        PackedMmx<MmxAlignRight, ulong>(t, Code.Palignr_mm_mmm64_imm8);
        Packed<ShiftLeftEach<uint>>(t, Code.INVALID, Code.VEX_Vpsllvd_xmm_xmm_xmmm128, Code.VEX_Vpsllvd_ymm_ymm_ymmm256);
        Packed<ShiftLeftEach<ulong>>(t, Code.INVALID, Code.VEX_Vpsllvq_xmm_xmm_xmmm128, Code.VEX_Vpsllvq_ymm_ymm_ymmm256);
        Packed<ShiftRightEach<uint>>(t, Code.INVALID, Code.VEX_Vpsrlvd_xmm_xmm_xmmm128, Code.VEX_Vpsrlvd_ymm_ymm_ymmm256);
        Packed<ShiftRightEach<ulong>>(t, Code.INVALID, Code.VEX_Vpsrlvq_xmm_xmm_xmmm128, Code.VEX_Vpsrlvq_ymm_ymm_ymmm256);
        Packed<ShiftRightSignedEach>(t, Code.INVALID, Code.VEX_Vpsravd_xmm_xmm_xmmm128, Code.VEX_Vpsravd_ymm_ymm_ymmm256);
    }
}
