using System.Runtime.Intrinsics;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>PMULLW, PMULLD: the low half of each product.</summary>
internal readonly struct MultiplyLow<T> : ILaneOperation
    where T : unmanaged
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => (a.As<byte, T>() * b.As<byte, T>()).AsByte();
}

/// <summary>PMULHW: the high half of each signed product.</summary>
internal readonly struct MultiplyHighSigned : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        Vector128<short> x = a.AsInt16();
        Vector128<short> y = b.AsInt16();
        Vector128<int> lower = Vector128.WidenLower(x) * Vector128.WidenLower(y);
        Vector128<int> upper = Vector128.WidenUpper(x) * Vector128.WidenUpper(y);
        return Vector128.Narrow(lower >> 16, upper >> 16).AsByte();
    }
}

/// <summary>PMULHUW: the high half of each unsigned product.</summary>
internal readonly struct MultiplyHighUnsigned : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        Vector128<ushort> x = a.AsUInt16();
        Vector128<ushort> y = b.AsUInt16();
        Vector128<uint> lower = Vector128.WidenLower(x) * Vector128.WidenLower(y);
        Vector128<uint> upper = Vector128.WidenUpper(x) * Vector128.WidenUpper(y);
        return Vector128.Narrow(lower >>> 16, upper >>> 16).AsByte();
    }
}

/// <summary>PMULHRSW: the high half of twice each product, rounded.</summary>
internal readonly struct MultiplyHighRounded : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        Vector128<short> x = a.AsInt16();
        Vector128<short> y = b.AsInt16();
        Vector128<int> lower = Vector128.WidenLower(x) * Vector128.WidenLower(y);
        Vector128<int> upper = Vector128.WidenUpper(x) * Vector128.WidenUpper(y);
        return Vector128.Narrow(Round(lower), Round(upper)).AsByte();
    }

    private static Vector128<int> Round(Vector128<int> product) => ((product >> 14) + Vector128<int>.One) >> 1;
}

/// <summary>PMULUDQ: 64-bit products of the even unsigned doublewords.</summary>
internal readonly struct MultiplyEvenUnsigned : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        Vector128<uint> x = a.AsUInt32();
        Vector128<uint> y = b.AsUInt32();
        return Vector128.Create((ulong)x.GetElement(0) * y.GetElement(0), (ulong)x.GetElement(2) * y.GetElement(2)).AsByte();
    }
}

/// <summary>PMULDQ: 64-bit products of the even signed doublewords.</summary>
internal readonly struct MultiplyEvenSigned : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        Vector128<int> x = a.AsInt32();
        Vector128<int> y = b.AsInt32();
        return Vector128.Create((long)x.GetElement(0) * y.GetElement(0), (long)x.GetElement(2) * y.GetElement(2)).AsByte();
    }
}

/// <summary>PMADDWD: sums of neighbouring products of words; the one sum that overflows wraps.</summary>
internal readonly struct MultiplyAddWords : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        Vector128<int> x = a.AsInt32();
        Vector128<int> y = b.AsInt32();
        return ((x << 16 >> 16) * (y << 16 >> 16) + (x >> 16) * (y >> 16)).AsByte();
    }
}

/// <summary>PMADDUBSW: saturated sums of neighbouring products of unsigned bytes (first) and signed bytes (second).</summary>
internal readonly struct MultiplyAddBytes : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        Vector128<short> x = a.AsInt16();
        Vector128<short> y = b.AsInt16();
        Vector128<short> even = (x & Vector128.Create((short)0xFF)) * (y << 8 >> 8);
        Vector128<short> odd = (x >>> 8) * (y >> 8);
        return Vector128.AddSaturate(even, odd).AsByte();
    }
}

/// <summary>PSADBW: the sums of eight absolute differences of bytes, one per quadword.</summary>
internal readonly struct SumOfDifferences : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        Vector128<ulong> difference = (Vector128.Max(a, b) - Vector128.Min(a, b)).AsUInt64();
        return Vector128.Create(SumBytes(difference.GetElement(0)), SumBytes(difference.GetElement(1))).AsByte();
    }

    private static ulong SumBytes(ulong bytes)
    {
        const ulong EvenBytes = 0x00FF_00FF_00FF_00FF;
        const ulong OneInEachWord = 0x0001_0001_0001_0001;
        ulong pairs = (bytes & EvenBytes) + ((bytes >> 8) & EvenBytes);
        return (pairs * OneInEachWord) >> 48;
    }
}

/// <summary>MPSADBW: eight sums of four absolute differences, a sliding first block against a fixed second one.</summary>
internal readonly struct SlidingDifferences : ILaneOperation
{
    public static int UpperShift => 3;

    public static unsafe Lane Apply(Lane a, Lane b, byte immediate)
    {
        // SAFETY: both offsets are bounded by the masks, the last byte read is 4 + 7 + 3 of 16.
        byte* first = (byte*)&a + ((immediate >> 2) & 1) * 4;
        byte* second = (byte*)&b + (immediate & 3) * 4;
        Vector128<ushort> result = default;
        for (int i = 0; i < 8; i++)
        {
            int sum = 0;
            for (int j = 0; j < 4; j++) sum += Math.Abs(first[i + j] - second[j]);
            result = result.WithElement(i, (ushort)sum);
        }
        return result.AsByte();
    }
}

/// <summary>PHMINPOSUW: the least unsigned word and where it is first found.</summary>
internal readonly struct HorizontalMinimum : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        Vector128<ushort> words = b.AsUInt16();
        ushort least = words.GetElement(0);
        int position = 0;
        for (int i = 1; i < 8; i++)
        {
            if (words.GetElement(i) >= least) continue;
            least = words.GetElement(i);
            position = i;
        }
        return Vector128.CreateScalar(least | (uint)position << 16).AsByte();
    }
}

/// <summary>What a horizontal instruction does to an even element and the odd one above it.</summary>
internal interface IPairOperation
{
    static abstract Vector128<T> Apply<T>(Vector128<T> even, Vector128<T> odd);
}

/// <summary>Even + odd.</summary>
internal readonly struct PairSum : IPairOperation
{
    public static Vector128<T> Apply<T>(Vector128<T> even, Vector128<T> odd) => even + odd;
}

/// <summary>Even - odd.</summary>
internal readonly struct PairDifference : IPairOperation
{
    public static Vector128<T> Apply<T>(Vector128<T> even, Vector128<T> odd) => even - odd;
}

/// <summary>PHADDW, PHSUBW.</summary>
internal readonly struct HorizontalWords<TPair> : ILaneOperation
    where TPair : struct, IPairOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Vector128.Narrow(Pairs(a), Pairs(b)).AsByte();

    internal static Vector128<int> Pairs(Lane lane) => TPair.Apply(lane.AsInt32() << 16 >> 16, lane.AsInt32() >> 16);
}

/// <summary>PHADDSW, PHSUBSW.</summary>
internal readonly struct HorizontalWordsSaturated<TPair> : ILaneOperation
    where TPair : struct, IPairOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) =>
        Vector128.NarrowWithSaturation(HorizontalWords<TPair>.Pairs(a), HorizontalWords<TPair>.Pairs(b)).AsByte();
}

/// <summary>PHADDD, PHSUBD.</summary>
internal readonly struct HorizontalDoublewords<TPair> : ILaneOperation
    where TPair : struct, IPairOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Vector128.Narrow(Pairs(a), Pairs(b)).AsByte();

    private static Vector128<ulong> Pairs(Lane lane) => TPair.Apply(lane.AsUInt64(), lane.AsUInt64() >>> 32);
}
