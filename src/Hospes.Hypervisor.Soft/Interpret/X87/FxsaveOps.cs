using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using static Hospes.Hypervisor.Soft.Cpu.ControlRegisters;

namespace Hospes.Hypervisor.Soft.Interpret.X87;

/// <summary>FXSAVE, FXRSTOR, LDMXCSR and STMXCSR.</summary>
internal static unsafe class FxsaveOps
{
    private const ulong Alignment = 16;

    /// <summary>Operands aligned to this are never answered with #AC, only with #GP.</summary>
    private const ulong AlignmentCheck = 4;

    private const int AreaBytes = 512;

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

    private static ulong Begin(CpuState* s, Op* op, bool write)
    {
        if ((s->Cr0 & (Cr0Em | Cr0Ts)) != 0)
            Fault.Raise(s, Vector.DeviceNotAvailable, 0);
        ulong area = Mem.Address(s, op);
        FpuMemory.CheckCanonical(s, op, area);
        if ((area & (Alignment - 1)) != 0)
        {
            if ((area & (AlignmentCheck - 1)) != 0 && FpuMemory.ChecksAlignment(s))
                Fault.Raise(s, Vector.AlignmentCheck, 0);
            Fault.GeneralProtection(s);
        }

        // The whole area must be accessible, its last byte first, though not all of it is used.
        FpuMemory.Touch(s, FpuMemory.Next(s, area, AreaBytes - 1), write);
        FpuMemory.Touch(s, area, write);
        return area;
    }

    private static void Save(CpuState* s, Op* op, bool wide)
    {
        ulong area = Begin(s, op, write: true);
        SaveArea.SaveX87(s, area, wide);
        SaveArea.SaveMxcsr(s, area);
        SaveArea.SaveVectors(s, area);
    }

    private static void Restore(CpuState* s, Op* op, bool wide)
    {
        ulong area = Begin(s, op, write: false);
        byte* image = stackalloc byte[SaveLayout.LegacyUsed];
        FpuMemory.Read(s, area, image, SaveLayout.LegacyUsed, sizeof(ulong));
        uint mxcsr = *(uint*)(image + SaveLayout.Mxcsr);
        CheckMxcsr(s, mxcsr);
        SaveArea.TakeX87(s, image, wide);
        s->Mxcsr = mxcsr;
        SaveArea.TakeVectors(s, image + SaveLayout.Vectors);
    }
}
