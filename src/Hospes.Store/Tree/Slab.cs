using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Hospes.Store.Native;

namespace Hospes.Store.Tree;

/// <summary>
/// A growing array that the garbage collector does not see and that never moves: addresses are reserved once, and memory is taken up as it is used.
/// A store of a million nodes is read at random places, and finding a small page costs more there than the memory behind it; so a slab that has
/// become large lies in large pages. (A managed array begins a few bytes into a page, so that none of its large pages is whole.)
/// References and spans into a slab hold as long as the slab is reachable. Elements begin as zero.
/// </summary>
internal sealed unsafe class Slab<T>
    where T : unmanaged
{
    private readonly MappedMemory _memory;
    private readonly T* _start;
    private readonly long _sizeOfLarge;
    private nuint _length;

    /// <summary>Reserves addresses.</summary>
    /// <param name="reserved">Bytes to reserve; fewer where the system does not give that many.</param>
    /// <param name="sizeOfLarge">Bytes from which on the slab is in large pages.</param>
    public Slab(long reserved, long sizeOfLarge)
    {
        _memory = MappedMemory.Reserve(reserved);
        _start = (T*)_memory.Start;
        _sizeOfLarge = sizeOfLarge;
        Grow();
    }

    /// <summary>Bytes taken up.</summary>
    public long Capacity { get; private set; }

    public ref T this[uint index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if (index >= _length) ThrowOutside();
            // SAFETY: the element lies in memory that was taken up, which is given back only with the slab.
            return ref _start[index];
        }
    }

    /// <summary>The bytes from an element on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> Bytes(uint index, int count)
    {
        if ((uint)count > (_length - Math.Min(index, _length)) * (nuint)sizeof(T)) ThrowOutside();
        // SAFETY: as above, for all of the bytes.
        return new Span<byte>(_start + index, count);
    }

    /// <summary>Has the processor fetch an element that will soon be used; does nothing for one that is not there, or on a processor without the instruction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(uint index)
    {
        // SAFETY: the instruction takes any address and changes nothing.
        if (Sse.IsSupported && index < _length) Sse.Prefetch0(_start + index);
    }

    /// <summary>Makes an element usable, with all before it.</summary>
    public void Require(uint index)
    {
        while (index >= _length) Grow();
    }

    private void Grow()
    {
        _memory.TakeUp(Capacity, MappedMemory.Unit);
        Capacity += MappedMemory.Unit;
        _length = (nuint)Capacity / (nuint)sizeof(T);
        if (Capacity == _sizeOfLarge) UseLargePages();
    }

    /// <summary>Puts what there is, and what will come, into large pages.</summary>
    public void UseLargePages() => _memory.UseLargePages(Capacity);

    [DoesNotReturn]
    private static void ThrowOutside() => throw new InvalidOperationException("An element outside of a slab was asked for.");
}
