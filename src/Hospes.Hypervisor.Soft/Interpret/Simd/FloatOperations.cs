using Hospes.Hypervisor.Soft.Floating;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>ADDxx.</summary>
internal readonly struct FloatAdd : IFloatOperation
{
    public static uint Apply(uint a, uint b, byte immediate, ref FloatStatus status) => Float32.Add(a, b, ref status);

    public static ulong Apply(ulong a, ulong b, byte immediate, ref FloatStatus status) => Float64.Add(a, b, ref status);
}

/// <summary>SUBxx.</summary>
internal readonly struct FloatSubtract : IFloatOperation
{
    public static uint Apply(uint a, uint b, byte immediate, ref FloatStatus status) => Float32.Subtract(a, b, ref status);

    public static ulong Apply(ulong a, ulong b, byte immediate, ref FloatStatus status) => Float64.Subtract(a, b, ref status);
}

/// <summary>MULxx.</summary>
internal readonly struct FloatMultiply : IFloatOperation
{
    public static uint Apply(uint a, uint b, byte immediate, ref FloatStatus status) => Float32.Multiply(a, b, ref status);

    public static ulong Apply(ulong a, ulong b, byte immediate, ref FloatStatus status) => Float64.Multiply(a, b, ref status);
}

/// <summary>DIVxx.</summary>
internal readonly struct FloatDivide : IFloatOperation
{
    public static uint Apply(uint a, uint b, byte immediate, ref FloatStatus status) => Float32.Divide(a, b, ref status);

    public static ulong Apply(ulong a, ulong b, byte immediate, ref FloatStatus status) => Float64.Divide(a, b, ref status);
}

/// <summary>MINxx.</summary>
internal readonly struct FloatMinimum : IFloatOperation
{
    public static uint Apply(uint a, uint b, byte immediate, ref FloatStatus status) => Float32.Min(a, b, ref status);

    public static ulong Apply(ulong a, ulong b, byte immediate, ref FloatStatus status) => Float64.Min(a, b, ref status);
}

/// <summary>MAXxx.</summary>
internal readonly struct FloatMaximum : IFloatOperation
{
    public static uint Apply(uint a, uint b, byte immediate, ref FloatStatus status) => Float32.Max(a, b, ref status);

    public static ulong Apply(ulong a, ulong b, byte immediate, ref FloatStatus status) => Float64.Max(a, b, ref status);
}

/// <summary>SQRTxx: of the second source.</summary>
internal readonly struct FloatSquareRoot : IFloatOperation
{
    public static uint Apply(uint a, uint b, byte immediate, ref FloatStatus status) => Float32.SquareRoot(b, ref status);

    public static ulong Apply(ulong a, ulong b, byte immediate, ref FloatStatus status) => Float64.SquareRoot(b, ref status);
}

/// <summary>ROUNDxx: of the second source, by the immediate's rounding or MXCSR's (SDM vol. 2, ROUNDPD).</summary>
internal readonly struct FloatRound : IFloatOperation
{
    private const int Mode = 3, ByMxcsr = 4, NoInexact = 8;

    public static uint Apply(uint a, uint b, byte immediate, ref FloatStatus status)
    {
        FloatStatus rounding = Rounding(immediate, status);
        uint result = Float32.RoundToIntegral(b, (immediate & NoInexact) != 0, ref rounding);
        status.Raise(rounding.Flags);
        return result;
    }

    public static ulong Apply(ulong a, ulong b, byte immediate, ref FloatStatus status)
    {
        FloatStatus rounding = Rounding(immediate, status);
        ulong result = Float64.RoundToIntegral(b, (immediate & NoInexact) != 0, ref rounding);
        status.Raise(rounding.Flags);
        return result;
    }

    private static FloatStatus Rounding(byte immediate, in FloatStatus status) =>
        (immediate & ByMxcsr) != 0 ? status : status.WithRounding((RoundingMode)(immediate & Mode));
}

/// <summary>CMPxx: all ones where the predicate holds. Legacy forms have the first eight predicates, VEX forms 32 (SDM vol. 2, table 3-1).</summary>
internal readonly struct FloatCompare<TPredicates> : IFloatOperation
    where TPredicates : struct, IPredicates
{
    // For each of 16 predicates the relations that it holds for: bit 0 less, 1 equal, 2 greater, 3 unordered.
    private const ulong Relations = 0xF465_0B9A_7CED_8312;

    // Predicates that make quiet NaNs invalid; those from 16 on are the other way round.
    private const uint Signalling = 0x9999_6666;

    public static uint Apply(uint a, uint b, byte immediate, ref FloatStatus status)
    {
        int predicate = immediate & TPredicates.Mask;
        return Holds(predicate, Float32.Compare(a, b, Signals(predicate), ref status)) ? uint.MaxValue : 0;
    }

    public static ulong Apply(ulong a, ulong b, byte immediate, ref FloatStatus status)
    {
        int predicate = immediate & TPredicates.Mask;
        return Holds(predicate, Float64.Compare(a, b, Signals(predicate), ref status)) ? ulong.MaxValue : 0;
    }

    private static bool Signals(int predicate) => ((Signalling >> predicate) & 1) != 0;

    private static bool Holds(int predicate, FloatRelation relation) => ((Relations >> ((predicate & 15) * 4 + (int)relation)) & 1) != 0;
}

/// <summary>Which bits of the immediate are a predicate.</summary>
internal interface IPredicates
{
    static abstract int Mask { get; }
}

/// <summary>Legacy forms.</summary>
internal readonly struct EightPredicates : IPredicates
{
    public static int Mask => 7;
}

/// <summary>VEX forms.</summary>
internal readonly struct AllPredicates : IPredicates
{
    public static int Mask => 31;
}

/// <summary>RCPPS, RCPSS.</summary>
internal readonly struct FloatReciprocal : ISingleOperation
{
    public static uint Apply(uint a, uint b, byte immediate, ref FloatStatus status) => Approximation.Reciprocal(b);
}

/// <summary>RSQRTPS, RSQRTSS.</summary>
internal readonly struct FloatReciprocalRoot : ISingleOperation
{
    public static uint Apply(uint a, uint b, byte immediate, ref FloatStatus status) => Approximation.ReciprocalSquareRoot(b);
}
