using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Floating;
using Hospes.Hypervisor.Soft.Memory;
using static Hospes.Hypervisor.Soft.Cpu.ControlRegisters;

namespace Hospes.Hypervisor.Soft.Interpret.X87;

/// <summary>
/// The XSAVE feature set (SDM vol. 1, chapter 13) for the components x87, SSE, AVX and PKRU. IA32_XSS holds no component.
/// XSAVEOPT, XSAVEC and XSAVES leave out components in their initial configuration; the modified optimization, which
/// is optional, is not done.
/// </summary>
internal static unsafe class XsaveOps
{
    private const ulong Alignment = 64;
    private const int Rax = 0, Rcx = 1, Rdx = 2;

    public static void Xsave(CpuState* s, Op* op) => SaveStandard(s, op, wide: false, skipInitial: false);

    public static void Xsave64(CpuState* s, Op* op) => SaveStandard(s, op, wide: true, skipInitial: false);

    public static void Xsaveopt(CpuState* s, Op* op) => SaveStandard(s, op, wide: false, skipInitial: true);

    public static void Xsaveopt64(CpuState* s, Op* op) => SaveStandard(s, op, wide: true, skipInitial: true);

    public static void Xsavec(CpuState* s, Op* op) => SaveCompacted(s, op, wide: false, Begin(s, op, supervisor: false, write: true));

    public static void Xsavec64(CpuState* s, Op* op) => SaveCompacted(s, op, wide: true, Begin(s, op, supervisor: false, write: true));

    public static void Xsaves(CpuState* s, Op* op) => SaveCompacted(s, op, wide: false, Begin(s, op, supervisor: true, write: true));

    public static void Xsaves64(CpuState* s, Op* op) => SaveCompacted(s, op, wide: true, Begin(s, op, supervisor: true, write: true));

    public static void Xrstor(CpuState* s, Op* op) => Restore(s, op, wide: false, supervisor: false);

    public static void Xrstor64(CpuState* s, Op* op) => Restore(s, op, wide: true, supervisor: false);

    public static void Xrstors(CpuState* s, Op* op) => Restore(s, op, wide: false, supervisor: true);

    public static void Xrstors64(CpuState* s, Op* op) => Restore(s, op, wide: true, supervisor: true);

    public static void Xgetbv(CpuState* s, Op* op)
    {
        if ((s->Cr4 & Cr4Osxsave) == 0)
            Fault.InvalidOpcode(s);
        ulong value = (uint)s->General[Rcx] switch
        {
            0 => s->Xcr0,
            1 => s->Xcr0 & SaveArea.InUse(s),
            _ => ulong.MaxValue,
        };
        if (value == ulong.MaxValue)
            Fault.GeneralProtection(s);
        s->General[Rax] = (uint)value;
        s->General[Rdx] = value >> 32;
    }

    public static void Xsetbv(CpuState* s, Op* op)
    {
        if ((s->Cr4 & Cr4Osxsave) == 0)
            Fault.InvalidOpcode(s);
        if (s->Cpl != 0 || (uint)s->General[Rcx] != 0 || !ControlWrites.TryXcr0(SoftVcpu.From(s), Pair(s)))
            Fault.GeneralProtection(s);
    }

    private static ulong Pair(CpuState* s) => (uint)s->General[Rax] | s->General[Rdx] << 32;

    /// <summary>The checks that all of them share; answers the area's linear address.</summary>
    private static ulong Begin(CpuState* s, Op* op, bool supervisor, bool write)
    {
        if ((s->Cr4 & Cr4Osxsave) == 0)
            Fault.InvalidOpcode(s);
        if ((s->Cr0 & Cr0Ts) != 0)
            Fault.Raise(s, Vector.DeviceNotAvailable, 0);
        if (supervisor && s->Cpl != 0)
            Fault.GeneralProtection(s);
        ulong area = Mem.Address(s, op);
        if ((area & (Alignment - 1)) != 0)
            Fault.GeneralProtection(s);
        FpuMemory.Touch(s, area, write);
        return area;
    }

    private static void SaveStandard(CpuState* s, Op* op, bool wide, bool skipInitial)
    {
        ulong area = Begin(s, op, supervisor: false, write: true);
        ulong requested = Pair(s) & s->Xcr0;
        ulong used = SaveArea.InUse(s);
        ulong written = skipInitial ? requested & used : requested;
        ulong header = SaveArea.At(s, area, SaveLayout.Header);
        FpuMemory.Touch(s, SaveArea.At(s, area, EndOf(written, requested) - 1), write: true);
        ulong old = Mem.Read<ulong>(s, header);
        if ((written & SaveLayout.X87Component) != 0)
            SaveArea.SaveX87(s, area, wide);

        // MXCSR belongs to SSE and AVX alike and is written even when neither's registers are.
        if ((requested & (SaveLayout.SseComponent | SaveLayout.AvxComponent)) != 0)
            SaveArea.SaveMxcsr(s, area);
        if ((written & SaveLayout.SseComponent) != 0)
            SaveArea.SaveVectors(s, area);
        if ((written & SaveLayout.AvxComponent) != 0)
            SaveArea.SaveAvx(s, area, SaveLayout.Extended);
        if ((written & SaveLayout.ProtectionKeysComponent) != 0)
            SaveArea.SaveProtectionKeys(s, area, SaveLayout.ProtectionKeys);
        Mem.Write(s, header, (old & ~requested) | (requested & used));
    }

    private static void SaveCompacted(CpuState* s, Op* op, bool wide, ulong area)
    {
        ulong requested = Pair(s) & s->Xcr0;
        ulong used = SaveArea.InUse(s);
        if (s->Mxcsr != FloatStatus.DefaultMxcsr)
            used |= SaveLayout.SseComponent;
        ulong written = requested & used;
        FpuMemory.Touch(s, SaveArea.At(s, area, CompactedEnd(requested) - 1), write: true);
        if ((written & SaveLayout.X87Component) != 0)
            SaveArea.SaveX87(s, area, wide);
        if ((written & SaveLayout.SseComponent) != 0)
        {
            SaveArea.SaveMxcsr(s, area);
            SaveArea.SaveVectors(s, area);
        }

        if ((written & SaveLayout.AvxComponent) != 0)
            SaveArea.SaveAvx(s, area, SaveLayout.Extended);
        if ((written & SaveLayout.ProtectionKeysComponent) != 0)
            SaveArea.SaveProtectionKeys(s, area, CompactedKeys(requested));
        ulong header = SaveArea.At(s, area, SaveLayout.Header);
        Mem.Write(s, header, written);
        Mem.Write(s, header + SaveLayout.CompactMap, requested | SaveLayout.CompactFormat);
    }

    private static void Restore(CpuState* s, Op* op, bool wide, bool supervisor)
    {
        ulong area = Begin(s, op, supervisor, write: false);
        byte* header = stackalloc byte[SaveLayout.HeaderBytes];
        FpuMemory.Read(s, SaveArea.At(s, area, SaveLayout.Header), header, SaveLayout.HeaderBytes, sizeof(ulong));
        ulong present = *(ulong*)header;
        ulong map = *(ulong*)(header + SaveLayout.CompactMap);
        bool compacted = (map & SaveLayout.CompactFormat) != 0;
        if (!HeaderIsValid(s, header, present, map, supervisor))
            Fault.GeneralProtection(s);

        ulong requested = Pair(s) & s->Xcr0;
        ulong loaded = requested & present;

        // Everything is read, and checked, before anything changes.
        byte* image = stackalloc byte[SaveLayout.LegacyUsed];
        byte* avx = stackalloc byte[SaveLayout.AvxBytes];
        const ulong vectors = SaveLayout.SseComponent | SaveLayout.AvxComponent;
        bool takesMxcsr = compacted ? (loaded & SaveLayout.SseComponent) != 0 : (requested & vectors) != 0;
        bool takesLegacy = (loaded & (SaveLayout.X87Component | SaveLayout.SseComponent)) != 0 || takesMxcsr;
        if (takesLegacy)
            FpuMemory.Read(s, area, image, SaveLayout.LegacyUsed, sizeof(ulong));
        uint mxcsr = takesMxcsr ? *(uint*)(image + SaveLayout.Mxcsr) : FloatStatus.DefaultMxcsr;
        FxsaveOps.CheckMxcsr(s, mxcsr);
        if ((loaded & SaveLayout.AvxComponent) != 0)
            FpuMemory.Read(s, SaveArea.At(s, area, SaveLayout.Extended), avx, SaveLayout.AvxBytes, sizeof(ulong));
        int keysOffset = compacted ? CompactedKeys(map) : SaveLayout.ProtectionKeys;
        uint keys = (loaded & SaveLayout.ProtectionKeysComponent) != 0 ? Mem.Read<uint>(s, SaveArea.At(s, area, keysOffset)) : 0;

        if ((loaded & SaveLayout.X87Component) != 0)
            SaveArea.TakeX87(s, image, wide);
        else if ((requested & SaveLayout.X87Component) != 0)
            SaveArea.InitializeX87(s);
        if (takesMxcsr || (compacted && (requested & SaveLayout.SseComponent) != 0))
            s->Mxcsr = mxcsr;
        if ((loaded & SaveLayout.SseComponent) != 0)
            SaveArea.TakeVectors(s, image + SaveLayout.Vectors);
        else if ((requested & SaveLayout.SseComponent) != 0)
            SaveArea.InitializeVectors(s);
        if ((loaded & SaveLayout.AvxComponent) != 0)
            SaveArea.TakeAvx(s, avx);
        else if ((requested & SaveLayout.AvxComponent) != 0)
            SaveArea.InitializeAvx(s);
        if ((requested & SaveLayout.ProtectionKeysComponent) != 0)
            SaveArea.SetProtectionKeys(s, keys);
    }

    /// <summary>The header's rules (SDM vol. 1, 13.8 and 13.12): reserved bytes zero, and no component that is not enabled.</summary>
    private static bool HeaderIsValid(CpuState* s, byte* header, ulong present, ulong map, bool supervisor)
    {
        if ((map & SaveLayout.CompactFormat) == 0)
            return !supervisor && map == 0 && *(ulong*)(header + 16) == 0 && (present & ~s->Xcr0) == 0;
        ulong components = map & ~SaveLayout.CompactFormat;
        for (int at = 16; at < SaveLayout.HeaderBytes; at += sizeof(ulong))
        {
            if (*(ulong*)(header + at) != 0)
                return false;
        }

        return (components & ~s->Xcr0) == 0 && (present & ~components) == 0;
    }

    /// <summary>Where the compacted format has PKRU: behind AVX when that takes part.</summary>
    private static int CompactedKeys(ulong map) =>
        SaveLayout.Extended + ((map & SaveLayout.AvxComponent) != 0 ? SaveLayout.AvxBytes : 0);

    private static int CompactedEnd(ulong map) =>
        CompactedKeys(map) + ((map & SaveLayout.ProtectionKeysComponent) != 0 ? SaveLayout.ProtectionKeysBytes : 0);

    private static int EndOf(ulong written, ulong requested)
    {
        if ((written & SaveLayout.ProtectionKeysComponent) != 0)
            return SaveLayout.ProtectionKeys + SaveLayout.ProtectionKeysBytes;
        return (requested & SaveLayout.AvxComponent) != 0 ? SaveLayout.Extended + SaveLayout.AvxBytes : SaveLayout.Extended;
    }
}
