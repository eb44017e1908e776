namespace Hospes.Hypervisor.Soft.Floating;

/// <summary>
/// The basic arithmetic of the x87 unit. Operands come unpacked because memory operands of 32 and 64 bits take part with
/// their own idea of what is subnormal. With an unmasked pre-computation exception the result means nothing.
/// </summary>
internal static class ExtendedArithmetic
{
    public static Float80 Add(in Operand a, in Operand b, ref FloatStatus status)
    {
        if (TryNaN(a, b, ref status, out Float80 nan))
            return nan;
        uint before = status.Flags;
        Exact sum = ExactArithmetic.Add(Exact.From(a), Exact.From(b), ref status);
        return Finish(sum, a.Denormal || b.Denormal, before, ref status);
    }

    /// <summary>a - b. A NaN keeps its sign.</summary>
    public static Float80 Subtract(in Operand a, in Operand b, ref FloatStatus status)
    {
        if (TryNaN(a, b, ref status, out Float80 nan))
            return nan;
        Operand negated = b;
        negated.Sign = !b.Sign;
        return Add(a, negated, ref status);
    }

    public static Float80 Multiply(in Operand a, in Operand b, ref FloatStatus status)
    {
        if (TryNaN(a, b, ref status, out Float80 nan))
            return nan;
        uint before = status.Flags;
        Exact product = ExactArithmetic.Multiply(a, b, ref status);
        return Finish(product, a.Denormal || b.Denormal, before, ref status);
    }

    public static Float80 Divide(in Operand a, in Operand b, ref FloatStatus status)
    {
        if (TryNaN(a, b, ref status, out Float80 nan))
            return nan;
        uint before = status.Flags;
        Exact quotient = ExactArithmetic.Divide(a, b, ref status);
        return Finish(quotient, a.Denormal || b.Denormal, before, ref status);
    }

    public static Float80 SquareRoot(in Operand a, ref FloatStatus status)
    {
        if (TryNaN(a, a, ref status, out Float80 nan))
            return nan;
        uint before = status.Flags;
        Exact root = ExactArithmetic.SquareRoot(a, ref status);
        return Finish(root, a.Denormal, before, ref status);
    }

    /// <summary>FCOM (<paramref name="signalQuiet"/>) and FUCOM. Unsupported encodings are unordered and invalid.</summary>
    public static FloatRelation Compare(in Operand a, in Operand b, bool signalQuiet, ref FloatStatus status)
    {
        if (a.Class >= FloatClass.QuietNaN || b.Class >= FloatClass.QuietNaN)
        {
            if (signalQuiet || a.Class > FloatClass.QuietNaN || b.Class > FloatClass.QuietNaN)
                status.Raise(FloatFlags.Invalid);
            return FloatRelation.Unordered;
        }

        if (a.Denormal || b.Denormal)
            status.Raise(FloatFlags.Denormal);
        if (a.Class == FloatClass.Zero && b.Class == FloatClass.Zero)
            return FloatRelation.Equal;
        if (a.Sign != b.Sign && a.Class != FloatClass.Zero && b.Class != FloatClass.Zero)
            return a.Sign ? FloatRelation.Less : FloatRelation.Greater;
        int order = CompareMagnitude(a, b);
        if (order == 0)
            return FloatRelation.Equal;
        bool negative = a.Class == FloatClass.Zero ? b.Sign : a.Sign;
        return (order < 0) != negative ? FloatRelation.Less : FloatRelation.Greater;
    }

    /// <summary>FRNDINT.</summary>
    public static Float80 RoundToIntegral(in Operand a, ref FloatStatus status)
    {
        if (TryNaN(a, a, ref status, out Float80 nan))
            return nan;
        status.RoundedUp = false;
        if (a.Denormal)
            status.Raise(FloatFlags.Denormal);
        if (a.Class == FloatClass.Finite && a.Exponent < 63)
        {
            ulong magnitude = IntegerConversion.ToMagnitude(Exact.From(a), ref status, out bool inexact);
            bool up = status.RoundedUp;
            if (inexact)
                status.Raise(FloatFlags.Inexact);
            Float80 integral = Float80.Pack(Rounder.Round(Exact.Normalize(a.Sign, 127, magnitude), FloatShape.Extended, ref status));
            status.RoundedUp = up;
            return integral;
        }

        return Float80.Pack(Rounder.Round(Exact.From(a), FloatShape.Extended, ref status));
    }

    /// <summary>FLD from 32 or 64 bits: exact; signaling NaNs become quiet.</summary>
    public static Float80 Load(in Operand a, ref FloatStatus status)
    {
        if (TryNaN(a, a, ref status, out Float80 nan))
            return nan;
        if (a.Denormal)
            status.Raise(FloatFlags.Denormal);
        return Float80.Pack(Rounder.Round(Exact.From(a), FloatShape.Extended, ref status));
    }

    /// <summary>FST to 32 or 64 bits. With overflow or underflow unmasked and raised nothing is to be stored.</summary>
    public static ulong Store<TFormat>(in Operand a, ref FloatStatus status)
        where TFormat : struct, IInterchangeFormat
    {
        status.RoundedUp = false;
        if (a.Class is FloatClass.SignalingNaN or FloatClass.Unsupported)
            status.Raise(FloatFlags.Invalid);
        if (a.Class == FloatClass.Unsupported)
            return Interchange<TFormat>.DefaultNaN;
        if (a.IsNaN)
            return Interchange<TFormat>.PackNaN(a);
        ulong result = Interchange<TFormat>.Pack(Exact.From(a), ref status);
        if ((status.Unmasked & (FloatFlags.Overflow | FloatFlags.Underflow)) != 0)
        {
            // Nothing was rounded: the operand stays in its register for the handler of #MF (SDM vol. 1, 8.5.4).
            status.Flags &= ~FloatFlags.Inexact;
            status.RoundedUp = false;
        }

        return result;
    }

    /// <summary>FIST to 16, 32 or 64 bits, by the status's rounding.</summary>
    public static long ToInteger(in Operand a, int bits, ref FloatStatus status) =>
        IntegerConversion.ToSigned(Exact.From(a), bits, ref status);

    /// <summary>FILD: every 64-bit integer fits.</summary>
    public static Float80 FromInteger(long value)
    {
        FloatStatus status = new(FloatStatus.DefaultMxcsr);
        return Float80.Pack(Rounder.Round(IntegerConversion.FromSigned(value), FloatShape.Extended, ref status));
    }

    /// <summary>An integer as the operand of FIADD and its kin.</summary>
    public static Operand Integer(long value) => FromInteger(value).Unpack();

    /// <summary>
    /// Settles what comes out when an operand is a NaN (SDM vol. 1, table 4-7): a quiet one before a signaling one,
    /// then the larger significand, then the positive one. An unsupported encoding yields the indefinite.
    /// </summary>
    public static bool TryNaN(in Operand a, in Operand b, ref FloatStatus status, out Float80 nan)
    {
        nan = default;
        if (a.Class < FloatClass.QuietNaN && b.Class < FloatClass.QuietNaN)
            return false;
        status.RoundedUp = false;
        if (a.Class > FloatClass.QuietNaN || b.Class > FloatClass.QuietNaN)
            status.Raise(FloatFlags.Invalid);
        if (a.Class == FloatClass.Unsupported || b.Class == FloatClass.Unsupported)
        {
            nan = Float80.Indefinite;
            return true;
        }

        bool first = !b.IsNaN
            || (a.IsNaN && (a.Class != b.Class
                ? a.Class == FloatClass.QuietNaN
                : a.Significand > b.Significand || (a.Significand == b.Significand && !a.Sign)));
        nan = Float80.PackNaN(first ? a : b);
        return true;
    }

    /// <summary>Raises what a denormal operand raises unless something graver was, then rounds by precision control.</summary>
    private static Float80 Finish(in Exact value, bool denormal, uint before, ref FloatStatus status)
    {
        if (denormal && ((status.Flags & ~before) & (FloatFlags.Invalid | FloatFlags.DivideByZero)) == 0)
            status.Raise(FloatFlags.Denormal);
        return Float80.Pack(Rounder.Round(value, FloatShape.Extended.WithPrecision(status.Precision), ref status));
    }

    private static int CompareMagnitude(in Operand a, in Operand b)
    {
        // The order of the classes Zero, Finite, Infinity is that of the magnitudes.
        if (a.Class != b.Class)
            return a.Class.CompareTo(b.Class);
        if (a.Class != FloatClass.Finite)
            return 0;
        return a.Exponent != b.Exponent ? a.Exponent.CompareTo(b.Exponent) : a.Significand.CompareTo(b.Significand);
    }
}
