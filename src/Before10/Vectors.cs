using System.Runtime.Intrinsics.X86;

namespace System.Runtime.Intrinsics;

/// <summary>The saturating operations that <see cref="Vector128"/> has since .NET 10, for the build with an older runtime (<c>./native</c>).</summary>
internal static class VectorsBefore10
{
    extension(Vector128)
    {
        public static Vector128<T> AddSaturate<T>(Vector128<T> a, Vector128<T> b)
            where T : unmanaged
        {
            if (typeof(T) == typeof(byte)) return Sse2.AddSaturate(a.AsByte(), b.AsByte()).As<byte, T>();
            if (typeof(T) == typeof(sbyte)) return Sse2.AddSaturate(a.AsSByte(), b.AsSByte()).As<sbyte, T>();
            if (typeof(T) == typeof(ushort)) return Sse2.AddSaturate(a.AsUInt16(), b.AsUInt16()).As<ushort, T>();
            if (typeof(T) == typeof(short)) return Sse2.AddSaturate(a.AsInt16(), b.AsInt16()).As<short, T>();
            throw new NotSupportedException(typeof(T).Name);
        }

        public static Vector128<T> SubtractSaturate<T>(Vector128<T> a, Vector128<T> b)
            where T : unmanaged
        {
            if (typeof(T) == typeof(byte)) return Sse2.SubtractSaturate(a.AsByte(), b.AsByte()).As<byte, T>();
            if (typeof(T) == typeof(sbyte)) return Sse2.SubtractSaturate(a.AsSByte(), b.AsSByte()).As<sbyte, T>();
            if (typeof(T) == typeof(ushort)) return Sse2.SubtractSaturate(a.AsUInt16(), b.AsUInt16()).As<ushort, T>();
            if (typeof(T) == typeof(short)) return Sse2.SubtractSaturate(a.AsInt16(), b.AsInt16()).As<short, T>();
            throw new NotSupportedException(typeof(T).Name);
        }

        public static Vector128<sbyte> NarrowWithSaturation(Vector128<short> low, Vector128<short> high) => Sse2.PackSignedSaturate(low, high);

        public static Vector128<short> NarrowWithSaturation(Vector128<int> low, Vector128<int> high) => Sse2.PackSignedSaturate(low, high);
    }
}
