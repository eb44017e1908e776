using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Tests.Simd;

/// <summary>References written in terms of elements.</summary>
internal static class Elements
{
    /// <summary>A function of each pair of elements.</summary>
    public static Reference Each<T>(Func<T, T, T> reference)
        where T : unmanaged => (a, b, _) => Make<T>(i => reference(a.As<byte, T>().GetElement(i), b.As<byte, T>().GetElement(i)));

    /// <summary>A function of both sources as arrays, the immediate and the element's number.</summary>
    public static Reference Gather<T>(Func<T[], T[], byte, int, T> reference)
        where T : unmanaged => (a, b, immediate) =>
    {
        T[] x = Split<T>(a);
        T[] y = Split<T>(b);
        return Make<T>(i => reference(x, y, immediate, i));
    };

    public static T[] Split<T>(Lane lane)
        where T : unmanaged
    {
        var elements = new T[16 / Unsafe.SizeOf<T>()];
        lane.As<byte, T>().CopyTo(elements);
        return elements;
    }

    private static Lane Make<T>(Func<int, T> element)
        where T : unmanaged
    {
        Vector128<T> result = default;
        for (int i = 0; i < Vector128<T>.Count; i++) result = result.WithElement(i, element(i));
        return result.AsByte();
    }
}
