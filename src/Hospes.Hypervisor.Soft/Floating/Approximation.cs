namespace Hospes.Hypervisor.Soft.Floating;

/// <summary>
/// RCPSS and RSQRTSS: estimates with a relative error of at most 1.5 × 2^-12 (SDM vol. 2). Processors differ in which
/// estimate they give. This one gives the 13-bit number next to the true value at the middle of the 2^-12 wide
/// interval that the operand lies in, the layout that AMD's processors show; the last bit may differ from theirs.
/// Neither MXCSR's controls nor its flags take part.
/// </summary>
internal static class Approximation
{
    private const int FractionBits = 23;
    private const int Bias = 127;
    private const int MaxField = 255;
    private const int IndexBits = 12;
    private const int DroppedBits = FractionBits - IndexBits;
    private const uint Sign = 1U << 31;

    /// <summary>An estimate of 1/a. Subnormal operands count as zero, subnormal results become zero.</summary>
    public static uint Reciprocal(uint a)
    {
        uint sign = a & Sign;
        int field = (int)(a >> FractionBits) & MaxField;
        if (field == MaxField)
            return Interchange<Binary32>.IsNaN(a) ? a | (uint)Interchange<Binary32>.QuietBit : sign;
        if (field == 0)
            return sign | (uint)Interchange<Binary32>.Infinity;

        // The estimate lies in (1/2, 1), so its exponent is one less than the negated one.
        int resultField = 2 * Bias - 1 - field;
        return resultField <= 0 ? sign : sign | Assemble(resultField, 1 / Middle(a));
    }

    /// <summary>An estimate of 1/√a. Subnormal operands count as zero; a negative operand yields the default NaN.</summary>
    public static uint ReciprocalSquareRoot(uint a)
    {
        int field = (int)(a >> FractionBits) & MaxField;
        if (Interchange<Binary32>.IsNaN(a))
            return a | (uint)Interchange<Binary32>.QuietBit;
        if (field == 0)
            return (a & Sign) | (uint)Interchange<Binary32>.Infinity;
        if ((a & Sign) != 0)
            return (uint)Interchange<Binary32>.DefaultNaN;
        if (field == MaxField)
            return 0;

        // 1/√(m × 2^(2k + odd)), with m × 2^odd in [1, 4), lies in (1/2, 1) × 2^-k.
        int exponent = field - Bias;
        double radicand = (exponent & 1) != 0 ? 2 * Middle(a) : Middle(a);
        return Assemble(Bias - 1 - (exponent >> 1), 1 / Math.Sqrt(radicand));
    }

    /// <summary>The middle of the interval of significands that share the operand's leading bits.</summary>
    private static double Middle(uint a)
    {
        uint index = (a >> DroppedBits) & ((1 << IndexBits) - 1);
        return 1 + (2 * index + 1) / (double)(2 << IndexBits);
    }

    /// <summary>A number whose significand is twice a fraction in (1/2, 1), rounded to 12 bits behind the point.</summary>
    private static uint Assemble(int field, double fraction)
    {
        uint significand = (uint)Math.Round(fraction * (2 << IndexBits));
        return ((uint)field << FractionBits) + ((significand - (1U << IndexBits)) << DroppedBits);
    }
}
