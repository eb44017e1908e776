using Hospes.Storage.Files;

namespace Hospes.Storage.Qcow2;

/// <summary>A qcow2 disk.</summary>
/// <remarks>
/// <para>
/// Threads: <c>_gate</c> is held shared by reads, by writes in place and while tables are written; alone by whatever changes where a guest
/// cluster lies. So nobody reads a cluster that is given to somebody else meanwhile. <c>_tables</c> guards the cache of L2 tables and is held for
/// look-ups and for writing its pages, never while the host makes them durable. <c>_writing</c> is held by who writes tables.
/// Order: gate, writing, tables.
/// </para>
/// <para>
/// Crash consistency: counts are written before the tables that refer to the clusters, tables before the L1 table, and released clusters are counted
/// down last, with a sync between the steps. A kill or a power cut between any two writes leaves clusters that are counted and not used, nothing worse.
/// </para>
/// </remarks>
internal sealed partial class Qcow2Image : IBlockImage
{
    private readonly IImageFile _file;
    private readonly Qcow2Header _header;
    private readonly IBlockImage? _backing;
    private readonly L2Entries _entries;
    private readonly MetadataMap _metadata;
    private readonly Refcounts _refcounts;
    private readonly MetadataCache _l2;
    private readonly ReaderWriterLockSlim _gate = new(LockRecursionPolicy.NoRecursion);
    private readonly Lock _tables = new(), _writing = new(), _marking = new();
    private readonly int _clusterBits, _clusterSize, _l2Bits;
    private ulong[] _l1 = [];

    /// <summary>The changed part of the L1 table that is not written yet.</summary>
    private int _l1DirtyFrom = int.MaxValue, _l1DirtyTo = -1;

    private long _size;
    private volatile bool _touched, _damaged;
    private bool _disposed;

    private Qcow2Image(IImageFile file, Qcow2Header header, IBlockImage? backing, Qcow2Settings settings)
    {
        _file = file;
        _header = header;
        _backing = backing;
        _size = header.Size;
        _clusterBits = header.ClusterBits;
        _clusterSize = header.ClusterSize;
        _l2Bits = _clusterBits - 3;
        _entries = new L2Entries(_clusterBits, header.Version);
        _metadata = new MetadataMap(_clusterBits);
        _refcounts = new Refcounts(file, header, _metadata, settings.RefcountCacheBytes);
        int page = Math.Min(_clusterSize, 4096);
        _l2 = new MetadataCache(file, page, Math.Max(4, settings.L2CacheBytes / page));
    }

    /// <summary>The header as it stands.</summary>
    public Qcow2Header Header => _header;

    public ImageFormat Format => ImageFormat.Qcow2;

    public long Size => Volatile.Read(ref _size);

    public bool IsReadOnly => _file.IsReadOnly;

    public int DiscardUnit => _clusterSize;

    /// <summary>Opens an image whose header was read. On success the image owns the file and the backing image.</summary>
    /// <param name="file">The file. When it can be written, an image that was not closed is repaired first.</param>
    /// <param name="header">Its header.</param>
    /// <param name="backing">The backing image, or null.</param>
    /// <param name="settings">Sizes of caches.</param>
    /// <param name="image">The image.</param>
    public static StorageFailure? TryOpen(IImageFile file, Qcow2Header header, IBlockImage? backing, Qcow2Settings settings, out Qcow2Image? image)
    {
        image = null;
        if (!file.IsReadOnly && header.IsMarkedCorrupt) return new StorageFailure(StorageError.Corrupt, "it is marked so; it can be opened for reading");
        if (!file.IsReadOnly && header.IsDirty)
        {
            Qcow2CheckResult repaired = Qcow2Repair.Run(file, header, RepairMode.All, null, CancellationToken.None, out StorageFailure? failure);
            if (failure is not null) return failure;
            if (repaired.Corruptions != 0 || repaired.CheckErrors != 0) return new StorageFailure(StorageError.Corrupt, "it was not closed, and its counts could not be made good");
        }

        var opened = new Qcow2Image(file, header, backing, settings);
        StorageFailure? trouble = opened.LoadTables();
        if (trouble is null) image = opened;
        return trouble;
    }

    public StorageError Flush()
    {
        if (IsReadOnly) return StorageError.None;
        _gate.EnterReadLock();
        try
        {
            StorageError error = Commit();
            return error == StorageError.None ? _file.Sync() : error;
        }
        finally
        {
            _gate.ExitReadLock();
        }
    }

    /// <summary>Writes everything and ends the use of the image. A failure is lost here: who wants to know calls <see cref="Flush"/> first.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        if (_touched && !_damaged) Finish();
        _gate.Dispose();
        _file.Dispose();
        _backing?.Dispose();
    }

    private void Finish()
    {
        StorageError error = Commit();
        if (error == StorageError.None) error = _refcounts.WriteDirty();
        if (error == StorageError.None) error = _file.Sync();
        if (error != StorageError.None || !_header.IsDirty) return;
        _header.Incompatible &= ~Qcow2Format.Dirty;
        if (Qcow2HeaderWriter.WriteFeatures(_file, _header) == StorageError.None) _ = _file.Sync();
    }

    /// <summary>Once before the first change: sets the dirty bit of an image with lazy counts, and clears the bits of features that changes make stale.</summary>
    private StorageError Touch()
    {
        if (_touched) return StorageError.None;
        ulong incompatible = _header.Incompatible, autoclear = _header.Autoclear;
        bool lazy = (_header.Compatible & Qcow2Format.LazyRefcounts) != 0;
        if (lazy) _header.Incompatible |= Qcow2Format.Dirty;
        _header.Autoclear = 0;
        if (lazy || autoclear != 0)
        {
            StorageError error = Qcow2HeaderWriter.WriteFeatures(_file, _header);
            if (error == StorageError.None) error = _file.Sync();
            if (error != StorageError.None)
            {
                (_header.Incompatible, _header.Autoclear) = (incompatible, autoclear);
                return error;
            }
        }

        _touched = true;
        return StorageError.None;
    }

    /// <summary>Notes that the image contradicts itself where going on could destroy more: no write is taken from now on, and the file says so.</summary>
    private StorageError Damaged()
    {
        lock (_marking)
        {
            if (_damaged || IsReadOnly) return StorageError.Corrupt;
            _damaged = true;
            _header.Incompatible |= Qcow2Format.CorruptBit;
            _ = Qcow2HeaderWriter.WriteFeatures(_file, _header);
            return StorageError.Corrupt;
        }
    }

    private bool Inside(long offset, long length) => offset >= 0 && length >= 0 && length <= Size - offset;

    private StorageError Refuses(long offset, long length) =>
        IsReadOnly ? StorageError.ReadOnly : !Inside(offset, length) ? StorageError.OutOfRange : _damaged ? StorageError.Corrupt : StorageError.None;
}

/// <summary>How much memory an open qcow2 image may use for its tables.</summary>
/// <param name="L2CacheBytes">For L2 tables: 16 MiB map 128 GiB of disk with clusters of 64 KiB.</param>
/// <param name="RefcountCacheBytes">For reference counts.</param>
public readonly record struct Qcow2Settings(int L2CacheBytes, int RefcountCacheBytes)
{
    /// <summary>16 MiB and 2 MiB, taken as they are needed.</summary>
    public static Qcow2Settings Default { get; } = new(16 << 20, 2 << 20);
}
