using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using static Hospes.Hypervisor.Soft.Cpu.ControlRegisters;

namespace Hospes.Hypervisor.Soft.Interpret.X87;

/// <summary>FXSAVE, FXRSTOR, LDMXCSR and STMXCSR.</summary>
internal static unsafe class FxsaveOps
{
    private const ulong Alignment = 16;

    public static void Fxsave(CpuState* s, Op* op) => Save(s, op, wide: false);

    public static void Fxsave64(CpuState* s, Op* op) => Save(s, op, wide: true);

    public static void Fxrstor(CpuState* s, Op* op) => Restore(s, op, wide: false);

    public static void Fxrstor64(CpuState* s, Op* op) => Restore(s, op, wide: true);

    public static void Ldmxcsr(CpuState* s, Op* op)
    {
        uint value = Mem.Read<uint>(s, Mem.Address(s, op));
        CheckMxcsr(s, value);
        s->Mxcsr = value;
    }

    public static void Stmxcsr(CpuState* s, Op* op) => Mem.Write(s, Mem.Address(s, op), s->Mxcsr);

    /// <summary>#GP for bits of MXCSR that do not exist.</summary>
    public static void CheckMxcsr(CpuState* s, uint value)
    {
        if ((value & ~SaveLayout.MxcsrBits) != 0)
            Fault.GeneralProtection(s);
    }

    private static ulong Begin(CpuState* s, Op* op)
    {
        if ((s->Cr0 & (Cr0Em | Cr0Ts)) != 0)
            Fault.Raise(s, Vector.DeviceNotAvailable, 0);
        ulong area = Mem.Address(s, op);
        if ((area & (Alignment - 1)) != 0)
            Fault.GeneralProtection(s);
        return area;
    }

    private static void Save(CpuState* s, Op* op, bool wide)
    {
        ulong area = Begin(s, op);
        FpuMemory.Check(s, area, SaveLayout.LegacyUsed, write: true);
        SaveArea.SaveX87(s, area, wide);
        SaveArea.SaveMxcsr(s, area);
        SaveArea.SaveVectors(s, area);
    }

    private static void Restore(CpuState* s, Op* op, bool wide)
    {
        ulong area = Begin(s, op);
        byte* image = stackalloc byte[SaveLayout.LegacyUsed];
        FpuMemory.Read(s, area, image, SaveLayout.LegacyUsed);
        uint mxcsr = *(uint*)(image + SaveLayout.Mxcsr);
        CheckMxcsr(s, mxcsr);
        SaveArea.TakeX87(s, image, wide);
        s->Mxcsr = mxcsr;
        SaveArea.TakeVectors(s, image + SaveLayout.Vectors);
    }
}
