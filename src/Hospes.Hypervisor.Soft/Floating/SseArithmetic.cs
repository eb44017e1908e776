namespace Hospes.Hypervisor.Soft.Floating;

/// <summary>
/// The general way of the SSE, AVX and FMA operations: every rounding mode, every flag, every operand. The fast ways in
/// <see cref="Float32"/> and <see cref="Float64"/> come here for what the host's arithmetic does not answer.
/// NaN operands follow SDM vol. 1, table 4-7: the first one wins, made quiet.
/// </summary>
internal static class SseArithmetic<TFormat>
    where TFormat : struct, IInterchangeFormat
{
    public static ulong Add(ulong a, ulong b, ref FloatStatus status)
    {
        if (TryNaN(a, b, ref status, out ulong nan))
            return nan;
        Operand x = Unpack(a, status);
        Operand y = Unpack(b, status);
        Exact sum = ExactArithmetic.Add(Exact.From(x), Exact.From(y), ref status);
        RaiseDenormal(x.Denormal || y.Denormal, ref status);
        return Interchange<TFormat>.Pack(sum, ref status);
    }

    /// <summary>a - b. Not a + (-b): a NaN keeps its sign.</summary>
    public static ulong Subtract(ulong a, ulong b, ref FloatStatus status)
    {
        if (TryNaN(a, b, ref status, out ulong nan))
            return nan;
        return Add(a, b ^ Interchange<TFormat>.Sign, ref status);
    }

    public static ulong Multiply(ulong a, ulong b, ref FloatStatus status)
    {
        if (TryNaN(a, b, ref status, out ulong nan))
            return nan;
        Operand x = Unpack(a, status);
        Operand y = Unpack(b, status);
        uint before = status.Begin();
        Exact product = ExactArithmetic.Multiply(x, y, ref status);
        RaiseDenormalUnlessInvalid(x.Denormal || y.Denormal, before, ref status);
        return Interchange<TFormat>.Pack(product, ref status);
    }

    public static ulong Divide(ulong a, ulong b, ref FloatStatus status)
    {
        if (TryNaN(a, b, ref status, out ulong nan))
            return nan;
        Operand x = Unpack(a, status);
        Operand y = Unpack(b, status);
        uint before = status.Begin();
        Exact quotient = ExactArithmetic.Divide(x, y, ref status);
        RaiseDenormalUnlessInvalid(x.Denormal || y.Denormal, before, ref status);
        return Interchange<TFormat>.Pack(quotient, ref status);
    }

    public static ulong SquareRoot(ulong a, ref FloatStatus status)
    {
        if (TryNaN(a, a, ref status, out ulong nan))
            return nan;
        Operand x = Unpack(a, status);
        uint before = status.Begin();
        Exact root = ExactArithmetic.SquareRoot(x, ref status);
        RaiseDenormalUnlessInvalid(x.Denormal, before, ref status);
        return Interchange<TFormat>.Pack(root, ref status);
    }

    /// <summary>a × b + c with one rounding (SDM vol. 1, 14.5.2 for the choice among NaNs: a, then b, then c).</summary>
    public static ulong MultiplyAdd(ulong a, ulong b, ulong c, ref FloatStatus status)
    {
        if (TryNaN(a, b, c, ref status, out ulong nan))
            return nan;
        Operand x = Unpack(a, status);
        Operand y = Unpack(b, status);
        Operand z = Unpack(c, status);
        uint before = status.Begin();
        Exact result = ExactArithmetic.Multiply(x, y, ref status);
        if (result.Class != FloatClass.QuietNaN)
            result = ExactArithmetic.Add(result, Exact.From(z), ref status);
        RaiseDenormalUnlessInvalid(x.Denormal || y.Denormal || z.Denormal, before, ref status);
        return Interchange<TFormat>.Pack(result, ref status);
    }

    /// <summary>Compares; <paramref name="signalQuiet"/> makes quiet NaNs invalid too (COMISS, not UCOMISS).</summary>
    public static FloatRelation Compare(ulong a, ulong b, bool signalQuiet, ref FloatStatus status)
    {
        if (Interchange<TFormat>.IsNaN(a) || Interchange<TFormat>.IsNaN(b))
        {
            if (signalQuiet || Interchange<TFormat>.IsSignaling(a) || Interchange<TFormat>.IsSignaling(b))
                status.Raise(FloatFlags.Invalid);
            return FloatRelation.Unordered;
        }

        a = Interchange<TFormat>.Flush(a, status);
        b = Interchange<TFormat>.Flush(b, status);
        RaiseDenormal(Interchange<TFormat>.IsSubnormal(a) || Interchange<TFormat>.IsSubnormal(b), ref status);
        long x = Order(a);
        long y = Order(b);
        return x < y ? FloatRelation.Less : x == y ? FloatRelation.Equal : FloatRelation.Greater;
    }

    /// <summary>MINSS and its kin: the second operand unless the first is smaller; any NaN is invalid and yields the second.</summary>
    public static ulong Min(ulong a, ulong b, ref FloatStatus status)
    {
        FloatRelation relation = Compare(a, b, signalQuiet: true, ref status);
        return relation switch
        {
            FloatRelation.Less => Interchange<TFormat>.Flush(a, status),
            FloatRelation.Unordered => Interchange<TFormat>.Flush(b, status),
            _ => Interchange<TFormat>.Flush(b, status),
        };
    }

    /// <summary>MAXSS and its kin: the second operand unless the first is greater; any NaN is invalid and yields the second.</summary>
    public static ulong Max(ulong a, ulong b, ref FloatStatus status)
    {
        FloatRelation relation = Compare(a, b, signalQuiet: true, ref status);
        return relation switch
        {
            FloatRelation.Greater => Interchange<TFormat>.Flush(a, status),
            FloatRelation.Unordered => Interchange<TFormat>.Flush(b, status),
            _ => Interchange<TFormat>.Flush(b, status),
        };
    }

    /// <summary>
    /// ROUNDSS and its kin: to an integral value by the status's rounding. Raises no denormal exception, and inexact only
    /// when <paramref name="suppressInexact"/> is false.
    /// </summary>
    public static ulong RoundToIntegral(ulong a, bool suppressInexact, ref FloatStatus status)
    {
        if (TryNaN(a, a, ref status, out ulong nan))
            return nan;
        Operand x = Unpack(a, status);
        if (x.Class != FloatClass.Finite || x.Exponent >= TFormat.FractionBits)
            return Interchange<TFormat>.Flush(a, status);
        ulong magnitude = IntegerConversion.ToMagnitude(Exact.From(x), ref status, out bool inexact);
        if (inexact && !suppressInexact)
            status.Raise(FloatFlags.Inexact);
        Exact integral = Exact.Normalize(x.Sign, 127, magnitude);
        return Interchange<TFormat>.Pack(integral, ref status);
    }

    /// <summary>The operand in the shape of the exact arithmetic.</summary>
    public static Operand Unpack(ulong bits, in FloatStatus status) => Interchange<TFormat>.Unpack(bits, status.Daz);

    public static void RaiseDenormal(bool denormal, ref FloatStatus status)
    {
        if (denormal)
            status.Raise(FloatFlags.Denormal);
    }

    public static bool TryNaN(ulong a, ulong b, ref FloatStatus status, out ulong nan)
    {
        bool first = Interchange<TFormat>.IsNaN(a);
        if (!first && !Interchange<TFormat>.IsNaN(b))
        {
            nan = 0;
            return false;
        }

        if (Interchange<TFormat>.IsSignaling(a) || Interchange<TFormat>.IsSignaling(b))
            status.Raise(FloatFlags.Invalid);
        nan = (first ? a : b) | Interchange<TFormat>.QuietBit;
        return true;
    }

    private static bool TryNaN(ulong a, ulong b, ulong c, ref FloatStatus status, out ulong nan)
    {
        if (!TryNaN(a, b, ref status, out nan))
            return TryNaN(c, c, ref status, out nan);
        if (Interchange<TFormat>.IsSignaling(c))
            status.Raise(FloatFlags.Invalid);
        return true;
    }

    private static void RaiseDenormalUnlessInvalid(bool denormal, uint before, ref FloatStatus status)
    {
        // An invalid operation and a division by zero outrank a denormal operand of the same element (SDM vol. 1, 4.9.2).
        if (denormal && (status.Flags & (FloatFlags.Invalid | FloatFlags.DivideByZero)) == 0)
            status.Raise(FloatFlags.Denormal);
        status.Raise(before);
    }

    /// <summary>Maps numbers to integers of the same order, both zeros to one.</summary>
    private static long Order(ulong bits)
    {
        long magnitude = (long)(bits & (Interchange<TFormat>.Sign - 1));
        return (bits & Interchange<TFormat>.Sign) != 0 ? -magnitude : magnitude;
    }
}
