using System.Numerics;

namespace Hospes.Hypervisor.Soft.Interrupts;

/// <summary>256 bits, one per vector; set and cleared atomically.</summary>
internal sealed class VectorSet
{
    private readonly uint[] _words = new uint[8];

    /// <summary>32 vectors at a time, as the register page shows them.</summary>
    public uint this[int word]
    {
        get => Volatile.Read(ref _words[word]);
        set => Volatile.Write(ref _words[word], value);
    }

    public bool Has(int vector) => (this[vector >> 5] >> (vector & 31) & 1) != 0;

    public void Set(int vector) => Interlocked.Or(ref _words[vector >> 5], 1u << (vector & 31));

    public void Clear(int vector) => Interlocked.And(ref _words[vector >> 5], ~(1u << (vector & 31)));

    public void Clear() => Array.Clear(_words);

    /// <summary>The highest vector in the set, or -1.</summary>
    public int Highest()
    {
        for (int word = 7; word >= 0; word--)
        {
            uint bits = this[word];
            if (bits != 0) return word * 32 + 31 - BitOperations.LeadingZeroCount(bits);
        }
        return -1;
    }
}
