using System.Runtime.CompilerServices;

namespace Hospes.Hypervisor.Soft.Floating;

/// <summary>
/// binary64 arithmetic as SSE2, AVX and FMA do it. Numbers are bits, because a NaN's bits matter.
/// </summary>
/// <remarks>
/// The fast ways: with nearest rounding, ordinary operands and an ordinary result, the host's operation gives the guest's
/// result. Whether it was inexact need not be known once the flag is set and masked; before that an error-free
/// transformation (Dekker, Knuth) shows that nothing was lost. Everything else goes to <see cref="SseArithmetic{T}"/>.
/// </remarks>
internal static class Float64
{
    private const int FractionBits = 52;
    private const uint MaxField = 0x7ff;

    /// <summary>A result's exponent field from which on the error term of a product cannot underflow.</summary>
    private const uint SafeField = 128;

    public static ulong Add(ulong a, ulong b, ref FloatStatus status)
    {
        if (status.RoundsLikeHost && IsOrdinary(a) && IsOrdinary(b))
        {
            double x = Value(a);
            double y = Value(b);
            double sum = x + y;
            if (IsOrdinary(Bits(sum)) && (status.InexactIsKnown || IsExactSum(x, y, sum)))
                return Bits(sum);
        }

        return SseArithmetic<Binary64>.Add(a, b, ref status);
    }

    public static ulong Subtract(ulong a, ulong b, ref FloatStatus status)
    {
        if (status.RoundsLikeHost && IsOrdinary(a) && IsOrdinary(b))
        {
            double x = Value(a);
            double y = -Value(b);
            double sum = x + y;
            if (IsOrdinary(Bits(sum)) && (status.InexactIsKnown || IsExactSum(x, y, sum)))
                return Bits(sum);
        }

        return SseArithmetic<Binary64>.Subtract(a, b, ref status);
    }

    public static ulong Multiply(ulong a, ulong b, ref FloatStatus status)
    {
        if (status.RoundsLikeHost && IsOrdinary(a) && IsOrdinary(b))
        {
            double x = Value(a);
            double y = Value(b);
            double product = x * y;
            ulong bits = Bits(product);
            if (IsAboveTiny(bits))
            {
                if (status.InexactIsKnown || (Field(bits) > SafeField && Math.FusedMultiplyAdd(x, y, -product) == 0))
                    return bits;
            }
            else if (x == 0 || y == 0)
            {
                return bits;
            }
        }

        return SseArithmetic<Binary64>.Multiply(a, b, ref status);
    }

    public static ulong Divide(ulong a, ulong b, ref FloatStatus status)
    {
        if (status.RoundsLikeHost && IsOrdinary(a) && IsOrdinary(b))
        {
            double x = Value(a);
            double y = Value(b);
            double quotient = x / y;
            ulong bits = Bits(quotient);
            if (IsAboveTiny(bits) && (status.InexactIsKnown || (Field(a) > SafeField && Math.FusedMultiplyAdd(quotient, y, -x) == 0)))
                return bits;
        }

        return SseArithmetic<Binary64>.Divide(a, b, ref status);
    }

    public static ulong SquareRoot(ulong a, ref FloatStatus status)
    {
        // A set sign bit makes the field check fail, which leaves negative operands to the general way.
        if (status.RoundsLikeHost && (a >> FractionBits) - 1 < MaxField - 1)
        {
            double x = Value(a);
            double root = Math.Sqrt(x);
            if (status.InexactIsKnown || (Field(a) > SafeField && Math.FusedMultiplyAdd(root, root, -x) == 0))
                return Bits(root);
        }

        return SseArithmetic<Binary64>.SquareRoot(a, ref status);
    }

    /// <summary>a × b + c with one rounding; the first NaN of a, b, c wins.</summary>
    public static ulong MultiplyAdd(ulong a, ulong b, ulong c, ref FloatStatus status)
    {
        if (status.RoundsLikeHost && status.InexactIsKnown && IsOrdinary(a) && IsOrdinary(b) && IsOrdinary(c))
        {
            ulong bits = Bits(Math.FusedMultiplyAdd(Value(a), Value(b), Value(c)));
            if (IsAboveTiny(bits))
                return bits;
        }

        return SseArithmetic<Binary64>.MultiplyAdd(a, b, c, ref status);
    }

    /// <summary>Compares; <paramref name="signalQuiet"/> makes quiet NaNs invalid too (COMISD, not UCOMISD).</summary>
    public static FloatRelation Compare(ulong a, ulong b, bool signalQuiet, ref FloatStatus status)
    {
        if (IsOrdinary(a) && IsOrdinary(b))
        {
            double x = Value(a);
            double y = Value(b);
            return x < y ? FloatRelation.Less : x == y ? FloatRelation.Equal : FloatRelation.Greater;
        }

        return SseArithmetic<Binary64>.Compare(a, b, signalQuiet, ref status);
    }

    /// <summary>MINSD: the second operand unless the first is smaller.</summary>
    public static ulong Min(ulong a, ulong b, ref FloatStatus status)
    {
        if (IsOrdinary(a) && IsOrdinary(b))
            return Value(a) < Value(b) ? a : b;
        return SseArithmetic<Binary64>.Min(a, b, ref status);
    }

    /// <summary>MAXSD: the second operand unless the first is greater.</summary>
    public static ulong Max(ulong a, ulong b, ref FloatStatus status)
    {
        if (IsOrdinary(a) && IsOrdinary(b))
            return Value(a) > Value(b) ? a : b;
        return SseArithmetic<Binary64>.Max(a, b, ref status);
    }

    /// <summary>ROUNDSD: to an integral value by the status's rounding mode.</summary>
    public static ulong RoundToIntegral(ulong a, bool suppressInexact, ref FloatStatus status)
    {
        if (IsOrdinary(a))
        {
            double x = Value(a);
            double rounded = status.Rounding switch
            {
                RoundingMode.NearestEven => Math.Round(x, MidpointRounding.ToEven),
                RoundingMode.Down => Math.Floor(x),
                RoundingMode.Up => Math.Ceiling(x),
                _ => Math.Truncate(x),
            };
            if (rounded != x && !suppressInexact)
                status.Raise(FloatFlags.Inexact);
            return Bits(rounded);
        }

        return SseArithmetic<Binary64>.RoundToIntegral(a, suppressInexact, ref status);
    }

    /// <summary>CVTSD2SS: narrows to binary32.</summary>
    public static uint ToFloat32(ulong a, ref FloatStatus status)
    {
        if (status.RoundsLikeHost && IsOrdinary(a))
        {
            double x = Value(a);
            float narrow = (float)x;
            uint bits = BitConverter.SingleToUInt32Bits(narrow);
            if (narrow == x ? Float32.IsOrdinary(bits) : status.InexactIsKnown && Float32.IsAboveTiny(bits))
                return bits;
        }

        return (uint)FormatConversion.Convert<Binary64, Binary32>(a, ref status);
    }

    /// <summary>CVTSD2SI with a 32-bit destination, by the status's rounding.</summary>
    public static int ToInt32(ulong a, ref FloatStatus status)
    {
        if (IsOrdinary(a) && status.RoundsLikeHost)
        {
            double rounded = Math.Round(Value(a), MidpointRounding.ToEven);
            if (rounded >= -2147483648.0 && rounded < 2147483648.0)
            {
                NoteInexact(rounded != Value(a), ref status);
                return (int)rounded;
            }
        }

        return (int)ToSigned(a, 32, ref status);
    }

    /// <summary>CVTSD2SI with a 64-bit destination, by the status's rounding.</summary>
    public static long ToInt64(ulong a, ref FloatStatus status)
    {
        if (IsOrdinary(a) && status.RoundsLikeHost)
        {
            double rounded = Math.Round(Value(a), MidpointRounding.ToEven);
            if (rounded >= -9223372036854775808.0 && rounded < 9223372036854775808.0)
            {
                NoteInexact(rounded != Value(a), ref status);
                return (long)rounded;
            }
        }

        return ToSigned(a, 64, ref status);
    }

    /// <summary>CVTTSD2SI with a 32-bit destination: toward zero.</summary>
    public static int TruncateToInt32(ulong a, ref FloatStatus status)
    {
        if (IsOrdinary(a))
        {
            double truncated = Math.Truncate(Value(a));
            if (truncated >= -2147483648.0 && truncated < 2147483648.0)
            {
                NoteInexact(truncated != Value(a), ref status);
                return (int)truncated;
            }
        }

        return (int)Truncate(a, 32, ref status);
    }

    /// <summary>CVTTSD2SI with a 64-bit destination: toward zero.</summary>
    public static long TruncateToInt64(ulong a, ref FloatStatus status)
    {
        if (IsOrdinary(a))
        {
            double truncated = Math.Truncate(Value(a));
            if (truncated >= -9223372036854775808.0 && truncated < 9223372036854775808.0)
            {
                NoteInexact(truncated != Value(a), ref status);
                return (long)truncated;
            }
        }

        return Truncate(a, 64, ref status);
    }

    /// <summary>CVTSI2SD from 32 bits: always exact.</summary>
    public static ulong FromInt32(int value) => Bits(value);

    /// <summary>CVTSI2SD from 64 bits.</summary>
    public static ulong FromInt64(long value, ref FloatStatus status)
    {
        if (status.RoundsLikeHost && (status.InexactIsKnown || (value < 1L << 53 && value > -(1L << 53))))
            return Bits((double)value);
        return Interchange<Binary64>.Pack(IntegerConversion.FromSigned(value), ref status);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double Value(ulong bits) => BitConverter.UInt64BitsToDouble(bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Bits(double value) => BitConverter.DoubleToUInt64Bits(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Field(ulong bits) => (uint)(bits >> FractionBits) & MaxField;

    /// <summary>Neither NaN, infinity nor subnormal.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsOrdinary(ulong bits) => Field(bits) - 1 < MaxField - 1 || bits << 1 == 0;

    /// <summary>Normal, finite, and above the least normal number, which might be a tiny one rounded up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsAboveTiny(ulong bits) => Field(bits) - 2 < MaxField - 2;

    /// <summary>Knuth's two-sum: the rounding error of a sum, which is a number of the format, is zero.</summary>
    private static bool IsExactSum(double x, double y, double sum)
    {
        double virtualY = sum - x;
        return (x - (sum - virtualY)) + (y - virtualY) == 0;
    }

    private static void NoteInexact(bool inexact, ref FloatStatus status)
    {
        if (inexact)
            status.Raise(FloatFlags.Inexact);
    }

    private static long ToSigned(ulong a, int bits, ref FloatStatus status) =>
        IntegerConversion.ToSigned(Exact.From(SseArithmetic<Binary64>.Unpack(a, status)), bits, ref status);

    private static long Truncate(ulong a, int bits, ref FloatStatus status)
    {
        FloatStatus truncating = status.WithRounding(RoundingMode.TowardZero);
        long result = ToSigned(a, bits, ref truncating);
        status.Flags = truncating.Flags;
        return result;
    }
}
