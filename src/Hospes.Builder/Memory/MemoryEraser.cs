using Hospes.Hypervisor;

namespace Hospes.Builder.Memory;

/// <summary>Makes guest memory read as zero without touching pages that nothing has touched.</summary>
internal static class MemoryEraser
{
    /// <summary>Clears a stretch that lies in RAM: whole pages are given back to the host, the rest is overwritten.</summary>
    public static void Clear(GuestMemory memory, ulong address, ulong size)
    {
        while (size > 0 && memory.Find(address) is { } range)
        {
            ulong part = Math.Min(size, range.End - address);
            ulong first = Math.Min((address + range.PageSize - 1) / range.PageSize * range.PageSize, address + part);
            ulong last = Math.Max((address + part) / range.PageSize * range.PageSize, first);
            memory.TryFill(address, first - address, 0);
            if (last > first && memory.Discard(first, last - first) != Status.Ok) memory.TryFill(first, last - first, 0);
            memory.TryFill(last, address + part - last, 0);
            address += part;
            size -= part;
        }
    }
}
