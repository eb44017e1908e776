using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>A shift of every element by one count, which may be larger than the element.</summary>
internal interface IShift
{
    static abstract Lane Apply(Lane value, ulong count);
}

/// <summary>PSLLx.</summary>
internal readonly struct ShiftLeft<T> : IShift
    where T : unmanaged
{
    public static Lane Apply(Lane value, ulong count) =>
        count >= (ulong)Unsafe.SizeOf<T>() * 8 ? Lane.Zero : (value.As<byte, T>() << (int)count).AsByte();
}

/// <summary>PSRLx.</summary>
internal readonly struct ShiftRight<T> : IShift
    where T : unmanaged
{
    public static Lane Apply(Lane value, ulong count) =>
        count >= (ulong)Unsafe.SizeOf<T>() * 8 ? Lane.Zero : (value.As<byte, T>() >>> (int)count).AsByte();
}

/// <summary>PSRAx: larger counts leave the sign everywhere.</summary>
internal readonly struct ShiftRightSigned<T> : IShift
    where T : unmanaged
{
    public static Lane Apply(Lane value, ulong count) =>
        (value.As<byte, T>() >> (int)Math.Min(count, (ulong)Unsafe.SizeOf<T>() * 8 - 1)).AsByte();
}

/// <summary>The count is the low quadword of the second source.</summary>
internal readonly struct ByCount<TShift> : ILaneOperation
    where TShift : struct, IShift
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => TShift.Apply(a, b.AsUInt64().ToScalar());
}

/// <summary>The count is the immediate.</summary>
internal readonly struct ByImmediate<TShift> : ILaneOperation
    where TShift : struct, IShift
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => TShift.Apply(b, immediate);
}

/// <summary>PSLLDQ: bytes towards the top.</summary>
internal readonly struct ShiftBytesLeft : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) =>
        Vector128.Shuffle(b, Vector128<byte>.Indices - Vector128.Create((byte)Math.Min(immediate, (byte)16)));
}

/// <summary>PSRLDQ: bytes towards the bottom.</summary>
internal readonly struct ShiftBytesRight : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) =>
        Vector128.Shuffle(b, Vector128<byte>.Indices + Vector128.Create((byte)Math.Min(immediate, (byte)16)));
}

/// <summary>PALIGNR: 16 bytes out of a:b, from the byte that the immediate names.</summary>
internal readonly struct AlignRight : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        if (immediate >= 32) return Lane.Zero;
        // Indices outside 0 to 15 give zero, so that each half contributes what lies in it.
        Lane indices = Vector128<byte>.Indices + Vector128.Create(immediate);
        return Vector128.Shuffle(b, indices) | Vector128.Shuffle(a, indices - Vector128.Create((byte)16));
    }
}

/// <summary>PALIGNR on MMX registers.</summary>
internal readonly struct MmxAlignRight : IMmxShape
{
    public static ulong Apply(ulong a, ulong b, byte immediate) =>
        immediate >= 16 ? 0 : (ulong)(new UInt128(a, b) >> (immediate * 8));
}

/// <summary>VPSLLVD, VPSLLVQ: every element by its own count.</summary>
internal readonly struct ShiftLeftEach<T> : ILaneOperation
    where T : unmanaged, IBinaryInteger<T>
{
    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        if (!Avx2.IsSupported) return OneByOne(a, b);
        return Unsafe.SizeOf<T>() == 4
            ? Avx2.ShiftLeftLogicalVariable(a.AsUInt32(), b.AsUInt32()).AsByte()
            : Avx2.ShiftLeftLogicalVariable(a.AsUInt64(), b.AsUInt64()).AsByte();
    }

    internal static Lane OneByOne(Lane a, Lane b)
    {
        Vector128<T> value = a.As<byte, T>();
        for (int i = 0; i < Vector128<T>.Count; i++)
        {
            ulong count = ulong.CreateTruncating(b.As<byte, T>().GetElement(i));
            value = value.WithElement(i, count >= (ulong)Unsafe.SizeOf<T>() * 8 ? T.Zero : value.GetElement(i) << (int)count);
        }
        return value.AsByte();
    }
}

/// <summary>VPSRLVD, VPSRLVQ.</summary>
internal readonly struct ShiftRightEach<T> : ILaneOperation
    where T : unmanaged, IBinaryInteger<T>
{
    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        if (!Avx2.IsSupported) return OneByOne(a, b);
        return Unsafe.SizeOf<T>() == 4
            ? Avx2.ShiftRightLogicalVariable(a.AsUInt32(), b.AsUInt32()).AsByte()
            : Avx2.ShiftRightLogicalVariable(a.AsUInt64(), b.AsUInt64()).AsByte();
    }

    internal static Lane OneByOne(Lane a, Lane b)
    {
        Vector128<T> value = a.As<byte, T>();
        for (int i = 0; i < Vector128<T>.Count; i++)
        {
            ulong count = ulong.CreateTruncating(b.As<byte, T>().GetElement(i));
            value = value.WithElement(i, count >= (ulong)Unsafe.SizeOf<T>() * 8 ? T.Zero : value.GetElement(i) >>> (int)count);
        }
        return value.AsByte();
    }
}

/// <summary>VPSRAVD.</summary>
internal readonly struct ShiftRightSignedEach : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) =>
        Avx2.IsSupported ? Avx2.ShiftRightArithmeticVariable(a.AsInt32(), b.AsUInt32()).AsByte() : OneByOne(a, b);

    internal static Lane OneByOne(Lane a, Lane b)
    {
        Vector128<int> value = a.AsInt32();
        for (int i = 0; i < 4; i++)
            value = value.WithElement(i, value.GetElement(i) >> (int)Math.Min(b.AsUInt32().GetElement(i), 31));
        return value.AsByte();
    }
}
