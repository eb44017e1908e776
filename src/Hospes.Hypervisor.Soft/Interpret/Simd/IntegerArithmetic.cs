using System.Numerics;
using System.Runtime.Intrinsics;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>PADDB … PADDQ.</summary>
internal readonly struct Add<T> : ILaneOperation
    where T : unmanaged
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => (a.As<byte, T>() + b.As<byte, T>()).AsByte();
}

/// <summary>PSUBB … PSUBQ.</summary>
internal readonly struct Subtract<T> : ILaneOperation
    where T : unmanaged
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => (a.As<byte, T>() - b.As<byte, T>()).AsByte();
}

/// <summary>PADDS, PADDUS: by the signedness of the element.</summary>
internal readonly struct AddSaturated<T> : ILaneOperation
    where T : unmanaged
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Vector128.AddSaturate(a.As<byte, T>(), b.As<byte, T>()).AsByte();
}

/// <summary>PSUBS, PSUBUS: by the signedness of the element.</summary>
internal readonly struct SubtractSaturated<T> : ILaneOperation
    where T : unmanaged
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Vector128.SubtractSaturate(a.As<byte, T>(), b.As<byte, T>()).AsByte();
}

/// <summary>PMINxx.</summary>
internal readonly struct Minimum<T> : ILaneOperation
    where T : unmanaged
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Vector128.Min(a.As<byte, T>(), b.As<byte, T>()).AsByte();
}

/// <summary>PMAXxx.</summary>
internal readonly struct Maximum<T> : ILaneOperation
    where T : unmanaged
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Vector128.Max(a.As<byte, T>(), b.As<byte, T>()).AsByte();
}

/// <summary>PCMPEQx.</summary>
internal readonly struct CompareEqual<T> : ILaneOperation
    where T : unmanaged
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Vector128.Equals(a.As<byte, T>(), b.As<byte, T>()).AsByte();
}

/// <summary>PCMPGTx: signed.</summary>
internal readonly struct CompareGreater<T> : ILaneOperation
    where T : unmanaged
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => Vector128.GreaterThan(a.As<byte, T>(), b.As<byte, T>()).AsByte();
}

/// <summary>PAVGB, PAVGW: (a + b + 1) / 2.</summary>
internal readonly struct Average<T> : ILaneOperation
    where T : unmanaged
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => ((a | b).As<byte, T>() - ((a ^ b).As<byte, T>() >>> 1)).AsByte();
}

/// <summary>PABSB, PABSW, PABSD: the least number stays itself.</summary>
internal readonly struct Absolute<T> : ILaneOperation
    where T : unmanaged, IBinaryInteger<T>
{
    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        Vector128<T> value = b.As<byte, T>();
        Vector128<T> sign = Vector128.LessThan(value, Vector128<T>.Zero);
        return ((value ^ sign) - sign).AsByte();
    }
}

/// <summary>PSIGNB, PSIGNW, PSIGND: a, negated where b is negative, 0 where b is 0.</summary>
internal readonly struct Sign<T> : ILaneOperation
    where T : unmanaged
{
    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        Vector128<T> control = b.As<byte, T>();
        Vector128<T> negative = Vector128.LessThan(control, Vector128<T>.Zero);
        Vector128<T> value = (a.As<byte, T>() ^ negative) - negative;
        return Vector128.AndNot(value, Vector128.Equals(control, Vector128<T>.Zero)).AsByte();
    }
}

/// <summary>PAND, ANDPS, ANDPD.</summary>
internal readonly struct And : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => a & b;
}

/// <summary>PANDN, ANDNPS, ANDNPD: the first source is complemented.</summary>
internal readonly struct AndNot : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => ~a & b;
}

/// <summary>POR, ORPS, ORPD.</summary>
internal readonly struct Or : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => a | b;
}

/// <summary>PXOR, XORPS, XORPD.</summary>
internal readonly struct Xor : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) => a ^ b;
}
