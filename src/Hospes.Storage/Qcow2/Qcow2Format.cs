namespace Hospes.Storage.Qcow2;

/// <summary>The constants of the format (QEMU, docs/interop/qcow2). All numbers in a file are big-endian.</summary>
internal static class Qcow2Format
{
    public const uint Magic = 0x514649fb;

    /// <summary>Places in the header ("Header").</summary>
    public const int BackingOffset = 8, BackingLength = 16, ClusterBits = 20, Size = 24, CryptMethod = 32, L1Size = 36, L1Offset = 40, RefcountOffset = 48, RefcountClusters = 56,
        SnapshotCount = 60, SnapshotsOffset = 64, Incompatible = 72, Compatible = 80, Autoclear = 88, RefcountOrder = 96, HeaderLength = 100, CompressionType = 104;

    public const int HeaderLengthV2 = 72, HeaderLengthV3 = 104, HeaderLengthWritten = 112;

    public const int MinClusterBits = 9;

    /// <summary>2 MiB, the most that QEMU opens.</summary>
    public const int MaxClusterBits = 21;

    public const int MaxRefcountOrder = 6;

    /// <summary>QEMU's bounds: 32 MiB of L1 table, 8 MiB of refcount table, 65536 snapshots, 64 MiB of snapshot table, 1023 bytes of name.</summary>
    public const long MaxL1Bytes = 32 << 20, MaxRefcountTableBytes = 8 << 20, MaxSnapshots = 65536, MaxSnapshotTable = 64 << 20;
    public const int MaxBackingName = 1023;

    public const ulong Dirty = 1 << 0, CorruptBit = 1 << 1, ExternalData = 1 << 2, CompressionBit = 1 << 3, ExtendedL2 = 1 << 4;
    public const ulong LazyRefcounts = 1 << 0;
    public const ulong Bitmaps = 1 << 0;

    public const uint ExtensionEnd = 0, ExtensionBackingFormat = 0xe2792aca, ExtensionFeatures = 0x6803f857, ExtensionBitmaps = 0x23852875;

    /// <summary>Parts of L1 and L2 entries ("Cluster mapping").</summary>
    public const ulong Copied = 1ul << 63, Compressed = 1ul << 62, Zero = 1, OffsetMask = 0x00ff_ffff_ffff_fe00;

    /// <summary>Bits that must be 0: in L1 entries, and in L2 entries of standard clusters (bit 0 is the zero flag from version 3 on).</summary>
    public const ulong L1Reserved = 0x7f00_0000_0000_01ff, L2Reserved = 0x3f00_0000_0000_01fe;

    public const ulong RefcountReserved = 0x1ff;

    /// <summary>The end of what L1 and L2 entries can point to: 56 bits.</summary>
    public const long MaxOffset = 1L << 56;
}
