using System.Numerics;
using Hospes.Hypervisor.Soft.Floating;

namespace Hospes.Hypervisor.Soft.Tests.Floating;

/// <summary>
/// A second, slow way to round: on whole numbers of any size, from the definition. It shares nothing with the product.
/// </summary>
internal static class ReferenceRounding
{
    /// <summary>
    /// Rounds numerator/denominator × 2^scale (both positive) to a multiple of a power of two, for a format of the given precision and least
    /// exponent. Returns the integer multiple, the exponent of its unit, and whether anything was lost.
    /// </summary>
    public static (BigInteger Multiple, int UnitExponent, bool Inexact) Round(
        BigInteger numerator, BigInteger denominator, int scale, bool negative, int precision, int minExponent, RoundingMode mode)
    {
        int exponent = (int)(numerator.GetBitLength() - denominator.GetBitLength()) + scale;
        while (Compare(numerator, denominator, scale, exponent) < 0)
            exponent--;
        while (Compare(numerator, denominator, scale, exponent + 1) >= 0)
            exponent++;
        int unit = Math.Max(exponent, minExponent) - (precision - 1);
        int shift = scale - unit;
        BigInteger top = shift >= 0 ? numerator << shift : numerator;
        BigInteger bottom = shift >= 0 ? denominator : denominator << -shift;
        BigInteger quotient = BigInteger.DivRem(top, bottom, out BigInteger remainder);
        bool inexact = !remainder.IsZero;
        int half = (2 * remainder).CompareTo(bottom);
        bool up = mode switch
        {
            RoundingMode.NearestEven => half > 0 || (half == 0 && !quotient.IsEven),
            RoundingMode.Down => inexact && negative,
            RoundingMode.Up => inexact && !negative,
            _ => false,
        };
        return (up ? quotient + 1 : quotient, unit, inexact);
    }

    /// <summary>Takes a finite binary64 apart: magnitude × 2^exponent.</summary>
    public static (BigInteger Magnitude, int Exponent) Split(double value)
    {
        ulong bits = BitConverter.DoubleToUInt64Bits(value);
        int field = (int)(bits >> 52) & 0x7ff;
        ulong fraction = bits & ((1UL << 52) - 1);
        return field == 0 ? (fraction, -1074) : (fraction | (1UL << 52), field - 1075);
    }

    /// <summary>The finite binary64 that a multiple of a power of two is, which must fit.</summary>
    public static double Join(BigInteger multiple, int unitExponent, bool negative)
    {
        double magnitude = Math.ScaleB((double)(ulong)multiple, unitExponent);
        return negative ? -magnitude : magnitude;
    }

    private static int Compare(BigInteger numerator, BigInteger denominator, int scale, int exponent)
    {
        int shift = scale - exponent;
        return shift >= 0 ? (numerator << shift).CompareTo(denominator) : numerator.CompareTo(denominator << -shift);
    }
}
