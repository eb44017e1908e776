using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Hospes.Hypervisor.Soft.Tests.Simd;

/// <summary>Random vectors from a fixed seed in which extreme elements are frequent.</summary>
internal sealed class VectorValues(int seed)
{
    private static readonly byte[] Extremes = [0, 1, 0x7F, 0x80, 0xFF];

    private readonly Random _random = new(seed);

    public byte NextByte() => (byte)_random.Next(256);

    public Vector256<byte> Next()
    {
        Span<byte> bytes = stackalloc byte[32];
        _random.NextBytes(bytes);
        if (_random.Next(2) == 0)
        {
            for (int i = 0; i < bytes.Length; i++)
            {
                if (_random.Next(2) == 0) bytes[i] = Extremes[_random.Next(Extremes.Length)];
            }
        }
        return MemoryMarshal.Read<Vector256<byte>>(bytes);
    }
}
