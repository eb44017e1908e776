using System.Numerics;
using System.Text;

namespace Hospes.Oracle.Generate;

/// <summary>
/// xoshiro256** seeded by SplitMix64 from (seed, family, case number), so that any single case can be made again
/// without the ones before it.
/// </summary>
internal struct Randomness
{
    private ulong _s0, _s1, _s2, _s3;

    public Randomness(ulong seed, string family, long number)
    {
        var x = seed;
        foreach (var b in Encoding.UTF8.GetBytes(family))
        {
            x = (x ^ b) * 0x100_0000_01B3;
        }

        x ^= (ulong)number * 0x9E37_79B9_7F4A_7C15;
        _s0 = SplitMix(ref x);
        _s1 = SplitMix(ref x);
        _s2 = SplitMix(ref x);
        _s3 = SplitMix(ref x);
    }

    public ulong Next()
    {
        var result = BitOperations.RotateLeft(_s1 * 5, 7) * 9;
        var t = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= t;
        _s3 = BitOperations.RotateLeft(_s3, 45);
        return result;
    }

    /// <summary>A number from 0 to <paramref name="bound"/> - 1.</summary>
    public int Below(int bound) => (int)Math.BigMul(Next(), (ulong)bound, out _);

    /// <summary>True in <paramref name="percent"/> of 100 calls.</summary>
    public bool Chance(int percent) => Below(100) < percent;

    public T Pick<T>(ReadOnlySpan<T> items) => items[Below(items.Length)];

    private static ulong SplitMix(ref ulong x)
    {
        var z = x += 0x9E37_79B9_7F4A_7C15;
        z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
        return z ^ (z >> 31);
    }
}
