namespace Hospes.Storage.Volumes;

/// <summary>What reading a foreign file system may cost. Not for use by several threads at once.</summary>
/// <remarks>
/// Every block that is looked at counts with its whole length, also when it is a hole or comes out of a cache: so a file system whose
/// structures point at themselves, or claim a size that no disk has, ends at an exact amount of work.
/// </remarks>
public sealed class ReadBudget
{
    /// <summary>Makes a budget.</summary>
    /// <param name="work">Bytes of the disk that may be looked at.</param>
    /// <param name="memory">Bytes of results and tables that may be held.</param>
    public ReadBudget(long work, long memory)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(work);
        ArgumentOutOfRangeException.ThrowIfNegative(memory);
        (WorkLeft, MemoryLeft) = (work, memory);
    }

    /// <summary>Enough to find and read a kernel with a large initial RAM disk: 8 GiB of work, 2 GiB of memory.</summary>
    public static ReadBudget ForBoot() => new(8L << 30, 2L << 30);

    /// <summary>Bytes that may still be looked at.</summary>
    public long WorkLeft { get; private set; }

    /// <summary>Bytes that may still be held.</summary>
    public long MemoryLeft { get; private set; }

    internal bool TrySpend(long bytes)
    {
        bool enough = bytes <= WorkLeft;
        WorkLeft = enough ? WorkLeft - bytes : 0;
        return enough;
    }

    internal bool TryHold(long bytes)
    {
        bool enough = bytes <= MemoryLeft;
        MemoryLeft = enough ? MemoryLeft - bytes : 0;
        return enough;
    }
}
