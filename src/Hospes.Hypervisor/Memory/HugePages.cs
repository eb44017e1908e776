namespace Hospes.Hypervisor;

/// <summary>Whether memory comes from the host's pool of huge pages, which its administrator sets aside (the kernel's admin-guide/mm/hugetlbpage.rst).</summary>
public enum HugePages
{
    /// <summary>No: the host makes larger pages by itself where its policy says so.</summary>
    None,

    /// <summary>As far as the pool has pages: 1 GiB, then 2 MiB; else ordinary ones.</summary>
    Preferred,

    /// <summary>Pages of 2 MiB, or none at all.</summary>
    Size2M,

    /// <summary>Pages of 1 GiB, or none at all.</summary>
    Size1G,
}
