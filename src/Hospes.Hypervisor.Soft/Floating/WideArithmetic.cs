namespace Hospes.Hypervisor.Soft.Floating;

/// <summary>
/// Arithmetic on finite numbers of 128 significant bits, cut off rather than rounded: the working precision of the
/// transcendental instructions, twice that of their results. Relative errors are below 2^-125 an operation.
/// </summary>
internal static class WideArithmetic
{
    public static Exact Integer(long value) => IntegerConversion.FromSigned(value);

    /// <summary>A positive constant from its 128 significant bits.</summary>
    public static Exact Constant(int exponent, ulong high, ulong low) =>
        new() { Class = FloatClass.Finite, Exponent = exponent, Significand = new UInt128(high, low) };

    public static Exact Negate(in Exact value)
    {
        Exact result = value;
        result.Sign = !value.Sign;
        return result;
    }

    public static Exact Add(in Exact a, in Exact b)
    {
        FloatStatus status = new(FloatStatus.DefaultMxcsr);
        return ExactArithmetic.Add(a, b, ref status);
    }

    public static Exact Multiply(in Exact a, in Exact b)
    {
        bool sign = a.Sign != b.Sign;
        if (a.Class == FloatClass.Zero || b.Class == FloatClass.Zero)
            return Exact.Zero(sign);
        ulong aHigh = (ulong)(a.Significand >> 64);
        ulong aLow = (ulong)a.Significand;
        ulong bHigh = (ulong)(b.Significand >> 64);
        ulong bLow = (ulong)b.Significand;
        UInt128 lowest = (UInt128)aLow * bLow;
        UInt128 middle = (UInt128)aHigh * bLow;
        UInt128 other = (UInt128)aLow * bHigh;
        UInt128 carried = (lowest >> 64) + (ulong)middle + (ulong)other;
        UInt128 high = (UInt128)aHigh * bHigh + (middle >> 64) + (other >> 64) + (carried >> 64);
        if ((carried << 64 | (ulong)lowest) != UInt128.Zero)
        {
            // Make room so that "something below" can be told from an exact product.
            bool top = (high >> 127) != UInt128.Zero;
            return top
                ? new Exact { Class = FloatClass.Finite, Sign = sign, Exponent = a.Exponent + b.Exponent + 1, Significand = high | 1 }
                : new Exact
                {
                    Class = FloatClass.Finite,
                    Sign = sign,
                    Exponent = a.Exponent + b.Exponent,
                    Significand = (high << 1) | ((carried >> 63) & 1) | 1,
                };
        }

        return Exact.Normalize(sign, a.Exponent + b.Exponent + 1, high);
    }

    public static Exact Divide(in Exact a, in Exact b)
    {
        bool sign = a.Sign != b.Sign;
        if (a.Class == FloatClass.Zero)
            return Exact.Zero(sign);
        UInt128 remainder = a.Significand;
        UInt128 divisor = b.Significand;
        int exponent = a.Exponent - b.Exponent;
        if (remainder < divisor)
        {
            exponent--;
            remainder = (remainder << 1) - divisor;
        }
        else
        {
            remainder -= divisor;
        }

        // The leading bit of the quotient is taken; 127 more by restoring division.
        UInt128 quotient = UInt128.One;
        for (int i = 0; i < 127; i++)
        {
            bool carry = (remainder >> 127) != UInt128.Zero;
            remainder <<= 1;
            quotient <<= 1;
            if (carry || remainder >= divisor)
            {
                remainder -= divisor;
                quotient |= UInt128.One;
            }
        }

        if (remainder != UInt128.Zero)
            quotient |= UInt128.One;
        return new Exact { Class = FloatClass.Finite, Sign = sign, Exponent = exponent, Significand = quotient };
    }

    /// <summary>c0 + x (c1 + x (c2 + …)).</summary>
    public static Exact Polynomial(in Exact x, Exact[] coefficients)
    {
        Exact sum = coefficients[^1];
        for (int i = coefficients.Length - 2; i >= 0; i--)
            sum = Add(Multiply(sum, x), coefficients[i]);
        return sum;
    }

    /// <summary>Whether |a| ≥ |b|, both finite.</summary>
    public static bool IsAtLeast(in Exact a, in Exact b) =>
        a.Exponent != b.Exponent ? a.Exponent > b.Exponent : a.Significand >= b.Significand;
}
