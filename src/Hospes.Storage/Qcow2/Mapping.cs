namespace Hospes.Storage.Qcow2;

/// <summary>What an L2 entry says of a guest cluster.</summary>
internal enum ClusterKind
{
    /// <summary>Nothing here: the backing file's bytes, or zeros.</summary>
    Unallocated,

    /// <summary>Zeros, whatever a backing file holds; space may be reserved.</summary>
    Zero,

    /// <summary>Bytes in a cluster of the file.</summary>
    Normal,

    /// <summary>Compressed bytes.</summary>
    Compressed,
}

/// <summary>Where a stretch of the disk lies.</summary>
/// <param name="Kind">Of what kind all of it is.</param>
/// <param name="Entry">The first cluster's L2 entry.</param>
/// <param name="Host">The place of the first byte in the file, where the kind has one; of compressed clusters and zeros 0.</param>
/// <param name="Length">The bytes up to which this holds.</param>
internal readonly record struct Mapping(ClusterKind Kind, ulong Entry, long Host, long Length)
{
    /// <summary>True when the cluster belongs to the active table alone and may be written in place.</summary>
    public bool InPlace => Kind == ClusterKind.Normal && (Entry & Qcow2Format.Copied) != 0;
}
