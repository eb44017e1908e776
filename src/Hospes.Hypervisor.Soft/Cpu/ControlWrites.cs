using static Hospes.Hypervisor.Soft.Cpu.ControlRegisters;

namespace Hospes.Hypervisor.Soft.Cpu;

/// <summary>Writes to CR0, CR3, CR4, EFER and XCR0 with the checks of the SDM (vol. 3, 2.5; vol. 1, 13.3). False means #GP(0) and nothing changed.</summary>
internal static unsafe class ControlWrites
{
    public static bool TryCr0(SoftVcpu vcpu, ulong value)
    {
        CpuState* s = vcpu.State;
        if (value > uint.MaxValue) return false;
        value = (value & (Cr0Pe | Cr0Mp | Cr0Em | Cr0Ts | Cr0Ne | Cr0Wp | Cr0Am | Cr0Nw | Cr0Cd | Cr0Pg)) | Cr0Et;
        if ((value & Cr0Pg) != 0 && (value & Cr0Pe) == 0) return false;
        if ((value & Cr0Nw) != 0 && (value & Cr0Cd) == 0) return false;
        bool paging = (value & Cr0Pg) != 0, was = (s->Cr0 & Cr0Pg) != 0;
        ulong efer = s->Efer;
        if (paging && !was && (efer & EferLme) != 0)
        {
            if ((s->Cr4 & Cr4Pae) == 0 || (s->Cs.Attributes & SegmentRegister.Long) != 0) return false;
            efer |= EferLma;
        }
        if (!paging && was)
        {
            if ((s->Cr4 & Cr4Pcide) != 0 || (s->Mode & Mode.Code64) != 0) return false;
            efer &= ~EferLma;
        }
        ulong changed = s->Cr0 ^ value;
        s->Cr0 = value;
        s->Efer = efer;
        if ((changed & (Cr0Pg | Cr0Wp | Cr0Pe)) != 0) vcpu.Mmu.Reload();
        ModeUpdate.All(s);
        return true;
    }

    public static bool TryCr3(SoftVcpu vcpu, ulong value)
    {
        CpuState* s = vcpu.State;
        if ((s->Efer & EferLma) != 0)
        {
            // Bit 63 allows translations of the new process context to be kept; a TLB without identifiers drops them, which is never wrong.
            if ((s->Cr4 & Cr4Pcide) != 0) value &= ~(1UL << 63);
            if (value >> Memory.PageWalk.PhysicalBits != 0) return false;
        }
        else
        {
            value = (uint)value;
        }
        s->Cr3 = value;
        vcpu.Mmu.SwitchSpace();
        return true;
    }

    /// <summary>The bits of CR4 that a model has.</summary>
    public static ulong SupportedCr4(CpuModel model) => Cr4Vme | Cr4Pvi | Cr4Tsd | Cr4De | Cr4Pse | Cr4Pae | Cr4Mce | Cr4Pge | Cr4Pce | Cr4Osfxsr | Cr4Osxmmexcpt
            | (model.Has("umip") ? Cr4Umip : 0) | (model.Has("fsgsbase") ? Cr4Fsgsbase : 0) | (model.Has("pcid") ? Cr4Pcide : 0)
            | (model.Has("xsave") ? Cr4Osxsave : 0) | (model.Has("smep") ? Cr4Smep : 0) | (model.Has("smap") ? Cr4Smap : 0)
            | (model.Has("pku") ? Cr4Pke : 0);

    public static bool TryCr4(SoftVcpu vcpu, ulong value)
    {
        CpuState* s = vcpu.State;
        if ((value & ~SupportedCr4(vcpu.Guest.Model)) != 0) return false;
        ulong changed = s->Cr4 ^ value;
        bool longMode = (s->Efer & EferLma) != 0;
        if (longMode && (value & Cr4Pae) == 0) return false;
        if ((changed & value & Cr4Pcide) != 0 && (!longMode || (s->Cr3 & 0xFFF) != 0)) return false;
        s->Cr4 = value;
        if ((changed & (Cr4Pae | Cr4Pse | Cr4Pge | Cr4Pcide | Cr4Smep | Cr4Smap | Cr4Pke)) != 0) vcpu.Mmu.Reload();
        ModeUpdate.All(s);
        return true;
    }

    public static bool TryEfer(SoftVcpu vcpu, ulong value)
    {
        CpuState* s = vcpu.State;
        if ((value & ~(EferSce | EferLme | EferLma | EferNxe)) != 0) return false;
        if (((value ^ s->Efer) & EferLme) != 0 && (s->Cr0 & Cr0Pg) != 0) return false;
        s->Efer = (value & ~EferLma) | (s->Efer & EferLma);
        vcpu.Mmu.Reload();
        return true;
    }

    public static bool TryXcr0(SoftVcpu vcpu, ulong value)
    {
        CpuState* s = vcpu.State;
        if ((value & ~CpuId.Supported(vcpu.Guest.Model)) != 0 || (value & Xcr0X87) == 0) return false;
        if ((value & (Xcr0Sse | Xcr0Avx)) == Xcr0Avx) return false;
        s->Xcr0 = value;
        ModeUpdate.All(s);
        return true;
    }
}
