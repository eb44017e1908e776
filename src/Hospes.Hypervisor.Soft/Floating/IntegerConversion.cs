namespace Hospes.Hypervisor.Soft.Floating;

/// <summary>Conversions between numbers and integers (SDM vol. 1, 4.9.1.1 and table 11-1 for what does not fit).</summary>
internal static class IntegerConversion
{
    /// <summary>The integer indefinite of 64 bits: what a conversion answers that has no answer.</summary>
    public const ulong Indefinite64 = 1UL << 63;

    /// <summary>The integer indefinite of 32 bits.</summary>
    public const uint Indefinite32 = 1U << 31;

    /// <summary>
    /// Rounds a finite number or zero with an exponent below 64 to an integer by the status's rounding. The result may be
    /// 2^64, which shows as 0 with <paramref name="inexact"/>; callers bound the exponent first.
    /// </summary>
    public static ulong ToMagnitude(in Exact value, ref FloatStatus status, out bool inexact)
    {
        status.RoundedUp = false;
        if (value.Class == FloatClass.Zero)
        {
            inexact = false;
            return 0;
        }

        UInt128 aligned = ExactArithmetic.ShiftRightJam(value.Significand, Math.Min(63 - value.Exponent, 200));
        ulong integer = (ulong)(aligned >> 64);
        ulong fraction = (ulong)aligned;
        inexact = fraction != 0;
        bool half = (fraction >> 63) != 0;
        bool rest = (fraction << 1) != 0;
        if (inexact && Rounder.Increments(status.Rounding, value.Sign, (integer & 1) != 0, half, rest))
        {
            status.RoundedUp = true;
            integer++;
        }

        return integer;
    }

    /// <summary>To a signed integer of 16, 32 or 64 bits, sign-extended; out of range is invalid and yields the integer indefinite.</summary>
    public static long ToSigned(in Exact value, int bits, ref FloatStatus status)
    {
        long indefinite = long.MinValue >> (64 - bits);
        if (value.Class is not (FloatClass.Zero or FloatClass.Finite) || (value.Class == FloatClass.Finite && value.Exponent >= bits))
        {
            status.RoundedUp = false;
            status.Raise(FloatFlags.Invalid);
            return indefinite;
        }

        ulong magnitude = ToMagnitude(value, ref status, out bool inexact);
        ulong limit = (ulong)long.MaxValue >> (64 - bits);
        if (magnitude > limit && !(value.Sign && magnitude == limit + 1))
        {
            status.RoundedUp = false;
            status.Raise(FloatFlags.Invalid);
            return indefinite;
        }

        if (inexact)
            status.Raise(FloatFlags.Inexact);
        return value.Sign ? -(long)magnitude : (long)magnitude;
    }

    /// <summary>A signed integer as an exact number.</summary>
    public static Exact FromSigned(long value) =>
        Exact.Normalize(value < 0, 127, value < 0 ? unchecked((ulong)-value) : (ulong)value);
}
