namespace Hospes.Hypervisor.Soft.Floating;

/// <summary>F2XM1, FYL2X and FYL2XP1 (SDM vol. 2).</summary>
internal static class Exponentials
{
    /// <summary>
    /// F2XM1: 2^a - 1 for |a| of at most 1. Larger arguments are undefined; here they keep their value, as
    /// processors leave them.
    /// </summary>
    public static Float80 Exp2Minus1(in Operand a, ref FloatStatus status)
    {
        if (ExtendedArithmetic.TryNaN(a, a, ref status, out Float80 nan))
            return nan;
        status.RoundedUp = false;
        if (a.Class == FloatClass.Infinity)
            return a.Sign ? Float80.One.Negated : Float80.Infinity(false);
        if (a.Class == FloatClass.Zero)
            return Float80.Zero(a.Sign);
        if (a.Denormal)
            status.Raise(FloatFlags.Denormal);
        bool isOne = a.Exponent == 0 && a.Significand == Float80.IntegerBit;
        if (a.Exponent >= 0 && !isOne)
            return Round(Exact.From(a), ref status);
        if (isOne)
        {
            status.Raise(FloatFlags.Inexact);
            return a.Sign ? new Float80(Float80.SignBit | (Float80.Bias - 1), Float80.IntegerBit) : Float80.One;
        }

        return Round(WideFunctions.Exp2Minus1(Exact.From(a)), ref status);
    }

    /// <summary>FYL2X: y × log2(x).</summary>
    public static Float80 MultiplyLog2(in Operand y, in Operand x, ref FloatStatus status)
    {
        if (ExtendedArithmetic.TryNaN(y, x, ref status, out Float80 nan))
            return nan;
        status.RoundedUp = false;
        if (x.Sign && x.Class != FloatClass.Zero)
            return Invalid(ref status);
        bool denormal = y.Denormal || x.Denormal;
        if (x.Class == FloatClass.Zero)
        {
            if (y.Class == FloatClass.Zero)
                return Invalid(ref status);
            if (y.Class == FloatClass.Finite)
                status.Raise(FloatFlags.DivideByZero);
            return Float80.Infinity(!y.Sign);
        }

        bool isOne = x.Class == FloatClass.Finite && x.Exponent == 0 && x.Significand == Float80.IntegerBit;
        if (isOne ? y.Class == FloatClass.Infinity : x.Class == FloatClass.Infinity && y.Class == FloatClass.Zero)
            return Invalid(ref status);
        if (denormal)
            status.Raise(FloatFlags.Denormal);
        bool below = x.Class == FloatClass.Finite && x.Exponent < 0;
        if (x.Class == FloatClass.Infinity || y.Class == FloatClass.Infinity)
            return Float80.Infinity(y.Sign != below);
        if (isOne || y.Class == FloatClass.Zero)
            return Float80.Zero(y.Sign != below);
        return Round(WideArithmetic.Multiply(WideFunctions.Log2(Exact.From(x)), Exact.From(y)), ref status);
    }

    /// <summary>
    /// FYL2XP1: y × log2(1 + x). The manual defines it for |x| below 1 - √½. Processors compute it for every x above -1 and
    /// keep x itself from there down.
    /// </summary>
    public static Float80 MultiplyLog2Of1Plus(in Operand y, in Operand x, ref FloatStatus status)
    {
        if (ExtendedArithmetic.TryNaN(y, x, ref status, out Float80 nan))
            return nan;
        status.RoundedUp = false;
        bool zeroTimesInfinity = (x.Class == FloatClass.Zero && y.Class == FloatClass.Infinity)
            || (x.Class == FloatClass.Infinity && y.Class == FloatClass.Zero);
        if (zeroTimesInfinity || (x.Sign && x.Class == FloatClass.Infinity))
            return Invalid(ref status);
        if (y.Denormal || x.Denormal)
            status.Raise(FloatFlags.Denormal);
        bool sign = x.Sign != y.Sign;
        if (x.Class == FloatClass.Infinity || y.Class == FloatClass.Infinity)
            return Float80.Infinity(sign);
        if (x.Class == FloatClass.Zero || y.Class == FloatClass.Zero)
            return Float80.Zero(sign);

        if (x.Sign && x.Exponent >= 0)
            return Round(Exact.From(x), ref status);

        // Within ±1/4 the series takes x itself; further out 1 + x loses nothing that matters.
        Exact logarithm = x.Exponent < -2
            ? WideFunctions.Log2Of1Plus(Exact.From(x))
            : WideFunctions.Log2(WideArithmetic.Add(WideArithmetic.Integer(1), Exact.From(x)));
        return Round(WideArithmetic.Multiply(logarithm, Exact.From(y)), ref status);
    }

    private static Float80 Invalid(ref FloatStatus status)
    {
        status.Raise(FloatFlags.Invalid);
        return Float80.Indefinite;
    }

    private static Float80 Round(in Exact value, ref FloatStatus status) => Trigonometry.RoundInexact(value, ref status);
}
