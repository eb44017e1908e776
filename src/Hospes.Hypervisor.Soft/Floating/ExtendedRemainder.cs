namespace Hospes.Hypervisor.Soft.Floating;

/// <summary>FPREM, FPREM1, FSCALE and FXTRACT: exact operations on exponents and remainders (SDM vol. 2).</summary>
internal static class ExtendedRemainder
{
    /// <summary>
    /// The remainder of a / b, its quotient cut (FPREM) or rounded to nearest (FPREM1, <paramref name="nearest"/>).
    /// An exponent difference of 64 or more is only reduced, and <paramref name="partial"/> asks for another round.
    /// <paramref name="quotient"/> holds at least the three lowest bits of a complete quotient.
    /// </summary>
    public static Float80 Remainder(
        in Operand a, in Operand b, bool nearest, ref FloatStatus status, out ulong quotient, out bool partial)
    {
        quotient = 0;
        partial = false;
        if (ExtendedArithmetic.TryNaN(a, b, ref status, out Float80 nan))
            return nan;
        status.RoundedUp = false;
        if (a.Class == FloatClass.Infinity || b.Class == FloatClass.Zero)
        {
            status.Raise(FloatFlags.Invalid);
            return Float80.Indefinite;
        }

        if (a.Denormal || b.Denormal)
            status.Raise(FloatFlags.Denormal);
        if (a.Class == FloatClass.Zero)
            return Float80.Zero(a.Sign);
        if (b.Class == FloatClass.Infinity)
            return Round(Exact.From(a), ref status);

        int difference = a.Exponent - b.Exponent;
        if (difference < -1 || (difference == -1 && !nearest))
            return Round(Exact.From(a), ref status);

        // How far one partial round goes is the implementation's choice between 32 and 63 bits.
        int steps = difference;
        if (difference >= 64)
        {
            partial = true;
            steps = 32 | (difference & 31);
        }

        if (difference == -1)
            return RemainderBelowDivisor(a, b, ref status, out quotient);

        UInt128 remainder = a.Significand;
        for (int i = 0; ; i++)
        {
            quotient <<= 1;
            if (remainder >= b.Significand)
            {
                remainder -= b.Significand;
                quotient |= 1;
            }

            if (i == steps)
                break;
            remainder <<= 1;
        }

        bool negative = a.Sign;
        if (nearest && !partial)
        {
            UInt128 doubled = remainder << 1;
            if (doubled > b.Significand || (doubled == b.Significand && (quotient & 1) != 0))
            {
                remainder = b.Significand - remainder;
                negative = !negative;
                quotient++;
            }
        }

        if (remainder == UInt128.Zero)
            return Float80.Zero(a.Sign);
        return Round(Exact.Normalize(negative, b.Exponent + difference - steps + 64, remainder), ref status);
    }

    /// <summary>FSCALE: a × 2^(b cut to an integer).</summary>
    public static Float80 Scale(in Operand a, in Operand b, ref FloatStatus status)
    {
        if (ExtendedArithmetic.TryNaN(a, b, ref status, out Float80 nan))
            return nan;
        status.RoundedUp = false;
        if (b.Class == FloatClass.Infinity)
        {
            if (b.Sign ? a.Class == FloatClass.Infinity : a.Class == FloatClass.Zero)
            {
                status.Raise(FloatFlags.Invalid);
                return Float80.Indefinite;
            }

            if (a.Denormal)
                status.Raise(FloatFlags.Denormal);
            return b.Sign ? Float80.Zero(a.Sign) : Float80.Infinity(a.Sign);
        }

        if (a.Denormal || b.Denormal)
            status.Raise(FloatFlags.Denormal);
        if (a.Class != FloatClass.Finite || b.Class != FloatClass.Finite || b.Exponent < 0)
            return Round(Exact.From(a), ref status);

        // Beyond 2^17 every scale overflows or underflows alike, also after the bias adjustment.
        int scale = b.Exponent > 16 ? 1 << 17 : (int)(b.Significand >> (63 - b.Exponent));
        Exact scaled = Exact.From(a);
        scaled.Exponent += b.Sign ? -scale : scale;
        return Round(scaled, ref status);
    }

    /// <summary>FXTRACT: splits into an exponent, which replaces the operand, and a significand, which is pushed.</summary>
    public static void Extract(in Operand a, ref FloatStatus status, out Float80 exponent, out Float80 significand)
    {
        if (ExtendedArithmetic.TryNaN(a, a, ref status, out Float80 nan))
        {
            exponent = nan;
            significand = nan;
            return;
        }

        status.RoundedUp = false;
        switch (a.Class)
        {
            case FloatClass.Infinity:
                exponent = Float80.Infinity(false);
                significand = Float80.Infinity(a.Sign);
                return;
            case FloatClass.Zero:
                status.Raise(FloatFlags.DivideByZero);
                exponent = Float80.Infinity(true);
                significand = Float80.Zero(a.Sign);
                return;
        }

        if (a.Denormal)
            status.Raise(FloatFlags.Denormal);
        exponent = ExtendedArithmetic.FromInteger(a.Exponent);
        significand = new Float80((ushort)((a.Sign ? Float80.SignBit : 0) | Float80.Bias), a.Significand);
    }

    /// <summary>FPREM1 with |b|/2 ≤ |a| &lt; |b| possible: the quotient is 0 or 1.</summary>
    private static Float80 RemainderBelowDivisor(in Operand a, in Operand b, ref FloatStatus status, out ulong quotient)
    {
        // With a's exponent one less, 2|a| > |b| is a comparison of significands; a tie goes to the even quotient 0.
        quotient = a.Significand > b.Significand ? 1UL : 0;
        if (quotient == 0)
            return Round(Exact.From(a), ref status);
        UInt128 difference = ((UInt128)b.Significand << 1) - a.Significand;
        return Round(Exact.Normalize(!a.Sign, b.Exponent - 1 + 64, difference), ref status);
    }

    private static Float80 Round(in Exact value, ref FloatStatus status) =>
        Float80.Pack(Rounder.Round(value, FloatShape.Extended, ref status));
}
