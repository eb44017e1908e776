using Hospes.Hypervisor;

namespace Hospes.Vmm.Gdb;

/// <summary>Reads and writes guest memory by linear addresses, through a stopped processor's page tables (Intel SDM vol. 3, chapter 5), whatever
/// rights these give. Only memory is touched, no device.</summary>
/// <param name="state">The processor's state.</param>
/// <param name="memory">The guest's memory.</param>
internal sealed class LinearMemory(VcpuState state, GuestMemory memory)
{
    private const int PageSize = 4096;
    private const ulong PagingOn = 1UL << 31, LargePages32 = 1 << 4, PhysicalExtension = 1 << 5, FiveLevels = 1 << 12, LongModeActive = 1 << 10;
    private const ulong Present = 1, Large = 1 << 7, Address = 0x000F_FFFF_FFFF_F000;

    /// <summary>Copies out.</summary>
    /// <returns>How many bytes there are from the first on.</returns>
    public int Read(ulong linear, Span<byte> destination) => Copy(linear, destination.Length, destination, default);

    /// <summary>Copies in.</summary>
    /// <returns>How many bytes were written from the first on.</returns>
    public int Write(ulong linear, ReadOnlySpan<byte> source) => Copy(linear, source.Length, default, source);

    /// <summary>Finds the guest-physical address behind a linear one.</summary>
    public bool TryTranslate(ulong linear, out ulong physical)
    {
        physical = linear;
        if ((state.Cr0 & PagingOn) == 0) return true;
        bool isWide = (state.Cr4 & PhysicalExtension) != 0;
        int levels = (state.Efer & LongModeActive) != 0 ? (state.Cr4 & FiveLevels) != 0 ? 5 : 4 : isWide ? 3 : 2;
        if (levels < 4) linear = (uint)linear;
        ulong table = levels == 3 ? state.Cr3 & 0xFFFF_FFE0 : state.Cr3 & (isWide ? Address : 0xFFFF_F000);
        for (int level = levels; level >= 1; level--)
        {
            int shift = 12 + ((level - 1) * (isWide ? 9 : 10));
            ulong index = linear >> shift & (isWide ? 0x1FFu : 0x3FF);
            ulong entry;
            if (isWide)
            {
                if (!memory.TryRead(table + (index * 8), out entry)) return false;
            }
            else
            {
                if (!memory.TryRead(table + (index * 4), out uint narrow)) return false;
                entry = narrow;
            }
            if ((entry & Present) == 0) return false;
            bool isLarge = (entry & Large) != 0 && (isWide ? level is 2 or 3 && levels > level : level == 2 && (state.Cr4 & LargePages32) != 0);
            if (level > 1 && !isLarge)
            {
                table = entry & (isWide ? Address : 0xFFFF_F000);
                continue;
            }
            ulong inside = (1UL << shift) - 1;
            // 4 MiB pages have bits 32 to 39 of their address in bits 13 to 20 (table 5-4).
            ulong frame = isWide ? entry & Address : level == 2 ? (entry & 0xFFC0_0000) | (entry >> 13 & 0xFF) << 32 : entry & 0xFFFF_F000;
            physical = (frame & ~inside) | (linear & inside);
            return true;
        }
        return false;
    }

    private int Copy(ulong linear, int length, Span<byte> destination, ReadOnlySpan<byte> source)
    {
        int done = 0;
        while (done < length && TryTranslate(linear + (ulong)done, out ulong physical))
        {
            int part = Math.Min(length - done, PageSize - (int)(physical % PageSize));
            bool copied = source.IsEmpty ? memory.TryRead(physical, destination.Slice(done, part)) : memory.TryWrite(physical, source.Slice(done, part));
            if (!copied) break;
            done += part;
        }
        return done;
    }
}
