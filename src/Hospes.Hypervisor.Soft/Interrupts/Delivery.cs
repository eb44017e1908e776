using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Interpret;
using Hospes.Hypervisor.Soft.Interpret.System;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interrupts;

/// <summary>Where an event that goes through the IDT comes from; decides checks and error codes.</summary>
internal enum EventSource
{
    /// <summary>An exception that an instruction raised as a fault: RF is set in the saved flags.</summary>
    Fault,

    /// <summary>An exception that is a trap (#DB after an instruction).</summary>
    Trap,

    /// <summary>INT n, INT3, INTO: the gate's DPL is checked, and errors do not say "external".</summary>
    Software,

    /// <summary>An interrupt from outside, or INT1.</summary>
    External,
}

/// <summary>Delivers exceptions and interrupts (Intel SDM vol. 3, chapter 6), with double and triple faults.</summary>
internal static unsafe class Delivery
{
    /// <summary>Delivers an exception of the instruction at RIP.</summary>
    public static void Fault(SoftVcpu vcpu, Vector vector, int error) => Deliver(vcpu, (byte)vector, error, EventSource.Fault);

    /// <summary>Delivers an interrupt or NMI.</summary>
    public static void Interrupt(SoftVcpu vcpu, byte vector) => Deliver(vcpu, vector, 0, EventSource.External);

    /// <summary>Delivers the pending debug trap: DR6 gets its reasons.</summary>
    public static void DebugTrap(SoftVcpu vcpu)
    {
        Debugger.Report(vcpu, vcpu.PendingDebug);
        vcpu.PendingDebug = 0;
        Deliver(vcpu, (byte)Vector.Debug, 0, EventSource.Trap);
    }

    /// <summary>Delivers a software interrupt from inside its instruction: faults leave as the instruction's own.</summary>
    public static void Software(SoftVcpu vcpu, byte vector, EventSource source)
    {
        bool stepping = (vcpu.State->SystemFlags & Flags.Tf) != 0;
        Enter(vcpu, vector, 0, source);
        // The handler is not to be stepped into (SDM vol. 3, 18.3.1.4).
        if (stepping) vcpu.SuppressTrap();
    }

    private static void Deliver(SoftVcpu vcpu, byte vector, int error, EventSource source)
    {
        vcpu.State->CurrentOp = null;
        vcpu.BeginDelivery();
        try
        {
            while (true)
            {
                try
                {
                    Enter(vcpu, vector, error, source);
                    return;
                }
                catch (GuestFault second)
                {
                    if (vector == (byte)Vector.DoubleFault && source == EventSource.Fault)
                    {
                        vcpu.Shutdown();
                        return;
                    }
                    bool doubled = source is EventSource.Fault or EventSource.Trap && IsDouble((Vector)vector, second.Vector);
                    vector = doubled ? (byte)Vector.DoubleFault : (byte)second.Vector;
                    error = doubled ? 0 : second.ErrorCode;
                    source = EventSource.Fault;
                }
            }
        }
        finally
        {
            vcpu.EndDelivery();
        }
    }

    /// <summary>SDM vol. 3, table 6-5.</summary>
    private static bool IsDouble(Vector first, Vector second) =>
        first == Vector.PageFault ? second == Vector.PageFault || IsContributory(second) : IsContributory(first) && IsContributory(second);

    private static bool IsContributory(Vector vector) =>
        vector is Vector.DivideError or Vector.InvalidTss or Vector.SegmentNotPresent or Vector.StackFault or Vector.GeneralProtection;

    private static bool HasErrorCode(byte vector) => vector is 8 or (>= 10 and <= 14) or 17 or 21;

    private static void Enter(SoftVcpu vcpu, byte vector, int error, EventSource source)
    {
        CpuState* s = vcpu.State;
        uint flags = Flags.Read(s);
        if (source == EventSource.Fault && vector != (byte)Vector.Debug) flags |= Flags.Rf;
        if ((s->Mode & Mode.Protected) == 0) EnterReal(vcpu, vector, flags);
        else if ((s->Efer & ControlRegisters.EferLma) != 0) EnterLong(vcpu, vector, error, source, flags);
        else EnterProtected(vcpu, vector, error, source, flags);
        s->InterruptShadow = Shadow.None;
        // The debug exception's handler may work on the debug registers (SDM vol. 3, 18.2.4).
        ModeUpdate.All(s);
    }

    private static void EnterReal(SoftVcpu vcpu, byte vector, uint flags)
    {
        CpuState* s = vcpu.State;
        if (vector * 4u + 3 > s->IdtLimit) Interpret.Fault.GeneralProtection(s);
        uint target = vcpu.Mmu.ReadSystem<uint>(s->IdtBase + vector * 4u);
        ulong saved = s->General[VcpuState.Rsp];
        try
        {
            Stack.Push(s, 2, flags);
            Stack.Push(s, 2, s->Cs.Selector);
            Stack.Push(s, 2, s->Rip);
        }
        catch (GuestFault)
        {
            s->General[VcpuState.Rsp] = saved;
            throw;
        }
        s->SystemFlags &= ~(Flags.If | Flags.Tf | Flags.Ac | Flags.Rf);
        s->Cs.Selector = (ushort)(target >> 16);
        s->Cs.Base = (ulong)(target >> 16) << 4;
        s->Rip = (ushort)target;
    }

    /// <summary>The error code that names an IDT entry.</summary>
    private static int IdtError(byte vector, EventSource source) => vector * 8 + 2 + External(source);

    private static int External(EventSource source) => source == EventSource.Software ? 0 : 1;

    private static void EnterLong(SoftVcpu vcpu, byte vector, int error, EventSource source, uint flags)
    {
        CpuState* s = vcpu.State;
        Mmu mmu = vcpu.Mmu;
        int ext = External(source);
        if (vector * 16u + 15 > s->IdtLimit) Interpret.Fault.GeneralProtection(s, IdtError(vector, source));
        ulong at = s->IdtBase + vector * 16u;
        var gate = new Descriptor(mmu.ReadSystem<ulong>(at));
        ulong offset = gate.GateOffset | mmu.ReadSystem<ulong>(at + 8) << 32;
        if (gate.IsSegment || gate.Type is not (Descriptor.InterruptGate32 or Descriptor.TrapGate32)) Interpret.Fault.GeneralProtection(s, IdtError(vector, source));
        if (source == EventSource.Software && gate.Dpl < s->Cpl) Interpret.Fault.GeneralProtection(s, IdtError(vector, source));
        if (!gate.IsPresent) Interpret.Fault.Raise(s, Vector.SegmentNotPresent, IdtError(vector, source));
        ushort selector = gate.GateSelector;
        Descriptor code = CheckTarget(s, selector, ext);
        if (!code.IsLong || code.IsBig) Interpret.Fault.GeneralProtection(s, (selector & 0xFFFC) | ext);
        int cpl = code.IsConforming ? s->Cpl : code.Dpl;
        int ist = (int)(gate.Raw >> 32) & 7;
        ulong stack = ist != 0 ? TaskState.LongStack(s, ist + 3, ext) : cpl != s->Cpl ? TaskState.LongStack(s, cpl, ext) : s->General[VcpuState.Rsp];
        stack &= ~15UL;
        if (!Addresses.IsCanonical(offset)) Interpret.Fault.GeneralProtection(s, ext);
        bool hasError = HasErrorCode(vector) && source is EventSource.Fault;
        int count = hasError ? 6 : 5;
        ulong* frame = stackalloc ulong[6];
        frame[0] = (uint)error;
        ulong* words = frame + (hasError ? 0 : 1);
        frame[1] = s->Rip;
        frame[2] = s->Cs.Selector;
        frame[3] = flags;
        frame[4] = s->General[VcpuState.Rsp];
        frame[5] = s->Ss.Selector;
        ulong top = stack - (ulong)count * 8;
        Privilege privilege = cpl == 3 ? Privilege.User : cpl == s->Cpl && (flags & Flags.Ac) != 0 ? Privilege.SupervisorOpen : Privilege.Supervisor;
        if (!Addresses.IsCanonical(top) || !Addresses.IsCanonical(stack - 1)) Interpret.Fault.Stack(s, ext);
        mmu.ProbeAs(privilege, top, count * 8, write: true);
        mmu.WriteAs(privilege, top, (byte*)words, count * 8);
        Descriptors.SetAccessed(s, selector, ref code);
        if (cpl != s->Cpl) s->Ss = new SegmentRegister { Selector = (ushort)cpl, Attributes = (ushort)(cpl << 5) };
        s->Cs = code.ToRegister((ushort)((selector & 0xFFFC) | cpl));
        s->Cs.Base = 0;
        s->Cpl = (byte)cpl;
        s->General[VcpuState.Rsp] = top;
        s->Rip = offset;
        ClearFlags(s, gate.Type == Descriptor.InterruptGate32);
    }

    private static void EnterProtected(SoftVcpu vcpu, byte vector, int error, EventSource source, uint flags)
    {
        CpuState* s = vcpu.State;
        int ext = External(source);
        if (vector * 8u + 7 > s->IdtLimit) Interpret.Fault.GeneralProtection(s, IdtError(vector, source));
        var gate = new Descriptor(vcpu.Mmu.ReadSystem<ulong>(s->IdtBase + vector * 8u));
        if (gate.IsSegment || gate.Type is not (Descriptor.TaskGate or Descriptor.InterruptGate16 or Descriptor.TrapGate16 or Descriptor.InterruptGate32 or Descriptor.TrapGate32))
        {
            Interpret.Fault.GeneralProtection(s, IdtError(vector, source));
        }
        if (source == EventSource.Software && gate.Dpl < s->Cpl) Interpret.Fault.GeneralProtection(s, IdtError(vector, source));
        if (!gate.IsPresent) Interpret.Fault.Raise(s, Vector.SegmentNotPresent, IdtError(vector, source));
        bool hasError = HasErrorCode(vector) && source is EventSource.Fault;
        if (gate.Type == Descriptor.TaskGate)
        {
            TaskSwitch.To(s, gate.GateSelector, TaskSwitchReason.Gate, flags);
            if (hasError) Stack.Push(s, (s->Tr.Attributes & 8) != 0 ? 4 : 2, (uint)error);
            return;
        }
        bool wide = (gate.Type & 8) != 0;
        ushort selector = gate.GateSelector;
        Descriptor code = CheckTarget(s, selector, ext);
        bool virtual8086 = (flags & Flags.Vm) != 0;
        int cpl = code.IsConforming && !virtual8086 ? s->Cpl : code.Dpl;
        if (virtual8086 && cpl != 0) Interpret.Fault.GeneralProtection(s, selector & 0xFFFC);
        uint offset = wide ? gate.GateOffset : (ushort)gate.GateOffset;
        if (offset > code.Limit) Interpret.Fault.GeneralProtection(s, ext);
        Span<uint> words = stackalloc uint[11];
        int count = 0;
        SegmentRegister stack = s->Ss;
        ulong pointer = s->General[VcpuState.Rsp];
        if (cpl != s->Cpl)
        {
            (ushort stackSelector, uint stackPointer) = TaskState.InnerStack(s, cpl, ext);
            stack = SegmentLoads.CheckStack(s, stackSelector, cpl, Vector.InvalidTss);
            pointer = stackPointer;
            if (virtual8086)
            {
                words[count++] = s->Gs.Selector;
                words[count++] = s->Fs.Selector;
                words[count++] = s->Ds.Selector;
                words[count++] = s->Es.Selector;
            }
            words[count++] = s->Ss.Selector;
            words[count++] = (uint)s->General[VcpuState.Rsp];
        }
        words[count++] = flags;
        words[count++] = s->Cs.Selector;
        words[count++] = (uint)s->Rip;
        if (hasError) words[count++] = (uint)error;
        FarStack.Push(s, cpl, stack, ref pointer, words[..count], wide ? 4 : 2);
        Descriptors.SetAccessed(s, selector, ref code);
        if (virtual8086)
        {
            s->Es = s->Ds = s->Fs = s->Gs = default;
        }
        s->Ss = stack;
        s->Cs = code.ToRegister((ushort)((selector & 0xFFFC) | cpl));
        s->Cpl = (byte)cpl;
        FarStack.SetPointer(s, stack, pointer);
        s->Rip = offset;
        ClearFlags(s, gate.Type is Descriptor.InterruptGate16 or Descriptor.InterruptGate32);
    }

    /// <summary>The code segment that a gate leads to.</summary>
    private static Descriptor CheckTarget(CpuState* s, ushort selector, int ext)
    {
        if ((selector & 0xFFFC) == 0) Interpret.Fault.GeneralProtection(s, ext);
        Descriptor code = Descriptors.Read(s, selector, Vector.GeneralProtection, ext);
        if (!code.IsCode || code.Dpl > s->Cpl) Interpret.Fault.GeneralProtection(s, (selector & 0xFFFC) | ext);
        if (!code.IsPresent) Interpret.Fault.Raise(s, Vector.SegmentNotPresent, (selector & 0xFFFC) | ext);
        return code;
    }

    private static void ClearFlags(CpuState* s, bool interruptGate)
    {
        s->SystemFlags &= ~(Flags.Tf | Flags.Nt | Flags.Rf | Flags.Vm);
        if (interruptGate) s->SystemFlags &= ~Flags.If;
    }
}
