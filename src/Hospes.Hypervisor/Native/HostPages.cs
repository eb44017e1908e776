namespace Hospes.Hypervisor.Native;

/// <summary>
/// Memory of the host that guest RAM is made of, in the largest pages that the host gives: from its pool of huge pages where that is asked for, else a memory file (memfd)
/// where it must be shared or the host's policy makes huge pages of shared memory by itself, else memory without a file where it does so of that alone, as most hosts are set up.
/// </summary>
internal static class HostPages
{
    /// <summary>The file of memory that has none.</summary>
    public const int NoFile = -1;

    private const string Policies = "/sys/kernel/mm/transparent_hugepage/";
    private const ulong Page1G = 1UL << 30, Page2M = 1UL << 21;

    /// <summary>Maps memory.</summary>
    /// <param name="size">Bytes.</param>
    /// <param name="huge">Whether the pool is asked.</param>
    /// <param name="isShared">Whether there must be a file.</param>
    /// <param name="blockSize">Bytes of the blocks in which it is to be used: pages are no larger, and the pool's are taken block by block (<see cref="TryTake"/>); 0 for all at once.</param>
    /// <param name="file">The file, or <see cref="NoFile"/>.</param>
    /// <param name="host">Where it is mapped.</param>
    /// <param name="pageSize">Bytes of its pages.</param>
    public static bool TryMap(nuint size, HugePages huge, bool isShared, ulong blockSize, out int file, out nint host, out ulong pageSize)
    {
        if (huge != HugePages.None)
        {
            if (huge != HugePages.Size2M && size % Page1G == 0 && blockSize % Page1G == 0 && TryMapFile(size, LibC.MfdHugeTlb | LibC.MfdHuge1Gb, blockSize == 0, out file, out host))
            {
                pageSize = Page1G;
                return true;
            }
            if (huge != HugePages.Size1G && size % Page2M == 0 && blockSize % Page2M == 0 && TryMapFile(size, LibC.MfdHugeTlb | LibC.MfdHuge2Mb, blockSize == 0, out file, out host))
            {
                pageSize = Page2M;
                return true;
            }
        }
        pageSize = GuestMemory.PageSize;
        file = NoFile;
        host = 0;
        if (huge is HugePages.Size2M or HugePages.Size1G) return false;
        if (!isShared && IsAllowed("enabled") && !IsAllowed("shmem_enabled"))
        {
            if (!TryMapAnonymous(size, out host)) return false;
        }
        else if (!TryMapFile(size, 0, reserves: false, out file, out host))
        {
            return false;
        }
        // A refusal costs nothing.
        _ = LibC.Advise(host, size, LibC.AdviseHugePage);
        return true;
    }

    /// <summary>Takes pages of the pool for a stretch of a file now, so that a pool that is used up is a refusal and not a signal later.</summary>
    public static bool TryTake(int file, ulong offset, ulong size) => LibC.Allocate(file, 0, (long)offset, (long)size) == 0;

    public static bool TryDiscard(nint host, nuint size, int file) => LibC.Advise(host, size, file == NoFile ? LibC.AdviseDontNeed : LibC.AdviseRemove) == 0;

    /// <summary>Whether a policy gives transparent huge pages to who asks: the word in brackets is neither "never" nor "deny" (the kernel's admin-guide/mm/transhuge.rst).</summary>
    private static bool IsAllowed(string policy)
    {
        try
        {
            string words = File.ReadAllText(Policies + policy);
            return words.Contains('[') && !words.Contains("[never]", StringComparison.Ordinal) && !words.Contains("[deny]", StringComparison.Ordinal);
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static bool TryMapFile(nuint size, uint pages, bool reserves, out int file, out nint host)
    {
        host = 0;
        file = LibC.CreateMemoryFile("guest-ram", LibC.MfdCloseOnExec | pages);
        if (file < 0) return false;
        if (LibC.Truncate(file, (long)size) == 0)
        {
            // Where huge pages are reserved, a pool that is too small is a refusal now and not a signal later.
            host = LibC.Map(0, size, LibC.ProtRead | LibC.ProtWrite, LibC.MapShared | (reserves ? 0 : LibC.MapNoReserve), file, 0);
            if (host is not -1) return true;
        }
        host = 0;
        _ = LibC.Close(file);
        return false;
    }

    /// <summary>Maps at a multiple of 2 MiB, so that huge pages fit.</summary>
    private static bool TryMapAnonymous(nuint size, out nint host)
    {
        host = 0;
        nuint slack = (nuint)Page2M;
        nint start = LibC.Map(0, size + slack, LibC.ProtRead | LibC.ProtWrite, LibC.MapPrivate | LibC.MapAnonymous | LibC.MapNoReserve, -1, 0);
        if (start is -1) return false;
        host = (nint)(((nuint)start + slack - 1) & ~(slack - 1));
        nuint before = (nuint)(host - start);
        if (before > 0) _ = LibC.Unmap(start, before);
        _ = LibC.Unmap(host + (nint)size, slack - before);
        return true;
    }
}
