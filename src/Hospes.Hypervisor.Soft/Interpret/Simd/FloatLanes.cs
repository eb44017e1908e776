using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Floating;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>An operation on one pair of binary32 elements.</summary>
internal interface ISingleOperation
{
    static abstract uint Apply(uint a, uint b, byte immediate, ref FloatStatus status);
}

/// <summary>An operation on one pair of binary64 elements.</summary>
internal interface IDoubleOperation
{
    static abstract ulong Apply(ulong a, ulong b, byte immediate, ref FloatStatus status);
}

/// <summary>An operation in both formats.</summary>
internal interface IFloatOperation : ISingleOperation, IDoubleOperation;

/// <summary>The …PS instructions.</summary>
internal readonly struct PackedSingles<TOperation> : IFloatLane
    where TOperation : struct, ISingleOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status)
    {
        Vector128<uint> x = a.AsUInt32();
        Vector128<uint> y = b.AsUInt32();
        uint first = TOperation.Apply(x.GetElement(0), y.GetElement(0), immediate, ref status);
        uint second = TOperation.Apply(x.GetElement(1), y.GetElement(1), immediate, ref status);
        uint third = TOperation.Apply(x.GetElement(2), y.GetElement(2), immediate, ref status);
        uint fourth = TOperation.Apply(x.GetElement(3), y.GetElement(3), immediate, ref status);
        return Vector128.Create(first, second, third, fourth).AsByte();
    }
}

/// <summary>The …PD instructions.</summary>
internal readonly struct PackedDoubles<TOperation> : IFloatLane
    where TOperation : struct, IDoubleOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status)
    {
        Vector128<ulong> x = a.AsUInt64();
        Vector128<ulong> y = b.AsUInt64();
        ulong first = TOperation.Apply(x.GetElement(0), y.GetElement(0), immediate, ref status);
        ulong second = TOperation.Apply(x.GetElement(1), y.GetElement(1), immediate, ref status);
        return Vector128.Create(first, second).AsByte();
    }
}

/// <summary>The …SS instructions: the lowest element; the rest is the first source's.</summary>
internal readonly struct ScalarSingle<TOperation> : IFloatLane
    where TOperation : struct, ISingleOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status) =>
        a.AsUInt32().WithElement(0, TOperation.Apply(a.AsUInt32().ToScalar(), b.AsUInt32().ToScalar(), immediate, ref status)).AsByte();
}

/// <summary>The …SD instructions: the low element; the high one is the first source's.</summary>
internal readonly struct ScalarDouble<TOperation> : IFloatLane
    where TOperation : struct, IDoubleOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status) =>
        a.AsUInt64().WithElement(0, TOperation.Apply(a.AsUInt64().ToScalar(), b.AsUInt64().ToScalar(), immediate, ref status)).AsByte();
}

/// <summary>HADDPS, HADDPD, HSUBPS, HSUBPD: neighbours of the first source, then of the second.</summary>
internal readonly struct HorizontalSingles<TOperation> : IFloatLane
    where TOperation : struct, ISingleOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status)
    {
        Lane even = ShuffleSingles.Apply(a, b, 0b10_00_10_00);
        Lane odd = ShuffleSingles.Apply(a, b, 0b11_01_11_01);
        return PackedSingles<TOperation>.Apply(even, odd, immediate, ref status);
    }
}

/// <inheritdoc cref="HorizontalSingles{TOperation}"/>
internal readonly struct HorizontalDoubles<TOperation> : IFloatLane
    where TOperation : struct, IDoubleOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status) =>
        PackedDoubles<TOperation>.Apply(UnpackLow64.Apply(a, b, 0), UnpackHigh64.Apply(a, b, 0), immediate, ref status);
}

/// <summary>ADDSUBPS: even elements are subtracted, odd ones added.</summary>
internal readonly struct AlternatingSingles : IFloatLane
{
    public static Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status)
    {
        Vector128<uint> x = a.AsUInt32();
        Vector128<uint> y = b.AsUInt32();
        uint first = Float32.Subtract(x.GetElement(0), y.GetElement(0), ref status);
        uint second = Float32.Add(x.GetElement(1), y.GetElement(1), ref status);
        uint third = Float32.Subtract(x.GetElement(2), y.GetElement(2), ref status);
        uint fourth = Float32.Add(x.GetElement(3), y.GetElement(3), ref status);
        return Vector128.Create(first, second, third, fourth).AsByte();
    }
}

/// <summary>ADDSUBPD.</summary>
internal readonly struct AlternatingDoubles : IFloatLane
{
    public static Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status)
    {
        ulong first = Float64.Subtract(a.AsUInt64().GetElement(0), b.AsUInt64().GetElement(0), ref status);
        ulong second = Float64.Add(a.AsUInt64().GetElement(1), b.AsUInt64().GetElement(1), ref status);
        return Vector128.Create(first, second).AsByte();
    }
}
