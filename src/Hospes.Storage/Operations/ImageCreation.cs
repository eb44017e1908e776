using Hospes.Storage.Qcow2;

namespace Hospes.Storage;

/// <summary>How space is taken for a new image.</summary>
public enum Preallocation
{
    /// <summary>As it is written.</summary>
    Off,

    /// <summary>qcow2: tables and clusters are laid out, the data's space is taken as it is written.</summary>
    Metadata,

    /// <summary>All of it is reserved on the host. With qcow2 also laid out.</summary>
    Falloc,
}

/// <summary>What a new image is to be.</summary>
public sealed record ImageCreation
{
    /// <summary>The format.</summary>
    public ImageFormat Format { get; init; } = ImageFormat.Qcow2;

    /// <summary>The disk's size in bytes, or null to take that of the backing file.</summary>
    public long? Size { get; init; }

    /// <summary>qcow2: bytes in a cluster, a power of two from 512 to 2 MiB.</summary>
    public int ClusterSize { get; init; } = 64 << 10;

    /// <summary>qcow2: the version, 2 or 3.</summary>
    public int Version { get; init; } = 3;

    /// <summary>qcow2: bits in a reference count, a power of two from 1 to 64. Version 2 has 16.</summary>
    public int RefcountBits { get; init; } = 16;

    /// <summary>qcow2: write reference counts late, and count anew after a kill. Version 3.</summary>
    public bool LazyRefcounts { get; init; }

    /// <summary>qcow2: how compressed clusters are packed. Version 2 has zlib.</summary>
    public CompressionType Compression { get; init; }

    /// <summary>How space is taken.</summary>
    public Preallocation Preallocation { get; init; }

    /// <summary>qcow2: the backing file's name as it goes into the header: absolute, or from the new image's folder.</summary>
    public string? BackingFile { get; init; }

    /// <summary>qcow2: the backing file's format; needed with <see cref="BackingFile"/>.</summary>
    public ImageFormat? BackingFormat { get; init; }

    internal int RefcountOrder => int.TrailingZeroCount(RefcountBits);

    /// <summary>What is wrong with the settings, or null.</summary>
    internal string? Mistake()
    {
        if (Size < 0) return "the size is negative";
        if (Format == ImageFormat.Raw)
        {
            if (BackingFile is not null) return "a raw image has no backing file";
            return Preallocation == Preallocation.Metadata ? "a raw image has no metadata to lay out" : null;
        }

        if (!int.IsPow2(ClusterSize) || ClusterSize is < 512 or > 2 << 20) return $"clusters of {ClusterSize} bytes; it must be a power of two from 512 to 2097152";
        if (Version is not (2 or 3)) return $"version {Version}; it must be 2 or 3";
        if (!int.IsPow2(RefcountBits) || RefcountBits > 64) return $"reference counts of {RefcountBits} bits; it must be a power of two from 1 to 64";
        if (Version == 2 && (RefcountBits != 16 || LazyRefcounts || Compression != CompressionType.Zlib)) return "version 2 has reference counts of 16 bits, none of them lazy, and zlib";
        if (BackingFile is not null && BackingFormat is null) return "the backing file's format is not given";
        if (BackingFile is null && BackingFormat is not null) return "a format without a backing file";
        return BackingFile is not null && Preallocation != Preallocation.Off ? "an image over a backing file is not laid out in advance: it would hide it" : null;
    }
}
