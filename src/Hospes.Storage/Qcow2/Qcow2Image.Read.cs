using Hospes.Storage.Files;

namespace Hospes.Storage.Qcow2;

/// <content>Reading.</content>
internal sealed partial class Qcow2Image
{
    /// <summary>The last unpacked cluster, for the next request that wants a part of it. Guarded by itself.</summary>
    private readonly UnpackedCluster _unpacked = new();

    public StorageError Read(long offset, Span<byte> buffer)
    {
        if (!Inside(offset, buffer.Length)) return StorageError.OutOfRange;
        _gate.EnterReadLock();
        try
        {
            return ReadHeld(offset, buffer);
        }
        finally
        {
            _gate.ExitReadLock();
        }
    }

    public StorageError Find(long offset, out Extent extent)
    {
        extent = default;
        if (!Inside(offset, 1)) return StorageError.OutOfRange;
        _gate.EnterReadLock();
        try
        {
            StorageError error = Map(offset, Size - offset, out Mapping mapping);
            if (error != StorageError.None) return error;
            extent = new Extent(mapping.Length, mapping.Kind is ClusterKind.Zero or ClusterKind.Unallocated);
            if (mapping.Kind != ClusterKind.Unallocated || _backing is null || offset >= _backing.Size) return StorageError.None;
            error = _backing.Find(offset, out Extent below);
            extent = below with { Length = Math.Min(below.Length, mapping.Length) };
            return error;
        }
        finally
        {
            _gate.ExitReadLock();
        }
    }

    /// <summary>What the image itself holds of a stretch, without its backing file.</summary>
    internal StorageError FindOwn(long offset, out Mapping mapping)
    {
        _gate.EnterReadLock();
        try
        {
            return Map(offset, Size - offset, out mapping);
        }
        finally
        {
            _gate.ExitReadLock();
        }
    }

    /// <summary>Reads with the gate held.</summary>
    private StorageError ReadHeld(long offset, Span<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            StorageError error = Map(offset, buffer.Length, out Mapping mapping);
            if (error != StorageError.None) return error;
            Span<byte> part = buffer[..(int)mapping.Length];
            switch (mapping.Kind)
            {
                case ClusterKind.Normal: error = _file.ReadPadded(mapping.Host, part); break;
                case ClusterKind.Compressed: error = ReadCompressed(mapping.Entry, (int)(offset & (_clusterSize - 1)), part); break;
                case ClusterKind.Unallocated: error = ReadBacking(offset, part); break;
                default: part.Clear(); break;
            }

            if (error != StorageError.None) return error;
            offset += part.Length;
            buffer = buffer[part.Length..];
        }

        return StorageError.None;
    }

    private StorageError ReadBacking(long offset, Span<byte> buffer)
    {
        long there = _backing is null ? 0 : Math.Clamp(_backing.Size - offset, 0, buffer.Length);
        buffer[(int)there..].Clear();
        return there == 0 ? StorageError.None : _backing!.Read(offset, buffer[..(int)there]);
    }

    private StorageError ReadCompressed(ulong entry, int inCluster, Span<byte> buffer)
    {
        lock (_unpacked)
        {
            StorageError error = StorageError.None;
            if (_unpacked.Entry != entry) error = Unpack(entry);
            if (error == StorageError.None) _unpacked.Cluster.AsSpan(inCluster, buffer.Length).CopyTo(buffer);
            return error;
        }
    }

    private StorageError Unpack(ulong entry)
    {
        (long offset, int length) = _entries.CompressedAt(entry);
        if (offset >= End) return Damaged();
        if (_unpacked.Cluster.Length == 0) (_unpacked.Cluster, _unpacked.Packed) = (new byte[_clusterSize], new byte[_clusterSize * 2]);
        _unpacked.Entry = 0;
        StorageError error = _file.ReadPadded(offset, _unpacked.Packed.AsSpan(0, length));
        if (error == StorageError.None) error = ClusterCodec.Unpack(_header.Compression, _unpacked.Packed, length, _unpacked.Cluster);
        if (error == StorageError.None) _unpacked.Entry = entry;
        return error;
    }

    /// <summary>Forgets the unpacked cluster: its place is about to hold something else.</summary>
    private void ForgetUnpacked()
    {
        lock (_unpacked) _unpacked.Entry = 0;
    }

    private sealed class UnpackedCluster
    {
        /// <summary>The L2 entry it comes from; 0 for none.</summary>
        public ulong Entry { get; set; }

        public byte[] Cluster { get; set; } = [];

        public byte[] Packed { get; set; } = [];
    }
}
