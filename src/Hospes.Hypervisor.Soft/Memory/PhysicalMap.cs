using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Hospes.Hypervisor.Soft.Memory;

/// <summary>Takes note of a page whose decoded code was thrown away.</summary>
internal unsafe delegate void CodeChangedHandler(PageInfo* page);

/// <summary>Guest RAM as all vCPUs of a guest see it: where a physical page is in host memory, and whether it holds decoded code.</summary>
internal sealed unsafe class PhysicalMap : IMemoryObserver, IDisposable
{
    // SAFETY: host pointers are those of ranges that stay mapped until the guest ends; page tables are native arrays of as many entries
    // as the range has pages, freed in Dispose when no vCPU is left.

    private readonly GuestMemory _memory;
    private readonly TrapTable _traps;
    private readonly Lock _gate = new();
    private Region[] _regions = [];

    /// <summary>The largest region without blocks that come and go, where most addresses are; null for none.</summary>
    private Region? _main;

    public PhysicalMap(GuestMemory memory, TrapTable traps)
    {
        _memory = memory;
        _traps = traps;
        foreach (MemoryRange range in memory.Ranges) RangeMapped(range);
        memory.Observe(this);
    }

    /// <summary>Called when RAM or traps changed, so that all TLBs must go. Set once by the guest.</summary>
    public Action TranslationsChanged { get; set; } = static () => { };

    /// <summary>Called when decoded code of a page was thrown away, on the thread that wrote there. Set once by the guest.</summary>
    public CodeChangedHandler CodeChanged { get; set; } = static _ => { };

    /// <summary>Serializes decoding that makes a page a code page, and the throwing away of code.</summary>
    public Lock CodeGate { get; } = new();

    /// <summary>The host address of a physical address, and its page's information; null where no RAM is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Locate(ulong physical, out PageInfo* page)
    {
        Region? main = Volatile.Read(ref _main);
        if (main is null) return LocateElsewhere(physical, out page);
        ulong offset = physical - main.Address;
        if (offset >= main.Size) return LocateElsewhere(physical, out page);
        page = main.Pages + (offset >> 12);
        return main.Host + offset;
    }

    private byte* LocateElsewhere(ulong physical, out PageInfo* page)
    {
        foreach (Region region in Volatile.Read(ref _regions))
        {
            ulong offset = physical - region.Address;
            if (offset < region.Size)
            {
                if (!region.Range.IsThere(offset)) break;
                page = region.Pages + (offset >> 12);
                return region.Host + offset;
            }
        }
        page = null;
        return null;
    }

    /// <summary>Whether a trap lies in the page of a physical address.</summary>
    public bool IsTrapped(ulong physical) => _traps.Memory.Length != 0 && _traps.AnyMemory(physical & ~0xFFFUL, 4096);

    /// <summary>The trap at an address.</summary>
    public Trap? FindTrap(ulong physical) => _traps.FindMemory(physical);

    /// <summary>Marks a page as written in the dirty log.</summary>
    public void MarkDirty(ulong physical)
    {
        MemoryRange? range = _memory.Find(physical);
        range?.MarkDirty(physical - range.Address);
    }

    /// <summary>Throws decoded code away that a write touches. Answers whether there was any.</summary>
    public bool InvalidateCode(PageInfo* page, uint offset, uint size)
    {
        if (Volatile.Read(ref page->HasCode) == 0) return false;
        lock (CodeGate)
        {
            if (!page->HasCodeIn(offset, size)) return false;
            page->CodeLow = page->CodeHigh = 0;
            Volatile.Write(ref page->HasCode, 0);
            Volatile.Write(ref page->Generation, page->Generation + 1);
        }
        CodeChanged(page);
        return true;
    }

    /// <inheritdoc/>
    public void HostWrote(ulong address, ulong size)
    {
        ulong end = address + size;
        while (address < end)
        {
            ulong part = Math.Min(4096 - (address & 0xFFF), end - address);
            if (Locate(address, out PageInfo* page) != null) InvalidateCode(page, (uint)(address & 0xFFF), (uint)part);
            address += part;
        }
    }

    /// <inheritdoc/>
    public void RangeMapped(MemoryRange range)
    {
        lock (_gate)
        {
            nuint pages = (nuint)(range.Size >> 12);
            var table = (PageInfo*)NativeMemory.AllocZeroed(pages, (nuint)sizeof(PageInfo));
            var region = new Region(range, table);
            Volatile.Write(ref _regions, [.. _regions, region]);
            if (range.BlockSize == 0 && region.Size > (_main?.Size ?? 0)) Volatile.Write(ref _main, region);
        }
        TranslationsChanged();
    }

    /// <inheritdoc/>
    public void BlocksChanged(MemoryRange range, ulong address, ulong size, bool areThere)
    {
        // Processors look anew where they found no memory.
        if (areThere) return;
        TranslationsChanged();
        Region region = Volatile.Read(ref _regions).First(at => at.Range == range);
        for (ulong offset = address - region.Address; offset < address + size - region.Address; offset += 4096) InvalidateCode(region.Pages + (offset >> 12), 0, 4096);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (Region region in _regions) NativeMemory.Free(region.Pages);
            _regions = [];
            _main = null;
        }
    }

    private sealed class Region(MemoryRange range, PageInfo* pages)
    {
        public readonly MemoryRange Range = range;
        public readonly ulong Address = range.Address, Size = range.Size;
        public readonly byte* Host = (byte*)range.HostAddress;
        public readonly PageInfo* Pages = pages;
    }
}
