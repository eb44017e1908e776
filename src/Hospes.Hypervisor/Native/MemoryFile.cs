namespace Hospes.Hypervisor.Native;

/// <summary>Memory files (memfd) mapped into this process, in the largest pages that the host gives.</summary>
internal static class MemoryFile
{
    private const ulong Page1G = 1UL << 30, Page2M = 1UL << 21;

    public static bool TryMap(nuint size, bool useHugePages, out int file, out nint host, out ulong pageSize)
    {
        if (useHugePages)
        {
            if (size % Page1G == 0 && TryMap(size, LibC.MfdHugeTlb | LibC.MfdHuge1Gb, out file, out host))
            {
                pageSize = Page1G;
                return true;
            }
            if (size % Page2M == 0 && TryMap(size, LibC.MfdHugeTlb | LibC.MfdHuge2Mb, out file, out host))
            {
                pageSize = Page2M;
                return true;
            }
        }
        pageSize = GuestMemory.PageSize;
        if (!TryMap(size, 0, out file, out host)) return false;
        // Transparent huge pages where the host's policy for shared memory allows them; a refusal costs nothing.
        _ = LibC.Advise(host, size, LibC.AdviseHugePage);
        return true;
    }

    public static bool TryDiscard(nint host, nuint size) => LibC.Advise(host, size, LibC.AdviseRemove) == 0;

    private static bool TryMap(nuint size, uint pages, out int file, out nint host)
    {
        host = 0;
        file = LibC.CreateMemoryFile("guest-ram", LibC.MfdCloseOnExec | pages);
        if (file < 0) return false;
        if (LibC.Truncate(file, (long)size) == 0)
        {
            // Huge pages are reserved here, so that a pool that is too small is a refusal now and not a signal later.
            host = LibC.Map(0, size, LibC.ProtRead | LibC.ProtWrite, LibC.MapShared | (pages == 0 ? LibC.MapNoReserve : 0), file, 0);
            if (host is not -1) return true;
        }
        host = 0;
        _ = LibC.Close(file);
        return false;
    }
}
