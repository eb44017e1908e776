namespace Hospes.Hypervisor.Soft.Floating;

/// <summary>
/// Elementary functions of <see cref="WideArithmetic"/>'s numbers by power series after reduction of the argument. Each names
/// the bound that its number of terms follows from; the results are good to about 2^-118 before the final rounding to 64 bits.
/// </summary>
internal static class WideFunctions
{
    public static readonly Exact Pi = WideArithmetic.Constant(1, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1);
    public static readonly Exact HalfPi = WideArithmetic.Constant(0, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1);
    public static readonly Exact QuarterPi = WideArithmetic.Constant(-1, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1);
    public static readonly Exact ThreeQuarterPi = WideArithmetic.Constant(1, 0x96cbe3f9990e91a7, 0x9394c9e8a0a5159d);

    private static readonly Exact One = WideArithmetic.Integer(1);
    private static readonly Exact Ln2 = WideArithmetic.Constant(-1, 0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af);
    private static readonly Exact TwoOverLn2 = WideArithmetic.Constant(1, 0xb8aa3b295c17f0bb, 0xbe87fed0691d3e89);
    private static readonly Exact SquareRootOf2 = WideArithmetic.Constant(0, 0xb504f333f9de6484, 0x597d89b3754abe9f);

    /// <summary>√2 - 1 = tan(π/8).</summary>
    private static readonly Exact TangentOfEighthPi = WideArithmetic.Constant(-2, 0xd413cccfe7799211, 0x65f626cdd52afa7c);

    /// <summary>1/(n+1)!: 0.694^31 / 32! is below 2^-130.</summary>
    private static readonly Exact[] ExponentialTerms = Factorials(31, 1, 1, alternate: false);

    /// <summary>±1/(2n+1)!: 0.617^18 / 37! is below 2^-150.</summary>
    private static readonly Exact[] SineTerms = Factorials(18, 1, 2, alternate: true);

    /// <summary>±1/(2n)!.</summary>
    private static readonly Exact[] CosineTerms = Factorials(18, 0, 2, alternate: true);

    /// <summary>1/(2n+1): 0.0295^26 / 53 is below 2^-137.</summary>
    private static readonly Exact[] InverseHyperbolicTangentTerms = OddReciprocals(26, alternate: false);

    /// <summary>±1/(2n+1): 0.1716^50 / 101 is below 2^-133.</summary>
    private static readonly Exact[] ArcTangentTerms = OddReciprocals(50, alternate: true);

    /// <summary>2^x - 1 for |x| of at most 1.</summary>
    public static Exact Exp2Minus1(in Exact x)
    {
        Exact t = WideArithmetic.Multiply(x, Ln2);
        return WideArithmetic.Multiply(t, WideArithmetic.Polynomial(t, ExponentialTerms));
    }

    /// <summary>log2(x) for a positive x.</summary>
    public static Exact Log2(in Exact x)
    {
        Exact mantissa = x;
        mantissa.Exponent = 0;
        int exponent = x.Exponent;
        if (WideArithmetic.IsAtLeast(mantissa, SquareRootOf2))
        {
            mantissa.Exponent = -1;
            exponent++;
        }

        Exact fraction = Log2Of1Plus(WideArithmetic.Add(mantissa, WideArithmetic.Negate(One)));
        return WideArithmetic.Add(WideArithmetic.Integer(exponent), fraction);
    }

    /// <summary>log2(1 + x) for x from √½ - 1 to √2 - 1, accurate also near 0: 2/ln 2 × artanh(x / (2 + x)).</summary>
    public static Exact Log2Of1Plus(in Exact x)
    {
        if (x.Class == FloatClass.Zero)
            return x;
        Exact s = WideArithmetic.Divide(x, WideArithmetic.Add(WideArithmetic.Integer(2), x));
        Exact square = WideArithmetic.Multiply(s, s);
        Exact scaled = WideArithmetic.Multiply(s, TwoOverLn2);
        return WideArithmetic.Multiply(scaled, WideArithmetic.Polynomial(square, InverseHyperbolicTangentTerms));
    }

    /// <summary>sin(x) for |x| of at most π/4.</summary>
    public static Exact Sine(in Exact x)
    {
        Exact square = WideArithmetic.Multiply(x, x);
        return WideArithmetic.Multiply(x, WideArithmetic.Polynomial(square, SineTerms));
    }

    /// <summary>cos(x) for |x| of at most π/4.</summary>
    public static Exact Cosine(in Exact x) => WideArithmetic.Polynomial(WideArithmetic.Multiply(x, x), CosineTerms);

    /// <summary>arctan(a / b) for positive a and b, from 0 to π/2.</summary>
    public static Exact ArcTangent(in Exact a, in Exact b)
    {
        if (!WideArithmetic.IsAtLeast(b, a))
            return WideArithmetic.Add(HalfPi, WideArithmetic.Negate(ArcTangent(b, a)));
        Exact ratio = WideArithmetic.Divide(a, b);
        if (!WideArithmetic.IsAtLeast(ratio, TangentOfEighthPi))
            return ArcTangentSeries(ratio);

        // arctan(q) = π/4 - arctan((1 - q) / (1 + q)).
        Exact top = WideArithmetic.Add(One, WideArithmetic.Negate(ratio));
        Exact reduced = WideArithmetic.Divide(top, WideArithmetic.Add(One, ratio));
        return WideArithmetic.Add(QuarterPi, WideArithmetic.Negate(ArcTangentSeries(reduced)));
    }

    private static Exact ArcTangentSeries(in Exact x)
    {
        Exact square = WideArithmetic.Multiply(x, x);
        return WideArithmetic.Multiply(x, WideArithmetic.Polynomial(square, ArcTangentTerms));
    }

    /// <summary>1/(first + step × n)!, with alternating signs where asked.</summary>
    private static Exact[] Factorials(int count, int first, int step, bool alternate)
    {
        Exact[] terms = new Exact[count];
        Exact term = One;
        for (int n = 0; n < count; n++)
        {
            terms[n] = alternate && (n & 1) != 0 ? WideArithmetic.Negate(term) : term;
            for (int factor = first + step * n + 1; factor <= first + step * (n + 1); factor++)
                term = WideArithmetic.Divide(term, WideArithmetic.Integer(factor));
        }

        return terms;
    }

    private static Exact[] OddReciprocals(int count, bool alternate)
    {
        Exact[] terms = new Exact[count];
        for (int n = 0; n < count; n++)
        {
            terms[n] = WideArithmetic.Divide(One, WideArithmetic.Integer(2 * n + 1));
            terms[n].Sign = alternate && (n & 1) != 0;
        }

        return terms;
    }
}
