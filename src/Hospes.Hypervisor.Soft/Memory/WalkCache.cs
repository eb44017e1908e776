namespace Hospes.Hypervisor.Soft.Memory;

/// <summary>
/// The paging-structure cache of one processor (Intel SDM vol. 3, 4.10.3): for 2 MiB of linear addresses each, where the entry of the last level is, and the rights of the levels
/// above it. Forgotten with the TLB. It answers only walks that succeed and change nothing; everything else is <see cref="PageWalk"/>'s.
/// </summary>
internal sealed unsafe class WalkCache
{
    // SAFETY: slots are host addresses of guest RAM, which stays mapped until the guest ends; they are formed by PhysicalMap.

    private const int Count = 256, RegionShift = 21;

    private readonly Entry[] _entries = new Entry[Count];

    /// <summary>Walks in 4-level paging where that sets no bit and refuses nothing; what was found in another generation of the TLB is forgotten.</summary>
    public bool TryWalk(PhysicalMap map, in PagingContext context, uint generation, ulong linear, Access access, Privilege privilege, out Translation result)
    {
        result = default;
        if (!context.IsPaged || !context.IsLong) return false;
        ulong region = linear >> RegionShift;
        ref Entry cached = ref _entries[(int)region & (Count - 1)];
        if ((cached.Region != region || cached.Generation != generation || cached.Slot == null) && !TryEnter(map, context, linear, ref cached)) return false;
        (cached.Region, cached.Generation) = (region, generation);
        ulong entry = Volatile.Read(ref cached.Shift == 12 ? ref cached.Slot[linear >> 12 & 0x1FF] : ref *cached.Slot);
        const ulong Seen = PageWalk.P | PageWalk.A;
        ulong needed = access == Access.Write ? Seen | PageWalk.D : Seen;
        ulong offsets = (1UL << cached.Shift) - 1;
        // A large page's entry has its attribute bit where the frame's lowest bit would be.
        ulong reserved = PageWalk.ReservedPhysical | (context.NoExecute ? 0 : PageWalk.Nx) | (offsets & ~0x1FFFUL);
        if ((entry & needed) != needed || (entry & reserved) != 0 || (cached.Shift != 12 && (entry & PageWalk.Ps) == 0)) return false;
        bool noExecute = cached.NoExecute || (context.NoExecute && (entry & PageWalk.Nx) != 0);
        if (!PageWalk.Check(context, access, privilege, cached.Rights & entry, noExecute, (uint)(entry >> 59) & 15, ref result)) return false;
        result.Physical = (entry & PageWalk.FrameMask & ~offsets) | (linear & offsets);
        result.CanWrite &= (entry & PageWalk.D) != 0;
        result.Global = (entry & PageWalk.G) != 0;
        return true;
    }

    /// <summary>Finds the entry of the last level, where all above it are present and were accessed before.</summary>
    private static bool TryEnter(PhysicalMap map, in PagingContext context, ulong linear, ref Entry cached)
    {
        cached.Slot = null;
        ulong table = context.Cr3 & PageWalk.FrameMask, rights = PageWalk.W | PageWalk.U;
        bool noExecute = false;
        for (int shift = 39; ; shift -= 9)
        {
            var slot = (ulong*)map.Locate(table + (linear >> shift & 0x1FF) * 8, out _);
            if (slot == null) return false;
            ulong entry = Volatile.Read(ref *slot);
            if ((entry & PageWalk.Ps) != 0)
            {
                if (shift == 39) return false;
                cached.Set(slot, shift, rights, noExecute);
                return true;
            }
            ulong reserved = PageWalk.ReservedPhysical | (context.NoExecute ? 0 : PageWalk.Nx);
            if ((entry & (PageWalk.P | PageWalk.A)) != (PageWalk.P | PageWalk.A) || (entry & reserved) != 0) return false;
            rights &= entry;
            noExecute |= context.NoExecute && (entry & PageWalk.Nx) != 0;
            table = entry & PageWalk.FrameMask;
            if (shift > RegionShift) continue;
            slot = (ulong*)map.Locate(table, out _);
            if (slot == null) return false;
            cached.Set(slot, 12, rights, noExecute);
            return true;
        }
    }

    private struct Entry
    {
        public ulong Region, Rights;
        public ulong* Slot;
        public uint Generation;
        public int Shift;
        public bool NoExecute;

        public void Set(ulong* slot, int shift, ulong rights, bool noExecute)
        {
            Slot = slot;
            Shift = shift;
            Rights = rights;
            NoExecute = noExecute;
        }
    }
}
