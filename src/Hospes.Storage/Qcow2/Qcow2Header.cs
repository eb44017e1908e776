using System.Buffers.Binary;
using System.Text;
using Hospes.Storage.Files;

namespace Hospes.Storage.Qcow2;

/// <summary>The header as it was read and checked, with what its extensions say.</summary>
internal sealed record Qcow2Header
{
    public required int Version { get; init; }
    public required int ClusterBits { get; init; }
    public required long Size { get; set; }
    public required int L1Size { get; set; }
    public required long L1Offset { get; set; }
    public required long RefcountOffset { get; set; }
    public required int RefcountClusters { get; set; }
    public required int SnapshotCount { get; init; }
    public required long SnapshotsOffset { get; init; }
    public required ulong Incompatible { get; set; }
    public required ulong Compatible { get; init; }
    public required ulong Autoclear { get; set; }
    public required int RefcountOrder { get; init; }
    public required CompressionType Compression { get; init; }
    public string? BackingFile { get; init; }
    public string? BackingFormat { get; init; }
    public BitmapDirectory? Bitmaps { get; init; }

    public int ClusterSize => 1 << ClusterBits;

    public int RefcountBits => 1 << RefcountOrder;

    public bool IsDirty => (Incompatible & Qcow2Format.Dirty) != 0;

    public bool IsMarkedCorrupt => (Incompatible & Qcow2Format.CorruptBit) != 0;

    /// <summary>How many L1 entries a disk of a size needs.</summary>
    public long L1SizeFor(long size)
    {
        int bits = ClusterBits + ClusterBits - 3;
        return (size >> bits) + ((size & ((1L << bits) - 1)) != 0 ? 1 : 0);
    }

    /// <summary>Reads and checks a header.</summary>
    /// <param name="file">The file.</param>
    /// <param name="fileLength">Its length.</param>
    /// <param name="failure">Why it is refused.</param>
    /// <returns>The header, or null.</returns>
    public static Qcow2Header? TryRead(IImageFile file, long fileLength, out StorageFailure? failure)
    {
        byte[] bytes = new byte[512];
        StorageError error = file.ReadPadded(0, bytes);
        if (error != StorageError.None) return Refuse(error, "the header", out failure);
        if (Long(bytes, 0) >>> 32 != Qcow2Format.Magic) return Refuse(StorageError.WrongFormat, "no qcow2 signature at the start", out failure);
        int version = Int(bytes, 4);
        if (version is not (2 or 3)) return Refuse(StorageError.Unsupported, $"qcow2 version {(uint)version}", out failure);
        int length = version == 2 ? Qcow2Format.HeaderLengthV2 : Int(bytes, Qcow2Format.HeaderLength);
        ulong incompatible = version == 2 ? 0 : (ulong)Long(bytes, Qcow2Format.Incompatible);
        int order = version == 2 ? 4 : Int(bytes, Qcow2Format.RefcountOrder);
        int clusterBits = Int(bytes, Qcow2Format.ClusterBits);
        if (clusterBits is < Qcow2Format.MinClusterBits or > Qcow2Format.MaxClusterBits) return Refuse(StorageError.Unsupported, $"clusters of 2^{(uint)clusterBits} bytes; 2^9 to 2^21 are supported", out failure);
        int cluster = 1 << clusterBits;
        if (version == 3 && (length < Qcow2Format.HeaderLengthV3 || length > cluster)) return Refuse(StorageError.Corrupt, $"the header's length is {(uint)length}", out failure);
        byte[] area = new byte[cluster];
        error = file.ReadPadded(0, area);
        if (error != StorageError.None) return Refuse(error, "the header", out failure);
        if (Qcow2Features.Refusal(incompatible, area, length, Int(bytes, Qcow2Format.CryptMethod)) is { } feature) return Refuse(StorageError.Unsupported, feature, out failure);
        if (order is < 0 or > Qcow2Format.MaxRefcountOrder) return Refuse(StorageError.Unsupported, $"reference counts of 2^{(uint)order} bits", out failure);
        int compression = length > Qcow2Format.CompressionType ? bytes[Qcow2Format.CompressionType] : 0;
        if ((incompatible & Qcow2Format.CompressionBit) != 0 != (compression != 0)) return Refuse(StorageError.Corrupt, "compression type and its feature bit contradict each other", out failure);
        if (compression > 1) return Refuse(StorageError.Unsupported, $"compression type {compression}", out failure);

        var header = new Qcow2Header
        {
            Version = version,
            ClusterBits = clusterBits,
            Size = Long(bytes, Qcow2Format.Size),
            L1Size = Int(bytes, Qcow2Format.L1Size),
            L1Offset = Long(bytes, Qcow2Format.L1Offset),
            RefcountOffset = Long(bytes, Qcow2Format.RefcountOffset),
            RefcountClusters = Int(bytes, Qcow2Format.RefcountClusters),
            SnapshotCount = Int(bytes, Qcow2Format.SnapshotCount),
            SnapshotsOffset = Long(bytes, Qcow2Format.SnapshotsOffset),
            Incompatible = incompatible,
            Compatible = version == 2 ? 0 : (ulong)Long(bytes, Qcow2Format.Compatible),
            Autoclear = version == 2 ? 0 : (ulong)Long(bytes, Qcow2Format.Autoclear),
            RefcountOrder = order,
            Compression = (CompressionType)compression,
        };
        if (header.Contradiction(fileLength) is { } contradiction) return Refuse(StorageError.Corrupt, contradiction, out failure);
        if (header.WithExtensions(area, length) is not { } whole) return Refuse(StorageError.Corrupt, "a header extension does not fit into the first cluster", out failure);
        long nameAt = Long(bytes, Qcow2Format.BackingOffset);
        int nameLength = Int(bytes, Qcow2Format.BackingLength);
        if (nameAt != 0)
        {
            if (nameLength is < 0 or > Qcow2Format.MaxBackingName || nameAt < 0 || nameAt > cluster - nameLength) return Refuse(StorageError.Corrupt, "the backing file's name does not lie in the first cluster", out failure);
            whole = whole with { BackingFile = nameLength == 0 ? null : Encoding.UTF8.GetString(area, (int)nameAt, nameLength) };
        }

        failure = null;
        return whole;
    }

    private string? Contradiction(long fileLength)
    {
        long mask = ClusterSize - 1;
        if (Size < 0) return "the disk's size is negative";
        if (L1Size < 0 || L1Size > Qcow2Format.MaxL1Bytes / 8) return $"the L1 table has {(uint)L1Size} entries";
        if (L1SizeFor(Size) > L1Size) return $"the L1 table has {L1Size} entries, too few for the disk's size";
        if (L1Size > 0 && !InFile(L1Offset, L1Size * 8L)) return "the L1 table does not lie in the file";
        if (RefcountClusters is <= 0 || (long)RefcountClusters << ClusterBits > Math.Max(Qcow2Format.MaxRefcountTableBytes, ClusterSize)) return $"the reference count table has {(uint)RefcountClusters} clusters";
        // The last cluster of a file can be there in part.
        if (!InFile(RefcountOffset, 8) || RefcountOffset + ((long)RefcountClusters << ClusterBits) - fileLength >= ClusterSize) return "the reference count table does not lie in the file";
        if ((uint)SnapshotCount > Qcow2Format.MaxSnapshots) return $"{(uint)SnapshotCount} snapshots";
        if (SnapshotCount > 0 && !InFile(SnapshotsOffset, 8)) return "the snapshot table does not lie in the file";
        return null;

        bool InFile(long offset, long length) => offset > 0 && (offset & mask) == 0 && offset <= fileLength - length;
    }

    private Qcow2Header? WithExtensions(byte[] area, int at)
    {
        Qcow2Header header = this;
        while (at <= area.Length - 8)
        {
            uint type = (uint)Int(area, at);
            uint length = (uint)Int(area, at + 4);
            at += 8;
            if (type == Qcow2Format.ExtensionEnd) break;
            if (length > area.Length - at) return Version == 2 ? header : null;
            ReadOnlySpan<byte> data = area.AsSpan(at, (int)length);
            if (type == Qcow2Format.ExtensionBackingFormat) header = header with { BackingFormat = Encoding.UTF8.GetString(data).TrimEnd('\0') };
            else if (type == Qcow2Format.ExtensionBitmaps && length >= 24)
                header = header with { Bitmaps = new BitmapDirectory(Int(data, 0), Long(data, 8), Long(data, 16)) };
            at += (int)((length + 7) & ~7u);
        }

        return header;
    }

    private static Qcow2Header? Refuse(StorageError error, string detail, out StorageFailure? failure)
    {
        failure = new StorageFailure(error, detail);
        return null;
    }

    private static int Int(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt32BigEndian(bytes[at..]);

    private static long Long(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64BigEndian(bytes[at..]);
}

/// <summary>Where the dirty bitmaps are listed ("Bitmaps extension").</summary>
internal readonly record struct BitmapDirectory(int Count, long Size, long Offset);

/// <summary>How compressed clusters are compressed ("Additional fields").</summary>
public enum CompressionType
{
    /// <summary>Raw deflate with a window of 4 KiB.</summary>
    Zlib,

    /// <summary>Zstandard frames.</summary>
    Zstd,
}
