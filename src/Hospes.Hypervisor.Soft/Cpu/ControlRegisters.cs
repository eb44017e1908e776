namespace Hospes.Hypervisor.Soft.Cpu;

/// <summary>Bits of the control registers and of IA32_EFER (Intel SDM vol. 3, 2.5 and 2.2.1).</summary>
internal static class ControlRegisters
{
    public const ulong Cr0Pe = 1, Cr0Mp = 2, Cr0Em = 4, Cr0Ts = 8, Cr0Et = 0x10, Cr0Ne = 0x20, Cr0Wp = 1UL << 16, Cr0Am = 1UL << 18,
        Cr0Nw = 1UL << 29, Cr0Cd = 1UL << 30, Cr0Pg = 1UL << 31;

    public const ulong Cr4Vme = 1, Cr4Pvi = 2, Cr4Tsd = 4, Cr4De = 8, Cr4Pse = 0x10, Cr4Pae = 0x20, Cr4Mce = 0x40, Cr4Pge = 0x80, Cr4Pce = 0x100,
        Cr4Osfxsr = 0x200, Cr4Osxmmexcpt = 0x400, Cr4Umip = 0x800, Cr4Fsgsbase = 1UL << 16, Cr4Pcide = 1UL << 17, Cr4Osxsave = 1UL << 18,
        Cr4Smep = 1UL << 20, Cr4Smap = 1UL << 21, Cr4Pke = 1UL << 22;

    public const ulong EferSce = 1, EferLme = 1 << 8, EferLma = 1 << 10, EferNxe = 1 << 11;

    /// <summary>Extended features that XCR0 can hold here: x87, SSE, AVX, PKRU.</summary>
    public const ulong Xcr0X87 = 1, Xcr0Sse = 2, Xcr0Avx = 4, Xcr0Pkru = 1 << 9, Xcr0Supported = Xcr0X87 | Xcr0Sse | Xcr0Avx | Xcr0Pkru;
}
