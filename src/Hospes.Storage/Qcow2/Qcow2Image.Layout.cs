using Hospes.Storage.Files;

namespace Hospes.Storage.Qcow2;

/// <content>Laying out a new image in advance.</content>
internal sealed partial class Qcow2Image
{
    /// <summary>Gives every cluster of the disk its place in the file; they read as zeros.</summary>
    /// <param name="reserve">True to reserve the space on the host too.</param>
    /// <param name="progress">Gets the part done, 0 to 1.</param>
    public StorageError LayOut(bool reserve, IProgress<double>? progress)
    {
        _gate.EnterWriteLock();
        try
        {
            StorageError error = Touch();
            int l1Bits = _clusterBits + _l2Bits;
            for (long at = 0; at < Size && error == StorageError.None;)
            {
                long end = Math.Min(Size, ((at >> l1Bits) + 1) << l1Bits);
                error = LayOutRun(at, (end - at + _clusterSize - 1) >> _clusterBits, out long count);
                at += count << _clusterBits;
                progress?.Report(Math.Min(1, (double)at / Size));
            }

            if (error == StorageError.None) error = Commit();
            // Commit takes no cluster: the end stands.
            if (error == StorageError.None) error = _file.Truncate(End);
            if (error == StorageError.None && reserve) error = _file.Reserve(0, End);
            return error == StorageError.None ? _file.Sync() : error;
        }
        finally
        {
            _gate.ExitWriteLock();
        }
    }

    private StorageError LayOutRun(long at, long wanted, out long count)
    {
        count = 0;
        StorageError error = OwnTable(at);
        if (error != StorageError.None) return error;
        long oldEnd = _refcounts.EndCluster;
        error = _refcounts.Allocate(wanted, out long first, out count);
        if (error == StorageError.None && first < oldEnd) error = _file.WriteZeros(first << _clusterBits, Math.Min(count, oldEnd - first) << _clusterBits);
        for (long i = 0; i < count && error == StorageError.None; i++) error = Replace(at + (i << _clusterBits), (ulong)((first + i) << _clusterBits) | Qcow2Format.Copied);
        return error;
    }
}
