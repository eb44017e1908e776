namespace Hospes.Hypervisor.Soft.Floating;

/// <summary>A rounded number, ready to be packed: <see cref="Significand"/> has bit 63 clear when it is subnormal or zero.</summary>
internal struct Rounded
{
    public FloatClass Class;
    public bool Sign;
    public int Exponent;
    public ulong Significand;
}

/// <summary>The shape of a destination: bits of significand and the range of exponents of normal numbers.</summary>
internal readonly struct FloatShape(int precision, int minExponent, int maxExponent, int biasAdjustment = 0)
{
    /// <summary>The double extended format (SDM vol. 1, table 4-3).</summary>
    public static FloatShape Extended => new(64, -16382, 16383, 24576);

    public readonly int Precision = precision;
    public readonly int MinExponent = minExponent;
    public readonly int MaxExponent = maxExponent;

    /// <summary>
    /// By which power of two a result is scaled when it raises an unmasked overflow or underflow. Only a register of the
    /// x87 stack receives such results (SDM vol. 1, 8.5.4 and 8.5.5); it is 0 where the instruction writes nothing.
    /// </summary>
    public readonly int BiasAdjustment = biasAdjustment;

    /// <summary>The same range with fewer bits: what precision control makes of the 80-bit format (SDM vol. 1, 8.1.5.2).</summary>
    public FloatShape WithPrecision(int bits) => new(bits, MinExponent, MaxExponent, BiasAdjustment);
}

/// <summary>Rounding to a destination with overflow, underflow and inexact (SDM vol. 1, 4.9.1.4 to 4.9.1.6).</summary>
internal static class Rounder
{
    /// <summary>
    /// Rounds for a destination. With overflow or underflow unmasked the result is the bias-adjusted one, which only a
    /// register of the x87 stack can take; other destinations are not written then.
    /// </summary>
    public static Rounded Round(in Exact value, in FloatShape shape, ref FloatStatus status)
    {
        status.RoundedUp = false;
        if (value.Class != FloatClass.Finite)
            return new Rounded { Class = value.Class, Sign = value.Sign };
        if (value.Exponent < shape.MinExponent)
            return RoundTiny(value, shape, ref status);
        return RoundNormal(value, value.Exponent, shape, ref status);
    }

    private static Rounded RoundNormal(in Exact value, int exponent, in FloatShape shape, ref FloatStatus status)
    {
        ulong significand = Cut(value, shape.Precision, status.Rounding, out bool inexact, out bool up, out bool carry);
        if (carry)
            exponent++;
        if (exponent > shape.MaxExponent)
        {
            status.Raise(FloatFlags.Overflow);
            if (status.IsMasked(FloatFlags.Overflow))
                return Overflow(value.Sign, shape, ref status);
            exponent -= shape.BiasAdjustment;

            // Only FSCALE gets this far beyond; the answer then is infinity whatever the rounding (SDM vol. 1, 8.5.4).
            if (exponent > shape.MaxExponent && shape.BiasAdjustment != 0)
            {
                status.Raise(FloatFlags.Inexact);
                status.RoundedUp = true;
                return new Rounded { Class = FloatClass.Infinity, Sign = value.Sign };
            }
        }

        status.RoundedUp = up;
        if (inexact)
            status.Raise(FloatFlags.Inexact);
        return new Rounded { Class = FloatClass.Finite, Sign = value.Sign, Exponent = exponent, Significand = significand };
    }

    private static Rounded RoundTiny(in Exact value, in FloatShape shape, ref FloatStatus status)
    {
        // x86 detects tininess after rounding: rounded as if the exponent had no lower end, is it still below?
        Cut(value, shape.Precision, status.Rounding, out bool inexactNormal, out _, out bool carry);
        bool tiny = value.Exponent + (carry ? 1 : 0) < shape.MinExponent;
        if (tiny && !status.IsMasked(FloatFlags.Underflow))
        {
            status.Raise(FloatFlags.Underflow);
            if (shape.BiasAdjustment == 0)
            {
                if (inexactNormal)
                    status.Raise(FloatFlags.Inexact);
                return new Rounded { Class = FloatClass.Zero, Sign = value.Sign };
            }

            if (value.Exponent + shape.BiasAdjustment >= shape.MinExponent)
                return RoundNormal(value, value.Exponent + shape.BiasAdjustment, shape, ref status);
            status.Raise(FloatFlags.Inexact);
            return new Rounded { Class = FloatClass.Zero, Sign = value.Sign };
        }
        else if (tiny && status.Ftz)
        {
            status.Raise(FloatFlags.Underflow | FloatFlags.Inexact);
            return new Rounded { Class = FloatClass.Zero, Sign = value.Sign };
        }

        Exact denormalized = value;
        denormalized.Significand = ExactArithmetic.ShiftRightJam(value.Significand, Math.Min(shape.MinExponent - value.Exponent, 200));
        ulong significand = Cut(denormalized, shape.Precision, status.Rounding, out bool inexact, out bool up, out _);
        status.RoundedUp = up;
        if (inexact)
            status.Raise(tiny ? FloatFlags.Underflow | FloatFlags.Inexact : FloatFlags.Inexact);
        return new Rounded
        {
            Class = significand == 0 ? FloatClass.Zero : FloatClass.Finite,
            Sign = value.Sign,
            Exponent = shape.MinExponent,
            Significand = significand,
        };
    }

    private static Rounded Overflow(bool sign, in FloatShape shape, ref FloatStatus status)
    {
        status.Raise(FloatFlags.Inexact);
        bool toInfinity = status.Rounding switch
        {
            RoundingMode.NearestEven => true,
            RoundingMode.Down => sign,
            RoundingMode.Up => !sign,
            _ => false,
        };
        status.RoundedUp = toInfinity;
        if (toInfinity)
            return new Rounded { Class = FloatClass.Infinity, Sign = sign };
        return new Rounded
        {
            Class = FloatClass.Finite,
            Sign = sign,
            Exponent = shape.MaxExponent,
            Significand = ulong.MaxValue << (64 - shape.Precision),
        };
    }

    /// <summary>Whether a magnitude is rounded away from zero, from its last kept bit, the bit behind it and the rest.</summary>
    public static bool Increments(RoundingMode rounding, bool sign, bool odd, bool half, bool rest) => rounding switch
    {
        RoundingMode.NearestEven => half && (rest || odd),
        RoundingMode.Down => sign && (half || rest),
        RoundingMode.Up => !sign && (half || rest),
        _ => false,
    };

    /// <summary>
    /// Keeps the leading bits of a significand, left-aligned in 64. With <paramref name="carry"/> the value has become
    /// the next power of two and the exponent is to grow by one.
    /// </summary>
    private static ulong Cut(in Exact value, int precision, RoundingMode rounding, out bool inexact, out bool up, out bool carry)
    {
        int dropped = 64 - precision;
        ulong high = (ulong)(value.Significand >> 64);
        ulong low = (ulong)value.Significand;
        ulong unit = 1UL << dropped;
        ulong kept = high & ~(unit - 1);
        bool half;
        bool rest;
        if (dropped == 0)
        {
            half = (low >> 63) != 0;
            rest = (low << 1) != 0;
        }
        else
        {
            half = (high & (unit >> 1)) != 0;
            rest = ((high & ((unit >> 1) - 1)) | low) != 0;
        }

        inexact = half || rest;
        up = inexact && Increments(rounding, value.Sign, (high & unit) != 0, half, rest);
        carry = false;
        if (up)
        {
            kept += unit;
            if (kept == 0)
            {
                kept = 1UL << 63;
                carry = true;
            }
        }

        return kept;
    }
}
