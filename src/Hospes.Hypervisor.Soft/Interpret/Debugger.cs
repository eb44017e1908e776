using Hospes.Hypervisor.Soft.Cpu;

namespace Hospes.Hypervisor.Soft.Interpret;

/// <summary>Single-stepping and breakpoints by the debug registers (Intel SDM vol. 3, chapter 18).</summary>
internal static unsafe class Debugger
{
    private const ulong SingleStep = 1 << 14, Detected = 1 << 13, GeneralDetectEnable = 1 << 13;
    private const int Dr6 = 4, Dr7 = 5;

    /// <summary>Looks for an instruction breakpoint at RIP. Answers false when one was delivered.</summary>
    public static bool BeforeInstruction(SoftVcpu vcpu)
    {
        CpuState* s = vcpu.State;
        if ((s->Mode & Mode.Breakpoints) == 0 || (s->SystemFlags & Flags.Rf) != 0 || s->InterruptShadow == Shadow.MovSs) return true;
        ulong linear = (s->Mode & Mode.Code64) != 0 ? s->Rip : (uint)(s->Cs.Base + s->Rip);
        ulong hits = 0;
        for (int i = 0; i < 4; i++)
        {
            if (IsEnabled(s, i) && Kind(s, i) == 0 && s->Debug[i] == linear) hits |= 1UL << i;
        }
        if (hits == 0) return true;
        Report(vcpu, hits);
        Interrupts.Delivery.Fault(vcpu, Vector.Debug, 0);
        return false;
    }

    /// <summary>After an instruction under stepping: a trap for TF as it was before, and for data breakpoints that were hit.</summary>
    public static void AfterInstruction(SoftVcpu vcpu, bool trap)
    {
        CpuState* s = vcpu.State;
        if (vcpu.TakeSuppression()) trap = false;
        // MOV SS drops the single-step trap behind it; data breakpoints wait (SDM vol. 3, 6.8.3).
        if (trap && s->InterruptShadow != Shadow.MovSs) vcpu.PendingDebug |= SingleStep;
        if (vcpu.PendingDebug != 0) vcpu.LookAfterBlock();
    }

    /// <summary>Notes data breakpoints that an access touches; they trap after the instruction.</summary>
    public static void Accessed(SoftVcpu vcpu, ulong linear, int size, bool write)
    {
        CpuState* s = vcpu.State;
        for (int i = 0; i < 4; i++)
        {
            int kind = Kind(s, i);
            if (!IsEnabled(s, i) || kind is 0 or 2 || (kind == 1 && !write)) continue;
            ulong length = Length(s, i);
            ulong from = s->Debug[i] & ~(length - 1);
            if (linear < from + length && from < linear + (ulong)size) vcpu.PendingDebug |= 1UL << i;
        }
    }

    /// <summary>Whether any data breakpoint is armed, so that every access must be looked at.</summary>
    public static bool WatchesData(CpuState* s)
    {
        for (int i = 0; i < 4; i++)
        {
            if (IsEnabled(s, i) && (Kind(s, i) & 1) != 0) return true;
        }
        return false;
    }

    /// <summary>A debug register was touched while DR7.GD is set.</summary>
    public static void GeneralDetect(SoftVcpu vcpu)
    {
        CpuState* s = vcpu.State;
        s->Debug[Dr6] = (s->Debug[Dr6] & ~0xFUL) | Detected;
        s->Debug[Dr7] &= ~GeneralDetectEnable;
        Fault.Raise(s, Vector.Debug, 0);
    }

    /// <summary>Writes the reasons to DR6: B0-B3 are replaced, the others are added.</summary>
    public static void Report(SoftVcpu vcpu, ulong reasons)
    {
        CpuState* s = vcpu.State;
        s->Debug[Dr6] = (s->Debug[Dr6] & ~0xFUL) | reasons;
        s->Debug[Dr7] &= ~GeneralDetectEnable;
    }

    private static bool IsEnabled(CpuState* s, int i) => (s->Debug[Dr7] >> (i * 2) & 3) != 0;

    private static int Kind(CpuState* s, int i) => (int)(s->Debug[Dr7] >> (16 + i * 4)) & 3;

    private static ulong Length(CpuState* s, int i) => ((int)(s->Debug[Dr7] >> (18 + i * 4)) & 3) switch { 0 => 1, 1 => 2, 2 => 8, _ => 4 };
}
