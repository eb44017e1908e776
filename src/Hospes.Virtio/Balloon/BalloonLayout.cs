namespace Hospes.Virtio;

/// <summary>Numbers of the memory balloon (virtio 1.2, 5.5).</summary>
public static class BalloonLayout
{
    /// <summary>Feature bits (5.5.3): a statistics queue; the driver may take pages back when memory is short; the driver says what free pages hold;
    /// free pages are reported.</summary>
    public const ulong StatisticsQueue = 1 << 1, DeflateOnOom = 1 << 2, PagePoison = 1 << 4, PageReporting = 1 << 5;

    /// <summary>Fields of the configuration (5.5.4), each of 4 bytes: pages wanted, pages that the driver has given, what free pages hold.</summary>
    public const int TargetPages = 0, ActualPages = 4, PoisonValue = 12, ConfigBytes = 16;

    /// <summary>Numbers of the queues (5.5.2). Drivers that number them without gaps have the last ones earlier.</summary>
    public const int Inflate = 0, Deflate = 1, Statistics = 2, Reporting = 4, Queues = 5;

    /// <summary>Bytes of a page as the balloon counts them, and its shift (5.5.6).</summary>
    public const int PageSize = 1 << PageShift, PageShift = 12;

    /// <summary>Bytes of one statistic: a tag of 16 bits, a value of 64 (5.5.6.3).</summary>
    public const int StatisticSize = 10;
}

/// <summary>What a driver tells of its memory; the numbers are the tags (virtio 1.2, 5.5.6.4).</summary>
public enum BalloonStatistic
{
    /// <summary>Bytes that were swapped in.</summary>
    SwapIn = 0,

    /// <summary>Bytes that were swapped out.</summary>
    SwapOut = 1,

    /// <summary>Page faults that needed a disk.</summary>
    MajorFaults = 2,

    /// <summary>Page faults that did not.</summary>
    MinorFaults = 3,

    /// <summary>Bytes that nothing uses.</summary>
    FreeMemory = 4,

    /// <summary>Bytes that there are.</summary>
    TotalMemory = 5,

    /// <summary>Bytes that programs could get without swapping.</summary>
    AvailableMemory = 6,

    /// <summary>Bytes that could be freed at once: disk caches.</summary>
    DiskCaches = 7,

    /// <summary>Huge pages that were given out.</summary>
    HugePagesGiven = 8,

    /// <summary>Huge pages that there were not enough of.</summary>
    HugePagesFailed = 9,
}
