using System.Buffers.Binary;
using Hospes.Storage.Files;

namespace Hospes.Storage.Qcow2;

/// <summary>The reference counts of an image's clusters, and who gets a free one ("Host cluster management").</summary>
/// <remarks>
/// Crash consistency: a count grows in the file before anything durable refers to the cluster, and shrinks only after nothing does. So
/// <see cref="Release"/> only notes; <see cref="ApplyReleases"/> counts, after the tables without the reference are durable. What a kill leaves is a cluster counted too high: a leak.
/// One caller at a time.
/// </remarks>
internal sealed partial class Refcounts
{
    /// <summary>Releases noted before the owner has to write its tables: 8 MiB of notes.</summary>
    private const int ManyReleases = 1 << 20;

    private readonly IImageFile _file;
    private readonly Qcow2Header _header;
    private readonly MetadataMap _metadata;
    private readonly MetadataCache _cache;

    /// <summary>What was released: the cluster, shifted by one, and in the last bit whether it was a table.</summary>
    private readonly List<long> _released = [];

    private readonly int _order, _clusterBits, _blockBits;
    private ulong[] _table = [];

    /// <summary>No cluster below this one is free.</summary>
    private long _hint;

    public Refcounts(IImageFile file, Qcow2Header header, MetadataMap metadata, int cacheBytes)
    {
        _file = file;
        _header = header;
        _metadata = metadata;
        _order = header.RefcountOrder;
        _clusterBits = header.ClusterBits;
        _blockBits = _clusterBits + 3 - _order;
        int page = Math.Min(header.ClusterSize, 4096);
        _cache = new MetadataCache(file, page, Math.Max(4, cacheBytes / page));
    }

    /// <summary>The end of the file's part that is in use or was: in clusters.</summary>
    public long EndCluster { get; private set; }

    public bool HasManyReleases => _released.Count >= ManyReleases;

    public bool HasReleases => _released.Count > 0;

    private int ClusterSize => 1 << _clusterBits;

    /// <summary>Reads the table of blocks and enters all of it into the map of tables.</summary>
    /// <returns><see cref="StorageError.Corrupt"/> also when blocks overlap with each other or other tables.</returns>
    public StorageError Load(long fileLength)
    {
        EndCluster = (fileLength + ClusterSize - 1) >> _clusterBits;
        byte[] bytes = new byte[Math.Min((long)_header.RefcountClusters << _clusterBits, Math.Max(0, fileLength - _header.RefcountOffset) + 7 & ~7L)];
        StorageError error = _file.ReadPadded(_header.RefcountOffset, bytes);
        if (error != StorageError.None) return error;
        bool sound = _metadata.Add(_header.RefcountOffset, (long)_header.RefcountClusters << _clusterBits);
        _table = new ulong[((long)_header.RefcountClusters << _clusterBits) / 8];
        for (int i = 0; i < bytes.Length / 8; i++)
        {
            ulong entry = BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(i * 8));
            if (entry == 0) continue;
            bool placed = (entry & (ulong)(ClusterSize - 1)) == 0 && entry < (ulong)fileLength;
            // An entry that names no place is as none for a check; nobody writes such an image.
            _table[i] = placed ? entry : 0;
            sound &= placed && _metadata.Add((long)entry, ClusterSize);
        }

        return sound ? StorageError.None : StorageError.Corrupt;
    }

    /// <summary>Reads a count; 0 where no block is.</summary>
    public StorageError Get(long cluster, out ulong count)
    {
        count = 0;
        if (cluster >> _blockBits >= _table.Length || _table[cluster >> _blockBits] == 0) return StorageError.None;
        StorageError error = Page(cluster, out int page, out long index);
        if (error == StorageError.None) count = RefcountMath.Read(_cache.Bytes(page), _order, index);
        return error;
    }

    /// <summary>Adds one to a count.</summary>
    /// <param name="cluster">A cluster that is in use.</param>
    /// <param name="full">True when the width holds no higher count; then nothing was changed.</param>
    public StorageError Increment(long cluster, out bool full)
    {
        StorageError error = Get(cluster, out ulong count);
        full = count >= RefcountMath.Max(_order);
        return error != StorageError.None || full ? error : Set(cluster, count + 1);
    }

    /// <summary>Notes that a reference to a guest's data goes away with the next write of the tables.</summary>
    public void Release(long offset, long length) => Note(offset, length, 0);

    /// <summary>Notes that a table is not used any more after the next write of the tables.</summary>
    public void ReleaseTable(long offset, long length) => Note(offset, length, 1);

    private void Note(long offset, long length, long table)
    {
        for (long cluster = offset >> _clusterBits; cluster <= (offset + length - 1) >> _clusterBits; cluster++) _released.Add(cluster << 1 | table);
    }

    /// <summary>Gives back clusters that nothing ever referred to.</summary>
    public void GiveBack(long first, long count)
    {
        // A failure here only leaks: the count stays at one.
        for (long cluster = first; cluster < first + count; cluster++) _ = Set(cluster, 0);
        _hint = Math.Min(_hint, first);
    }

    /// <summary>Counts what was released. The tables without these references must be durable.</summary>
    /// <param name="punch">True to give the freed space back to the host.</param>
    public void ApplyReleases(bool punch)
    {
        _released.Sort();
        long start = -1, end = -1;
        foreach (long released in _released)
        {
            long cluster = released >> 1;
            // A count of 0 here is an image whose counts were wrong before; a check says so, and going lower helps nobody.
            if (Get(cluster, out ulong count) != StorageError.None || count == 0) continue;
            // A forged entry of data that names a table must not set the table's place free.
            if (count == 1 && (released & 1) == 0 && _metadata.Contains(cluster)) continue;
            if (Set(cluster, count - 1) != StorageError.None || count > 1) continue;
            _hint = Math.Min(_hint, cluster);
            _metadata.Remove(cluster);
            if (cluster != end)
            {
                if (punch && end > start) _ = _file.Punch(start << _clusterBits, (end - start) << _clusterBits);
                start = cluster;
            }

            end = cluster + 1;
        }

        if (punch && end > start) _ = _file.Punch(start << _clusterBits, (end - start) << _clusterBits);
        _released.Clear();
    }

    /// <summary>Sets the count of a cluster whose block is there, for who found it wrong.</summary>
    public StorageError Correct(long cluster, ulong count) => Set(cluster, count);

    /// <summary>Writes every changed count.</summary>
    public StorageError WriteDirty() => _cache.WriteDirty();

    public bool IsDirty => _cache.DirtyPages > 0;

    /// <summary>Forgets the free space at the end of the file, for who makes the file shorter.</summary>
    /// <returns>The first cluster after the last one in use.</returns>
    public StorageError TrimEnd(out long end)
    {
        while (EndCluster > 0)
        {
            long block = (EndCluster - 1) >> _blockBits;
            if (block >= _table.Length || _table[block] == 0)
            {
                EndCluster = Math.Min(block, _table.Length) << _blockBits;
                continue;
            }

            StorageError error = Get(EndCluster - 1, out ulong count);
            if (error != StorageError.None || count != 0)
            {
                end = EndCluster;
                return error;
            }

            EndCluster--;
        }

        end = EndCluster;
        return StorageError.None;
    }

    /// <summary>Takes free clusters that lie together.</summary>
    /// <param name="wanted">How many would be good, at least 1.</param>
    /// <param name="first">The first.</param>
    /// <param name="got">How many it became, at least 1.</param>
    public StorageError Allocate(long wanted, out long first, out long got)
    {
        got = 0;
        for (first = _hint; ; first++)
        {
            long block = first >> _blockBits;
            StorageError error;
            if (block >= _table.Length)
            {
                error = AllocateRegion(0, first, out _);
                if (error != StorageError.None) return error;
                continue;
            }

            if (_table[block] == 0)
            {
                error = CreateBlock(first);
                if (error != StorageError.None) return error;
                continue;
            }

            error = Get(first, out ulong count);
            if (error != StorageError.None) return error;
            if (count == 0) break;
        }

        return Take(first, wanted, out got);
    }

    private StorageError Take(long first, long wanted, out long got)
    {
        got = 0;
        long last = Math.Min(first + wanted - 1, ((first >> _blockBits) + 1 << _blockBits) - 1);
        for (long cluster = first; cluster <= last; cluster++)
        {
            StorageError error = Get(cluster, out ulong count);
            if (error == StorageError.None && count != 0) break;
            // A table on a cluster that counts as free: giving it away would write over the table.
            if (error == StorageError.None && _metadata.Contains(cluster)) error = StorageError.Corrupt;
            if (error == StorageError.None && cluster >= Qcow2Format.MaxOffset >> _clusterBits) error = StorageError.BadSetting;
            if (error == StorageError.None) error = Set(cluster, 1);
            if (error != StorageError.None)
            {
                GiveBack(first, got);
                return error;
            }

            got++;
        }

        _hint = first + got;
        EndCluster = Math.Max(EndCluster, first + got);
        return StorageError.None;
    }

    private StorageError Set(long cluster, ulong count)
    {
        StorageError error = Page(cluster, out int page, out long index);
        if (error != StorageError.None) return error;
        RefcountMath.Write(_cache.Bytes(page), _order, index, count);
        _cache.MarkDirty(page);
        return StorageError.None;
    }

    /// <summary>Finds the page of the block that holds a cluster's count, and the count's place in it.</summary>
    private StorageError Page(long cluster, out int page, out long index)
    {
        int perPage = _cache.PageSize * 8 >> _order;
        long inBlock = cluster & ((1L << _blockBits) - 1);
        index = inBlock % perPage;
        long offset = (long)_table[cluster >> _blockBits] + (inBlock / perPage * _cache.PageSize);
        StorageError error = _cache.Get(offset, out page);
        if (error != StorageError.None || page >= 0) return error;
        // Changed counts can be written at any time: growth before the reference, shrinking after.
        error = _cache.WriteDirty();
        return error == StorageError.None ? _cache.Get(offset, out page) : error;
    }
}
