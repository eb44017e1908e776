namespace Hospes.Storage.Qcow2;

/// <summary>Takes L2 entries apart ("Cluster mapping").</summary>
/// <param name="clusterBits">The bits of an offset in a cluster.</param>
/// <param name="version">The image's version: only from 3 on there is a zero flag.</param>
internal readonly struct L2Entries(int clusterBits, int version)
{
    /// <summary>The number of bits of a compressed cluster's place ("Compressed Clusters Descriptor": x).</summary>
    private int PlaceBits => 62 - (clusterBits - 8);

    /// <summary>The kind, or null for an entry with reserved bits set or a place that no cluster has.</summary>
    /// <param name="entry">The entry.</param>
    public ClusterKind? Kind(ulong entry)
    {
        if ((entry & Qcow2Format.Compressed) != 0) return ClusterKind.Compressed;
        if ((entry & Qcow2Format.L2Reserved) != 0 || (version == 2 && (entry & Qcow2Format.Zero) != 0)) return null;
        if ((entry & Qcow2Format.OffsetMask & ((1ul << clusterBits) - 1)) != 0) return null;
        if ((entry & Qcow2Format.Zero) != 0) return ClusterKind.Zero;
        return (entry & Qcow2Format.OffsetMask) != 0 ? ClusterKind.Normal : (entry & Qcow2Format.Copied) != 0 ? null : ClusterKind.Unallocated;
    }

    /// <summary>The place of a standard cluster, 0 for none.</summary>
    public static long Host(ulong entry) => (long)(entry & Qcow2Format.OffsetMask);

    /// <summary>The place and the most bytes of a compressed cluster's data.</summary>
    public (long Offset, int Length) CompressedAt(ulong entry)
    {
        long offset = (long)(entry & ((1ul << PlaceBits) - 1));
        int sectors = (int)((entry & ~(Qcow2Format.Compressed | Qcow2Format.Copied)) >> PlaceBits) + 1;
        return (offset, (sectors * 512) - (int)(offset & 511));
    }

    /// <summary>The entry of a compressed cluster, or 0 when the place is too far out for one.</summary>
    public ulong Compressed(long offset, int length)
    {
        ulong sectors = (ulong)(((offset + length - 1) >> 9) - (offset >> 9));
        return offset >= Math.Min(1L << PlaceBits, Qcow2Format.MaxOffset) ? 0 : Qcow2Format.Compressed | (ulong)offset | sectors << PlaceBits;
    }
}
