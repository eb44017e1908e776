using Hospes.Hypervisor.Soft.Interpret;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Tests.Simd;

public sealed unsafe class CoverageTests
{
    private static readonly CpuidFeature[] Offered =
    [
        CpuidFeature.MMX, CpuidFeature.SSE, CpuidFeature.SSE2, CpuidFeature.SSE3, CpuidFeature.SSSE3, CpuidFeature.SSE4_1, CpuidFeature.SSE4_2,
        CpuidFeature.AES, CpuidFeature.PCLMULQDQ, CpuidFeature.SHA, CpuidFeature.AVX, CpuidFeature.AVX2, CpuidFeature.FMA, CpuidFeature.F16C,
    ];

    [Fact]
    public void Every_encoding_of_the_offered_vector_features_has_a_handler()
    {
        var handlers = InstructionSet.Create();
        Code[] missing = [.. Enum.GetValues<Code>().Where(c => c.ToOpCode().Encoding is EncodingKind.Legacy or EncodingKind.VEX
            && c.CpuidFeatures().Length > 0 && c.CpuidFeatures().All(Offered.Contains)
            && handlers.Find(c, hasMemory: false, isLocked: false) == null)];
        missing.ShouldBeEmpty();
    }
}
