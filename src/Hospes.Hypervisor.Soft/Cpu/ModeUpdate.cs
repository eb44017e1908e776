using Hospes.Hypervisor.Soft.Interpret;
using static Hospes.Hypervisor.Soft.Cpu.ControlRegisters;

namespace Hospes.Hypervisor.Soft.Cpu;

/// <summary>Keeps what is derived from control registers, segments and flags in step: the decode mode, the TLB in use, the events to look at.</summary>
internal static unsafe class ModeUpdate
{
    /// <summary>To be called after RFLAGS was written with anything but the arithmetic flags and DF.</summary>
    public static void AfterFlags(CpuState* s, uint oldSystemFlags)
    {
        uint changed = oldSystemFlags ^ s->SystemFlags;
        if ((changed & (Flags.Tf | Flags.Vm | Flags.Ac)) != 0) All(s);
        // An interrupt may have waited for IF; RF asks for one instruction without instruction breakpoints.
        uint set = changed & s->SystemFlags;
        if ((set & Flags.Rf) != 0 || ((set & Flags.If) != 0 && s->InterruptWaiting != 0)) SoftVcpu.From(s).Post(CpuEvents.Interrupt);
    }

    /// <summary>To be called after a change of CR0, CR4, EFER, XCR0, a segment register, CPL, TF, VM or DR7.</summary>
    public static void All(CpuState* s)
    {
        SoftVcpu vcpu = SoftVcpu.From(s);
        Mode mode = Compute(s, vcpu.Debug);
        bool stepping = (mode & (Mode.SingleStep | Mode.Breakpoints | Mode.Traced)) != 0;
        s->Mode = mode;
        vcpu.Mmu.SelectTlb();
        if (stepping) Interlocked.Or(ref s->Events, CpuEvents.Stepping);
        else if ((Volatile.Read(ref s->Events) & CpuEvents.Stepping) != 0) Interlocked.And(ref s->Events, ~CpuEvents.Stepping);
    }

    /// <summary>With whose rights instructions of a mode access memory.</summary>
    public static Memory.Privilege PrivilegeOf(Mode mode) =>
        (mode & Mode.User) != 0 ? Memory.Privilege.User : (mode & Mode.Open) != 0 ? Memory.Privilege.SupervisorOpen : Memory.Privilege.Supervisor;

    /// <summary>Whether misaligned operands raise #AC (SDM vol. 3, 6.15).</summary>
    public static bool ChecksAlignment(CpuState* s) => s->Cpl == 3 && (s->SystemFlags & Flags.Ac) != 0 && (s->Cr0 & Cr0Am) != 0;

    private static Mode Compute(CpuState* s, DebugSettings? debug)
    {
        Mode mode = Mode.None;
        if ((s->Cr0 & Cr0Pe) != 0) mode |= Mode.Protected;
        if ((s->SystemFlags & Flags.Vm) != 0) mode |= Mode.Virtual8086;
        bool longMode = (s->Efer & EferLma) != 0 && (s->Cs.Attributes & SegmentRegister.Long) != 0;
        if (longMode) mode |= Mode.Code64;
        else if ((s->Cs.Attributes & SegmentRegister.Big) != 0) mode |= Mode.Code32;
        if (s->Cpl == 3) mode |= Mode.User;
        if ((s->SystemFlags & Flags.Tf) != 0) mode |= Mode.SingleStep;
        if ((s->Cr0 & Cr0Em) != 0) mode |= Mode.Emulate;
        if ((s->Cr0 & Cr0Ts) != 0) mode |= Mode.TaskSwitched;
        if ((s->Cr4 & Cr4Osfxsr) != 0) mode |= Mode.SseEnabled;
        if ((s->Cr4 & Cr4Osxsave) != 0 && (s->Xcr0 & (Xcr0Sse | Xcr0Avx)) == (Xcr0Sse | Xcr0Avx)) mode |= Mode.AvxEnabled;
        // 64-bit code has neither the one nor the other; one mode for it whatever the data segments hold.
        if (!longMode && (s->Ss.Attributes & SegmentRegister.Big) != 0) mode |= Mode.Stack32;
        if (!longMode && IsFlat(&s->Ds) && IsFlat(&s->Es) && IsFlat(&s->Ss)) mode |= Mode.Flat;
        // L0-L3 and G0-G3 of DR7.
        if ((s->Debug[5] & 0xFF) != 0) mode |= Mode.Breakpoints;
        if (s->Cpl != 3 && ((s->SystemFlags & Flags.Ac) != 0 || (s->Cr4 & Cr4Smap) == 0)) mode |= Mode.Open;
        if (debug is not null) mode |= Mode.Debugged;
        if (debug is { SingleStep: true } or { Watchpoints.Count: > 0 }) mode |= Mode.Traced;
        if (debug is { Watchpoints.Count: > 0 } || ChecksAlignment(s) || ((mode & Mode.Breakpoints) != 0 && Debugger.WatchesData(s))) mode |= Mode.Inspected;
        return mode;
    }

    private static bool IsFlat(SegmentRegister* segment) =>
        segment->Base == 0 && segment->Limit == uint.MaxValue
        && (segment->Attributes & (SegmentRegister.Present | SegmentRegister.Code | SegmentRegister.ExpandDown | SegmentRegister.Writable))
            == (SegmentRegister.Present | SegmentRegister.Writable);
}
