using System.Numerics;

namespace Hospes.Hypervisor.Soft.Floating;

/// <summary>
/// The 80-bit double extended format of the x87 registers (SDM vol. 1, 4.2.2 and 8.2): a sign, 15 bits of exponent and
/// a significand with an explicit integer bit.
/// </summary>
internal readonly struct Float80(ushort signExponent, ulong significand) : IEquatable<Float80>
{
    public const ushort SignBit = 0x8000;
    public const int MaxField = 0x7fff;
    public const int Bias = 16383;

    /// <summary>The explicit leading bit of a normal number's significand.</summary>
    public const ulong IntegerBit = 1UL << 63;

    /// <summary>The bit that makes a NaN quiet.</summary>
    public const ulong QuietBit = 1UL << 62;

    /// <summary>The real indefinite: what a masked invalid operation yields (SDM vol. 1, 4.8.3.7).</summary>
    public static Float80 Indefinite => new(SignBit | MaxField, IntegerBit | QuietBit);

    public static Float80 One => new(Bias, IntegerBit);

    public static Float80 PositiveZero => default;

    public readonly ulong Significand = significand;
    public readonly ushort SignExponent = signExponent;

    public bool Sign => (SignExponent & SignBit) != 0;

    /// <summary>The biased exponent.</summary>
    public int Field => SignExponent & MaxField;

    public Float80 Negated => new((ushort)(SignExponent ^ SignBit), Significand);

    public Float80 Magnitude => new((ushort)(SignExponent & ~SignBit), Significand);

    /// <summary>True for zero.</summary>
    public bool IsZero => Significand == 0 && Field == 0;

    public static Float80 Zero(bool sign) => new(sign ? SignBit : (ushort)0, 0);

    public static Float80 Infinity(bool sign) => new((ushort)((sign ? SignBit : 0) | MaxField), IntegerBit);

    public Operand Unpack()
    {
        Operand result = new() { Sign = Sign, Significand = Significand };
        int field = Field;
        if (field == MaxField)
        {
            result.Class = (Significand & IntegerBit) == 0 ? FloatClass.Unsupported
                : Significand == IntegerBit ? FloatClass.Infinity
                : (Significand & QuietBit) != 0 ? FloatClass.QuietNaN : FloatClass.SignalingNaN;
        }
        else if (field != 0)
        {
            result.Class = (Significand & IntegerBit) == 0 ? FloatClass.Unsupported : FloatClass.Finite;
            result.Exponent = field - Bias;
        }
        else if (Significand != 0)
        {
            // Subnormals, and pseudo-denormals whose integer bit is set: both have the least exponent.
            int shift = BitOperations.LeadingZeroCount(Significand);
            result.Class = FloatClass.Finite;
            result.Denormal = true;
            result.Exponent = 1 - Bias - shift;
            result.Significand = Significand << shift;
        }

        return result;
    }

    public static Float80 Pack(in Rounded value)
    {
        ushort sign = value.Sign ? SignBit : (ushort)0;
        return value.Class switch
        {
            FloatClass.Zero => new(sign, 0),
            FloatClass.Infinity => Infinity(value.Sign),
            FloatClass.Finite when (value.Significand & IntegerBit) == 0 => new(sign, value.Significand),
            FloatClass.Finite => new((ushort)(sign | ((value.Exponent + Bias) & MaxField)), value.Significand),
            _ => Indefinite,
        };
    }

    /// <summary>A NaN, made quiet.</summary>
    public static Float80 PackNaN(in Operand nan) =>
        new((ushort)((nan.Sign ? SignBit : 0) | MaxField), nan.Significand | IntegerBit | QuietBit);

    public bool Equals(Float80 other) => Significand == other.Significand && SignExponent == other.SignExponent;

    public override bool Equals(object? obj) => obj is Float80 other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Significand, SignExponent);

    public override string ToString() => $"{SignExponent:x4}:{Significand:x16}";
}
