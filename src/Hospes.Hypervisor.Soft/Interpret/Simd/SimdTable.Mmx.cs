using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

internal static unsafe partial class SimdTable
{
    /// <summary>Moves of MMX registers, and EMMS.</summary>
    private static void FillMmxMoves(HandlerTable t)
    {
        t.Add(Code.Movd_mm_rm32, &MmxMoves.FromGeneral32, &MmxMoves.Load32);
        t.Add(Code.Movq_mm_rm64, &MmxMoves.FromGeneral64, &MmxMoves.Load64);
        t.Add(Code.Movq_mm_mmm64, &MmxMoves.Register, &MmxMoves.Load64);
        t.Add(Code.Movq_mmm64_mm, &MmxMoves.Register, &MmxMoves.Store64);
        t.Add(Code.Movd_rm32_mm, &MmxMoves.ToGeneral32, &MmxMoves.Store32);
        t.Add(Code.Movq_rm64_mm, &MmxMoves.ToGeneral64, &MmxMoves.Store64);
        t.Add(Code.Movntq_m64_mm, &MmxMoves.Store64);
        t.Add(Code.Movq2dq_xmm_mm, &MmxMoves.ToXmm);
        t.Add(Code.Movdq2q_mm_xmm, &MmxMoves.FromXmm);
        t.Add(Code.Pmovmskb_r32_mm, &MmxMoves.ByteMask);
        t.Add(Code.Pmovmskb_r64_mm, &MmxMoves.ByteMask);
        t.Add(Code.Pextrw_r32_mm_imm8, &MmxMoves.Extract);
        t.Add(Code.Pextrw_r64_mm_imm8, &MmxMoves.Extract);
        t.Add(Code.Pinsrw_mm_r32m16_imm8, &MmxMoves.Insert, &MmxMoves.InsertMemory);
        t.Add(Code.Pinsrw_mm_r64m16_imm8, &MmxMoves.Insert, &MmxMoves.InsertMemory);
        t.Add(Code.Emms, &MmxMoves.Empty);
    }
}
