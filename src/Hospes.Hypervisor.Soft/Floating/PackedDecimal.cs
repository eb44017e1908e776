namespace Hospes.Hypervisor.Soft.Floating;

/// <summary>The 18-digit packed decimal of FBLD and FBSTP: nine bytes of two digits, then the sign (SDM vol. 1, 4.7).</summary>
internal static class PackedDecimal
{
    /// <summary>What FBSTP stores for a number that does not fit: the packed decimal indefinite, its upper 16 bits.</summary>
    public const ushort IndefiniteHigh = 0xffff;

    /// <summary>The lower 64 bits of the packed decimal indefinite.</summary>
    public const ulong IndefiniteLow = 0xc000000000000000;

    private const ulong Limit = 1_000_000_000_000_000_000;
    private const ushort SignHigh = 0x8000;
    private const int DigitsInLow = 16;

    /// <summary>FBLD: exact for decimal digits; others count with their value, as processors do.</summary>
    public static Float80 Load(ulong low, ushort high)
    {
        ulong value = 0;
        for (int shift = 4; shift >= 0; shift -= 4)
            value = value * 10 + (ulong)((high >> shift) & 15);
        for (int shift = 60; shift >= 0; shift -= 4)
            value = value * 10 + ((low >> shift) & 15);
        Float80 magnitude = ExtendedArithmetic.FromInteger((long)value);
        return (high & SignHigh) != 0 ? magnitude.Negated : magnitude;
    }

    /// <summary>FBSTP: rounds to an integer by the status's rounding; more than 18 digits is invalid.</summary>
    public static (ulong Low, ushort High) Store(in Operand a, ref FloatStatus status)
    {
        status.RoundedUp = false;
        if (a.Class is FloatClass.Zero or FloatClass.Finite && (a.Class == FloatClass.Zero || a.Exponent < 63))
        {
            ulong magnitude = IntegerConversion.ToMagnitude(Exact.From(a), ref status, out bool inexact);
            if (magnitude < Limit)
            {
                if (inexact)
                    status.Raise(FloatFlags.Inexact);
                ulong low = 0;
                for (int digit = 0; digit < DigitsInLow; digit++)
                {
                    low |= magnitude % 10 << (4 * digit);
                    magnitude /= 10;
                }

                ulong high = magnitude % 10 | (magnitude / 10 << 4);
                return (low, (ushort)(high | (a.Sign ? SignHigh : 0u)));
            }
        }

        status.RoundedUp = false;
        status.Raise(FloatFlags.Invalid);
        return (IndefiniteLow, IndefiniteHigh);
    }
}
