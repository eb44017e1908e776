using Hospes.Hypervisor;

namespace Hospes.Builder.Boot;

/// <summary>Which RAM of the memory map is still free, and where things were put.</summary>
internal sealed class Placement
{
    /// <summary>Where structures go at the lowest: page 0 and the first 64 KiB are where kernels put their start-up code for other processors.</summary>
    public const ulong StructureMin = 0x10000;

    /// <summary>Everything that a 32-bit entry is told of lies below 4 GiB.</summary>
    public const ulong Limit32 = 1UL << 32;

    private readonly List<(ulong Start, ulong End)> _free = [];
    private readonly List<PlacedRegion> _regions = [];

    private Placement()
    {
    }

    public IReadOnlyList<PlacedRegion> Regions => _regions;

    /// <summary>Checks a memory map against the memory and takes its RAM as free.</summary>
    public static BuildFailure? TryCreate(GuestMemory memory, IReadOnlyList<MemoryMapEntry> map, out Placement placement)
    {
        placement = new Placement();
        if (map.Count > Limits.MaxMemoryMapEntries) return new BuildFailure(BuildError.MemoryMapTooLong, $"{map.Count}, at most {Limits.MaxMemoryMapEntries}");
        MemoryMapEntry[] sorted = [.. map.OrderBy(entry => entry.Address)];
        ulong end = 0;
        foreach (MemoryMapEntry entry in sorted)
        {
            if (entry.Size == 0 || entry.Address >= GuestMemory.AddressLimit || entry.Size > GuestMemory.AddressLimit - entry.Address)
                return new BuildFailure(BuildError.MemoryMapInvalid, $"0x{entry.Size:x} bytes at 0x{entry.Address:x}");
            if (entry.Address < end) return new BuildFailure(BuildError.MemoryMapInvalid, $"overlap at 0x{entry.Address:x}");
            end = entry.Address + entry.Size;
            if (entry.Kind != MemoryKind.Ram) continue;
            for (ulong at = entry.Address; at < end;)
            {
                if (memory.Find(at) is not { } range) return new BuildFailure(BuildError.MemoryMapInvalid, $"no RAM at 0x{at:x}");
                at = range.End;
            }
            if (placement._free.Count > 0 && placement._free[^1].End == entry.Address) placement._free[^1] = (placement._free[^1].Start, end);
            else placement._free.Add((entry.Address, end));
        }
        return placement._free.Count == 0 ? new BuildFailure(BuildError.MemoryZero) : null;
    }

    /// <summary>Takes a fixed stretch; false when it is not wholly free.</summary>
    public bool TryClaim(string name, ulong address, ulong size)
    {
        int at = _free.FindIndex(f => address >= f.Start && address < f.End && size <= f.End - address);
        if (at < 0) return false;
        Take(at, name, address, size);
        return true;
    }

    /// <summary>Takes the lowest free stretch inside bounds.</summary>
    public bool TryLowest(string name, ulong size, ulong alignment, ulong min, ulong max, out ulong address)
    {
        for (int i = 0; i < _free.Count; i++)
        {
            ulong start = Math.Max(_free[i].Start, min), end = Math.Min(_free[i].End, max);
            if (start > ulong.MaxValue - alignment) continue;
            start = (start + alignment - 1) & ~(alignment - 1);
            if (start >= end || size > end - start) continue;
            address = start;
            Take(i, name, start, size);
            return true;
        }
        address = 0;
        return false;
    }

    /// <summary>Takes the highest free stretch below a bound.</summary>
    public bool TryHighest(string name, ulong size, ulong alignment, ulong max, out ulong address)
    {
        for (int i = _free.Count - 1; i >= 0; i--)
        {
            ulong end = Math.Min(_free[i].End, max);
            if (end <= _free[i].Start || size > end - _free[i].Start) continue;
            ulong start = (end - size) & ~(alignment - 1);
            if (start < _free[i].Start) continue;
            address = start;
            Take(i, name, start, size);
            return true;
        }
        address = 0;
        return false;
    }

    /// <summary>The longest free stretch below a bound, for messages.</summary>
    public ulong Longest(ulong max)
    {
        ulong longest = 0;
        foreach ((ulong start, ulong end) in _free)
        {
            ulong top = Math.Min(end, max);
            if (top > start) longest = Math.Max(longest, top - start);
        }
        return longest;
    }

    private void Take(int index, string name, ulong address, ulong size)
    {
        (ulong start, ulong end) = _free[index];
        _free.RemoveAt(index);
        if (address + size < end) _free.Insert(index, (address + size, end));
        if (start < address) _free.Insert(index, (start, address));
        _regions.Add(new PlacedRegion(name, address, size));
    }
}
