namespace Hospes.Storage.Qcow2;

/// <content>Writing.</content>
internal sealed partial class Qcow2Image
{
    /// <summary>Clusters taken in one go: bounds what a failure has to give back, and how long a request holds the gate between two steps.</summary>
    private const long MaxRun = 16 << 20;

    private byte[] _scratch = [];

    public StorageError Write(long offset, ReadOnlySpan<byte> data)
    {
        StorageError error = Refuses(offset, data.Length);
        if (error == StorageError.None && !_touched) error = TouchAlone();
        if (error != StorageError.None) return error;
        _gate.EnterReadLock();
        try
        {
            while (data.Length > 0)
            {
                error = Map(offset, data.Length, out Mapping mapping);
                if (error != StorageError.None) return error;
                if (!mapping.InPlace) break;
                error = WriteData(mapping.Host, data[..(int)mapping.Length]);
                if (error != StorageError.None) return error;
                offset += mapping.Length;
                data = data[(int)mapping.Length..];
            }
        }
        finally
        {
            _gate.ExitReadLock();
        }

        if (data.Length == 0) return StorageError.None;
        _gate.EnterWriteLock();
        try
        {
            return WriteAlone(offset, data);
        }
        finally
        {
            _gate.ExitWriteLock();
        }
    }

    /// <summary>Writes with the gate held alone, taking clusters where there are none to write in place.</summary>
    private StorageError WriteAlone(long offset, ReadOnlySpan<byte> data)
    {
        while (data.Length > 0)
        {
            StorageError error = Map(offset, data.Length, out Mapping mapping);
            if (error != StorageError.None) return error;
            long done = mapping.Length;
            error = mapping.InPlace ? WriteData(mapping.Host, data[..(int)done]) : WriteNew(offset, data, mapping, out done);
            if (error != StorageError.None) return error;
            offset += done;
            data = data[(int)done..];
        }

        return StorageError.None;
    }

    /// <summary>Writes to clusters of its own what starts in clusters that cannot be written in place, and enters them.</summary>
    private StorageError WriteNew(long offset, ReadOnlySpan<byte> data, Mapping mapping, out long done)
    {
        done = 0;
        StorageError error = OwnTable(offset);
        if (error != StorageError.None) return error;
        long start = offset & -_clusterSize;
        long wanted = (Math.Min(mapping.Length, MaxRun) + (offset - start) + _clusterSize - 1) >> _clusterBits;
        // Zeros with space of their own keep it. One cluster at a time: the next may lie elsewhere.
        long reserved = mapping.Kind == ClusterKind.Zero && (mapping.Entry & Qcow2Format.Copied) != 0 ? L2Entries.Host(mapping.Entry) : 0;
        if (reserved > End - _clusterSize) return Damaged();
        long oldEnd = _refcounts.EndCluster, first = reserved >> _clusterBits, count = 1;
        if (reserved == 0) error = _refcounts.Allocate(wanted, out first, out count);
        if (error != StorageError.None) return error == StorageError.Corrupt ? Damaged() : error;
        long host = first << _clusterBits, space = count << _clusterBits, inCluster = offset - start;
        done = Math.Min(data.Length, space - inCluster);
        // What lies beyond the file's old end reads as zeros until something is written there.
        bool fresh = reserved == 0 && first >= oldEnd && _file.IsRegular;
        error = Fill(start, host, (int)inCluster, fresh);
        if (error == StorageError.None) error = WriteData(host + inCluster, data[..(int)done]);
        long end = inCluster + done;
        int tail = (int)(-end & (_clusterSize - 1));
        if (error == StorageError.None) error = Fill(start + end, host + end, tail, fresh);
        for (long i = 0; i < count && error == StorageError.None; i++) error = Replace(start + (i << _clusterBits), (ulong)(host + (i << _clusterBits)) | Qcow2Format.Copied);
        if (error != StorageError.None && reserved == 0) GiveBackUnused(start, first, count);
        return error;
    }

    /// <summary>Copies what the disk holds at a place to a new cluster, before the entry changes.</summary>
    private StorageError Fill(long offset, long host, int length, bool fresh)
    {
        if (length == 0) return StorageError.None;
        StorageError error = Map(offset, length, out Mapping mapping);
        if (error != StorageError.None) return error;
        if (fresh && ReadsAsZero(mapping, offset)) return StorageError.None;
        if (_scratch.Length == 0) _scratch = new byte[_clusterSize];
        Span<byte> part = _scratch.AsSpan(0, length);
        error = ReadHeld(offset, part);
        return error == StorageError.None ? WriteData(host, part) : error;
    }

    /// <summary>True when a stretch is known to read as zeros from its entry alone.</summary>
    private bool ReadsAsZero(Mapping mapping, long offset) =>
        mapping.Kind == ClusterKind.Zero || (mapping.Kind == ClusterKind.Unallocated && (_backing is null || offset >= _backing.Size));

    /// <summary>Writes a guest's bytes, never over a table.</summary>
    private StorageError WriteData(long host, ReadOnlySpan<byte> data)
    {
        if (_metadata.Touches(host, data.Length)) return Damaged();
        return _file.Write(host, data);
    }

    /// <summary>Gives a cluster another entry and releases what the old one referred to.</summary>
    private StorageError Replace(long offset, ulong entry)
    {
        StorageError error = Map(offset, _clusterSize, out Mapping old);
        if (error != StorageError.None) return error;
        (long at, int length) = old.Kind == ClusterKind.Compressed ? _entries.CompressedAt(old.Entry) : (L2Entries.Host(old.Entry), 1);
        bool release = at != 0 && (old.Kind == ClusterKind.Compressed || at != L2Entries.Host(entry));
        // The entry changes first: writing tables in between must not count a cluster down that they still name.
        error = SetEntry(offset, entry);
        if (error != StorageError.None || !release) return error;
        _refcounts.Release(at, length);
        if (old.Kind != ClusterKind.Compressed) return StorageError.None;
        ForgetUnpacked();
        _packedEnd = 0;
        return StorageError.None;
    }

    /// <summary>After a failure: clusters that no entry names yet are free again.</summary>
    private void GiveBackUnused(long start, long first, long count)
    {
        for (long i = 0; i < count; i++)
        {
            bool known = Map(start + (i << _clusterBits), _clusterSize, out Mapping mapping) == StorageError.None;
            if (known && L2Entries.Host(mapping.Entry) != (first + i) << _clusterBits) _refcounts.GiveBack(first + i, 1);
        }
    }

    private StorageError TouchAlone()
    {
        _gate.EnterWriteLock();
        try
        {
            return Touch();
        }
        finally
        {
            _gate.ExitWriteLock();
        }
    }
}
