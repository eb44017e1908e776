using System.Globalization;
using Hospes.Hypervisor;

namespace Hospes.Machine;

/// <summary>The host's pools of huge pages (the kernel's admin-guide/mm/hugetlbpage.rst).</summary>
public static class HugePagePool
{
    private const string Usual = "/sys/kernel/mm/hugepages";

    /// <summary>Bytes of a page; 0 for none of a certain size.</summary>
    /// <param name="pages">Which pages.</param>
    public static ulong PageSize(HugePages pages) => pages switch
    {
        HugePages.Size2M => 2UL << 20,
        HugePages.Size1G => 1UL << 30,
        _ => 0,
    };

    /// <summary>Says why memory of huge pages was refused.</summary>
    /// <param name="pages">Which pages were wanted: of a certain size.</param>
    /// <param name="bytes">How much memory was wanted.</param>
    /// <param name="folder">Where the kernel tells of its pools.</param>
    /// <returns>The cause and the remedy in one line.</returns>
    public static string Explain(HugePages pages, ulong bytes, string folder = Usual)
    {
        ulong size = PageSize(pages);
        string name = pages == HugePages.Size1G ? "1 GiB" : "2 MiB";
        string pool = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"hugepages-{size >> 10}kB"));
        if (Read(pool, "free_hugepages") is not { } free)
            return $"this host has no huge pages of {name}; choose another size, or leave huge pages away";
        // Those that are promised are free, too.
        ulong left = free - Math.Min(free, Read(pool, "resv_hugepages") ?? 0), wanted = (bytes + size - 1) / size;
        return string.Create(CultureInfo.InvariantCulture,
            $"the host has {left} huge pages of {name} left, and the guest's memory takes {wanted}; set more aside (as root: echo {Read(pool, "nr_hugepages") + wanted - Math.Min(left, wanted)} > {pool}/nr_hugepages), or leave huge pages away");
    }

    private static ulong? Read(string pool, string name)
    {
        try
        {
            return ulong.TryParse(File.ReadAllText(Path.Combine(pool, name)).AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out ulong value) ? value : null;
        }
        catch (Exception absent) when (absent is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
