using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Floating;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>CVTDQ2PS.</summary>
internal readonly struct SinglesFromInt32 : IFloatLane
{
    public static Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status)
    {
        Vector128<int> x = b.AsInt32();
        uint first = Float32.FromInt32(x.GetElement(0), ref status);
        uint second = Float32.FromInt32(x.GetElement(1), ref status);
        uint third = Float32.FromInt32(x.GetElement(2), ref status);
        uint fourth = Float32.FromInt32(x.GetElement(3), ref status);
        return Vector128.Create(first, second, third, fourth).AsByte();
    }
}

/// <summary>CVTPS2DQ.</summary>
internal readonly struct Int32FromSingles : IFloatLane
{
    public static Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status)
    {
        Vector128<uint> x = b.AsUInt32();
        int first = Float32.ToInt32(x.GetElement(0), ref status);
        int second = Float32.ToInt32(x.GetElement(1), ref status);
        int third = Float32.ToInt32(x.GetElement(2), ref status);
        int fourth = Float32.ToInt32(x.GetElement(3), ref status);
        return Vector128.Create(first, second, third, fourth).AsByte();
    }
}

/// <summary>CVTTPS2DQ.</summary>
internal readonly struct Int32FromSinglesTruncated : IFloatLane
{
    public static Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status)
    {
        Vector128<uint> x = b.AsUInt32();
        int first = Float32.TruncateToInt32(x.GetElement(0), ref status);
        int second = Float32.TruncateToInt32(x.GetElement(1), ref status);
        int third = Float32.TruncateToInt32(x.GetElement(2), ref status);
        int fourth = Float32.TruncateToInt32(x.GetElement(3), ref status);
        return Vector128.Create(first, second, third, fourth).AsByte();
    }
}

/// <summary>CVTPD2DQ: into the low half, zero above.</summary>
internal readonly struct Int32FromDoubles : IFloatLane
{
    public static Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status)
    {
        int first = Float64.ToInt32(b.AsUInt64().GetElement(0), ref status);
        int second = Float64.ToInt32(b.AsUInt64().GetElement(1), ref status);
        return Vector128.Create(first, second, 0, 0).AsByte();
    }
}

/// <summary>CVTTPD2DQ: into the low half, zero above.</summary>
internal readonly struct Int32FromDoublesTruncated : IFloatLane
{
    public static Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status)
    {
        int first = Float64.TruncateToInt32(b.AsUInt64().GetElement(0), ref status);
        int second = Float64.TruncateToInt32(b.AsUInt64().GetElement(1), ref status);
        return Vector128.Create(first, second, 0, 0).AsByte();
    }
}

/// <summary>CVTPD2PS: into the low half, zero above.</summary>
internal readonly struct SinglesFromDoubles : IFloatLane
{
    public static Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status)
    {
        uint first = Float64.ToFloat32(b.AsUInt64().GetElement(0), ref status);
        uint second = Float64.ToFloat32(b.AsUInt64().GetElement(1), ref status);
        return Vector128.Create(first, second, 0, 0).AsByte();
    }
}

/// <summary>CVTPS2PD: of the low half.</summary>
internal readonly struct DoublesFromSingles : IFloatLane
{
    public static Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status)
    {
        ulong first = Float32.ToFloat64(b.AsUInt32().GetElement(0), ref status);
        ulong second = Float32.ToFloat64(b.AsUInt32().GetElement(1), ref status);
        return Vector128.Create(first, second).AsByte();
    }
}

/// <summary>CVTDQ2PD: of the low half; always exact.</summary>
internal readonly struct DoublesFromInt32 : IFloatLane
{
    public static Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status) =>
        Vector128.Create(Float64.FromInt32(b.AsInt32().GetElement(0)), Float64.FromInt32(b.AsInt32().GetElement(1))).AsByte();
}

/// <summary>CVTSS2SD.</summary>
internal readonly struct DoubleFromSingle : IFloatLane
{
    public static Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status) =>
        a.AsUInt64().WithElement(0, Float32.ToFloat64(b.AsUInt32().ToScalar(), ref status)).AsByte();
}

/// <summary>CVTSD2SS.</summary>
internal readonly struct SingleFromDouble : IFloatLane
{
    public static Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status) =>
        a.AsUInt32().WithElement(0, Float64.ToFloat32(b.AsUInt64().ToScalar(), ref status)).AsByte();
}

/// <summary>VCVTPH2PS: of the low half.</summary>
internal readonly struct SinglesFromHalves : IFloatLane
{
    public static Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status)
    {
        Vector128<uint> result = default;
        for (int i = 0; i < 4; i++)
            result = result.WithElement(i, FormatConversion.HalfToFloat32(b.AsUInt16().GetElement(i), ref status));
        return result.AsByte();
    }
}
