namespace Hospes.Hypervisor.Soft.Floating;

/// <summary>What kind of number an encoding stands for.</summary>
internal enum FloatClass
{
    Zero,
    Finite,
    Infinity,
    QuietNaN,
    SignalingNaN,

    /// <summary>An 80-bit encoding that the 387 and its successors refuse (SDM vol. 1, 8.2.2).</summary>
    Unsupported,
}

/// <summary>
/// A number taken out of its format. A finite one is (-1)^Sign × Significand/2^63 × 2^Exponent with bit 63 set,
/// also when it was subnormal. NaNs keep their fraction left-aligned below the quiet bit at bit 62.
/// </summary>
internal struct Operand
{
    public FloatClass Class;
    public bool Sign;

    /// <summary>True for a subnormal (and an 80-bit pseudo-denormal) that has not been taken as zero.</summary>
    public bool Denormal;

    public int Exponent;
    public ulong Significand;

    public readonly bool IsNaN => Class is FloatClass.QuietNaN or FloatClass.SignalingNaN;
}

/// <summary>
/// The result of an operation before rounding: exact but for bit 0 of the significand, which stands for anything
/// nonzero below it. A finite one has bit 127 of the significand set. <see cref="FloatClass.QuietNaN"/> means the default NaN.
/// </summary>
internal struct Exact
{
    public FloatClass Class;
    public bool Sign;
    public int Exponent;
    public UInt128 Significand;

    public static Exact Zero(bool sign) => new() { Class = FloatClass.Zero, Sign = sign };

    public static Exact Infinity(bool sign) => new() { Class = FloatClass.Infinity, Sign = sign };

    public static Exact Invalid => new() { Class = FloatClass.QuietNaN, Sign = true };

    /// <summary>A finite number from a significand of any width; zero becomes a zero of the given sign.</summary>
    public static Exact Normalize(bool sign, int exponentOfBit127, UInt128 significand)
    {
        if (significand == UInt128.Zero)
            return Zero(sign);
        int shift = (int)UInt128.LeadingZeroCount(significand);
        return new Exact
        {
            Class = FloatClass.Finite,
            Sign = sign,
            Exponent = exponentOfBit127 - shift,
            Significand = significand << shift,
        };
    }

    public static Exact From(in Operand value) => new()
    {
        Class = value.Class,
        Sign = value.Sign,
        Exponent = value.Exponent,
        Significand = new UInt128(value.Significand, 0),
    };
}
