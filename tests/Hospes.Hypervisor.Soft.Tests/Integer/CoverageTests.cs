using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Interpret;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Tests.Integer;

/// <summary>That no general-purpose encoding lacks a handler.</summary>
public sealed unsafe class CoverageTests
{
    // Withdrawn before the first processor with CPUID, or of makers and units that no model offers.
    private static readonly Mnemonic[] Absent =
    [
        Mnemonic.Loadall, Mnemonic.Storeall, Mnemonic.Umov, Mnemonic.Ibts, Mnemonic.Xbts, Mnemonic.Cmpxchg, Mnemonic.Jmpe,
    ];

    [Fact]
    public void Every_encoding_of_the_8086_to_the_x64_has_a_handler()
    {
        HandlerTable table = InstructionSet.Create();
        CpuidFeature[] features =
        [
            CpuidFeature.INTEL8086, CpuidFeature.INTEL186, CpuidFeature.INTEL286, CpuidFeature.INTEL386, CpuidFeature.INTEL486,
            CpuidFeature.X64, CpuidFeature.CMOV, CpuidFeature.CX8, CpuidFeature.CMPXCHG16B, CpuidFeature.MULTIBYTENOP, CpuidFeature.BMI1,
            CpuidFeature.BMI2, CpuidFeature.ADX, CpuidFeature.MOVBE, CpuidFeature.POPCNT, CpuidFeature.LZCNT, CpuidFeature.RDRAND,
            CpuidFeature.RDSEED, CpuidFeature.CLFSH, CpuidFeature.CLFLUSHOPT, CpuidFeature.CLWB, CpuidFeature.PAUSE,
        ];
        List<Code> missing = [];
        foreach (Code code in Enum.GetValues<Code>())
        {
            if (!code.CpuidFeatures().All(feature => features.Contains(feature)) || Absent.Contains(code.Mnemonic()) && !code.ToString().StartsWith("Cmpxchg_", StringComparison.Ordinal)) continue;
            if (code.Mnemonic() is Mnemonic.INVALID or Mnemonic.Zero_bytes or Mnemonic.Db or Mnemonic.Dw or Mnemonic.Dd or Mnemonic.Dq) continue;
            if (table.Find(code, hasMemory: false, isLocked: false) == null && table.Find(code, hasMemory: true, isLocked: false) == null) missing.Add(code);
        }
        missing.ShouldBeEmpty();
    }

    [Fact]
    public void Lock_is_accepted_by_exactly_the_instructions_that_allow_it()
    {
        HandlerTable table = InstructionSet.Create();
        foreach (Code code in Enum.GetValues<Code>())
        {
            if (table.Find(code, hasMemory: true, isLocked: false) == null && table.Find(code, hasMemory: false, isLocked: false) == null) continue;
            (table.Find(code, hasMemory: true, isLocked: true) != null).ShouldBe(code.ToOpCode().CanUseLockPrefix, code.ToString());
        }
    }
}
