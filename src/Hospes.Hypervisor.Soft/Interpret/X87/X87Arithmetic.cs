using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Floating;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.X87;

/// <summary>A basic operation of two operands: destination and source in the instruction's own order.</summary>
internal interface IX87Operation
{
    static abstract Float80 Apply(in Operand destination, in Operand source, ref FloatStatus status);
}

internal readonly struct AddOperation : IX87Operation
{
    public static Float80 Apply(in Operand destination, in Operand source, ref FloatStatus status) =>
        ExtendedArithmetic.Add(destination, source, ref status);
}

internal readonly struct MultiplyOperation : IX87Operation
{
    public static Float80 Apply(in Operand destination, in Operand source, ref FloatStatus status) =>
        ExtendedArithmetic.Multiply(destination, source, ref status);
}

internal readonly struct SubtractOperation : IX87Operation
{
    public static Float80 Apply(in Operand destination, in Operand source, ref FloatStatus status) =>
        ExtendedArithmetic.Subtract(destination, source, ref status);
}

internal readonly struct SubtractReversedOperation : IX87Operation
{
    public static Float80 Apply(in Operand destination, in Operand source, ref FloatStatus status) =>
        ExtendedArithmetic.Subtract(source, destination, ref status);
}

internal readonly struct DivideOperation : IX87Operation
{
    public static Float80 Apply(in Operand destination, in Operand source, ref FloatStatus status) =>
        ExtendedArithmetic.Divide(destination, source, ref status);
}

internal readonly struct DivideReversedOperation : IX87Operation
{
    public static Float80 Apply(in Operand destination, in Operand source, ref FloatStatus status) =>
        ExtendedArithmetic.Divide(source, destination, ref status);
}

/// <summary>FADD, FMUL, FSUB, FSUBR, FDIV, FDIVR between stack registers.</summary>
internal static unsafe class X87Arithmetic<TOperation>
    where TOperation : struct, IX87Operation
{
    public static void Register(CpuState* s, Op* op) => Execute(s, op, pops: false);

    public static void RegisterPop(CpuState* s, Op* op) => Execute(s, op, pops: true);

    private static void Execute(CpuState* s, Op* op, bool pops)
    {
        Fpu.Wait(s);
        Fpu.Track(s, op);
        int destination = op->Reg0;
        int source = op->Reg1;
        Float80 result;
        if (Fpu.IsEmpty(s, destination) || Fpu.IsEmpty(s, source))
        {
            if (!Fpu.Underflow(s))
                return;
            result = Float80.Indefinite;
        }
        else
        {
            FloatStatus status = Fpu.Status(s);
            result = TOperation.Apply(Fpu.Get(s, destination).Unpack(), Fpu.Get(s, source).Unpack(), ref status);
            if (!Fpu.Commit(s, status))
                return;
        }

        Fpu.Set(s, destination, result);
        if (pops)
            Fpu.Pop(s);
    }
}

/// <summary>The same operations, and the FI ones, with a number in memory as source and ST(0) as destination.</summary>
internal static unsafe class X87Arithmetic<TOperation, TSource>
    where TOperation : struct, IX87Operation
    where TSource : struct, IMemoryNumber
{
    public static void Memory(CpuState* s, Op* op)
    {
        Fpu.Wait(s);
        Operand source = TSource.Read(s, Mem.Address(s, op));
        Fpu.TrackMemory(s, op);
        if (Fpu.IsEmpty(s, 0))
        {
            if (Fpu.Underflow(s))
                Fpu.Set(s, 0, Float80.Indefinite);
            return;
        }

        FloatStatus status = Fpu.Status(s);
        Float80 result = TOperation.Apply(Fpu.Get(s, 0).Unpack(), source, ref status);
        if (Fpu.Commit(s, status))
            Fpu.Set(s, 0, result);
    }
}
