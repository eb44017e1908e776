using System.Diagnostics.CodeAnalysis;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Cpu;

/// <summary>What the processor is: its features and numbers. Immutable. The one model is x86-64-v3 with what can be had beside it; single features can be
/// left out by name, as in <c>max,-x2apic</c>.</summary>
internal sealed class CpuModel
{
    /// <summary>The model's names.</summary>
    public static readonly string[] Names = ["max", "hospes-v3"];

    private static readonly HashSet<string> Removable =
    [
        "x2apic", "tsc-deadline", "pcid", "invpcid", "avx", "avx2", "fma", "f16c", "bmi1", "bmi2", "aes", "pclmulqdq", "sha", "rdrand", "rdseed", "adx",
        "smep", "smap", "umip", "pku", "xsave", "movbe", "popcnt", "lzcnt", "rdpid", "rdtscp", "fsgsbase", "pdpe1gb", "hypervisor",
    ];

    private readonly HashSet<string> _removed;

    private CpuModel(HashSet<string> removed) => _removed = removed;

    /// <summary>Frequency of the time stamp counter in Hz.</summary>
    public long TscHz => 2_500_000_000;

    /// <summary>Frequency of the core crystal clock, which the APIC timer counts, in Hz.</summary>
    public long CrystalHz => 100_000_000;

    /// <summary>Whether x2APIC mode is offered.</summary>
    public bool HasX2Apic => Has("x2apic");

    /// <summary>Parses a model name with features taken away or (back) given.</summary>
    /// <param name="text">As in <c>max,-x2apic</c>; null or empty for the default.</param>
    /// <param name="model">The model.</param>
    public static bool TryParse(string? text, [NotNullWhen(true)] out CpuModel? model)
    {
        model = null;
        string[] parts = string.IsNullOrEmpty(text) ? [Names[0]] : text.Split(',');
        if (!Names.Contains(parts[0])) return false;
        var removed = new HashSet<string>();
        foreach (string part in parts.AsSpan(1))
        {
            if (part.Length < 2 || !Removable.Contains(part[1..])) return false;
            if (part[0] == '-') removed.Add(part[1..]);
            else if (part[0] == '+') removed.Remove(part[1..]);
            else return false;
        }
        model = new CpuModel(removed);
        return true;
    }

    /// <summary>Whether a feature that can be left out is there.</summary>
    public bool Has(string feature) => !_removed.Contains(feature);

    /// <summary>Whether instructions of an Iced feature are offered: what is not raises #UD.</summary>
    public bool Offers(CpuidFeature feature) => feature switch
    {
        CpuidFeature.AVX => Has("avx") && Has("xsave"),
        CpuidFeature.AVX2 => Has("avx") && Has("avx2") && Has("xsave"),
        CpuidFeature.FMA => Has("avx") && Has("fma") && Has("xsave"),
        CpuidFeature.F16C => Has("avx") && Has("f16c") && Has("xsave"),
        CpuidFeature.BMI1 => Has("bmi1"),
        CpuidFeature.BMI2 => Has("bmi2"),
        CpuidFeature.AES => Has("aes"),
        CpuidFeature.PCLMULQDQ => Has("pclmulqdq"),
        CpuidFeature.SHA => Has("sha"),
        CpuidFeature.RDRAND => Has("rdrand"),
        CpuidFeature.RDSEED => Has("rdseed"),
        CpuidFeature.ADX => Has("adx"),
        CpuidFeature.INVPCID => Has("invpcid"),
        CpuidFeature.MOVBE => Has("movbe"),
        CpuidFeature.POPCNT => Has("popcnt"),
        CpuidFeature.LZCNT => Has("lzcnt"),
        CpuidFeature.RDPID => Has("rdpid"),
        CpuidFeature.RDTSCP => Has("rdtscp"),
        CpuidFeature.FSGSBASE => Has("fsgsbase"),
        CpuidFeature.SMAP => Has("smap"),
        CpuidFeature.PKU => Has("pku"),
        CpuidFeature.XSAVE or CpuidFeature.XSAVEOPT or CpuidFeature.XSAVEC or CpuidFeature.XSAVES => Has("xsave"),
        CpuidFeature.INTEL8086 or CpuidFeature.INTEL8086_ONLY or CpuidFeature.INTEL186 or CpuidFeature.INTEL286 or CpuidFeature.INTEL286_ONLY
            or CpuidFeature.INTEL386 or CpuidFeature.INTEL486 or CpuidFeature.X64 or CpuidFeature.MULTIBYTENOP or CpuidFeature.CPUID
            or CpuidFeature.CX8 or CpuidFeature.CMPXCHG16B or CpuidFeature.CMOV or CpuidFeature.FPU or CpuidFeature.FPU287 or CpuidFeature.FPU387
            or CpuidFeature.MMX or CpuidFeature.SSE or CpuidFeature.SSE2 or CpuidFeature.SSE3 or CpuidFeature.SSSE3
            or CpuidFeature.SSE4_1 or CpuidFeature.SSE4_2 or CpuidFeature.FXSR or CpuidFeature.CLFSH or CpuidFeature.CLFLUSHOPT or CpuidFeature.CLWB
            or CpuidFeature.PCOMMIT or CpuidFeature.MSR or CpuidFeature.TSC or CpuidFeature.SYSCALL or CpuidFeature.SEP or CpuidFeature.PAUSE
            or CpuidFeature.PREFETCHW or CpuidFeature.RDPMC or CpuidFeature.VMX => true,
        // The shadow-stack hints are NOPs where shadow stacks are off; they never are on here.
        CpuidFeature.CET_IBT or CpuidFeature.CET_SS => true,
        _ => false,
    };
}
