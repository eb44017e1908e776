namespace Hospes.Hypervisor.Soft.Floating;

/// <summary>
/// The operations of IEEE 754-2008 clause 5.4 on numbers outside any format. None sees a NaN: which NaN comes out
/// differs between SSE and x87, so the callers settle that first. Invalid and divide-by-zero are raised here;
/// denormal operands and everything about rounding are not.
/// </summary>
internal static class ExactArithmetic
{
    public static Exact Add(in Exact a, in Exact b, ref FloatStatus status)
    {
        if (a.Class == FloatClass.Infinity)
        {
            if (b.Class == FloatClass.Infinity && a.Sign != b.Sign)
            {
                status.Raise(FloatFlags.Invalid);
                return Exact.Invalid;
            }

            return a;
        }

        if (b.Class == FloatClass.Infinity)
            return b;
        if (a.Class == FloatClass.Zero)
        {
            if (b.Class != FloatClass.Zero || a.Sign == b.Sign)
                return b;
            return Exact.Zero(status.Rounding == RoundingMode.Down);
        }

        return b.Class == FloatClass.Zero ? a : AddFinite(a, b, status.Rounding);
    }

    public static Exact Multiply(in Operand a, in Operand b, ref FloatStatus status)
    {
        bool sign = a.Sign != b.Sign;
        if (a.Class == FloatClass.Infinity || b.Class == FloatClass.Infinity)
        {
            if (a.Class == FloatClass.Zero || b.Class == FloatClass.Zero)
            {
                status.Raise(FloatFlags.Invalid);
                return Exact.Invalid;
            }

            return Exact.Infinity(sign);
        }

        if (a.Class == FloatClass.Zero || b.Class == FloatClass.Zero)
            return Exact.Zero(sign);
        ulong high = Math.BigMul(a.Significand, b.Significand, out ulong low);
        return Exact.Normalize(sign, a.Exponent + b.Exponent + 1, new UInt128(high, low));
    }

    public static Exact Divide(in Operand a, in Operand b, ref FloatStatus status)
    {
        bool sign = a.Sign != b.Sign;
        if (a.Class == FloatClass.Infinity)
        {
            if (b.Class == FloatClass.Infinity)
            {
                status.Raise(FloatFlags.Invalid);
                return Exact.Invalid;
            }

            return Exact.Infinity(sign);
        }

        if (b.Class == FloatClass.Infinity)
            return Exact.Zero(sign);
        if (b.Class == FloatClass.Zero)
        {
            status.Raise(a.Class == FloatClass.Zero ? FloatFlags.Invalid : FloatFlags.DivideByZero);
            return a.Class == FloatClass.Zero ? Exact.Invalid : Exact.Infinity(sign);
        }

        if (a.Class == FloatClass.Zero)
            return Exact.Zero(sign);

        // Two digits of 64 bits each: the first quotient is below 2 because both significands are in [1, 2).
        int exponent = a.Exponent - b.Exponent;
        ulong remainder = a.Significand;
        ulong integer = 0;
        if (remainder >= b.Significand)
        {
            remainder -= b.Significand;
            integer = 1;
        }

        ulong high = DivideStep(ref remainder, b.Significand);
        ulong low = DivideStep(ref remainder, b.Significand);
        UInt128 fraction = new(high, low);
        if (integer != 0)
            fraction = (UInt128.One << 127) | (fraction >> 1) | (fraction & 1);
        else
            exponent--;
        if (remainder != 0)
            fraction |= 1;
        return Exact.Normalize(sign, exponent, fraction);
    }

    public static Exact SquareRoot(in Operand a, ref FloatStatus status)
    {
        if (a.Class == FloatClass.Zero)
            return Exact.From(a);
        if (a.Sign)
        {
            status.Raise(FloatFlags.Invalid);
            return Exact.Invalid;
        }

        if (a.Class == FloatClass.Infinity)
            return Exact.From(a);

        // The radicand is in [1, 4) × 2^126, so its root is in [1, 2) × 2^63.
        int exponent = a.Exponent >> 1;
        UInt128 radicand = new UInt128(a.Significand, 0) >> ((a.Exponent & 1) != 0 ? 0 : 1);
        ulong root = IntegerSquareRoot(radicand);
        UInt128 remainder = radicand - (UInt128)root * root;

        // The next bit is one exactly when N > (R + 1/2)^2, which for whole numbers is N - R^2 > R; it is never a tie.
        UInt128 significand = new UInt128(root, remainder > root ? 1UL << 63 : 0);
        if (remainder != UInt128.Zero)
            significand |= 1;
        return new Exact { Class = FloatClass.Finite, Exponent = exponent, Significand = significand };
    }

    /// <summary>Shifts right and keeps in bit 0 whether a one fell out.</summary>
    public static UInt128 ShiftRightJam(UInt128 value, int count)
    {
        if (count <= 0)
            return value;
        if (count > 127)
            return value == UInt128.Zero ? UInt128.Zero : UInt128.One;
        UInt128 shifted = value >> count;
        return shifted << count == value ? shifted : shifted | UInt128.One;
    }

    /// <summary>The floor of the square root of a value of at least 2^126.</summary>
    public static ulong IntegerSquareRoot(UInt128 value)
    {
        double estimate = Math.Sqrt((double)value);
        ulong root = estimate >= 18446744073709551615.0 ? ulong.MaxValue : (ulong)estimate;

        // One Newton step squares the relative error of 2^-52; the loops settle the last unit.
        UInt128 square = (UInt128)root * root;
        root = square <= value
            ? SaturatingAdd(root, (ulong)((double)(value - square) / (2 * estimate)))
            : root - (ulong)((double)(square - value) / (2 * estimate));
        while ((UInt128)root * root > value)
            root--;
        while (root != ulong.MaxValue && (UInt128)(root + 1) * (root + 1) <= value)
            root++;
        return root;
    }

    private static ulong SaturatingAdd(ulong a, ulong b) => a > ulong.MaxValue - b ? ulong.MaxValue : a + b;

    private static Exact AddFinite(in Exact a, in Exact b, RoundingMode rounding)
    {
        bool swap = a.Exponent < b.Exponent || (a.Exponent == b.Exponent && a.Significand < b.Significand);
        ref readonly Exact large = ref swap ? ref b : ref a;
        ref readonly Exact small = ref swap ? ref a : ref b;

        // One bit of head room. Nothing is lost by it: operands have at most 128 - 22 (a product of two doubles)
        // or 64 significant bits, and a product of two 64-bit significands is never an operand of a sum.
        UInt128 left = ShiftRightJam(large.Significand, 1);
        UInt128 right = ShiftRightJam(small.Significand, 1 + Math.Min(large.Exponent - small.Exponent, 200));
        if (large.Sign == small.Sign)
            return Exact.Normalize(large.Sign, large.Exponent + 1, left + right);
        UInt128 difference = left - right;
        return difference == UInt128.Zero
            ? Exact.Zero(rounding == RoundingMode.Down)
            : Exact.Normalize(large.Sign, large.Exponent + 1, difference);
    }

    /// <summary>One 64-bit digit of remainder × 2^64 / divisor, for a divisor with bit 63 set and a remainder below it.</summary>
    private static ulong DivideStep(ref ulong remainder, ulong divisor)
    {
        if (remainder == 0)
            return 0;

        // Knuth, The Art of Computer Programming vol. 2, 4.3.1, algorithm D with 32-bit digits.
        ulong divisorHigh = divisor >> 32;
        ulong divisorLow = divisor & uint.MaxValue;
        ulong digitHigh = Digit(ref remainder, divisor, divisorHigh, divisorLow);
        ulong digitLow = Digit(ref remainder, divisor, divisorHigh, divisorLow);
        return (digitHigh << 32) | digitLow;
    }

    private static ulong Digit(ref ulong remainder, ulong divisor, ulong divisorHigh, ulong divisorLow)
    {
        ulong digit = Math.Min(remainder / divisorHigh, uint.MaxValue);
        ulong rest = remainder - digit * divisorHigh;
        while (rest <= uint.MaxValue && digit * divisorLow > rest << 32)
        {
            digit--;
            rest += divisorHigh;
        }

        remainder = (remainder << 32) - digit * divisor;
        return digit;
    }
}
