namespace Hospes.Storage.Qcow2;

/// <content>Writing compressed clusters: for converting, not for a running guest.</content>
internal sealed partial class Qcow2Image
{
    /// <summary>Where the next packed data may go on in a cluster that is not full; 0 for none.</summary>
    private long _packedEnd;

    private byte[] _packing = [];

    /// <summary>Writes one whole cluster compressed, or as it is when that is not smaller.</summary>
    /// <param name="offset">Its place, on a cluster boundary.</param>
    /// <param name="data">Its bytes; at the disk's end the last may be shorter.</param>
    public StorageError WriteCompressed(long offset, ReadOnlySpan<byte> data)
    {
        StorageError error = Refuses(offset, data.Length);
        if (error == StorageError.None && !_touched) error = TouchAlone();
        if (error != StorageError.None) return error;
        _gate.EnterWriteLock();
        try
        {
            if (_packing.Length == 0) _packing = new byte[_clusterSize * 2];
            Span<byte> cluster = _packing.AsSpan(0, _clusterSize), packed = _packing.AsSpan(_clusterSize, _clusterSize - 1);
            data.CopyTo(cluster);
            cluster[data.Length..].Clear();
            error = ClusterCodec.Pack(_header.Compression, cluster, packed, out int length);
            if (error != StorageError.None) return error;
            if (length == 0) return WriteAlone(offset, data);
            error = OwnTable(offset);
            return error == StorageError.None ? WritePacked(offset, packed[..length]) : error;
        }
        finally
        {
            _gate.ExitWriteLock();
        }
    }

    private StorageError WritePacked(long offset, ReadOnlySpan<byte> packed)
    {
        StorageError error = PlacePacked(packed.Length, out long place);
        if (error != StorageError.None) return error;
        ulong entry = _entries.Compressed(place, packed.Length);
        if (entry == 0) return StorageError.BadSetting;
        error = WriteData(place, packed);
        if (error == StorageError.None) error = Replace(offset, entry);
        _packedEnd = error == StorageError.None ? place + packed.Length : 0;
        return error;
    }

    /// <summary>Finds room for packed data: behind the last, going on into the next cluster if that is free, or at the start of another. Each cluster touched counts one reference more.</summary>
    private StorageError PlacePacked(int length, out long place)
    {
        place = _packedEnd;
        int free = (int)(-_packedEnd & (_clusterSize - 1));
        bool full = free == 0;
        StorageError error = full ? StorageError.None : _refcounts.Increment(_packedEnd >> _clusterBits, out full);
        if (error != StorageError.None || (!full && free >= length)) return error;
        long begun = full ? -1 : _packedEnd >> _clusterBits;
        error = _refcounts.Allocate(1, out long cluster, out _);
        if (error == StorageError.None && begun >= 0 && cluster == begun + 1) return StorageError.None;
        if (begun >= 0) _refcounts.Release(begun << _clusterBits, 1);
        place = cluster << _clusterBits;
        return error == StorageError.Corrupt ? Damaged() : error;
    }
}
