namespace Hospes.Hypervisor.Soft.Floating;

/// <summary>
/// FSIN, FCOS, FSINCOS, FPTAN and FPATAN. Arguments are reduced with π cut to 66 bits, as x87 units do (SDM vol. 1,
/// 8.3.8), so that results agree with theirs also where that π is far from the true one.
/// </summary>
internal static class Trigonometry
{
    /// <summary>From this exponent on an argument is out of range: nothing happens but C2.</summary>
    private const int RangeExponent = 63;

    /// <summary>π cut to 66 bits, times 2^66; as π/2 it counts in 2^-67.</summary>
    private static readonly UInt128 Pi66 = new(0xc, 0x90fdaa22168c234c);

    private const int HalfPiScale = 67;

    /// <summary>Below this exponent a tangent is the angle to within 2^-126.</summary>
    private const int TinyExponent = -62;

    /// <summary>Whether FSIN and its kin refuse an argument and set C2.</summary>
    public static bool IsOutOfRange(in Operand a) => a.Class == FloatClass.Finite && a.Exponent >= RangeExponent;

    /// <summary>The sine of an argument in range.</summary>
    public static Float80 Sine(in Operand a, ref FloatStatus status) => SineOrCosine(a, 0, ref status);

    /// <summary>The cosine of an argument in range.</summary>
    public static Float80 Cosine(in Operand a, ref FloatStatus status) => SineOrCosine(a, 1, ref status);

    /// <summary>The tangent of an argument in range.</summary>
    public static Float80 Tangent(in Operand a, ref FloatStatus status)
    {
        if (TrySpecial(a, ref status, out Float80 special))
            return special;
        if (a.Class == FloatClass.Zero)
            return Float80.Zero(a.Sign);
        if (a.Exponent < TinyExponent)
        {
            // a + a^3/3: all that the second term does is to make the result larger than a.
            Exact tiny = Exact.From(a);
            tiny.Significand |= UInt128.One;
            return RoundInexact(tiny, ref status);
        }

        int quadrant = Reduce(a, out Exact angle);
        Exact sine = WideFunctions.Sine(angle);
        Exact cosine = WideFunctions.Cosine(angle);
        Exact tangent = (quadrant & 1) == 0
            ? WideArithmetic.Divide(sine, cosine)
            : WideArithmetic.Negate(WideArithmetic.Divide(cosine, sine));
        return Finish(tangent, a.Sign, ref status);
    }

    /// <summary>FPATAN: the angle of the point (x, y), from -π to π.</summary>
    public static Float80 ArcTangent(in Operand y, in Operand x, ref FloatStatus status)
    {
        if (ExtendedArithmetic.TryNaN(y, x, ref status, out Float80 nan))
            return nan;
        status.RoundedUp = false;
        if (y.Denormal || x.Denormal)
            status.Raise(FloatFlags.Denormal);
        if (y.Class == FloatClass.Zero && !x.Sign)
            return Float80.Zero(y.Sign);
        if (x.Class == FloatClass.Infinity && !x.Sign && y.Class != FloatClass.Infinity)
            return Float80.Zero(y.Sign);
        Exact angle = (y.Class, x.Class) switch
        {
            (FloatClass.Infinity, FloatClass.Infinity) => x.Sign ? WideFunctions.ThreeQuarterPi : WideFunctions.QuarterPi,
            (FloatClass.Infinity, _) => WideFunctions.HalfPi,
            (FloatClass.Zero, _) or (_, FloatClass.Infinity) => WideFunctions.Pi,
            (_, FloatClass.Zero) => WideFunctions.HalfPi,
            _ => Angle(y, x),
        };
        return Finish(angle, y.Sign, ref status);
    }

    private static Exact Angle(in Operand y, in Operand x)
    {
        Exact top = Exact.From(y);
        Exact bottom = Exact.From(x);
        top.Sign = false;
        bottom.Sign = false;
        Exact acute = WideFunctions.ArcTangent(top, bottom);
        return x.Sign ? WideArithmetic.Add(WideFunctions.Pi, WideArithmetic.Negate(acute)) : acute;
    }

    private static Float80 SineOrCosine(in Operand a, int shift, ref FloatStatus status)
    {
        if (TrySpecial(a, ref status, out Float80 special))
            return special;
        if (a.Class == FloatClass.Zero)
            return shift == 0 ? Float80.Zero(a.Sign) : Float80.One;
        int quadrant = Reduce(a, out Exact angle) + shift;
        Exact value = (quadrant & 1) == 0 ? WideFunctions.Sine(angle) : WideFunctions.Cosine(angle);
        if ((quadrant & 2) != 0)
            value = WideArithmetic.Negate(value);

        // The sine is odd, the cosine even.
        return Finish(value, shift == 0 && a.Sign, ref status);
    }

    /// <summary>
    /// Splits |a| into a multiple of π/2, of which the number modulo 4 is answered, and an angle from -π/4 to π/4.
    /// With π a whole number of 2^-66 the remainder is exact.
    /// </summary>
    private static int Reduce(in Operand a, out Exact angle)
    {
        angle = Exact.From(a);
        angle.Sign = false;
        if (a.Exponent < -1)
            return 0;
        UInt128 remainder = a.Significand;
        int quotient = 0;
        int steps = a.Exponent + HalfPiScale - 63;
        for (int i = 0; i < steps; i++)
        {
            remainder <<= 1;
            quotient <<= 1;
            if (remainder >= Pi66)
            {
                remainder -= Pi66;
                quotient |= 1;
            }
        }

        bool negative = remainder > Pi66 >> 1;
        if (negative)
        {
            remainder = Pi66 - remainder;
            quotient++;
        }

        angle = Exact.Normalize(negative, 127 - HalfPiScale, remainder);
        return quotient & 3;
    }

    private static bool TrySpecial(in Operand a, ref FloatStatus status, out Float80 result)
    {
        if (ExtendedArithmetic.TryNaN(a, a, ref status, out result))
            return true;
        status.RoundedUp = false;
        if (a.Class == FloatClass.Infinity)
        {
            status.Raise(FloatFlags.Invalid);
            result = Float80.Indefinite;
            return true;
        }

        if (a.Denormal)
            status.Raise(FloatFlags.Denormal);
        return false;
    }

    private static Float80 Finish(in Exact value, bool negate, ref FloatStatus status)
    {
        Exact signed = value;
        signed.Sign = value.Sign != negate;
        return RoundInexact(signed, ref status);
    }

    /// <summary>
    /// Rounds the result of a transcendental instruction. It counts as inexact also where the series happens to end in a
    /// number of the format, and a subnormal one as an underflow.
    /// </summary>
    public static Float80 RoundInexact(in Exact value, ref FloatStatus status)
    {
        Float80 result = Float80.Pack(Rounder.Round(value, FloatShape.Extended, ref status));
        status.Raise(FloatFlags.Inexact);
        if (result.Field == 0 && (result.Significand & Float80.IntegerBit) == 0)
            status.Raise(FloatFlags.Underflow);
        return result;
    }
}
