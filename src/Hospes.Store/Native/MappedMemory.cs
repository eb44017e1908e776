using System.Runtime.InteropServices;

namespace Hospes.Store.Native;

/// <summary>Addresses that are reserved in one piece and filled with memory from the front. Given back when nothing refers to the object any more.</summary>
internal sealed class MappedMemory : SafeHandle
{
    /// <summary>Size and alignment of what is taken up at once: a large page.</summary>
    public const int Unit = 2 * 1024 * 1024;

    private readonly nint _mapped;
    private readonly nuint _mappedLength;
    private readonly long _length;

    private MappedMemory(nint mapped, nuint mappedLength) : base(0, ownsHandle: true)
    {
        _mapped = mapped;
        _mappedLength = mappedLength;
        Start = (mapped + Unit - 1) & -Unit;
        _length = (long)mappedLength - (Start - mapped);
        SetHandle(mapped);
    }

    /// <summary>The first address; a multiple of <see cref="Unit"/>.</summary>
    public nint Start { get; }

    public override bool IsInvalid => handle == 0;

    /// <summary>Reserves addresses, as many as wanted or the largest half, quarter... that the system gives.</summary>
    /// <exception cref="OutOfMemoryException">Not even a small part is to be had.</exception>
    public static MappedMemory Reserve(long length)
    {
        for (; length >= Unit; length /= 2)
        {
            nuint whole = (nuint)length + Unit;
            nint mapped = Linux.Map(whole);
            if (mapped != -1) return new MappedMemory(mapped, whole);
        }
        throw new OutOfMemoryException("The system gives no addresses for the store's tree.");
    }

    /// <summary>Makes a part usable; it reads as zero.</summary>
    /// <exception cref="OutOfMemoryException">The system refuses, or the part is outside of what is reserved.</exception>
    public void TakeUp(long from, long length)
    {
        if (from + length > _length || !Linux.MakeUsable(Start + (nint)from, (nuint)length))
            throw new OutOfMemoryException("The store's tree cannot grow.");
    }

    /// <summary>Has the first bytes moved into large pages, and all after them laid into large pages from the start, as far as the system has any.</summary>
    public void UseLargePages(long inUse)
    {
        Linux.AdviseLargePages(Start, (nuint)_length & ~(nuint)(Unit - 1));
        Linux.Collapse(Start, (nuint)inUse);
    }

    protected override bool ReleaseHandle() => Linux.Unmap(_mapped, _mappedLength);
}
