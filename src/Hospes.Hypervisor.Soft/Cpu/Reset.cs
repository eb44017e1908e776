using static Hospes.Hypervisor.Soft.Cpu.ControlRegisters;

namespace Hospes.Hypervisor.Soft.Cpu;

/// <summary>What the processor is after power-on, INIT and a start-up IPI (Intel SDM vol. 3, table 10-1).</summary>
internal static unsafe class Reset
{
    private const ushort DataAttributes = SegmentRegister.Present | SegmentRegister.CodeOrData | SegmentRegister.Writable | SegmentRegister.Accessed;
    private const ushort CodeAttributes = DataAttributes | SegmentRegister.Code;

    /// <summary>After power-on.</summary>
    public static void PowerOn(SoftVcpu vcpu)
    {
        CpuState* s = vcpu.State;
        s->Mxcsr = 0x1F80;
        s->Fcw = 0x37F;
        s->Xcr0 = Xcr0X87;
        vcpu.Msrs.Reset();
        vcpu.Apic.PowerOn();
        Registers(vcpu, Cr0Et | Cr0Nw | Cr0Cd);
    }

    /// <summary>After INIT: x87, SSE, XCR0, the time stamp counter and most MSRs stay.</summary>
    public static void Init(SoftVcpu vcpu)
    {
        vcpu.Apic.ResetRegisters();
        Registers(vcpu, Cr0Et | (vcpu.State->Cr0 & (Cr0Nw | Cr0Cd)));
    }

    /// <summary>After a start-up IPI: real mode at vector * 4096 (SDM vol. 3, 9.4.4).</summary>
    public static void StartUp(SoftVcpu vcpu, byte vector)
    {
        CpuState* s = vcpu.State;
        s->Cs.Selector = (ushort)(vector << 8);
        s->Cs.Base = (ulong)vector << 12;
        s->Rip = 0;
    }

    private static void Registers(SoftVcpu vcpu, ulong cr0)
    {
        CpuState* s = vcpu.State;
        new Span<ulong>(s->General, 16).Clear();
        s->General[VcpuState.Rdx] = CpuId.Query(vcpu, 1, 0).Eax;
        s->Rip = 0xFFF0;
        s->SystemFlags = 0;
        Flags.WriteArithmetic(s, 0);
        s->Cr0 = cr0;
        s->Cr2 = s->Cr3 = s->Cr4 = s->Efer = 0;
        s->Cpl = 0;
        s->InterruptShadow = 0;
        for (int i = 0; i < 6; i++) *CpuState.Segment(s, i) = new SegmentRegister { Limit = 0xFFFF, Attributes = DataAttributes };
        s->Cs = new SegmentRegister { Selector = 0xF000, Base = 0xFFFF0000, Limit = 0xFFFF, Attributes = CodeAttributes };
        s->Ldtr = new SegmentRegister { Limit = 0xFFFF, Attributes = SegmentRegister.Present | 2 };
        s->Tr = new SegmentRegister { Limit = 0xFFFF, Attributes = SegmentRegister.Present | 11 };
        s->GdtBase = s->IdtBase = 0;
        s->GdtLimit = s->IdtLimit = 0xFFFF;
        for (int i = 0; i < 4; i++) s->Debug[i] = 0;
        s->Debug[4] = 0xFFFF0FF0;
        s->Debug[5] = 0x400;
        vcpu.NmiBlocked = false;
        vcpu.PendingDebug = 0;
        vcpu.Mmu.Reload();
        ModeUpdate.All(s);
    }
}
