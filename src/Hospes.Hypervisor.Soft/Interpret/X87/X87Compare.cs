using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Floating;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.X87;

/// <summary>FCOM, FUCOM, FCOMI, FICOM, FTST and FXAM (SDM vol. 1, 8.3.6).</summary>
internal static unsafe class X87Compare
{
    public static void Fcom(CpuState* s, Op* op) => Registers(s, op, op->Reg1, signalQuiet: true, pops: 0);

    public static void Fcomp(CpuState* s, Op* op) => Registers(s, op, op->Reg1, signalQuiet: true, pops: 1);

    public static void Fcompp(CpuState* s, Op* op) => Registers(s, op, 1, signalQuiet: true, pops: 2);

    public static void Fucom(CpuState* s, Op* op) => Registers(s, op, op->Reg1, signalQuiet: false, pops: 0);

    public static void Fucomp(CpuState* s, Op* op) => Registers(s, op, op->Reg1, signalQuiet: false, pops: 1);

    public static void Fucompp(CpuState* s, Op* op) => Registers(s, op, 1, signalQuiet: false, pops: 2);

    public static void Fcomi(CpuState* s, Op* op) => ToFlags(s, op, signalQuiet: true, pops: false);

    public static void Fcomip(CpuState* s, Op* op) => ToFlags(s, op, signalQuiet: true, pops: true);

    public static void Fucomi(CpuState* s, Op* op) => ToFlags(s, op, signalQuiet: false, pops: false);

    public static void Fucomip(CpuState* s, Op* op) => ToFlags(s, op, signalQuiet: false, pops: true);

    /// <summary>Compares ST(0) with +0.</summary>
    public static void Ftst(CpuState* s, Op* op)
    {
        Fpu.Wait(s);
        Fpu.Track(s, op);
        if (Fpu.IsEmpty(s, 0))
            Finish(s, FloatRelation.Unordered, Fpu.Underflow(s), pops: 0);
        else
            Compare(s, Float80.PositiveZero.Unpack(), signalQuiet: true, pops: 0);
    }

    /// <summary>Classifies ST(0) in C3, C2, C0; its sign goes to C1 even when it is empty. Raises nothing.</summary>
    public static void Fxam(CpuState* s, Op* op)
    {
        Fpu.Wait(s);
        Fpu.Track(s, op);
        Float80 value = Fpu.Get(s, 0);
        Operand operand = value.Unpack();
        int conditions = operand.Class switch
        {
            _ when Fpu.IsEmpty(s, 0) => Fpu.C3 | Fpu.C0,
            FloatClass.Unsupported => 0,
            FloatClass.QuietNaN or FloatClass.SignalingNaN => Fpu.C0,
            FloatClass.Infinity => Fpu.C2 | Fpu.C0,
            FloatClass.Zero => Fpu.C3,
            _ => operand.Denormal ? Fpu.C3 | Fpu.C2 : Fpu.C2,
        };
        Fpu.SetConditions(s, Fpu.Conditions, (ushort)(conditions | (value.Sign ? Fpu.C1 : 0)));
    }

    /// <summary>Compares ST(0) with a number that memory gave.</summary>
    public static void Memory(CpuState* s, Op* op, in Operand source, int pops)
    {
        Fpu.TrackMemory(s, op);
        if (Fpu.IsEmpty(s, 0))
            Finish(s, FloatRelation.Unordered, Fpu.Underflow(s), pops);
        else
            Compare(s, source, signalQuiet: true, pops);
    }

    private static void Registers(CpuState* s, Op* op, int source, bool signalQuiet, int pops)
    {
        Fpu.Wait(s);
        Fpu.Track(s, op);
        if (Fpu.IsEmpty(s, 0) || Fpu.IsEmpty(s, source))
            Finish(s, FloatRelation.Unordered, Fpu.Underflow(s), pops);
        else
            Compare(s, Fpu.Get(s, source).Unpack(), signalQuiet, pops);
    }

    private static void Compare(CpuState* s, in Operand source, bool signalQuiet, int pops)
    {
        FloatStatus status = Fpu.Status(s);
        FloatRelation relation = ExtendedArithmetic.Compare(Fpu.Get(s, 0).Unpack(), source, signalQuiet, ref status);
        Finish(s, relation, Fpu.Commit(s, status), pops);
    }

    private static void Finish(CpuState* s, FloatRelation relation, bool completes, int pops)
    {
        ushort conditions = relation switch
        {
            FloatRelation.Less => Fpu.C0,
            FloatRelation.Equal => Fpu.C3,
            FloatRelation.Greater => 0,
            _ => Fpu.C3 | Fpu.C2 | Fpu.C0,
        };

        // The condition codes are set even when an unmasked exception keeps the operands on the stack.
        Fpu.SetConditions(s, Fpu.C3 | Fpu.C2 | Fpu.C0, conditions);
        if (!completes)
            return;
        for (int i = 0; i < pops; i++)
            Fpu.Pop(s);
    }

    /// <summary>Compares into ZF, PF and CF; the condition codes stay as they are but for a stack fault's C1.</summary>
    private static void ToFlags(CpuState* s, Op* op, bool signalQuiet, bool pops)
    {
        Fpu.Wait(s);
        Fpu.Track(s, op);
        FloatRelation relation = FloatRelation.Unordered;
        bool completes;
        if (Fpu.IsEmpty(s, 0) || Fpu.IsEmpty(s, op->Reg1))
        {
            completes = Fpu.Underflow(s);
        }
        else
        {
            FloatStatus status = Fpu.Status(s);
            relation = ExtendedArithmetic.Compare(Fpu.Get(s, 0).Unpack(), Fpu.Get(s, op->Reg1).Unpack(), signalQuiet, ref status);
            ushort kept = (ushort)(s->Fsw & Fpu.C1);
            completes = Fpu.Commit(s, status);
            Fpu.SetConditions(s, Fpu.C1, kept);
        }

        Flags.WriteArithmetic(s, relation switch
        {
            FloatRelation.Less => Flags.Cf,
            FloatRelation.Equal => Flags.Zf,
            FloatRelation.Greater => 0,
            _ => Flags.Zf | Flags.Pf | Flags.Cf,
        });
        if (pops && completes)
            Fpu.Pop(s);
    }
}

/// <summary>FCOM and FICOM with a number in memory.</summary>
internal static unsafe class X87Compare<TSource>
    where TSource : struct, IMemoryNumber
{
    public static void Fcom(CpuState* s, Op* op) => Execute(s, op, 0);

    public static void Fcomp(CpuState* s, Op* op) => Execute(s, op, 1);

    private static void Execute(CpuState* s, Op* op, int pops)
    {
        Fpu.Wait(s);
        Operand source = TSource.Read(s, Mem.Address(s, op));
        X87Compare.Memory(s, op, source, pops);
    }
}
