using System.Buffers.Binary;
using System.Text;
using static Hospes.Hypervisor.Soft.Cpu.ControlRegisters;

namespace Hospes.Hypervisor.Soft.Cpu;

/// <summary>What CPUID answers (Intel SDM vol. 2A, "CPUID").</summary>
internal static unsafe class CpuId
{
    /// <summary>Family 6, model 143, stepping 8: a part late enough that systems apply no work-arounds for the errata of earlier ones.</summary>
    private const uint Signature = 0x000806F8;

    private const string Vendor = "GenuineIntel", Hypervisor = "HospesHospes";

    private const string Brand = "Hospes virtual processor (x86-64-v3)";

    /// <summary>Answers for a leaf and subleaf: EAX, EBX, ECX, EDX.</summary>
    public static (uint Eax, uint Ebx, uint Ecx, uint Edx) Query(SoftVcpu vcpu, uint leaf, uint subleaf)
    {
        CpuModel model = vcpu.Guest.Model;
        CpuState* s = vcpu.State;
        // A leaf beyond the highest basic one answers as the highest does (SDM).
        if (leaf is > 0x16 and < 0x4000_0000 || leaf > 0x8000_0008 || (leaf is > 0x4000_0000 and < 0x8000_0000)) leaf = 0x16;
        switch (leaf)
        {
            case 0:
                return (0x16, Word(Vendor, 0), Word(Vendor, 8), Word(Vendor, 4));
            case 1:
                return Leaf1(vcpu, model, s);
            case 2:
                // Descriptor 0xFF: leaf 4 has the caches.
                return (0x00FF_FF01, 0, 0, 0);
            case 4:
                return Cache(subleaf);
            case 6:
                // ARAT: the APIC timer never stops.
                return (1 << 2, 0, 0, 0);
            case 7:
                return subleaf == 0 ? Leaf7(model, s) : default;
            case 0xB:
                return Topology(vcpu, subleaf);
            case 0xD:
                return model.Has("xsave") ? SaveArea(s, subleaf) : default;
            case 0x15:
                return (1, (uint)(model.TscHz / model.CrystalHz), (uint)model.CrystalHz, 0);
            case 0x16:
                uint mhz = (uint)(model.TscHz / 1_000_000);
                return (mhz, mhz, 100, 0);
            case 0x4000_0000:
                return (0x4000_0000, Word(Hypervisor, 0), Word(Hypervisor, 4), Word(Hypervisor, 8));
            case 0x8000_0000:
                return (0x8000_0008, 0, 0, 0);
            case 0x8000_0001:
                // LAHF, LZCNT, PREFETCHW; SYSCALL, NX, 1 GiB pages, RDTSCP, long mode.
                return (0, 0, 1u | Bit(5, model.Has("lzcnt")) | 1 << 8,
                    1u << 11 | 1 << 20 | Bit(26, model.Has("pdpe1gb")) | Bit(27, model.Has("rdtscp")) | 1 << 29);
            case 0x8000_0002 or 0x8000_0003 or 0x8000_0004:
                int at = (int)(leaf - 0x8000_0002) * 16;
                return (Word(Brand, at), Word(Brand, at + 4), Word(Brand, at + 8), Word(Brand, at + 12));
            case 0x8000_0006:
                return (0, 0, 256u << 16 | 6 << 12 | 64, 0);
            case 0x8000_0007:
                // Invariant TSC.
                return (0, 0, 0, 1 << 8);
            case 0x8000_0008:
                return (Memory.PageWalk.PhysicalBits | 48u << 8, 0, 0, 0);
            default:
                return default;
        }
    }

    private static (uint Eax, uint Ebx, uint Ecx, uint Edx) Leaf1(SoftVcpu vcpu, CpuModel model, CpuState* s)
    {
        uint ecx = 1u | Bit(1, model.Has("pclmulqdq")) | 1 << 9 | Bit(12, model.Has("fma") && model.Has("avx")) | 1 << 13
            | Bit(17, model.Has("pcid")) | 1 << 19 | 1 << 20 | Bit(21, model.HasX2Apic) | Bit(22, model.Has("movbe")) | Bit(23, model.Has("popcnt"))
            | Bit(24, model.Has("tsc-deadline")) | Bit(25, model.Has("aes")) | Bit(26, model.Has("xsave"))
            | Bit(27, (s->Cr4 & Cr4Osxsave) != 0) | Bit(28, model.Has("avx") && model.Has("xsave"))
            | Bit(29, model.Has("f16c") && model.Has("avx")) | Bit(30, model.Has("rdrand")) | Bit(31, model.Has("hypervisor"));
        // FPU VME DE PSE TSC MSR PAE MCE CX8, SEP MTRR PGE MCA CMOV PAT PSE36, CLFSH, MMX FXSR SSE SSE2 SS HTT.
        uint edx = 0x1FFu | Bit(9, vcpu.Apic.IsEnabled) | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 15 | 1 << 16 | 1 << 17 | 1 << 19
            | 1 << 23 | 1 << 24 | 1 << 25 | 1 << 26 | 1 << 27 | Bit(28, vcpu.Guest.MaxVcpus > 1);
        return (Signature, (uint)vcpu.Id << 24 | (uint)vcpu.Guest.MaxVcpus << 16 | 8 << 8, ecx, edx);
    }

    private static (uint Eax, uint Ebx, uint Ecx, uint Edx) Leaf7(CpuModel model, CpuState* s)
    {
        uint ebx = Bit(0, model.Has("fsgsbase")) | 1 << 1 | Bit(3, model.Has("bmi1")) | Bit(5, model.Has("avx2") && model.Has("avx"))
            | Bit(7, model.Has("smep")) | Bit(8, model.Has("bmi2")) | 1 << 9 | Bit(10, model.Has("invpcid")) | Bit(18, model.Has("rdseed"))
            | Bit(19, model.Has("adx")) | Bit(20, model.Has("smap")) | 1 << 22 | 1 << 23 | 1 << 24 | Bit(29, model.Has("sha"));
        uint ecx = Bit(2, model.Has("umip")) | Bit(3, model.Has("pku")) | Bit(4, (s->Cr4 & Cr4Pke) != 0) | Bit(22, model.Has("rdpid"));
        // FSRM; IA32_SPEC_CTRL and IA32_PRED_CMD, STIBP, SSBD: nothing is speculated, so they need do nothing, and systems that find them
        // (with what IA32_ARCH_CAPABILITIES says) leave out costlier means.
        uint edx = 1u << 4 | 1 << 26 | 1 << 27 | 1 << 29 | 1u << 31;
        return (0, ebx, ecx, edx);
    }

    private static (uint Eax, uint Ebx, uint Ecx, uint Edx) Cache(uint index)
    {
        // Type, level, ways, sets: 32 KiB L1d and L1i, 256 KiB L2, 8 MiB L3; line 64.
        (uint type, uint level, uint ways, uint sets) = index switch
        {
            0 => (1u, 1u, 8u, 64u),
            1 => (2u, 1u, 8u, 64u),
            2 => (3u, 2u, 8u, 512u),
            3 => (3u, 3u, 16u, 8192u),
            _ => default,
        };
        return type == 0 ? default : (type | level << 5 | 1 << 8, 63 | (ways - 1) << 22, sets - 1, 0u);
    }

    private static (uint Eax, uint Ebx, uint Ecx, uint Edx) Topology(SoftVcpu vcpu, uint subleaf)
    {
        // One thread a core; as many cores as the guest may have, in one package.
        uint count = (uint)vcpu.Guest.MaxVcpus, id = (uint)vcpu.Id;
        uint shift = (uint)System.Numerics.BitOperations.Log2(System.Numerics.BitOperations.RoundUpToPowerOf2(count));
        return subleaf switch
        {
            0 => (0, 1, 0x100, id),
            1 => (shift, count, 0x201, id),
            _ => (0, 0, subleaf & 0xFF, id),
        };
    }

    private static (uint Eax, uint Ebx, uint Ecx, uint Edx) SaveArea(CpuState* s, uint subleaf)
    {
        uint supported = (uint)Supported(SoftVcpu.From(s).Guest.Model);
        switch (subleaf)
        {
            case 0:
                return (supported, Standard(s->Xcr0), Standard(supported), 0);
            case 1:
                // XSAVEOPT, XSAVEC, XGETBV with ECX = 1, XSAVES; no supervisor states.
                return (0xF, Compacted(s->Xcr0 | s->Xss), 0, 0);
            case 2 when (supported & Xcr0Avx) != 0:
                return (256, 576, 0, 0);
            case 9 when (supported & Xcr0Pkru) != 0:
                return (8, 2688, 0, 0);
            default:
                return default;
        }
    }

    /// <summary>The features that XCR0 may hold under a model.</summary>
    public static ulong Supported(CpuModel model) =>
        Xcr0X87 | Xcr0Sse | (model.Has("avx") ? Xcr0Avx : 0) | (model.Has("pku") ? Xcr0Pkru : 0);

    private static uint Standard(ulong features) => (features & Xcr0Pkru) != 0 ? 2696u : (features & Xcr0Avx) != 0 ? 832u : 576u;

    private static uint Compacted(ulong features) => 576u + ((features & Xcr0Avx) != 0 ? 256u : 0) + ((features & Xcr0Pkru) != 0 ? 8u : 0);

    private static uint Bit(int bit, bool set) => set ? 1u << bit : 0;

    private static uint Word(string text, int at)
    {
        Span<byte> bytes = stackalloc byte[4];
        if (at < text.Length) Encoding.ASCII.GetBytes(text.AsSpan(at, Math.Min(4, text.Length - at)), bytes);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }
}
