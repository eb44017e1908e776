using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Hospes.Storage.Files;

namespace Hospes.Storage.Qcow2;

/// <content>Finding clusters, and changing and writing the tables that say where they are.</content>
internal sealed partial class Qcow2Image
{
    private long End => _refcounts.EndCluster << _clusterBits;

    private StorageFailure? LoadTables()
    {
        StorageError error = _file.Length(out long length);
        if (error != StorageError.None) return new StorageFailure(error);
        _metadata.Add(0, _clusterSize);
        bool sound = true;
        error = _refcounts.Load(length);
        if (error == StorageError.Corrupt) sound = false;
        else if (error != StorageError.None) return new StorageFailure(error, "the reference count table");
        ulong[] l1 = new ulong[_header.L1Size];
        error = _file.ReadPadded(_header.L1Offset, MemoryMarshal.AsBytes(l1.AsSpan()));
        if (error != StorageError.None) return new StorageFailure(error, "the L1 table");
        BinaryPrimitives.ReverseEndianness(l1, l1);
        _l1 = l1;
        if (l1.Length > 0) sound &= _metadata.Add(_header.L1Offset, l1.Length * 8L);
        StorageFailure? failure = SnapshotTable.TryRead(_file, _header, length, out IReadOnlyList<SnapshotRecord> snapshots, out long tableLength);
        if (failure is not null) return failure;
        if (snapshots.Count > 0) sound &= _metadata.Add(_header.SnapshotsOffset, tableLength);
        foreach (SnapshotRecord snapshot in snapshots)
        {
            if (snapshot.L1Size > 0) sound &= _metadata.Add(snapshot.L1Offset, snapshot.L1Size * 8L);
        }

        sound &= EnterL2Tables(length);
        return sound || IsReadOnly ? null : new StorageFailure(StorageError.Corrupt, "its tables overlap or lie outside the file; it can be opened for reading");
    }

    /// <summary>Enters the active L2 tables into the map. One that two entries share must be marked as shared by both.</summary>
    private bool EnterL2Tables(long length)
    {
        bool sound = true;
        var tables = new HashSet<long>();
        HashSet<long>? shared = null;
        foreach (ulong entry in _l1)
        {
            long offset = (long)(entry & Qcow2Format.OffsetMask);
            if (entry == 0) continue;
            if (!IsTable(entry, length)) sound = false;
            else if (!tables.Add(offset)) (shared ??= []).Add(offset);
            else sound &= _metadata.Add(offset, _clusterSize);
        }

        foreach (ulong entry in shared is null ? [] : _l1) sound &= (entry & Qcow2Format.Copied) == 0 || !shared!.Contains((long)(entry & Qcow2Format.OffsetMask));
        return sound;
    }

    private bool IsTable(ulong entry, long end)
    {
        long offset = (long)(entry & Qcow2Format.OffsetMask);
        return (entry & Qcow2Format.L1Reserved) == 0 && offset != 0 && (offset & (_clusterSize - 1)) == 0 && offset < end;
    }

    /// <summary>Finds where a stretch of the disk lies, from <paramref name="offset"/> as far as it is of one kind and lies together.</summary>
    private StorageError Map(long offset, long length, out Mapping mapping)
    {
        mapping = default;
        int l1Bits = _clusterBits + _l2Bits;
        ulong table = offset >> l1Bits < _l1.Length ? _l1[offset >> l1Bits] : 0;
        if (table == 0)
        {
            mapping = new Mapping(ClusterKind.Unallocated, 0, 0, Math.Min(length, (((offset >> l1Bits) + 1) << l1Bits) - offset));
            return StorageError.None;
        }

        if (!IsTable(table, End)) return Damaged();
        while (true)
        {
            lock (_tables)
            {
                StorageError error = Page(table, offset, out int page, out int at);
                if (error != StorageError.None) return error;
                if (page >= 0) return MapIn(page, at, offset, length, out mapping);
            }

            // Every page is changed: written pages make room.
            StorageError written = Commit();
            if (written != StorageError.None) return written;
        }
    }

    private StorageError MapIn(int page, int at, long offset, long length, out Mapping mapping)
    {
        mapping = default;
        ulong first = _l2.Entry(page, at);
        if (_entries.Kind(first) is not { } kind) return Damaged();
        long host = L2Entries.Host(first);
        long inCluster = offset & (_clusterSize - 1);
        long covered = _clusterSize - inCluster;
        if (kind == ClusterKind.Normal && host > End - _clusterSize) return Damaged();
        ulong copied = first & Qcow2Format.Copied;
        for (at += 8; covered < length && at < _l2.PageSize && kind != ClusterKind.Compressed; at += 8, covered += _clusterSize)
        {
            ulong entry = _l2.Entry(page, at);
            if (_entries.Kind(entry) != kind) break;
            if (kind == ClusterKind.Normal && (L2Entries.Host(entry) != host + inCluster + covered || (entry & Qcow2Format.Copied) != copied || L2Entries.Host(entry) > End - _clusterSize)) break;
        }

        mapping = new Mapping(kind, first, kind == ClusterKind.Normal ? host + inCluster : 0, Math.Min(covered, length));
        return StorageError.None;
    }

    /// <summary>Finds the page of an L2 table that holds a cluster's entry, and the entry's place in it. The page is -1 when there is no room for it.</summary>
    private StorageError Page(ulong table, long offset, out int page, out int at)
    {
        int inTable = (int)((offset >> _clusterBits) & ((1L << _l2Bits) - 1)) * 8;
        at = inTable & (_l2.PageSize - 1);
        return _l2.Get((long)(table & Qcow2Format.OffsetMask) + inTable - at, out page);
    }

    /// <summary>Changes a cluster's entry. The table must be the active one's own. Called with the gate held alone.</summary>
    private StorageError SetEntry(long offset, ulong entry)
    {
        ulong table = _l1[offset >> (_clusterBits + _l2Bits)];
        while (true)
        {
            lock (_tables)
            {
                StorageError error = Page(table, offset, out int page, out int at);
                if (error != StorageError.None) return error;
                if (page >= 0)
                {
                    _l2.SetEntry(page, at, entry);
                    return StorageError.None;
                }
            }

            StorageError written = Commit();
            if (written != StorageError.None) return written;
        }
    }

    /// <summary>Makes sure that the L2 table of a place is there and belongs to the active table alone. Called with the gate held alone.</summary>
    private StorageError OwnTable(long offset)
    {
        int index = (int)(offset >> (_clusterBits + _l2Bits));
        ulong old = _l1[index];
        if ((old & Qcow2Format.Copied) != 0) return IsTable(old, End) ? StorageError.None : Damaged();
        if (old != 0 && !IsTable(old, End)) return Damaged();
        StorageError error = _refcounts.Allocate(1, out long cluster, out _);
        if (error != StorageError.None) return error;
        long place = cluster << _clusterBits;
        byte[] table = new byte[_clusterSize];
        if (old != 0) error = _file.ReadPadded((long)(old & Qcow2Format.OffsetMask), table);
        if (error == StorageError.None) error = _file.Write(place, table);
        if (error != StorageError.None)
        {
            _refcounts.GiveBack(cluster, 1);
            return error;
        }

        lock (_tables) _l2.Forget(place, _clusterSize);
        _metadata.Add(place, _clusterSize);
        SetL1(index, (ulong)place | Qcow2Format.Copied);
        if (old != 0) _refcounts.ReleaseTable((long)(old & Qcow2Format.OffsetMask), 1);
        return StorageError.None;
    }

    private void SetL1(int index, ulong entry)
    {
        _l1[index] = entry;
        _l1DirtyFrom = Math.Min(_l1DirtyFrom, index);
        _l1DirtyTo = Math.Max(_l1DirtyTo, index);
    }

    /// <summary>Writes changed tables in the order that keeps the file consistent. Called with the gate held, shared or alone.</summary>
    private StorageError Commit()
    {
        lock (_writing)
        {
            if (_damaged) return StorageError.Corrupt;
            // With lazy counts a kill leaves the dirty bit, and the next writer counts anew.
            StorageError error = _header.IsDirty ? StorageError.None : _refcounts.WriteDirty();
            bool l2, l1 = _l1DirtyTo >= 0;
            lock (_tables) l2 = _l2.DirtyPages > 0;
            if (error == StorageError.None && (l2 || l1)) error = _file.Sync();
            if (error == StorageError.None && l2)
            {
                lock (_tables) error = _l2.WriteDirty();
                if (error == StorageError.None && l1) error = _file.Sync();
            }

            if (error == StorageError.None && l1) error = WriteL1();
            if (error != StorageError.None || !_refcounts.HasReleases) return error;
            error = _file.Sync();
            if (error != StorageError.None) return error;
            _refcounts.ApplyReleases(punch: _file.IsRegular);
            return _header.IsDirty ? StorageError.None : _refcounts.WriteDirty();
        }
    }

    private StorageError WriteL1()
    {
        ulong[] part = new ulong[_l1DirtyTo - _l1DirtyFrom + 1];
        BinaryPrimitives.ReverseEndianness(_l1.AsSpan(_l1DirtyFrom, part.Length), part);
        StorageError error = _file.Write(_header.L1Offset + (_l1DirtyFrom * 8L), MemoryMarshal.AsBytes(part.AsSpan()));
        if (error == StorageError.None) (_l1DirtyFrom, _l1DirtyTo) = (int.MaxValue, -1);
        return error;
    }
}
