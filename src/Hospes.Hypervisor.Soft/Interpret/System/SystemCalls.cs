using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using static Hospes.Hypervisor.Soft.Cpu.ControlRegisters;

namespace Hospes.Hypervisor.Soft.Interpret.System;

/// <summary>SYSCALL, SYSRET, SYSENTER, SYSEXIT (Intel SDM vol. 2; vol. 3, 5.8.7 and 5.8.8).</summary>
internal static unsafe class SystemCalls
{
    private const ushort Code0 = 0x9B, Data0 = 0x93;
    private const int Rcx = VcpuState.Rcx, Rdx = VcpuState.Rdx, Rsp = VcpuState.Rsp, R11 = 11;

    /// <summary>The flags that SYSRET takes from R11.</summary>
    public const uint ReturnedFlags = Flags.Arithmetic | Flags.Tf | Flags.If | Flags.Df | Flags.IoplMask | Flags.Nt | Flags.Ac | Flags.Vif | Flags.Vip | Flags.Id;

    /// <summary>SYSCALL. From compatibility mode it goes to CSTAR, as AMD's processors do; no system for Intel's relies on #UD there.</summary>
    public static void Syscall(CpuState* s, Op* op)
    {
        if ((s->Efer & EferSce) == 0 || (s->Efer & EferLma) == 0) Fault.InvalidOpcode(s);
        uint old = s->SystemFlags, flags = Flags.Read(s);
        bool from64 = (s->Mode & Mode.Code64) != 0;
        s->General[Rcx] = s->Rip;
        s->General[R11] = flags & ~Flags.Rf;
        s->Rip = from64 ? s->Lstar : s->Cstar;
        Flags.Write(s, flags & ~(uint)s->Fmask & ~(Flags.Rf | Flags.Vm));
        (s->Cs, s->Ss) = Called(s->Star);
        s->Cpl = 0;
        ModeUpdate.All(s);
        ModeUpdate.AfterFlags(s, old);
        // TF that the mask cleared gives no trap after SYSCALL.
        if ((s->SystemFlags & Flags.Tf) == 0) SoftVcpu.From(s).SuppressTrap();
    }

    public static void Sysret32(CpuState* s, Op* op) => Sysret(s, to64: false);

    public static void Sysret64(CpuState* s, Op* op) => Sysret(s, to64: true);

    public static void Sysenter(CpuState* s, Op* op)
    {
        if ((s->Mode & Mode.Protected) == 0 || (s->SysenterCs & 0xFFFC) == 0) Fault.GeneralProtection(s);
        uint old = s->SystemFlags;
        s->SystemFlags &= ~(Flags.Vm | Flags.If | Flags.Rf);
        bool longMode = (s->Efer & EferLma) != 0;
        SetFlat(s, (ushort)(s->SysenterCs & 0xFFFC), longMode ? SegmentRegister.Long : SegmentRegister.Big, 0);
        s->General[Rsp] = longMode ? s->SysenterEsp : (uint)s->SysenterEsp;
        s->Rip = longMode ? s->SysenterEip : (uint)s->SysenterEip;
        ModeUpdate.All(s);
        ModeUpdate.AfterFlags(s, old);
    }

    public static void Sysexit32(CpuState* s, Op* op) => Sysexit(s, to64: false);

    public static void Sysexit64(CpuState* s, Op* op) => Sysexit(s, to64: true);

    private static void Sysret(CpuState* s, bool to64)
    {
        if ((s->Efer & EferSce) == 0 || (s->Mode & Mode.Code64) == 0) Fault.InvalidOpcode(s);
        if (s->Cpl != 0) Fault.GeneralProtection(s);
        if (to64 && !Addresses.IsCanonical(s->General[Rcx])) Fault.GeneralProtection(s);
        uint old = s->SystemFlags;
        Flags.Write(s, (uint)s->General[R11] & ReturnedFlags);
        s->Rip = to64 ? s->General[Rcx] : (uint)s->General[Rcx];
        (s->Cs, s->Ss) = Returned(s->Star, to64);
        s->Cpl = 3;
        ModeUpdate.All(s);
        ModeUpdate.AfterFlags(s, old);
        // A TF that SYSRET sets traps at once (the SDM's single exception to "after the next instruction").
        if ((s->SystemFlags & ~old & Flags.Tf) != 0) SoftVcpu.From(s).TrapNow();
    }

    private static void Sysexit(CpuState* s, bool to64)
    {
        if ((s->Mode & Mode.Protected) == 0 || (s->SysenterCs & 0xFFFC) == 0 || s->Cpl != 0) Fault.GeneralProtection(s);
        ulong target = s->General[Rdx], stack = s->General[Rcx];
        if (to64 && (!Addresses.IsCanonical(target) || !Addresses.IsCanonical(stack))) Fault.GeneralProtection(s);
        var selector = (ushort)((s->SysenterCs & 0xFFFC) + (to64 ? 32u : 16u));
        SetFlat(s, selector, to64 ? SegmentRegister.Long : SegmentRegister.Big, 3);
        s->General[Rsp] = to64 ? stack : (uint)stack;
        s->Rip = to64 ? target : (uint)target;
        ModeUpdate.All(s);
    }

    /// <summary>CS and SS after SYSCALL, by the value of STAR.</summary>
    public static (SegmentRegister Code, SegmentRegister Stack) Called(ulong star)
    {
        var selector = (ushort)(star >> 32 & 0xFFFC);
        return (Flat(selector, Code0 | SegmentRegister.Long, 0), Flat((ushort)(selector + 8), Data0 | SegmentRegister.Big, 0));
    }

    /// <summary>CS and SS after SYSRET, by the value of STAR.</summary>
    public static (SegmentRegister Code, SegmentRegister Stack) Returned(ulong star, bool to64)
    {
        var selector = (ushort)(star >> 48);
        SegmentRegister code = to64 ? Flat((ushort)(selector + 16), Code0 | SegmentRegister.Long, 3) : Flat(selector, Code0 | SegmentRegister.Big, 3);
        return (code, Flat((ushort)(selector + 8), Data0 | SegmentRegister.Big, 3));
    }

    /// <summary>Flat CS and SS (the selector behind CS) at a level, without looking at descriptors.</summary>
    private static void SetFlat(CpuState* s, ushort selector, int codeBits, int cpl)
    {
        s->Cs = Flat(selector, Code0 | codeBits, cpl);
        s->Ss = Flat((ushort)(selector + 8), Data0 | SegmentRegister.Big, cpl);
        s->Cpl = (byte)cpl;
    }

    private static SegmentRegister Flat(ushort selector, int bits, int cpl) =>
        new() { Selector = (ushort)(selector | cpl), Limit = uint.MaxValue, Attributes = (ushort)(bits | cpl << 5 | SegmentRegister.Granular) };
}
