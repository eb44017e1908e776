namespace Hospes.Hypervisor.Kvm.Cpu;

/// <summary>A register of a CPUID answer.</summary>
internal enum CpuIdRegister
{
    Eax,
    Ebx,
    Ecx,
    Edx,
}

/// <summary>The bit of CPUID that says whether a feature is there (Intel SDM vol. 2A, "CPUID"; AMD64 APM vol. 3, appendix E).</summary>
/// <param name="Leaf">The leaf; its subleaf is 0.</param>
/// <param name="Register">The register.</param>
/// <param name="Bit">The bit's number.</param>
internal readonly record struct CpuFeature(uint Leaf, CpuIdRegister Register, int Bit)
{
    /// <summary>The features that can be left out by name, by the names that the software engine has for them too.</summary>
    public static IReadOnlyDictionary<string, CpuFeature> Named { get; } = new Dictionary<string, CpuFeature>
    {
        ["pclmulqdq"] = new(1, CpuIdRegister.Ecx, 1),
        ["fma"] = new(1, CpuIdRegister.Ecx, 12),
        ["pcid"] = new(1, CpuIdRegister.Ecx, 17),
        ["x2apic"] = new(1, CpuIdRegister.Ecx, 21),
        ["movbe"] = new(1, CpuIdRegister.Ecx, 22),
        ["popcnt"] = new(1, CpuIdRegister.Ecx, 23),
        ["tsc-deadline"] = new(1, CpuIdRegister.Ecx, 24),
        ["aes"] = new(1, CpuIdRegister.Ecx, 25),
        ["xsave"] = new(1, CpuIdRegister.Ecx, 26),
        ["avx"] = new(1, CpuIdRegister.Ecx, 28),
        ["f16c"] = new(1, CpuIdRegister.Ecx, 29),
        ["rdrand"] = new(1, CpuIdRegister.Ecx, 30),
        ["hypervisor"] = new(1, CpuIdRegister.Ecx, 31),
        ["fsgsbase"] = new(7, CpuIdRegister.Ebx, 0),
        ["bmi1"] = new(7, CpuIdRegister.Ebx, 3),
        ["avx2"] = new(7, CpuIdRegister.Ebx, 5),
        ["smep"] = new(7, CpuIdRegister.Ebx, 7),
        ["bmi2"] = new(7, CpuIdRegister.Ebx, 8),
        ["invpcid"] = new(7, CpuIdRegister.Ebx, 10),
        ["rdseed"] = new(7, CpuIdRegister.Ebx, 18),
        ["adx"] = new(7, CpuIdRegister.Ebx, 19),
        ["smap"] = new(7, CpuIdRegister.Ebx, 20),
        ["sha"] = new(7, CpuIdRegister.Ebx, 29),
        ["umip"] = new(7, CpuIdRegister.Ecx, 2),
        ["pku"] = new(7, CpuIdRegister.Ecx, 3),
        ["rdpid"] = new(7, CpuIdRegister.Ecx, 22),
        ["lzcnt"] = new(0x8000_0001, CpuIdRegister.Ecx, 5),
        ["pdpe1gb"] = new(0x8000_0001, CpuIdRegister.Edx, 26),
        ["rdtscp"] = new(0x8000_0001, CpuIdRegister.Edx, 27),
    };
}

/// <summary>What a leaf may say at most under the model <c>hospes-v3</c>: the features that the software engine offers too.</summary>
/// <param name="Leaf">The leaf; its subleaf is 0.</param>
/// <param name="Ebx">The bits of EBX that may be set.</param>
/// <param name="Ecx">The bits of ECX that may be set.</param>
/// <param name="Edx">The bits of EDX that may be set.</param>
internal readonly record struct CpuIdLimit(uint Leaf, uint Ebx, uint Ecx, uint Edx)
{
    /// <summary>The limits of <c>hospes-v3</c>.</summary>
    public static CpuIdLimit[] PortableModel { get; } =
    [
        // SSE3 PCLMULQDQ SSSE3 FMA CX16 PCID SSE4.1 SSE4.2 x2APIC MOVBE POPCNT TSC-deadline AES XSAVE OSXSAVE AVX F16C RDRAND hypervisor;
        // everything of EDX but the debug store, thermal control and what is reserved.
        new(1, uint.MaxValue, 0xFFFA_3203, 0x178B_FBFF),
        // FSGSBASE TSC_ADJUST BMI1 AVX2 SMEP BMI2 ERMS INVPCID RDSEED ADX SMAP CLFLUSHOPT CLWB SHA; UMIP PKU OSPKE RDPID; FSRM and the controls of speculation.
        new(7, 0x219C_07AB, 0x0040_001C, 0xAC00_0010),
        // LAHF LZCNT PREFETCHW; SYSCALL NX 1 GiB pages RDTSCP long mode.
        new(0x8000_0001, uint.MaxValue, 0x121, 0x2C10_0800),
    ];
}
