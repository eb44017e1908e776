using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.X87;

/// <summary>The control instructions that move one word or none. None of them is noted in FIP.</summary>
internal static unsafe class X87Control
{
    private const ulong MonitorCoprocessor = 1 << 1;
    private const ulong TaskSwitched = 1 << 3;

    public static void Fninit(CpuState* s, Op* op) => Fpu.Initialize(s);

    public static void Fnclex(CpuState* s, Op* op) =>
        s->Fsw &= unchecked((ushort)~(Floating.FloatFlags.All | Fpu.StackFault | Fpu.Summary | Fpu.Busy));

    public static void Fldcw(CpuState* s, Op* op)
    {
        Fpu.Wait(s);
        Fpu.SetControl(s, Mem.Read<ushort>(s, Mem.Address(s, op)));
    }

    public static void Fnstcw(CpuState* s, Op* op) => Mem.Write(s, Mem.Address(s, op), s->Fcw);

    public static void Fnstsw(CpuState* s, Op* op) => Mem.Write(s, Mem.Address(s, op), s->Fsw);

    public static void FnstswAx(CpuState* s, Op* op) => *(ushort*)s->General = s->Fsw;

    /// <summary>WAIT: the one instruction that CR0.TS stops only together with CR0.MP (SDM vol. 3, table 2-2).</summary>
    public static void Fwait(CpuState* s, Op* op)
    {
        if ((s->Cr0 & (MonitorCoprocessor | TaskSwitched)) == (MonitorCoprocessor | TaskSwitched))
            Fault.Raise(s, Vector.DeviceNotAvailable, 0);
        Fpu.Wait(s);
    }

    /// <summary>FNENI, FNDISI and FNSETPM had a meaning on the 8087 and the 287; since then they do nothing.</summary>
    public static void Nothing(CpuState* s, Op* op)
    {
    }
}
