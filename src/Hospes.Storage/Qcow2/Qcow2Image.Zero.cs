namespace Hospes.Storage.Qcow2;

/// <content>Zeros and discards.</content>
internal sealed partial class Qcow2Image
{
    public StorageError WriteZeroes(long offset, long length, bool mayUnmap) => EachTable(offset, length, mayUnmap ? Clearing.Unmap : Clearing.Keep);

    public StorageError Discard(long offset, long length)
    {
        // Version 2 has no zero flag: without one the backing file would show through.
        if (_header.Version == 2 && _backing is not null) return Refuses(offset, length);
        long start = (offset + _clusterSize - 1) & -_clusterSize;
        long end = offset + length == Size ? Size : (offset + length) & -_clusterSize;
        StorageError error = Refuses(offset, length);
        return error != StorageError.None || start >= end ? error : EachTable(start, end - start, Clearing.Unmap);
    }

    /// <summary>Goes over a stretch table by table, and lets other requests in between.</summary>
    private StorageError EachTable(long offset, long length, Clearing how)
    {
        StorageError error = Refuses(offset, length);
        if (error == StorageError.None && !_touched) error = TouchAlone();
        int l1Bits = _clusterBits + _l2Bits;
        while (length > 0 && error == StorageError.None)
        {
            _gate.EnterWriteLock();
            try
            {
                error = Refuses(offset, length);
                if (error != StorageError.None) return error;
                // Where no table is, and nothing below, it is zeros already, however far.
                long part = Math.Min(length, (((offset >> l1Bits) + 1) << l1Bits) - offset);
                if (_l1[offset >> l1Bits] != 0 || (_backing is not null && offset < _backing.Size)) error = Clear(offset, part, how);
                if (error == StorageError.None && _refcounts.HasManyReleases) error = Commit();
                offset += part;
                length -= part;
            }
            finally
            {
                _gate.ExitWriteLock();
            }
        }

        return error;
    }

    /// <summary>Makes a stretch within one L2 table read as zeros. Called with the gate held alone.</summary>
    private StorageError Clear(long offset, long length, Clearing how)
    {
        long end = offset + length;
        while (offset < end)
        {
            long start = offset & -_clusterSize;
            long stop = Math.Min(start + _clusterSize, end);
            // The last cluster of the disk counts as whole when the stretch goes to the disk's end.
            bool whole = offset == start && (stop == start + _clusterSize || (stop == Size && how != Clearing.Drop) || how == Clearing.Drop);
            StorageError error = Map(offset, 1, out Mapping mapping);
            if (error != StorageError.None) return error;
            if (!whole) error = ReadsAsZero(mapping, offset) ? StorageError.None : WriteZerosAlone(offset, (int)(stop - offset));
            else error = ClearCluster(start, mapping, how, stop);
            if (error != StorageError.None) return error;
            offset = stop;
        }

        return StorageError.None;
    }

    private StorageError ClearCluster(long start, Mapping mapping, Clearing how, long stop)
    {
        bool below = _backing is not null && start < _backing.Size && how != Clearing.Drop;
        if (mapping.Kind == ClusterKind.Unallocated && !below) return StorageError.None;
        ulong entry = below ? Qcow2Format.Zero : 0;
        if (below && _header.Version == 2) return WriteZerosAlone(start, (int)(stop - start));
        ulong host = mapping.Entry & Qcow2Format.OffsetMask;
        bool own = mapping.Kind != ClusterKind.Compressed && host != 0 && (mapping.Entry & Qcow2Format.Copied) != 0;
        if (how == Clearing.Keep && _header.Version > 2)
        {
            if (own && (long)host > End - _clusterSize) return Damaged();
            entry = own ? host | Qcow2Format.Copied | Qcow2Format.Zero : Qcow2Format.Zero;
        }

        if (entry == mapping.Entry) return StorageError.None;
        StorageError error = OwnTable(start);
        return error == StorageError.None ? Replace(start, entry) : error;
    }

    private StorageError WriteZerosAlone(long offset, int length)
    {
        if (_zeros.Length == 0) _zeros = new byte[_clusterSize];
        return WriteAlone(offset, _zeros.AsSpan(0, length));
    }

    private byte[] _zeros = [];

    /// <summary>What becomes of the clusters of a stretch.</summary>
    private enum Clearing
    {
        /// <summary>They read as zeros and keep their space.</summary>
        Keep,

        /// <summary>They read as zeros and give their space back.</summary>
        Unmap,

        /// <summary>They are beyond the disk's end: no entry is left of them.</summary>
        Drop,
    }
}
