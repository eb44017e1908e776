using System.Collections.Frozen;
using System.Runtime.Intrinsics.X86;
using Iced.Intel;

namespace Hospes.Oracle.Generate;

/// <summary>The groups in which instructions are compared; each is a test of its own.</summary>
internal enum Family
{
    Integer, Bits, Control, Strings, Privileged, X87, Mmx, Sse, Sse4, Crypto, Avx, Avx2, Fma, State,
}

/// <summary>
/// Which instructions are compared, and for every other one that the processor model offers, why not.
/// An instruction is named by its <see cref="Code"/>: one encoding with one operand size.
/// </summary>
internal sealed class Catalog
{
    /// <summary>Instructions that the model offers but that cannot be compared with user mode of the host.</summary>
    private static readonly FrozenDictionary<Mnemonic, string> Exclusions = new Dictionary<Mnemonic, string>
    {
        [Mnemonic.Cpuid] = "the model has its own answers",
        [Mnemonic.Xgetbv] = "the host has its own XCR0",
        [Mnemonic.Xsetbv] = "supervisor state",
        [Mnemonic.Rdtsc] = "time",
        [Mnemonic.Rdtscp] = "time",
        [Mnemonic.Rdpid] = "the host's processor number",
        [Mnemonic.Rdpmc] = "the host's counters",
        [Mnemonic.Rdrand] = "random",
        [Mnemonic.Rdseed] = "random",
        [Mnemonic.Syscall] = "leaves user mode",
        [Mnemonic.Sysenter] = "leaves user mode; differs between vendors in long mode",
        [Mnemonic.Sysexit] = "differs between vendors in long mode",
        [Mnemonic.Int] = "leaves user mode through the host's gates",
        [Mnemonic.Lar] = "reads the host's descriptor table",
        [Mnemonic.Lsl] = "reads the host's descriptor table",
        [Mnemonic.Verr] = "reads the host's descriptor table",
        [Mnemonic.Verw] = "reads the host's descriptor table",
        [Mnemonic.Lss] = "loads a selector of the host's descriptor table",
        [Mnemonic.Lfs] = "loads a selector of the host's descriptor table",
        [Mnemonic.Lgs] = "loads a selector of the host's descriptor table",
        [Mnemonic.Retf] = "far transfer through the host's descriptor table",
        [Mnemonic.Iret] = "far transfer through the host's descriptor table",
        [Mnemonic.Iretd] = "far transfer through the host's descriptor table",
        [Mnemonic.Iretq] = "far transfer through the host's descriptor table",
        [Mnemonic.Sgdt] = "UMIP: the host's kernel answers in its place",
        [Mnemonic.Sidt] = "UMIP: the host's kernel answers in its place",
        [Mnemonic.Sldt] = "UMIP: the host's kernel answers in its place",
        [Mnemonic.Str] = "UMIP: the host's kernel answers in its place",
        [Mnemonic.Smsw] = "UMIP: the host's kernel answers in its place",
        [Mnemonic.Xsaves] = "supervisor state",
        [Mnemonic.Xsaves64] = "supervisor state",
        [Mnemonic.Xrstors] = "supervisor state",
        [Mnemonic.Xrstors64] = "supervisor state",
        [Mnemonic.Rsm] = "system management mode",
        [Mnemonic.Int1] = "hypervisors under the host disagree about the saved RIP",
        [Mnemonic.Ud0] = "how much of it is fetched differs between vendors",
        [Mnemonic.Ud1] = "how much of it is fetched differs between vendors",
        [Mnemonic.Monitor] = "depends on the host's MISC_ENABLE",
        [Mnemonic.Mwait] = "depends on the host's MISC_ENABLE",
    }.ToFrozenDictionary();

    private static readonly FrozenSet<CpuidFeature> Baseline = new[]
    {
        CpuidFeature.INTEL8086, CpuidFeature.INTEL186, CpuidFeature.INTEL286, CpuidFeature.INTEL386, CpuidFeature.INTEL486, CpuidFeature.X64,
        CpuidFeature.CMOV, CpuidFeature.CX8, CpuidFeature.CLFSH, CpuidFeature.PAUSE, CpuidFeature.MULTIBYTENOP, CpuidFeature.CET_IBT,
        CpuidFeature.FPU, CpuidFeature.FPU287, CpuidFeature.FPU387, CpuidFeature.MMX, CpuidFeature.SSE, CpuidFeature.SSE2, CpuidFeature.FXSR,
        CpuidFeature.MSR, CpuidFeature.TSC, CpuidFeature.CPUID, CpuidFeature.SYSCALL, CpuidFeature.SEP, CpuidFeature.PREFETCHW,
    }.ToFrozenSet();

    private readonly FrozenSet<CpuidFeature> _offered;
    private readonly Dictionary<Family, List<Code>> _families = [];
    private readonly HashSet<Code> _comparable = [];

    /// <param name="hasFsGsBase">Whether user mode may use the FSGSBASE instructions here.</param>
    /// <param name="isImplemented">Leaves out what the software processor does not know yet.</param>
    public Catalog(bool hasFsGsBase, Func<Code, bool>? isImplemented = null)
    {
        var offered = new HashSet<CpuidFeature>(Baseline);
        (CpuidFeature Feature, bool OnHost)[] optional =
        [
            (CpuidFeature.SSE3, Sse3.IsSupported), (CpuidFeature.SSSE3, Ssse3.IsSupported), (CpuidFeature.SSE4_1, Sse41.IsSupported),
            (CpuidFeature.SSE4_2, Sse42.IsSupported), (CpuidFeature.POPCNT, Popcnt.IsSupported), (CpuidFeature.LZCNT, Lzcnt.IsSupported),
            (CpuidFeature.BMI1, Bmi1.IsSupported), (CpuidFeature.BMI2, Bmi2.IsSupported), (CpuidFeature.AES, Aes.IsSupported),
            (CpuidFeature.PCLMULQDQ, Pclmulqdq.IsSupported), (CpuidFeature.AVX, Avx.IsSupported), (CpuidFeature.AVX2, Avx2.IsSupported),
            (CpuidFeature.FMA, Fma.IsSupported), (CpuidFeature.FSGSBASE, hasFsGsBase),
            (CpuidFeature.CMPXCHG16B, Leaf(1, 0).Ecx.Has(13)), (CpuidFeature.MOVBE, Leaf(1, 0).Ecx.Has(22)),
            (CpuidFeature.XSAVE, Leaf(1, 0).Ecx.Has(27)), (CpuidFeature.F16C, Leaf(1, 0).Ecx.Has(29)),
            (CpuidFeature.ADX, Leaf(7, 0).Ebx.Has(19)), (CpuidFeature.CLFLUSHOPT, Leaf(7, 0).Ebx.Has(23)),
            (CpuidFeature.SHA, Leaf(7, 0).Ebx.Has(29)), (CpuidFeature.XSAVEOPT, Leaf(13, 1).Eax.Has(0)), (CpuidFeature.XSAVEC, Leaf(13, 1).Eax.Has(1)),
        ];
        foreach (var (feature, onHost) in optional)
        {
            if (onHost)
            {
                offered.Add(feature);
            }
            else
            {
                Missing.Add(feature);
            }
        }

        _offered = offered.ToFrozenSet();
        foreach (var family in Enum.GetValues<Family>())
        {
            _families[family] = [];
        }

        foreach (var code in Enum.GetValues<Code>())
        {
            var opCode = code.ToOpCode();
            if (!opCode.IsInstruction || opCode.Fwait || !opCode.Mode64 || opCode.Encoding is not (EncodingKind.Legacy or EncodingKind.VEX) || !IsOffered(code))
            {
                continue;
            }

            Offered++;
            if (WhyNot(code, opCode) is { } reason)
            {
                Excluded[code] = reason;
                continue;
            }

            if (isImplemented is not null && !isImplemented(code))
            {
                Unimplemented.Add(code);
                continue;
            }

            _comparable.Add(code);
            _families[FamilyOf(code, opCode)].Add(code);
        }
    }

    /// <summary>How many encodings the model offers in 64-bit mode on this host.</summary>
    public int Offered { get; }

    public Dictionary<Code, string> Excluded { get; } = [];

    /// <summary>Comparable encodings that the software processor does not know.</summary>
    public List<Code> Unimplemented { get; } = [];

    /// <summary>Features of the model that this host lacks; their instructions are left out.</summary>
    public List<CpuidFeature> Missing { get; } = [];

    public IReadOnlyList<Code> Codes(Family family) => _families[family];

    public IEnumerable<Code> Comparable => _comparable;

    public bool IsComparable(Code code) => _comparable.Contains(code);

    private bool IsOffered(Code code)
    {
        foreach (var feature in code.CpuidFeatures())
        {
            if (!_offered.Contains(feature))
            {
                return false;
            }
        }

        return true;
    }

    private static string? WhyNot(Code code, OpCodeInfo opCode)
    {
        if (Exclusions.TryGetValue(code.Mnemonic(), out var reason))
        {
            return reason;
        }

        if (code.FlowControl() is FlowControl.IndirectBranch or FlowControl.IndirectCall && opCode.GetOpKind(0) == OpCodeOperandKind.mem)
        {
            return "far transfer through the host's descriptor table";
        }

        for (var i = 0; i < opCode.OpCount; i++)
        {
            if (opCode.GetOpKind(i) is OpCodeOperandKind.br16_1 or OpCodeOperandKind.br16_2)
            {
                return "the operand-size prefix of near branches differs between vendors";
            }
        }

        if (code is Code.Retnw or Code.Retnw_imm16 or Code.Call_rm16 or Code.Jmp_rm16)
        {
            return "the operand-size prefix of near branches differs between vendors";
        }

        if (code is Code.Mov_Sreg_rm16 or Code.Mov_Sreg_r32m16 or Code.Mov_Sreg_r64m16 or Code.Popw_FS or Code.Popq_FS or Code.Popw_GS or Code.Popq_GS)
        {
            return "loads a selector of the host's descriptor table";
        }

        if (code is Code.Movsxd_r16_rm16)
        {
            return "the width of the source differs between vendors";
        }

        if (code is Code.Bswap_r16)
        {
            return "undefined result (SDM volume 2, BSWAP)";
        }

        if (code is Code.Femms || opCode.Code.ToString().StartsWith("Reservednop", StringComparison.Ordinal))
        {
            return "decoded only on request";
        }

        return null;
    }

    private static Family FamilyOf(Code code, OpCodeInfo opCode)
    {
        var features = code.CpuidFeatures();
        if (opCode.IsPrivileged || opCode.IsInputOutput || code.Mnemonic() is Mnemonic.Cli or Mnemonic.Sti || (opCode.Cpl0 && !opCode.Cpl3))
        {
            return Family.Privileged;
        }

        if (opCode.IsSaveRestore || features.Any(f => f is CpuidFeature.FXSR or CpuidFeature.XSAVE or CpuidFeature.XSAVEOPT or CpuidFeature.XSAVEC)
            || code.Mnemonic() is Mnemonic.Ldmxcsr or Mnemonic.Stmxcsr or Mnemonic.Vldmxcsr or Mnemonic.Vstmxcsr)
        {
            return Family.State;
        }

        if (features.Any(f => f is CpuidFeature.FPU or CpuidFeature.FPU287 or CpuidFeature.FPU387))
        {
            return Family.X87;
        }

        if (features.Any(f => f is CpuidFeature.AES or CpuidFeature.PCLMULQDQ or CpuidFeature.SHA))
        {
            return Family.Crypto;
        }

        if (features.Any(f => f is CpuidFeature.FMA or CpuidFeature.F16C))
        {
            return Family.Fma;
        }

        if (features.Contains(CpuidFeature.AVX2))
        {
            return Family.Avx2;
        }

        if (features.Contains(CpuidFeature.AVX))
        {
            return Family.Avx;
        }

        if (features.Any(f => f is CpuidFeature.BMI1 or CpuidFeature.BMI2 or CpuidFeature.LZCNT or CpuidFeature.POPCNT or CpuidFeature.ADX)
            || code.Mnemonic() is Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc or Mnemonic.Bsf or Mnemonic.Bsr or Mnemonic.Crc32)
        {
            return Family.Bits;
        }

        for (var i = 0; i < opCode.OpCount; i++)
        {
            if (opCode.GetOpKind(i) is OpCodeOperandKind.mm_reg or OpCodeOperandKind.mm_rm or OpCodeOperandKind.mm_or_mem)
            {
                return Family.Mmx;
            }
        }

        if (features.Contains(CpuidFeature.MMX))
        {
            return Family.Mmx;
        }

        if (features.Any(f => f is CpuidFeature.SSSE3 or CpuidFeature.SSE4_1 or CpuidFeature.SSE4_2))
        {
            return Family.Sse4;
        }

        if (features.Any(f => f is CpuidFeature.SSE or CpuidFeature.SSE2 or CpuidFeature.SSE3) && code.Mnemonic() is not (Mnemonic.Movnti))
        {
            return Family.Sse;
        }

        if (code.FlowControl() is not FlowControl.Next || opCode.IsStackInstruction)
        {
            return Family.Control;
        }

        for (var i = 0; i < opCode.OpCount; i++)
        {
            if (opCode.GetOpKind(i) is OpCodeOperandKind.seg_rSI or OpCodeOperandKind.es_rDI)
            {
                return Family.Strings;
            }
        }

        return Family.Integer;
    }

    private static (uint Eax, uint Ebx, uint Ecx, uint Edx) Leaf(int leaf, int subleaf)
    {
        if (X86Base.CpuId(0, 0).Eax < leaf)
        {
            return default;
        }

        var (eax, ebx, ecx, edx) = X86Base.CpuId(leaf, subleaf);
        return ((uint)eax, (uint)ebx, (uint)ecx, (uint)edx);
    }
}

file static class Bits
{
    public static bool Has(this uint value, int bit) => ((value >> bit) & 1) != 0;
}
