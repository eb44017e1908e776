using Hospes.Hypervisor.Soft.Cpu;
using static Hospes.Hypervisor.Soft.Cpu.ControlRegisters;

namespace Hospes.Hypervisor.Soft.Interpret;

/// <summary>The whole architectural state between a vCPU and the contract's <see cref="VcpuState"/>.</summary>
internal static unsafe class StateTransfer
{
    private const uint Unusable = 1 << 16;

    /// <summary>MSRs that live in <see cref="CpuState"/> or the APIC but have no field of their own in the contract's state.</summary>
    private static readonly uint[] NamedMsrs =
    [
        MsrNumbers.ApicBase, MsrNumbers.SysenterCs, MsrNumbers.SysenterEsp, MsrNumbers.SysenterEip, MsrNumbers.Star, MsrNumbers.Lstar, MsrNumbers.Cstar,
        MsrNumbers.Fmask, MsrNumbers.KernelGsBase, MsrNumbers.TscAux, MsrNumbers.TscDeadline,
    ];

    /// <summary>Copies the state out.</summary>
    public static void Read(SoftVcpu vcpu, VcpuState state)
    {
        CpuState* s = vcpu.State;
        new Span<ulong>(s->General, 16).CopyTo(state.General);
        state.Rip = s->Rip;
        state.Rflags = Flags.Read(s);
        for (int i = 0; i < 6; i++) state.Segments[i] = Out(*CpuState.Segment(s, i));
        state.Ldtr = Out(s->Ldtr);
        state.Tr = Out(s->Tr);
        (state.GdtBase, state.GdtLimit, state.IdtBase, state.IdtLimit) = (s->GdtBase, s->GdtLimit, s->IdtBase, s->IdtLimit);
        (state.Cr0, state.Cr2, state.Cr3, state.Cr4, state.Efer, state.Xcr0) = (s->Cr0, s->Cr2, s->Cr3, s->Cr4, s->Efer, s->Xcr0);
        state.Cr8 = vcpu.Apic.TaskPriority >> 4;
        new Span<ulong>(s->Debug, 6).CopyTo(state.Debug);
        state.Msrs.Clear();
        foreach ((uint msr, ulong value) in vcpu.Msrs.Plain) state.Msrs[msr] = value;
        foreach (uint msr in NamedMsrs)
        {
            if (vcpu.Msrs.TryRead(msr, out ulong value)) state.Msrs[msr] = value;
        }
        ExtendedArea.Save(s, state.ExtendedArea);
        vcpu.Apic.Save(state.LocalApic);
        state.Tsc = vcpu.Msrs.TimeStamp;
        state.Activity = vcpu.Activity;
        state.InterruptShadow = s->InterruptShadow != Shadow.None;
        state.NmiPending = vcpu.HasNmi;
        state.NmiBlocked = vcpu.NmiBlocked;
    }

    /// <summary>Replaces the state, or answers <see cref="Status.InvalidArgs"/> and changes nothing.</summary>
    public static Status Write(SoftVcpu vcpu, VcpuState state)
    {
        if (!IsValid(vcpu, state)) return Status.InvalidArgs;
        CpuState* s = vcpu.State;
        state.General.CopyTo(new Span<ulong>(s->General, 16));
        s->Rip = state.Rip;
        Flags.Write(s, (uint)state.Rflags);
        for (int i = 0; i < 6; i++) *CpuState.Segment(s, i) = In(state.Segments[i]);
        s->Ldtr = In(state.Ldtr);
        s->Tr = In(state.Tr);
        (s->GdtBase, s->GdtLimit, s->IdtBase, s->IdtLimit) = (state.GdtBase, state.GdtLimit, state.IdtBase, state.IdtLimit);
        (s->Cr0, s->Cr2, s->Cr3, s->Cr4, s->Efer, s->Xcr0) = (state.Cr0 | Cr0Et, state.Cr2, state.Cr3, state.Cr4, state.Efer, state.Xcr0);
        state.Debug.CopyTo(new Span<ulong>(s->Debug, 6));
        s->Debug[4] = (s->Debug[4] & 0xE00F) | 0xFFFF0FF0;
        s->Debug[5] = (s->Debug[5] & 0xFFFF23FF) | 0x400;
        // The level is SS's, as on the processors that keep it there; real mode has level 0, virtual-8086 mode 3.
        s->Cpl = (byte)((s->Cr0 & Cr0Pe) == 0 ? 0 : (s->SystemFlags & Flags.Vm) != 0 ? 3 : s->Ss.Dpl);
        ulong apicBase = state.Msrs.TryGetValue(MsrNumbers.ApicBase, out ulong given) ? given : vcpu.Apic.Base;
        if (state.LocalApic.AsSpan().ContainsAnyExcept((byte)0)) vcpu.Apic.Load(state.LocalApic, apicBase);
        vcpu.Msrs.TimeStamp = state.Tsc;
        foreach ((uint msr, ulong value) in state.Msrs)
        {
            if (msr != MsrNumbers.ApicBase) vcpu.Msrs.TryWrite(msr, value);
        }
        ExtendedArea.Load(s, state.ExtendedArea);
        vcpu.Activity = state.Activity;
        s->InterruptShadow = state.InterruptShadow ? Shadow.Sti : Shadow.None;
        vcpu.HasNmi = state.NmiPending;
        vcpu.NmiBlocked = state.NmiBlocked;
        vcpu.PendingDebug = 0;
        vcpu.ForgetAccesses();
        vcpu.Mmu.Reload();
        ModeUpdate.All(s);
        vcpu.Post(CpuEvents.Interrupt | CpuEvents.Nmi | CpuEvents.BlockEnd);
        return Status.Ok;
    }

    private static bool IsValid(SoftVcpu vcpu, VcpuState state)
    {
        CpuModel model = vcpu.Guest.Model;
        bool paged = (state.Cr0 & Cr0Pg) != 0, longMode = (state.Efer & EferLma) != 0;
        if (state.Cr0 > uint.MaxValue || (paged && (state.Cr0 & Cr0Pe) == 0)) return false;
        if (longMode != (paged && (state.Efer & EferLme) != 0) || (longMode && (state.Cr4 & Cr4Pae) == 0)) return false;
        if ((state.Efer & ~(EferSce | EferLme | EferLma | EferNxe)) != 0 || (state.Cr4 & ~ControlWrites.SupportedCr4(model)) != 0) return false;
        if ((state.Xcr0 & 1) == 0 || (state.Xcr0 & ~CpuId.Supported(model)) != 0) return false;
        if (longMode && !Addresses.IsCanonical(state.Rip)) return false;
        return state.Activity is >= VcpuActivity.Running and <= VcpuActivity.Shutdown && state.Cr8 <= 15;
    }

    private static SegmentState Out(SegmentRegister r) => new()
    {
        Selector = r.Selector,
        Base = r.Base,
        Limit = r.Limit,
        Attributes = r.Attributes | (r.IsUsable ? 0 : Unusable),
    };

    private static SegmentRegister In(SegmentState state) => new()
    {
        Selector = state.Selector,
        Base = state.Base,
        Limit = state.Limit,
        Attributes = (ushort)((state.Attributes & Unusable) != 0 ? state.Attributes & 0x60 : state.Attributes & 0xF0FF),
    };
}
