using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Hospes.Storage.Qcow2;

/// <content>Growing and shrinking.</content>
internal sealed partial class Qcow2Image
{
    public StorageError Resize(long size)
    {
        if (IsReadOnly) return StorageError.ReadOnly;
        if (_damaged) return StorageError.Corrupt;
        if (size < 0 || _header.L1SizeFor(size) > Qcow2Format.MaxL1Bytes / 8) return StorageError.BadSetting;
        // Version 2 does not say how large the disk of a snapshot was; a shorter disk would cut its snapshots.
        if (_header.SnapshotCount > 0 && (_header.Version == 2 || size < Size)) return StorageError.Unsupported;
        _gate.EnterWriteLock();
        try
        {
            StorageError error = Touch();
            if (error != StorageError.None || size == _size) return error;
            return size > _size ? Grow(size) : Shrink(size);
        }
        finally
        {
            _gate.ExitWriteLock();
        }
    }

    private StorageError Grow(long size)
    {
        StorageError error = GrowL1((int)_header.L1SizeFor(size));
        if (error == StorageError.None) error = ClearGained(size);
        if (error == StorageError.None) error = Commit();
        if (error == StorageError.None) error = _file.Sync();
        return error == StorageError.None ? WriteSize(size) : error;
    }

    /// <summary>The gained range must read as zeros: what the last cluster holds behind the old end, and what a longer backing file would show.</summary>
    private StorageError ClearGained(long size)
    {
        long old = _size;
        long end = Math.Min(size, (old + _clusterSize - 1) & -_clusterSize);
        if (_backing is not null) end = Math.Max(end, Math.Min(size, _backing.Size));
        // An image that was made shorter can have tables behind its end.
        int l1Bits = _clusterBits + _l2Bits;
        for (long at = old; at < size;)
        {
            long part = Math.Min(size, ((at >> l1Bits) + 1) << l1Bits) - at;
            StorageError error = StorageError.None;
            if (_l1[at >> l1Bits] != 0) error = Clear(at, part, Clearing.Unmap);
            else if (at < end) error = Clear(at, Math.Min(part, end - at), Clearing.Unmap);
            if (error != StorageError.None) return error;
            at += part;
        }

        return StorageError.None;
    }

    private StorageError Shrink(long size)
    {
        StorageError error = Commit();
        if (error == StorageError.None) error = _file.Sync();
        if (error == StorageError.None) error = WriteSize(size);
        int l1Bits = _clusterBits + _l2Bits;
        long from = (size + _clusterSize - 1) & -_clusterSize;
        for (int index = (int)(from >> l1Bits); index < _l1.Length && error == StorageError.None; index++)
        {
            ulong table = _l1[index];
            if (table == 0) continue;
            long start = Math.Max(from, (long)index << l1Bits);
            error = Clear(start, ((index + 1L) << l1Bits) - start, Clearing.Drop);
            if (error != StorageError.None || start != (long)index << l1Bits) continue;
            // The table's entries are gone from the file before the table is: a kill in between leaves an empty table.
            error = Commit();
            if (error != StorageError.None) break;
            table = _l1[index];
            SetL1(index, 0);
            _refcounts.ReleaseTable((long)(table & Qcow2Format.OffsetMask), 1);
            lock (_tables) _l2.Forget((long)(table & Qcow2Format.OffsetMask), _clusterSize);
        }

        if (error == StorageError.None) error = Commit();
        if (error == StorageError.None) error = _file.Sync();
        if (error == StorageError.None && _file.IsRegular) error = CutFile();
        return error;
    }

    /// <summary>Takes the free clusters off the file's end.</summary>
    private StorageError CutFile()
    {
        StorageError error = _refcounts.TrimEnd(out long end);
        if (error != StorageError.None) return error;
        error = _file.Length(out long length);
        return error == StorageError.None && length > end << _clusterBits ? _file.Truncate(end << _clusterBits) : error;
    }

    private StorageError GrowL1(int entries)
    {
        if (entries <= _l1.Length) return StorageError.None;
        long clusters = ((entries * 8L) + _clusterSize - 1) >> _clusterBits;
        StorageError error = Commit();
        if (error != StorageError.None) return error;
        error = _refcounts.AllocateRegion(clusters, 0, out long first);
        if (error != StorageError.None) return error == StorageError.Corrupt ? Damaged() : error;
        long place = first << _clusterBits;
        ulong[] l1 = new ulong[(clusters << _clusterBits) / 8];
        _l1.CopyTo(l1, 0);
        ulong[] bytes = new ulong[l1.Length];
        BinaryPrimitives.ReverseEndianness(l1, bytes);
        error = _file.Write(place, MemoryMarshal.AsBytes(bytes.AsSpan()));
        if (error == StorageError.None) error = _refcounts.WriteDirty();
        if (error == StorageError.None) error = _file.Sync();
        if (error == StorageError.None) error = Qcow2HeaderWriter.WriteL1(_file, entries, place);
        if (error == StorageError.None) error = _file.Sync();
        if (error != StorageError.None) return error;
        _metadata.Add(place, clusters << _clusterBits);
        if (_l1.Length > 0) _refcounts.ReleaseTable(_header.L1Offset, _l1.Length * 8L);
        (_header.L1Size, _header.L1Offset) = (entries, place);
        _l1 = l1[..entries];
        return StorageError.None;
    }

    private StorageError WriteSize(long size)
    {
        StorageError error = Qcow2HeaderWriter.WriteSize(_file, size);
        if (error == StorageError.None) error = _file.Sync();
        if (error != StorageError.None) return error;
        _header.Size = size;
        Volatile.Write(ref _size, size);
        return StorageError.None;
    }
}
