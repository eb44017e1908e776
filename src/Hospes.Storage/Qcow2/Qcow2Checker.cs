using System.Buffers.Binary;
using Hospes.Storage.Files;

namespace Hospes.Storage.Qcow2;

/// <summary>Counts every reference to every cluster and compares with what the image says. Works on the file itself: an image that cannot be opened for writing can be checked.</summary>
internal sealed partial class Qcow2Checker
{
    private readonly IImageFile _file;
    private readonly Qcow2Header _header;
    private readonly L2Entries _entries;
    private readonly bool _fix;
    private readonly IProgress<double>? _progress;
    private readonly CancellationToken _cancellation;
    private readonly Qcow2CheckResult _result;

    /// <summary>L2 tables by their place: how many L1 entries name each, and whether the active L1 table does. Each is read once, however often it is named.</summary>
    private readonly Dictionary<long, (uint Uses, bool Active)> _tables = [];

    private readonly byte[] _cluster;
    private ulong[] _l1 = [];

    public Qcow2Checker(IImageFile file, Qcow2Header header, bool fix, Qcow2CheckResult result, IProgress<double>? progress, CancellationToken cancellation)
    {
        (_file, _header, _fix, _result, _progress, _cancellation) = (file, header, fix, result, progress, cancellation);
        _entries = new L2Entries(header.ClusterBits, header.Version);
        _cluster = new byte[header.ClusterSize];
        _result.TotalClusters = (header.Size >> header.ClusterBits) + ((header.Size & (header.ClusterSize - 1)) != 0 ? 1 : 0);
    }

    /// <summary>References of everything but the reference counts' own clusters.</summary>
    public ClusterCounts Counts { get; } = new();

    /// <summary>The file's length in bytes.</summary>
    public long FileLength { get; private set; }

    /// <summary>Counts. What is broken is noted in the result, and cleared when the checker may.</summary>
    /// <returns><see cref="StorageError.None"/>, or why the check could not go on.</returns>
    public StorageError Count()
    {
        StorageError error = _file.Length(out long length);
        if (error != StorageError.None) return error;
        FileLength = length;
        Reference(0, _header.ClusterSize, 1, "the header");
        error = CountL1(_header.L1Offset, _header.L1Size, active: true, "the L1 table");
        if (error == StorageError.None) error = CountSnapshots();
        long done = 0;
        foreach ((long offset, (uint uses, bool active)) in _tables)
        {
            if (error != StorageError.None) return error;
            if (_cancellation.IsCancellationRequested) return StorageError.Cancelled;
            error = CountL2(offset, uses, active);
            _progress?.Report((double)++done / _tables.Count);
        }

        if (error == StorageError.None && _header.Bitmaps is { } bitmaps && (_header.Autoclear & Qcow2Format.Bitmaps) != 0) error = CountBitmaps(bitmaps);
        return error == StorageError.None && Counts.Overflowed ? StorageError.Unsupported : error;
    }

    private StorageError CountSnapshots()
    {
        StorageFailure? failure = SnapshotTable.TryRead(_file, _header, FileLength, out IReadOnlyList<SnapshotRecord> snapshots, out long length);
        if (failure is { Error: not StorageError.Corrupt }) return failure.Error;
        if (failure is not null)
        {
            _result.CheckErrors++;
            _result.Note(failure.Detail!);
            return StorageError.None;
        }

        if (length > 0) Reference(_header.SnapshotsOffset, length, 1, "the snapshot table");
        StorageError error = StorageError.None;
        foreach (SnapshotRecord snapshot in snapshots)
        {
            if (error == StorageError.None) error = CountL1(snapshot.L1Offset, snapshot.L1Size, active: false, $"the L1 table of snapshot {snapshot.Id}");
        }

        return error;
    }

    private StorageError CountL1(long offset, int size, bool active, string what)
    {
        if (size == 0) return StorageError.None;
        Reference(offset, size * 8L, 1, what);
        ulong[] l1 = new ulong[size];
        StorageError error = _file.ReadPadded(offset, System.Runtime.InteropServices.MemoryMarshal.AsBytes(l1.AsSpan()));
        if (error != StorageError.None) return error;
        BinaryPrimitives.ReverseEndianness(l1, l1);
        if (active) _l1 = l1;
        for (int i = 0; i < size; i++)
        {
            if (l1[i] == 0) continue;
            long table = (long)(l1[i] & Qcow2Format.OffsetMask);
            if ((l1[i] & Qcow2Format.L1Reserved) != 0 || table == 0 || !Fits(table, _header.ClusterSize) || (table & (_header.ClusterSize - 1)) != 0)
            {
                _result.Corrupt($"entry {i} of {what} is 0x{l1[i]:x}: no place of a table");
                if (_fix && (error = Fix(offset + (i * 8L), 0)) != StorageError.None) return error;
                if (_fix) l1[i] = 0;
                continue;
            }

            (uint uses, bool used) = _tables.GetValueOrDefault(table);
            _tables[table] = (uses + 1, used || active);
        }

        return StorageError.None;
    }

    private StorageError CountL2(long table, uint uses, bool active)
    {
        Reference(table, _header.ClusterSize, uses, "an L2 table");
        StorageError error = _file.ReadPadded(table, _cluster);
        long next = 0;
        for (int at = 0; at < _cluster.Length && error == StorageError.None; at += 8)
        {
            ulong entry = BinaryPrimitives.ReadUInt64BigEndian(_cluster.AsSpan(at));
            if (entry == 0) continue;
            ClusterKind? kind = _entries.Kind(entry);
            long offset = L2Entries.Host(entry);
            long length = _header.ClusterSize;
            if (kind == ClusterKind.Compressed)
            {
                (offset, int packed) = _entries.CompressedAt(entry);
                length = packed;
            }

            bool placed = kind is ClusterKind.Normal or ClusterKind.Compressed || (kind == ClusterKind.Zero && offset != 0);
            bool sound = kind is not null && (!placed || Fits(offset, length)) && (kind != ClusterKind.Compressed || (entry & Qcow2Format.Copied) == 0);
            if (!sound)
            {
                _result.Corrupt($"entry {at / 8} of the L2 table at 0x{table:x} is 0x{entry:x}: no place of a cluster");
                if (_fix) error = Fix(table + at, 0);
                continue;
            }

            if (!placed) continue;
            Reference(offset, length, uses, "a cluster of data");
            if (active) Describe(kind == ClusterKind.Compressed, offset, ref next);
        }

        return error;
    }

    private void Describe(bool compressed, long offset, ref long next)
    {
        _result.AllocatedClusters++;
        if (compressed)
        {
            // As in QEMU, what is compressed never follows in order.
            _result.CompressedClusters++;
            _result.FragmentedClusters++;
            return;
        }

        if (next != 0 && next != offset) _result.FragmentedClusters++;
        next = offset + _header.ClusterSize;
    }

    /// <summary>True when a range may be referred to: the last cluster of the file can be there in part.</summary>
    private bool Fits(long offset, long length) => offset >= 0 && length >= 0 && offset + length - FileLength < _header.ClusterSize && offset < FileLength;

    private void Reference(long offset, long length, uint uses, string what)
    {
        if (!Fits(offset, length))
        {
            _result.Corrupt($"{what} at 0x{offset:x} lies outside the file");
            return;
        }

        for (long cluster = offset >> _header.ClusterBits; cluster <= (offset + length - 1) >> _header.ClusterBits; cluster++) Counts.Add(cluster, uses);
    }

    private StorageError Fix(long at, ulong entry)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, entry);
        return _file.Write(at, bytes);
    }
}
