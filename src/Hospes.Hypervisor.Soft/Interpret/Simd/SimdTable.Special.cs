using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

internal static unsafe partial class SimdTable
{
    /// <summary>Tests, string comparisons, cryptography.</summary>
    private static void FillSpecial(HandlerTable t)
    {
        t.Add(Code.Ptest_xmm_xmmm128, &VectorTests<byte>.Register, &VectorTests<byte>.LegacyMemory);
        t.Add(Code.VEX_Vptest_xmm_xmmm128, &VectorTests<byte>.Register, &VectorTests<byte>.Memory);
        t.Add(Code.VEX_Vptest_ymm_ymmm256, &VectorTests<byte>.YmmRegister, &VectorTests<byte>.YmmMemory);
        t.Add(Code.VEX_Vtestps_xmm_xmmm128, &VectorTests<float>.Register, &VectorTests<float>.Memory);
        t.Add(Code.VEX_Vtestps_ymm_ymmm256, &VectorTests<float>.YmmRegister, &VectorTests<float>.YmmMemory);
        t.Add(Code.VEX_Vtestpd_xmm_xmmm128, &VectorTests<double>.Register, &VectorTests<double>.Memory);
        t.Add(Code.VEX_Vtestpd_ymm_ymmm256, &VectorTests<double>.YmmRegister, &VectorTests<double>.YmmMemory);
        t.Add(Code.Pcmpestri_xmm_xmmm128_imm8, &StringCompare.ExplicitIndex);
        t.Add(Code.VEX_Vpcmpestri_xmm_xmmm128_imm8, &StringCompare.ExplicitIndex);
        t.Add(Code.Pcmpestri64_xmm_xmmm128_imm8, &StringCompare.ExplicitIndex64);
        t.Add(Code.VEX_Vpcmpestri64_xmm_xmmm128_imm8, &StringCompare.ExplicitIndex64);
        t.Add(Code.Pcmpistri_xmm_xmmm128_imm8, &StringCompare.ImplicitIndex);
        t.Add(Code.VEX_Vpcmpistri_xmm_xmmm128_imm8, &StringCompare.ImplicitIndex);
        t.Add(Code.Pcmpestrm_xmm_xmmm128_imm8, &StringCompare.ExplicitMask);
        t.Add(Code.VEX_Vpcmpestrm_xmm_xmmm128_imm8, &StringCompare.VexExplicitMask);
        t.Add(Code.Pcmpestrm64_xmm_xmmm128_imm8, &StringCompare.ExplicitMask64);
        t.Add(Code.VEX_Vpcmpestrm64_xmm_xmmm128_imm8, &StringCompare.VexExplicitMask64);
        t.Add(Code.Pcmpistrm_xmm_xmmm128_imm8, &StringCompare.ImplicitMask);
        t.Add(Code.VEX_Vpcmpistrm_xmm_xmmm128_imm8, &StringCompare.VexImplicitMask);
        Packed<AesEncrypt>(t, Code.Aesenc_xmm_xmmm128, Code.VEX_Vaesenc_xmm_xmm_xmmm128, Code.INVALID);
        Packed<AesEncryptLast>(t, Code.Aesenclast_xmm_xmmm128, Code.VEX_Vaesenclast_xmm_xmm_xmmm128, Code.INVALID);
        Packed<AesDecrypt>(t, Code.Aesdec_xmm_xmmm128, Code.VEX_Vaesdec_xmm_xmm_xmmm128, Code.INVALID);
        Packed<AesDecryptLast>(t, Code.Aesdeclast_xmm_xmmm128, Code.VEX_Vaesdeclast_xmm_xmm_xmmm128, Code.INVALID);
        Unary<AesInverseMix>(t, Code.Aesimc_xmm_xmmm128, Code.VEX_Vaesimc_xmm_xmmm128, Code.INVALID);
        Unary<AesKeyAssist>(t, Code.Aeskeygenassist_xmm_xmmm128_imm8, Code.VEX_Vaeskeygenassist_xmm_xmmm128_imm8, Code.INVALID);
        Packed<CarrylessMultiply>(t, Code.Pclmulqdq_xmm_xmmm128_imm8, Code.VEX_Vpclmulqdq_xmm_xmm_xmmm128_imm8, Code.INVALID);
        Hash<Sha1Rounds>(t, Code.Sha1rnds4_xmm_xmmm128_imm8);
        Hash<Sha1NextE>(t, Code.Sha1nexte_xmm_xmmm128);
        Hash<Sha1Message1>(t, Code.Sha1msg1_xmm_xmmm128);
        Hash<Sha1Message2>(t, Code.Sha1msg2_xmm_xmmm128);
        Hash<Sha256Message1>(t, Code.Sha256msg1_xmm_xmmm128);
        Hash<Sha256Message2>(t, Code.Sha256msg2_xmm_xmmm128);
        t.Add(Code.Sha256rnds2_xmm_xmmm128, &Sha256Rounds.Register, &Sha256Rounds.Memory);
    }
}
