using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Floating;

namespace Hospes.Hypervisor.Soft.Interpret.X87;

/// <summary>Instructions on ST(0), some with ST(1) as a second operand that stays: signs, roots, rounding, remainders, scaling.</summary>
internal static unsafe class X87Unary
{
    public static void Fabs(CpuState* s, Op* op) => ChangeSign(s, op, Fpu.Get(s, 0).Magnitude);

    public static void Fchs(CpuState* s, Op* op) => ChangeSign(s, op, Fpu.Get(s, 0).Negated);

    public static void Fsqrt(CpuState* s, Op* op)
    {
        if (!Begin(s, op, 1))
            return;
        FloatStatus status = Fpu.Status(s);
        Float80 result = ExtendedArithmetic.SquareRoot(Fpu.Get(s, 0).Unpack(), ref status);
        Finish(s, result, status);
    }

    public static void Frndint(CpuState* s, Op* op)
    {
        if (!Begin(s, op, 1))
            return;
        FloatStatus status = Fpu.Status(s);
        Float80 result = ExtendedArithmetic.RoundToIntegral(Fpu.Get(s, 0).Unpack(), ref status);
        Finish(s, result, status);
    }

    public static void Fscale(CpuState* s, Op* op)
    {
        if (!Begin(s, op, 2))
            return;
        FloatStatus status = Fpu.Status(s);
        Float80 result = ExtendedRemainder.Scale(Fpu.Get(s, 0).Unpack(), Fpu.Get(s, 1).Unpack(), ref status);
        Finish(s, result, status);
    }

    public static void Fprem(CpuState* s, Op* op) => Remainder(s, op, nearest: false);

    public static void Fprem1(CpuState* s, Op* op) => Remainder(s, op, nearest: true);

    public static void Fxtract(CpuState* s, Op* op)
    {
        Fpu.Wait(s);
        Fpu.Track(s, op);
        if (Fpu.IsEmpty(s, 0))
        {
            if (Fpu.Underflow(s))
            {
                Fpu.Set(s, 0, Float80.Indefinite);
                Fpu.Push(s, Float80.Indefinite);
            }

            return;
        }

        if (!Fpu.IsEmpty(s, -1))
        {
            if (Fpu.Overflow(s))
            {
                Fpu.Set(s, 0, Float80.Indefinite);
                Fpu.Push(s, Float80.Indefinite);
            }

            return;
        }

        FloatStatus status = Fpu.Status(s);
        ExtendedRemainder.Extract(Fpu.Get(s, 0).Unpack(), ref status, out Float80 exponent, out Float80 significand);
        if (!Fpu.Commit(s, status))
            return;
        Fpu.Set(s, 0, exponent);
        Fpu.Push(s, significand);
    }

    /// <summary>
    /// Starts an instruction that needs the first registers full. When one is empty the indefinite goes to ST(0) unless
    /// the exception is unmasked, and the answer is that nothing remains to be done.
    /// </summary>
    public static bool Begin(CpuState* s, Op* op, int operands)
    {
        Fpu.Wait(s);
        Fpu.Track(s, op);
        if (!Fpu.IsEmpty(s, 0) && (operands < 2 || !Fpu.IsEmpty(s, 1)))
            return true;
        if (Fpu.Underflow(s))
            Fpu.Set(s, 0, Float80.Indefinite);
        return false;
    }

    /// <summary>Ends an instruction that replaces ST(0).</summary>
    public static void Finish(CpuState* s, Float80 result, in FloatStatus status)
    {
        if (Fpu.Commit(s, status))
            Fpu.Set(s, 0, result);
    }

    private static void ChangeSign(CpuState* s, Op* op, Float80 result)
    {
        if (!Begin(s, op, 1))
            return;
        Fpu.SetConditions(s, Fpu.C1, 0);
        Fpu.Set(s, 0, result);
    }

    private static void Remainder(CpuState* s, Op* op, bool nearest)
    {
        bool begun = Begin(s, op, 2);
        Fpu.SetConditions(s, Fpu.C2, 0);
        if (!begun)
            return;
        FloatStatus status = Fpu.Status(s);
        Float80 result = ExtendedRemainder.Remainder(
            Fpu.Get(s, 0).Unpack(), Fpu.Get(s, 1).Unpack(), nearest, ref status, out ulong quotient, out bool partial);
        if (!Fpu.Commit(s, status))
            return;
        Fpu.Set(s, 0, result);

        // Without a quotient C0 and C3 stay as they are.
        if (result.Field == Float80.MaxField)
            return;

        // C0, C3, C1 are bits 2, 1, 0 of a complete quotient; C2 asks for another round (SDM vol. 2, FPREM).
        int conditions = partial
            ? Fpu.C2
            : ((quotient & 4) != 0 ? Fpu.C0 : 0) | ((quotient & 2) != 0 ? Fpu.C3 : 0) | ((quotient & 1) != 0 ? Fpu.C1 : 0);
        Fpu.SetConditions(s, Fpu.Conditions, (ushort)conditions);
    }
}
