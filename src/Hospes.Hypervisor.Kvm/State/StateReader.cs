using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm.State;

/// <summary>The whole architectural state out of a vCPU.</summary>
internal static unsafe class StateReader
{
    private const int InService = 0x100, Request = 0x200;

    /// <summary>Copies the state out.</summary>
    /// <exception cref="KvmFaultException">KVM refused to tell.</exception>
    public static void Read(KvmVcpu vcpu, KvmGuest guest, VcpuState state)
    {
        KvmRegisters registers;
        Get(vcpu, KvmRequests.GetRegisters, &registers);
        RegisterOrder.Out(&registers, state);
        state.Rflags = registers.Rflags;
        state.Rip = registers.Rip;

        KvmSpecialRegisters special;
        Get(vcpu, KvmRequests.GetSpecialRegisters, &special);
        Special(special, state);

        KvmDebugRegisters debug;
        Get(vcpu, KvmRequests.GetDebugRegisters, &debug);
        for (int i = 0; i < 4; i++) state.Debug[i] = debug.Addresses[i];
        (state.Debug[4], state.Debug[5]) = (debug.Dr6, debug.Dr7);

        KvmExtendedControl control;
        Get(vcpu, KvmRequests.GetExtendedControl, &control);
        // The first register is XCR0 (its number at 0, its value at 8), and there is no other.
        state.Xcr0 = control.Count > 0 ? *(ulong*)(control.Registers + 8) : 1;

        byte* image = stackalloc byte[ExtendedImage.Size];
        Get(vcpu, KvmRequests.GetExtendedArea, image);
        ExtendedImage.Out(new ReadOnlySpan<byte>(image, ExtendedImage.Size), state.ExtendedArea);

        fixed (byte* page = state.LocalApic) Get(vcpu, KvmRequests.GetLocalApic, page);
        state.Msrs.Clear();
        guest.Msrs.Read(vcpu, state.Msrs);
        state.Tsc = MsrList.TryRead(vcpu, MsrList.TimeStamp, out ulong tsc) ? tsc : 0;
        Activity(vcpu, state);
    }

    private static void Special(in KvmSpecialRegisters special, VcpuState state)
    {
        state.Segments[0] = Segments.Out(special.Es);
        state.Segments[1] = Segments.Out(special.Cs);
        state.Segments[2] = Segments.Out(special.Ss);
        state.Segments[3] = Segments.Out(special.Ds);
        state.Segments[4] = Segments.Out(special.Fs);
        state.Segments[5] = Segments.Out(special.Gs);
        state.Ldtr = Segments.Out(special.Ldt);
        state.Tr = Segments.Out(special.Tr);
        (state.GdtBase, state.GdtLimit, state.IdtBase, state.IdtLimit) = (special.Gdt.Base, special.Gdt.Limit, special.Idt.Base, special.Idt.Limit);
        (state.Cr0, state.Cr2, state.Cr3, state.Cr4, state.Cr8, state.Efer) = (special.Cr0, special.Cr2, special.Cr3, special.Cr4, special.Cr8, special.Efer);
    }

    private static void Activity(KvmVcpu vcpu, VcpuState state)
    {
        uint activity;
        Get(vcpu, KvmRequests.GetActivity, &activity);
        state.Activity = activity switch
        {
            ActivityNumbers.Halted => VcpuActivity.Halted,
            ActivityNumbers.Uninitialized when vcpu.IsShutDown => VcpuActivity.Shutdown,
            ActivityNumbers.Uninitialized or ActivityNumbers.InitReceived => VcpuActivity.WaitForSipi,
            _ => VcpuActivity.Running,
        };
        KvmEvents events;
        Get(vcpu, KvmRequests.GetEvents, &events);
        state.InterruptShadow = events.InterruptShadow != 0;
        state.NmiPending = events.NmiPending != 0 || events.NmiInjected != 0;
        state.NmiBlocked = events.NmiMasked != 0 && events.NmiInjected == 0;
        if (events.InterruptInjected != 0 && events.InterruptSoft == 0) PutBack(state.LocalApic, events.InterruptNumber);
    }

    /// <summary>
    /// An interrupt that is in service but whose delivery was cut short by the exit: the contract's state knows no such thing, so it is
    /// requested again, as it was before it was taken.
    /// </summary>
    private static void PutBack(Span<byte> page, byte vector)
    {
        int register = vector / 32 * 16, bit = vector % 32;
        Span<byte> service = page[(InService + register)..], request = page[(Request + register)..];
        uint old = BitConverter.ToUInt32(service);
        if ((old >> bit & 1) == 0) return;
        BitConverter.TryWriteBytes(service, old & ~(1u << bit));
        BitConverter.TryWriteBytes(request, BitConverter.ToUInt32(request) | 1u << bit);
    }

    private static void Get(KvmVcpu vcpu, uint request, void* into)
    {
        int result = vcpu.Control(request, into);
        if (result < 0) throw new KvmFaultException(request, -result);
    }
}
