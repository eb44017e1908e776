using System.Numerics;

namespace Hospes.Hypervisor.Soft.Floating;

/// <summary>The interchange formats of IEEE 754 that fit into 64 bits, as constants that the compiler folds.</summary>
internal interface IInterchangeFormat
{
    /// <summary>Bits of the fraction field.</summary>
    static abstract int FractionBits { get; }

    /// <summary>Bits of the exponent field.</summary>
    static abstract int ExponentBits { get; }

    static abstract FloatShape Shape { get; }
}

/// <summary>IEEE 754 binary16.</summary>
internal readonly struct Binary16 : IInterchangeFormat
{
    public static int FractionBits => 10;

    public static int ExponentBits => 5;

    public static FloatShape Shape => new(11, -14, 15);
}

/// <summary>IEEE 754 binary32.</summary>
internal readonly struct Binary32 : IInterchangeFormat
{
    public static int FractionBits => 23;

    public static int ExponentBits => 8;

    public static FloatShape Shape => new(24, -126, 127);
}

/// <summary>IEEE 754 binary64.</summary>
internal readonly struct Binary64 : IInterchangeFormat
{
    public static int FractionBits => 52;

    public static int ExponentBits => 11;

    public static FloatShape Shape => new(53, -1022, 1023);
}

/// <summary>Takes numbers out of an interchange format and puts them back.</summary>
internal static class Interchange<TFormat>
    where TFormat : struct, IInterchangeFormat
{
    private static int SignBit => TFormat.FractionBits + TFormat.ExponentBits;

    private static int Bias => (1 << (TFormat.ExponentBits - 1)) - 1;

    private static int MaxField => (1 << TFormat.ExponentBits) - 1;

    private static ulong FractionMask => (1UL << TFormat.FractionBits) - 1;

    /// <summary>The quiet bit of a NaN: the top bit of the fraction.</summary>
    public static ulong QuietBit => 1UL << (TFormat.FractionBits - 1);

    /// <summary>The sign bit.</summary>
    public static ulong Sign => 1UL << SignBit;

    /// <summary>Infinity without a sign; greater magnitudes are NaNs.</summary>
    public static ulong Infinity => (ulong)MaxField << TFormat.FractionBits;

    /// <summary>The NaN that an invalid operation yields: negative, quiet, no payload (SDM vol. 1, 4.8.3.7).</summary>
    public static ulong DefaultNaN => Sign | Infinity | QuietBit;

    public static bool IsNaN(ulong bits) => (bits & (Sign - 1)) > Infinity;

    public static bool IsSignaling(ulong bits) => IsNaN(bits) && (bits & QuietBit) == 0;

    public static bool IsSubnormal(ulong bits) => ((bits & (Sign - 1)) - 1) < FractionMask;

    /// <summary>Replaces a subnormal by a zero of its sign when DAZ asks for it.</summary>
    public static ulong Flush(ulong bits, in FloatStatus status) =>
        status.Daz && IsSubnormal(bits) ? bits & Sign : bits;

    public static Operand Unpack(ulong bits, bool daz)
    {
        int field = (int)(bits >> TFormat.FractionBits) & MaxField;
        ulong fraction = bits & FractionMask;
        ulong aligned = fraction << (63 - TFormat.FractionBits);
        Operand result = new() { Sign = (bits & Sign) != 0 };
        if (field == MaxField)
        {
            result.Class = fraction == 0 ? FloatClass.Infinity
                : (fraction & QuietBit) != 0 ? FloatClass.QuietNaN : FloatClass.SignalingNaN;
            result.Significand = aligned | (1UL << 63);
        }
        else if (field != 0)
        {
            result.Class = FloatClass.Finite;
            result.Exponent = field - Bias;
            result.Significand = aligned | (1UL << 63);
        }
        else if (fraction != 0 && !daz)
        {
            int shift = BitOperations.LeadingZeroCount(aligned);
            result.Class = FloatClass.Finite;
            result.Denormal = true;
            result.Exponent = 1 - Bias - shift;
            result.Significand = aligned << shift;
        }

        return result;
    }

    /// <summary>Rounds a number into the format; bits of a NaN are the default one.</summary>
    public static ulong Pack(in Exact value, ref FloatStatus status) => Pack(Rounder.Round(value, TFormat.Shape, ref status));

    public static ulong Pack(in Rounded value)
    {
        ulong sign = value.Sign ? Sign : 0;
        switch (value.Class)
        {
            case FloatClass.Zero:
                return sign;
            case FloatClass.Infinity:
                return sign | Infinity;
            case FloatClass.Finite:
                // A bias-adjusted result goes nowhere: the instruction faults. Only its field must stay in range.
                int field = (value.Significand >> 63) == 0 ? 0 : (value.Exponent + Bias) & MaxField;
                return sign | ((ulong)field << TFormat.FractionBits) | ((value.Significand << 1) >> (64 - TFormat.FractionBits));
            default:
                return DefaultNaN;
        }
    }

    /// <summary>Puts a NaN of any format into this one: quiet, its payload cut on the right.</summary>
    public static ulong PackNaN(in Operand nan) =>
        (nan.Sign ? Sign : 0) | Infinity | QuietBit | ((nan.Significand << 1) >> (64 - TFormat.FractionBits));
}
