namespace Hospes.Hypervisor.Soft.Floating;

/// <summary>
/// The six floating-point exceptions at the bit positions that MXCSR bits 5:0 and the x87 status word bits 5:0 share
/// (SDM vol. 1, 8.1.3 and 10.2.3). The same numbers serve as masks.
/// </summary>
internal static class FloatFlags
{
    public const uint Invalid = 1 << 0;
    public const uint Denormal = 1 << 1;
    public const uint DivideByZero = 1 << 2;
    public const uint Overflow = 1 << 3;
    public const uint Underflow = 1 << 4;
    public const uint Inexact = 1 << 5;

    /// <summary>All six.</summary>
    public const uint All = 0x3f;

    /// <summary>Those found before a result is computed; an unmasked one leaves the destination as it was.</summary>
    public const uint PreComputation = Invalid | Denormal | DivideByZero;
}

/// <summary>Where a result goes that its format cannot hold, as RC in MXCSR 14:13 and in the x87 control word 11:10 encodes it.</summary>
internal enum RoundingMode : uint
{
    NearestEven = 0,
    Down = 1,
    Up = 2,
    TowardZero = 3,
}

/// <summary>The outcome of a comparison.</summary>
internal enum FloatRelation
{
    Less = 0,
    Equal = 1,
    Greater = 2,
    Unordered = 3,
}

/// <summary>
/// What an operation needs to know (rounding, masks, the two denormal switches) and what it tells (exceptions raised).
/// One is made per instruction; packed operations pass the same one for all their elements.
/// </summary>
/// <remarks>
/// The caller decides what the flags mean: it merges <see cref="Flags"/> into the sticky ones and, when
/// <see cref="Unmasked"/> is not zero, delivers #XM or #MF instead of writing the destination.
/// With every exception masked, an exception that is sticky already may be left out of <see cref="Flags"/>.
/// </remarks>
internal struct FloatStatus
{
    /// <summary>MXCSR.DAZ: subnormal operands count as zero.</summary>
    public const uint DenormalsAreZero = 1 << 6;

    /// <summary>MXCSR.FZ: tiny results become zero while underflow is masked.</summary>
    public const uint FlushToZero = 1 << 15;

    /// <summary>The value of MXCSR after reset: everything masked, nearest, nothing flushed.</summary>
    public const uint DefaultMxcsr = 0x1f80;

    private const int MaskShift = 7;
    private const int RoundingShift = 13;
    private const uint RoundingBits = 3u << RoundingShift;
    private const uint HostRoundingBits = RoundingBits;
    private const uint InexactKnownBits = FloatFlags.Inexact | (FloatFlags.Inexact << MaskShift);

    /// <summary>The controls in the layout of MXCSR, sticky flags included.</summary>
    public readonly uint Control;

    /// <summary>Exceptions that the operations since construction have raised.</summary>
    public uint Flags;

    /// <summary>Exceptions of earlier steps of an instruction that computes in steps; all of them masked.</summary>
    public uint Settled;

    /// <summary>True when the last rounding increased the magnitude: C1 of an x87 instruction (SDM vol. 1, 8.1.3.3).</summary>
    public bool RoundedUp;

    /// <summary>Bits of significand that the x87 basic operations round to: 24, 53 or 64.</summary>
    public readonly int Precision;

    public FloatStatus(uint mxcsr)
        : this(mxcsr, 64)
    {
    }

    private FloatStatus(uint mxcsr, int precision)
    {
        Control = mxcsr;
        Precision = precision;
    }

    /// <summary>Makes the status of an x87 instruction from its control word.</summary>
    public static FloatStatus FromControlWord(ushort controlWord)
    {
        // Precision control 01 is reserved; processors treat it like full precision.
        int precision = ((controlWord >> 8) & 3) switch
        {
            0 => 24,
            2 => 53,
            _ => 64,
        };
        return new(((controlWord & FloatFlags.All) << MaskShift) | (((uint)(controlWord >> 10) & 3) << RoundingShift), precision);
    }

    /// <summary>Makes the status of an instruction that brings its own rounding (ROUNDSS imm8, truncating conversions).</summary>
    public readonly FloatStatus WithRounding(RoundingMode rounding) =>
        new((Control & ~RoundingBits) | ((uint)rounding << RoundingShift), Precision) { Flags = Flags };

    public readonly RoundingMode Rounding => (RoundingMode)((Control >> RoundingShift) & 3);

    public readonly bool Daz => (Control & DenormalsAreZero) != 0;

    public readonly bool Ftz => (Control & FlushToZero) != 0;

    /// <summary>The masked exceptions, as bits of <see cref="FloatFlags"/>.</summary>
    public readonly uint Masks => (Control >> MaskShift) & FloatFlags.All;

    /// <summary>Raised exceptions that are not masked; not zero means that the instruction faults.</summary>
    public readonly uint Unmasked => Flags & ~Masks;

    /// <summary>
    /// The flags as an SSE instruction reports them in MXCSR: an unmasked pre-computation exception in any element
    /// stops the instruction before overflow, underflow and inexact are known (SDM vol. 1, 11.5.3).
    /// </summary>
    public readonly uint Reported =>
        Settled | ((Unmasked & FloatFlags.PreComputation) != 0 ? Flags & FloatFlags.PreComputation : Flags);

    public readonly bool IsMasked(uint flag) => (Control & (flag << MaskShift)) != 0;

    /// <summary>True when the host's own arithmetic rounds as the guest asks.</summary>
    public readonly bool RoundsLikeHost => (Control & HostRoundingBits) == 0;

    /// <summary>True when nobody can tell whether an operation was inexact: the flag is set already and masked.</summary>
    public readonly bool InexactIsKnown => (Control & InexactKnownBits) == InexactKnownBits;

    /// <summary>Takes the flags out, so that what one element raises can be told from what the others did; the caller raises them again.</summary>
    public uint Begin()
    {
        uint before = Flags;
        Flags = 0;
        return before;
    }

    /// <summary>Ends a step without an unmasked exception: whatever later steps do, its exceptions are reported.</summary>
    public void Settle()
    {
        Settled |= Flags;
        Flags = 0;
    }

    public void Raise(uint flags) => Flags |= flags;
}
