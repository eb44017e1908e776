namespace Hospes.Machine;

using static PciRegisters;

/// <summary>A memory base address register, or a pair of them (PCI 3.0, 6.2.5.1). Where it lies is in the function's configuration space.</summary>
internal sealed class PciBar
{
    private readonly PciConfigSpace _config;
    private readonly int _register;

    /// <summary>Adds the register to a function's configuration space.</summary>
    /// <param name="config">The function's.</param>
    /// <param name="index">0 to 5; a wide one takes the next number too.</param>
    /// <param name="size">Bytes: a power of two, at least 4096 so that no page has two owners.</param>
    /// <param name="isWide">Whether it has 64 bits.</param>
    /// <param name="isPrefetchable">Whether a bridge may have it in its prefetchable window.</param>
    public PciBar(PciConfigSpace config, int index, ulong size, bool isWide, bool isPrefetchable)
    {
        _config = config;
        _register = FirstBar + index * 4;
        Index = index;
        Size = size;
        IsWide = isWide;
        IsPrefetchable = isPrefetchable;
        config.Set(_register, (isWide ? BarWide : 0) | (isPrefetchable ? BarPrefetchable : 0), 4);
        config.Allow(_register, ~(size - 1), isWide ? 8 : 4);
    }

    public int Index { get; }

    public ulong Size { get; }

    public bool IsWide { get; }

    public bool IsPrefetchable { get; }

    /// <summary>Where the guest, or the machine before it, put the region.</summary>
    public ulong Address
    {
        get => _config.Read(_register, IsWide ? 8 : 4) & ~(ulong)BarFlags;
        set => _config.Write(_register, IsWide ? 8 : 4, value);
    }

    /// <summary>Whether an access to configuration space touches this register.</summary>
    public bool IsTouched(int offset, int size) => offset < _register + (IsWide ? 8 : 4) && _register < offset + size;
}
