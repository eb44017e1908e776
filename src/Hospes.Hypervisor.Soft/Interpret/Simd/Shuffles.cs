using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>PUNPCKLBW, PUNPCKLWD, PUNPCKLDQ, UNPCKLPS: the low elements of both sources in turn.</summary>
internal readonly struct UnpackLow8 : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => (Vector128.WidenLower(a) | Vector128.WidenLower(b) << 8).AsByte();
}

/// <inheritdoc cref="UnpackLow8"/>
internal readonly struct UnpackLow16 : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) =>
        (Vector128.WidenLower(a.AsUInt16()) | Vector128.WidenLower(b.AsUInt16()) << 16).AsByte();
}

/// <inheritdoc cref="UnpackLow8"/>
internal readonly struct UnpackLow32 : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) =>
        (Vector128.WidenLower(a.AsUInt32()) | Vector128.WidenLower(b.AsUInt32()) << 32).AsByte();
}

/// <summary>PUNPCKLQDQ, UNPCKLPD, MOVLHPS.</summary>
internal readonly struct UnpackLow64 : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Vector128.Create(a.GetLower(), b.GetLower());
}

/// <summary>PUNPCKHBW, PUNPCKHWD, PUNPCKHDQ, UNPCKHPS: the high elements of both sources in turn.</summary>
internal readonly struct UnpackHigh8 : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => (Vector128.WidenUpper(a) | Vector128.WidenUpper(b) << 8).AsByte();
}

/// <inheritdoc cref="UnpackHigh8"/>
internal readonly struct UnpackHigh16 : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) =>
        (Vector128.WidenUpper(a.AsUInt16()) | Vector128.WidenUpper(b.AsUInt16()) << 16).AsByte();
}

/// <inheritdoc cref="UnpackHigh8"/>
internal readonly struct UnpackHigh32 : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) =>
        (Vector128.WidenUpper(a.AsUInt32()) | Vector128.WidenUpper(b.AsUInt32()) << 32).AsByte();
}

/// <summary>PUNPCKHQDQ, UNPCKHPD.</summary>
internal readonly struct UnpackHigh64 : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Vector128.Create(a.GetUpper(), b.GetUpper());
}

/// <summary>MOVHLPS: the high half of the second source below the high half of the first.</summary>
internal readonly struct HighToLow : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Vector128.Create(b.GetUpper(), a.GetUpper());
}

/// <summary>PACKSSWB.</summary>
internal readonly struct PackSigned16 : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Vector128.NarrowWithSaturation(a.AsInt16(), b.AsInt16()).AsByte();
}

/// <summary>PACKSSDW.</summary>
internal readonly struct PackSigned32 : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Vector128.NarrowWithSaturation(a.AsInt32(), b.AsInt32()).AsByte();
}

/// <summary>PACKUSWB: signed words to unsigned bytes.</summary>
internal readonly struct PackUnsigned16 : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Vector128.Narrow(Limit(a), Limit(b));

    private static Vector128<ushort> Limit(Lane lane) =>
        Vector128.Min(Vector128.Max(lane.AsInt16(), Vector128<short>.Zero), Vector128.Create((short)byte.MaxValue)).AsUInt16();
}

/// <summary>PACKUSDW: signed doublewords to unsigned words.</summary>
internal readonly struct PackUnsigned32 : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Vector128.Narrow(Limit(a), Limit(b)).AsByte();

    private static Vector128<uint> Limit(Lane lane) =>
        Vector128.Min(Vector128.Max(lane.AsInt32(), Vector128<int>.Zero), Vector128.Create((int)ushort.MaxValue)).AsUInt32();
}

/// <summary>PSHUFB: bytes of the first source; bit 7 of an index makes zero.</summary>
internal readonly struct ShuffleBytes : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Vector128.Shuffle(a, b & Vector128.Create((byte)0x8F));
}

/// <summary>PSHUFB on MMX registers: indices are taken modulo 8.</summary>
internal readonly struct MmxShuffleBytes : IMmxShape
{
    public static ulong Apply(ulong a, ulong b, byte immediate) =>
        Vector128.Shuffle(Vector128.CreateScalar(a).AsByte(), Vector128.CreateScalar(b).AsByte() & Vector128.Create((byte)0x87))
            .AsUInt64().ToScalar();
}

/// <summary>PSHUFD, VPERMILPS imm8.</summary>
internal readonly struct Shuffle32 : ILaneOperation
{
    public static unsafe Lane Apply(Lane a, Lane b, byte immediate)
    {
        // SAFETY: every index is masked to 0 to 3.
        uint* source = (uint*)&b;
        return Vector128.Create(source[immediate & 3], source[(immediate >> 2) & 3], source[(immediate >> 4) & 3], source[immediate >> 6])
            .AsByte();
    }
}

/// <summary>PSHUFLW: the low quadword's words.</summary>
internal readonly struct ShuffleLow16 : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) =>
        b.AsUInt64().WithElement(0, Shuffle16.Apply(0, b.AsUInt64().GetElement(0), immediate)).AsByte();
}

/// <summary>PSHUFHW: the high quadword's words.</summary>
internal readonly struct ShuffleHigh16 : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) =>
        b.AsUInt64().WithElement(1, Shuffle16.Apply(0, b.AsUInt64().GetElement(1), immediate)).AsByte();
}

/// <summary>PSHUFW: four words by two bits each.</summary>
internal readonly struct Shuffle16 : IMmxShape
{
    public static ulong Apply(ulong a, ulong b, byte immediate) =>
        Word(b, immediate) | Word(b, immediate >> 2) << 16 | Word(b, immediate >> 4) << 32 | Word(b, immediate >> 6) << 48;

    private static ulong Word(ulong words, int selector) => (ushort)(words >> ((selector & 3) * 16));
}

/// <summary>SHUFPS: two elements of each source.</summary>
internal readonly struct ShuffleSingles : ILaneOperation
{
    public static unsafe Lane Apply(Lane a, Lane b, byte immediate)
    {
        // SAFETY: every index is masked to 0 to 3.
        uint* first = (uint*)&a;
        uint* second = (uint*)&b;
        return Vector128.Create(first[immediate & 3], first[(immediate >> 2) & 3], second[(immediate >> 4) & 3], second[immediate >> 6])
            .AsByte();
    }
}

/// <summary>SHUFPD: one element of each source.</summary>
internal readonly struct ShuffleDoubles : ILaneOperation
{
    public static int UpperShift => 2;

    public static Lane Apply(Lane a, Lane b, byte immediate) =>
        Vector128.Create((immediate & 1) != 0 ? a.GetUpper() : a.GetLower(), (immediate & 2) != 0 ? b.GetUpper() : b.GetLower());
}

/// <summary>VPERMILPD imm8.</summary>
internal readonly struct PermuteDoubles : ILaneOperation
{
    public static int UpperShift => 2;

    public static Lane Apply(Lane a, Lane b, byte immediate) => ShuffleDoubles.Apply(b, b, immediate);
}

/// <summary>VPERMILPS by a vector of indices.</summary>
internal readonly struct PermuteSinglesEach : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) =>
        Vector128.Shuffle(a.AsUInt32(), b.AsUInt32() & Vector128.Create(3U)).AsByte();
}

/// <summary>VPERMILPD by a vector of indices, in bit 1 of each element.</summary>
internal readonly struct PermuteDoublesEach : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) =>
        Vector128.Shuffle(a.AsUInt64(), (b.AsUInt64() >>> 1) & Vector128<ulong>.One).AsByte();
}

/// <summary>MOVSLDUP: every even element twice.</summary>
internal readonly struct DuplicateEven : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Vector128.Shuffle(b.AsUInt32(), Vector128.Create(0U, 0, 2, 2)).AsByte();
}

/// <summary>MOVSHDUP: every odd element twice.</summary>
internal readonly struct DuplicateOdd : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Vector128.Shuffle(b.AsUInt32(), Vector128.Create(1U, 1, 3, 3)).AsByte();
}

/// <summary>MOVDDUP: the low quadword twice.</summary>
internal readonly struct DuplicateLow : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Vector128.Create(b.GetLower(), b.GetLower());
}

/// <summary>PBLENDW, BLENDPS, BLENDPD, VPBLENDD: elements of the second source where the immediate has a bit.</summary>
internal readonly struct Blend<T> : ILaneOperation
    where T : unmanaged
{
    // PBLENDW has eight bits for both lanes together; the others have bits for each element.
    public static int UpperShift => Unsafe.SizeOf<T>() == 2 ? 0 : Vector128<T>.Count;

    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        Lane bits = Unsafe.SizeOf<T>() switch
        {
            2 => Vector128.Create((ushort)1, 2, 4, 8, 16, 32, 64, 128).AsByte(),
            4 => Vector128.Create(1U, 2, 4, 8).AsByte(),
            _ => Vector128.Create(1UL, 2).AsByte(),
        };
        Lane all = Unsafe.SizeOf<T>() switch
        {
            2 => Vector128.Create((ushort)immediate).AsByte(),
            4 => Vector128.Create((uint)immediate).AsByte(),
            _ => Vector128.Create((ulong)immediate).AsByte(),
        };
        Lane mask = Vector128.Equals((bits & all).As<byte, T>(), bits.As<byte, T>()).AsByte();
        return Vector128.ConditionalSelect(mask, b, a);
    }
}

/// <summary>INSERTPS with the source in a register.</summary>
internal readonly struct InsertSingle : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Insert(a, b.AsUInt32().GetElement(immediate >> 6), immediate);

    internal static Lane Insert(Lane a, uint element, byte immediate)
    {
        Lane inserted = a.AsUInt32().WithElement((immediate >> 4) & 3, element).AsByte();
        return Blend<uint>.Apply(inserted, Lane.Zero, immediate);
    }
}

/// <summary>INSERTPS with the source in memory: there is only one element to choose.</summary>
internal readonly struct InsertSingleMemory : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => InsertSingle.Insert(a, b.AsUInt32().ToScalar(), immediate);
}
