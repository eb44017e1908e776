namespace Hospes.Virtio;

/// <summary>The block device's numbers (virtio 1.2, 5.2).</summary>
internal static class BlockLayout
{
    /// <summary>Bytes of a sector, whatever the block size is (5.2.4).</summary>
    public const int Sector = 512;

    /// <summary>Feature bits (5.2.3): most segments of a request, read-only, block size, flush, topology, several queues, discard, write zeroes.</summary>
    public const ulong SegmentsMax = 1 << 2, ReadOnly = 1 << 5, BlockSize = 1 << 6, FlushCommand = 1 << 9, Topology = 1 << 10, MultiQueue = 1 << 12,
        DiscardCommand = 1 << 13, WriteZeroesCommand = 1 << 14;

    /// <summary>Fields of the configuration (5.2.4).</summary>
    public const int Capacity = 0, SegmentsMaxField = 12, BlockSizeField = 20, PhysicalBlockExponent = 24, Queues = 34, MaxDiscardSectors = 36,
        MaxDiscardSegments = 40, DiscardAlignment = 44, MaxZeroesSectors = 48, MaxZeroesSegments = 52, ZeroesMayUnmap = 56, ConfigBytes = 60;

    /// <summary>The header of a request: type, reserved, first sector (5.2.6).</summary>
    public const int HeaderSize = 16, HeaderSector = 8;

    /// <summary>A part of a discard or of a write of zeroes: sector, count, flags (5.2.6).</summary>
    public const int RangeSize = 16;

    /// <summary>Flag of a write of zeroes: the room may be given back.</summary>
    public const uint RangeUnmap = 1;

    /// <summary>Bytes of the answer to a request for the serial (5.2.6).</summary>
    public const int SerialSize = 20;

    /// <summary>How the answer's last byte tells how a request ended (5.2.6).</summary>
    public const byte StatusOk = 0, StatusError = 1, StatusUnsupported = 2;

    /// <summary>Types of requests (5.2.6).</summary>
    public const uint Read = 0, Write = 1, Flush = 4, GetId = 8, Discard = 11, WriteZeroes = 13;
}
