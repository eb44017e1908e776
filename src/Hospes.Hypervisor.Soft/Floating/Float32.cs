using System.Runtime.CompilerServices;

namespace Hospes.Hypervisor.Soft.Floating;

/// <summary>
/// binary32 arithmetic as SSE, AVX and FMA do it. Numbers are bits, because a NaN's bits matter.
/// </summary>
/// <remarks>
/// The fast ways: with nearest rounding, ordinary operands and an ordinary result, the host's operation gives the guest's
/// result. Whether it was inexact need not be known once the flag is set and masked; before that an error-free
/// transformation (Dekker, Knuth) shows that nothing was lost. Everything else goes to <see cref="SseArithmetic{T}"/>.
/// </remarks>
internal static class Float32
{
    private const int FractionBits = 23;
    private const uint MaxField = 0xff;

    public static uint Add(uint a, uint b, ref FloatStatus status)
    {
        if (status.RoundsLikeHost && IsOrdinary(a) && IsOrdinary(b))
        {
            float x = Value(a);
            float y = Value(b);
            float sum = x + y;
            if (IsOrdinary(Bits(sum)) && (status.InexactIsKnown || IsExactSum(x, y, sum)))
                return Bits(sum);
        }

        return (uint)SseArithmetic<Binary32>.Add(a, b, ref status);
    }

    public static uint Subtract(uint a, uint b, ref FloatStatus status)
    {
        if (status.RoundsLikeHost && IsOrdinary(a) && IsOrdinary(b))
        {
            float x = Value(a);
            float y = -Value(b);
            float sum = x + y;
            if (IsOrdinary(Bits(sum)) && (status.InexactIsKnown || IsExactSum(x, y, sum)))
                return Bits(sum);
        }

        return (uint)SseArithmetic<Binary32>.Subtract(a, b, ref status);
    }

    public static uint Multiply(uint a, uint b, ref FloatStatus status)
    {
        if (status.RoundsLikeHost && IsOrdinary(a) && IsOrdinary(b))
        {
            float x = Value(a);
            float y = Value(b);
            float product = x * y;
            uint bits = Bits(product);
            if (IsAboveTiny(bits))
            {
                if (status.InexactIsKnown || (double)x * y == product)
                    return bits;
            }
            else if (x == 0 || y == 0)
            {
                return bits;
            }
        }

        return (uint)SseArithmetic<Binary32>.Multiply(a, b, ref status);
    }

    public static uint Divide(uint a, uint b, ref FloatStatus status)
    {
        if (status.RoundsLikeHost && IsOrdinary(a) && IsOrdinary(b))
        {
            float x = Value(a);
            float y = Value(b);
            float quotient = x / y;
            uint bits = Bits(quotient);
            if (IsAboveTiny(bits) && (status.InexactIsKnown || (double)quotient * y == x))
                return bits;
        }

        return (uint)SseArithmetic<Binary32>.Divide(a, b, ref status);
    }

    public static uint SquareRoot(uint a, ref FloatStatus status)
    {
        // A set sign bit makes the field check fail, which leaves negative operands to the general way.
        if (status.RoundsLikeHost && (a >> FractionBits) - 1 < MaxField - 1)
        {
            float x = Value(a);
            float root = MathF.Sqrt(x);
            if (status.InexactIsKnown || (double)root * root == x)
                return Bits(root);
        }

        return (uint)SseArithmetic<Binary32>.SquareRoot(a, ref status);
    }

    /// <summary>a × b + c with one rounding; the first NaN of a, b, c wins.</summary>
    public static uint MultiplyAdd(uint a, uint b, uint c, ref FloatStatus status)
    {
        if (status.RoundsLikeHost && status.InexactIsKnown && IsOrdinary(a) && IsOrdinary(b) && IsOrdinary(c))
        {
            uint bits = Bits(MathF.FusedMultiplyAdd(Value(a), Value(b), Value(c)));
            if (IsAboveTiny(bits))
                return bits;
        }

        return (uint)SseArithmetic<Binary32>.MultiplyAdd(a, b, c, ref status);
    }

    /// <summary>Compares; <paramref name="signalQuiet"/> makes quiet NaNs invalid too (COMISS, not UCOMISS).</summary>
    public static FloatRelation Compare(uint a, uint b, bool signalQuiet, ref FloatStatus status)
    {
        if (IsOrdinary(a) && IsOrdinary(b))
        {
            float x = Value(a);
            float y = Value(b);
            return x < y ? FloatRelation.Less : x == y ? FloatRelation.Equal : FloatRelation.Greater;
        }

        return SseArithmetic<Binary32>.Compare(a, b, signalQuiet, ref status);
    }

    /// <summary>MINSS: the second operand unless the first is smaller.</summary>
    public static uint Min(uint a, uint b, ref FloatStatus status)
    {
        if (IsOrdinary(a) && IsOrdinary(b))
            return Value(a) < Value(b) ? a : b;
        return (uint)SseArithmetic<Binary32>.Min(a, b, ref status);
    }

    /// <summary>MAXSS: the second operand unless the first is greater.</summary>
    public static uint Max(uint a, uint b, ref FloatStatus status)
    {
        if (IsOrdinary(a) && IsOrdinary(b))
            return Value(a) > Value(b) ? a : b;
        return (uint)SseArithmetic<Binary32>.Max(a, b, ref status);
    }

    /// <summary>ROUNDSS: to an integral value by the status's rounding mode.</summary>
    public static uint RoundToIntegral(uint a, bool suppressInexact, ref FloatStatus status)
    {
        if (IsOrdinary(a))
        {
            float x = Value(a);
            float rounded = status.Rounding switch
            {
                RoundingMode.NearestEven => MathF.Round(x, MidpointRounding.ToEven),
                RoundingMode.Down => MathF.Floor(x),
                RoundingMode.Up => MathF.Ceiling(x),
                _ => MathF.Truncate(x),
            };
            if (rounded != x && !suppressInexact)
                status.Raise(FloatFlags.Inexact);
            return Bits(rounded);
        }

        return (uint)SseArithmetic<Binary32>.RoundToIntegral(a, suppressInexact, ref status);
    }

    /// <summary>CVTSS2SD: widens to binary64, which is exact.</summary>
    public static ulong ToFloat64(uint a, ref FloatStatus status) =>
        IsOrdinary(a)
            ? BitConverter.DoubleToUInt64Bits(Value(a))
            : FormatConversion.Convert<Binary32, Binary64>(a, ref status);

    /// <summary>CVTSS2SI with a 32-bit destination, by the status's rounding.</summary>
    public static int ToInt32(uint a, ref FloatStatus status)
    {
        if (IsOrdinary(a) && status.RoundsLikeHost)
        {
            float rounded = MathF.Round(Value(a), MidpointRounding.ToEven);
            if (rounded >= -2147483648.0f && rounded < 2147483648.0f)
            {
                NoteInexact(rounded != Value(a), ref status);
                return (int)rounded;
            }
        }

        return (int)ToSigned(a, 32, ref status);
    }

    /// <summary>CVTSS2SI with a 64-bit destination, by the status's rounding.</summary>
    public static long ToInt64(uint a, ref FloatStatus status)
    {
        if (IsOrdinary(a) && status.RoundsLikeHost)
        {
            float rounded = MathF.Round(Value(a), MidpointRounding.ToEven);
            if (rounded >= -9223372036854775808.0f && rounded < 9223372036854775808.0f)
            {
                NoteInexact(rounded != Value(a), ref status);
                return (long)rounded;
            }
        }

        return ToSigned(a, 64, ref status);
    }

    /// <summary>CVTTSS2SI with a 32-bit destination: toward zero.</summary>
    public static int TruncateToInt32(uint a, ref FloatStatus status)
    {
        if (IsOrdinary(a))
        {
            float truncated = MathF.Truncate(Value(a));
            if (truncated >= -2147483648.0f && truncated < 2147483648.0f)
            {
                NoteInexact(truncated != Value(a), ref status);
                return (int)truncated;
            }
        }

        return (int)Truncate(a, 32, ref status);
    }

    /// <summary>CVTTSS2SI with a 64-bit destination: toward zero.</summary>
    public static long TruncateToInt64(uint a, ref FloatStatus status)
    {
        if (IsOrdinary(a))
        {
            float truncated = MathF.Truncate(Value(a));
            if (truncated >= -9223372036854775808.0f && truncated < 9223372036854775808.0f)
            {
                NoteInexact(truncated != Value(a), ref status);
                return (long)truncated;
            }
        }

        return Truncate(a, 64, ref status);
    }

    /// <summary>CVTSI2SS from 32 bits.</summary>
    public static uint FromInt32(int value, ref FloatStatus status) => FromInt64(value, ref status);

    /// <summary>CVTSI2SS from 64 bits.</summary>
    public static uint FromInt64(long value, ref FloatStatus status)
    {
        if (status.RoundsLikeHost && (status.InexactIsKnown || (value < 1L << 24 && value > -(1L << 24))))
            return Bits((float)value);
        return (uint)Interchange<Binary32>.Pack(IntegerConversion.FromSigned(value), ref status);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Value(uint bits) => BitConverter.UInt32BitsToSingle(bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Bits(float value) => BitConverter.SingleToUInt32Bits(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Field(uint bits) => (uint)(bits >> FractionBits) & MaxField;

    /// <summary>Neither NaN, infinity nor subnormal.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsOrdinary(uint bits) => Field(bits) - 1 < MaxField - 1 || bits << 1 == 0;

    /// <summary>Normal, finite, and above the least normal number, which might be a tiny one rounded up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool IsAboveTiny(uint bits) => Field(bits) - 2 < MaxField - 2;

    /// <summary>Knuth's two-sum: the rounding error of a sum, which is a number of the format, is zero.</summary>
    private static bool IsExactSum(float x, float y, float sum)
    {
        float virtualY = sum - x;
        return (x - (sum - virtualY)) + (y - virtualY) == 0;
    }

    private static void NoteInexact(bool inexact, ref FloatStatus status)
    {
        if (inexact)
            status.Raise(FloatFlags.Inexact);
    }

    private static long ToSigned(uint a, int bits, ref FloatStatus status) =>
        IntegerConversion.ToSigned(Exact.From(SseArithmetic<Binary32>.Unpack(a, status)), bits, ref status);

    private static long Truncate(uint a, int bits, ref FloatStatus status)
    {
        FloatStatus truncating = status.WithRounding(RoundingMode.TowardZero);
        long result = ToSigned(a, bits, ref truncating);
        status.Flags = truncating.Flags;
        return result;
    }
}
