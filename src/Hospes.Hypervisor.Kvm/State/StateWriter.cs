using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm.State;

/// <summary>The whole architectural state into a vCPU.</summary>
internal static unsafe class StateWriter
{
    private const ulong Cr0Pe = 1, Cr0Et = 1 << 4, Cr0Pg = 1UL << 31, Cr4Pae = 1 << 5, EferLme = 1 << 8, EferLma = 1 << 10;

    /// <summary>Replaces the state, or answers <see cref="Status.InvalidArgs"/> and changes nothing.</summary>
    /// <exception cref="KvmFaultException">KVM refused a part of a state that is a processor's.</exception>
    public static Status Write(KvmVcpu vcpu, KvmGuest guest, VcpuState state)
    {
        ulong features = guest.Model.ExtendedFeatures(guest.Host);
        if (!IsValid(state, features)) return Status.InvalidArgs;
        KvmSpecialRegisters special = Special(state, vcpu);
        // What else makes no state of a processor is for KVM to say, and this comes first because it says it before it changes anything.
        if (vcpu.Control(KvmRequests.SetSpecialRegisters, &special) < 0) return Status.InvalidArgs;

        KvmExtendedControl control;
        new Span<byte>(&control, sizeof(KvmExtendedControl)).Clear();
        control.Count = 1;
        *(ulong*)(control.Registers + 8) = state.Xcr0;
        Set(vcpu, KvmRequests.SetExtendedControl, &control);

        byte* image = stackalloc byte[ExtendedImage.Size];
        ExtendedImage.In(state.ExtendedArea, features, new Span<byte>(image, ExtendedImage.Size));
        Set(vcpu, KvmRequests.SetExtendedArea, image);

        KvmRegisters registers;
        RegisterOrder.In(state, &registers);
        (registers.Rip, registers.Rflags) = (state.Rip, state.Rflags | 2);
        Set(vcpu, KvmRequests.SetRegisters, &registers);
        Debug(vcpu, state);
        if (state.LocalApic.AsSpan().ContainsAnyExcept((byte)0))
        {
            fixed (byte* page = state.LocalApic) Set(vcpu, KvmRequests.SetLocalApic, page);
        }
        Msrs(vcpu, state);
        Activity(vcpu, state);
        return Status.Ok;
    }

    private static bool IsValid(VcpuState state, ulong features)
    {
        bool paged = (state.Cr0 & Cr0Pg) != 0, longMode = (state.Efer & EferLma) != 0;
        if (state.Cr0 > uint.MaxValue || (paged && (state.Cr0 & Cr0Pe) == 0)) return false;
        if (longMode != (paged && (state.Efer & EferLme) != 0) || (longMode && (state.Cr4 & Cr4Pae) == 0)) return false;
        if ((state.Xcr0 & 1) == 0 || (state.Xcr0 & ~features) != 0) return false;
        if (longMode && (ulong)((long)(state.Rip << 16) >> 16) != state.Rip) return false;
        return state.Activity is >= VcpuActivity.Running and <= VcpuActivity.Shutdown && state.Cr8 <= 15;
    }

    private static KvmSpecialRegisters Special(VcpuState state, KvmVcpu vcpu)
    {
        KvmSpecialRegisters special = default;
        special.Es = Segments.In(state.Segments[0]);
        special.Cs = Segments.In(state.Segments[1]);
        special.Ss = Segments.In(state.Segments[2]);
        special.Ds = Segments.In(state.Segments[3]);
        special.Fs = Segments.In(state.Segments[4]);
        special.Gs = Segments.In(state.Segments[5]);
        special.Ldt = Segments.In(state.Ldtr);
        special.Tr = Segments.In(state.Tr);
        (special.Gdt.Base, special.Gdt.Limit, special.Idt.Base, special.Idt.Limit) = (state.GdtBase, state.GdtLimit, state.IdtBase, state.IdtLimit);
        (special.Cr0, special.Cr2, special.Cr3, special.Cr4, special.Cr8, special.Efer) = (state.Cr0 | Cr0Et, state.Cr2, state.Cr3, state.Cr4, state.Cr8, state.Efer);
        special.ApicBase = state.Msrs.TryGetValue(MsrList.ApicBase, out ulong given) || MsrList.TryRead(vcpu, MsrList.ApicBase, out given) ? given : 0;
        return special;
    }

    private static void Debug(KvmVcpu vcpu, VcpuState state)
    {
        KvmDebugRegisters debug = default;
        for (int i = 0; i < 4; i++) debug.Addresses[i] = state.Debug[i];
        // Reserved bits have their values whatever a state says (Intel SDM vol. 3, 18.2).
        debug.Dr6 = (state.Debug[4] & 0xE00F) | 0xFFFF0FF0;
        debug.Dr7 = (state.Debug[5] & 0xFFFF23FF) | 0x400;
        Set(vcpu, KvmRequests.SetDebugRegisters, &debug);
    }

    /// <summary>The counter comes first, because the deadline counts on it.</summary>
    private static void Msrs(KvmVcpu vcpu, VcpuState state)
    {
        // Writing the adjustment would move the counter; the base of the APIC is written with the special registers.
        IEnumerable<KeyValuePair<uint, ulong>> others = state.Msrs.Where(static pair => pair.Key is not (MsrList.ApicBase or MsrList.TscAdjust));
        MsrList.Write(vcpu, others.Prepend(new KeyValuePair<uint, ulong>(MsrList.TimeStamp, state.Tsc)));
    }

    private static void Activity(KvmVcpu vcpu, VcpuState state)
    {
        uint activity = state.Activity switch
        {
            VcpuActivity.Halted => ActivityNumbers.Halted,
            VcpuActivity.WaitForSipi => ActivityNumbers.InitReceived,
            VcpuActivity.Shutdown => ActivityNumbers.Uninitialized,
            _ => ActivityNumbers.Runnable,
        };
        Set(vcpu, KvmRequests.SetActivity, &activity);
        KvmEvents events = default;
        events.InterruptShadow = state.InterruptShadow ? KvmEvents.ShadowSti : (byte)0;
        events.NmiPending = state.NmiPending ? (byte)1 : (byte)0;
        events.NmiMasked = state.NmiBlocked ? (byte)1 : (byte)0;
        events.Flags = KvmEvents.ValidNmiPending | KvmEvents.ValidShadow;
        Set(vcpu, KvmRequests.SetEvents, &events);
    }

    private static void Set(KvmVcpu vcpu, uint request, void* from)
    {
        int result = vcpu.Control(request, from);
        if (result < 0) throw new KvmFaultException(request, -result);
    }
}
