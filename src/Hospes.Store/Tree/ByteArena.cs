using System.Numerics;

namespace Hospes.Store.Tree;

/// <summary>
/// Storage for names and values outside of the garbage collector's view: blocks of bytes by size class in a slab.
/// A block is known by a 32-bit handle, so that a node stays small; handle 0 is the empty block. Freed blocks are kept by class
/// for the next one of that class. Up to 128 bytes the classes are 8 bytes apart; above, eight classes per doubling.
/// </summary>
internal sealed class ByteArena
{
    private const int UnitShift = 3;
    private const long Reserved = 16L << 30;
    private const long SizeOfLarge = 8 << 20;
    private const int SmallClasses = 16;
    private const int StepsPerDoubling = 8;

    /// <summary>Largest block: the longest name beside the largest value fits.</summary>
    public const int BlockMax = 8192;

    private static readonly int ClassCount = ClassOf(BlockMax) + 1;

    private readonly uint[] _free = new uint[ClassCount];
    private readonly Slab<ulong> _units = new(Reserved, SizeOfLarge);
    private uint _nextUnit = 1;

    /// <summary>Bytes taken up.</summary>
    public long Capacity => _units.Capacity;

    /// <summary>Bytes in blocks that are in use, rounded up to their classes.</summary>
    public long InUse { get; private set; }

    public uint Allocate(int size)
    {
        if (size == 0) return 0;
        int index = ClassOf(size);
        int bytes = ClassSize(index);
        InUse += bytes;
        uint handle = _free[index];
        if (handle != 0)
        {
            _free[index] = BitConverter.ToUInt32(Span(handle, 4));
            return handle;
        }
        handle = _nextUnit;
        _nextUnit += (uint)bytes >> UnitShift;
        _units.Require(_nextUnit - 1);
        return handle;
    }

    public void Free(uint handle, int size)
    {
        if (handle == 0) return;
        int index = ClassOf(size);
        InUse -= ClassSize(index);
        BitConverter.TryWriteBytes(Span(handle, 4), _free[index]);
        _free[index] = handle;
    }

    /// <summary>True when blocks of both sizes come from the same class, so that one can take the other's place.</summary>
    public static bool SameClass(int size, int other) => size != 0 && other != 0 && ClassOf(size) == ClassOf(other);

    public Span<byte> Span(uint handle, int size) => _units.Bytes(handle, size);

    public void Prefetch(uint handle) => _units.Prefetch(handle);

    private static int ClassOf(int size)
    {
        int units = (size + 7) >> UnitShift;
        if (units <= SmallClasses) return units - 1;
        int doubling = BitOperations.Log2((uint)(units - 1));
        int step = (units - 1) >> (doubling - 3);
        return SmallClasses + (doubling - 4) * StepsPerDoubling + (step - StepsPerDoubling);
    }

    private static int ClassSize(int index)
    {
        if (index < SmallClasses) return (index + 1) << UnitShift;
        int doubling = (index - SmallClasses) / StepsPerDoubling + 4;
        int step = (index - SmallClasses) % StepsPerDoubling + StepsPerDoubling;
        return ((step + 1) << (doubling - 3)) << UnitShift;
    }
}
