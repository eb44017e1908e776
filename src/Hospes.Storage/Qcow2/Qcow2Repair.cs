using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Hospes.Storage.Files;

namespace Hospes.Storage.Qcow2;

/// <summary>Checks an image and makes it consistent.</summary>
internal static class Qcow2Repair
{
    /// <summary>Checks, and repairs when asked. After a repair the numbers are those of a second check.</summary>
    /// <param name="file">The file; must be writable for a repair.</param>
    /// <param name="header">Its header, which is brought up to date.</param>
    /// <param name="mode">What may be changed.</param>
    /// <param name="progress">Gets the part done, 0 to 1, once or (with a repair) twice.</param>
    /// <param name="cancellation">Ends the check.</param>
    /// <param name="failure">Why the check did not come to its end.</param>
    public static Qcow2CheckResult Run(IImageFile file, Qcow2Header header, RepairMode mode, IProgress<double>? progress, CancellationToken cancellation, out StorageFailure? failure)
    {
        var result = new Qcow2CheckResult();
        StorageError error = mode switch
        {
            RepairMode.None => Check(file, header, fix: false, result, progress, cancellation, out _),
            RepairMode.Leaks => FixLeaks(file, header, result, progress, cancellation),
            _ => FixAll(file, header, result, progress, cancellation),
        };
        if (error == StorageError.None && mode != RepairMode.None)
        {
            var after = new Qcow2CheckResult();
            error = Check(file, header, fix: false, after, progress, cancellation, out _);
            after.LeaksFixed = Math.Max(0, result.Leaks - after.Leaks);
            after.CorruptionsFixed = Math.Max(0, result.Corruptions - after.Corruptions);
            foreach (string finding in result.Findings) after.Note(finding);
            result = after;
            if (error == StorageError.None && mode == RepairMode.All && after is { Corruptions: 0, CheckErrors: 0 }) error = ClearMarks(file, header);
        }

        failure = error == StorageError.None ? null : new StorageFailure(error, error == StorageError.Unsupported ? "the check would need too much memory" : null);
        return result;
    }

    private static StorageError Check(IImageFile file, Qcow2Header header, bool fix, Qcow2CheckResult result, IProgress<double>? progress, CancellationToken cancellation, out Qcow2Checker checker)
    {
        checker = new Qcow2Checker(file, header, fix, result, progress, cancellation);
        StorageError error = checker.Count();
        if (error == StorageError.None) error = checker.CompareCounts();
        // Flags are compared with the counts as the image has them; a repair does so once these are right.
        if (error == StorageError.None && !fix) error = CompareFlags(file, header, checker);
        return error;
    }

    private static StorageError CompareFlags(IImageFile file, Qcow2Header header, Qcow2Checker checker)
    {
        var counts = new Refcounts(file, header, new MetadataMap(header.ClusterBits), Qcow2Settings.Default.RefcountCacheBytes);
        StorageError error = counts.Load(checker.FileLength);
        if (error is not (StorageError.None or StorageError.Corrupt)) return error;
        return checker.CompareFlags(cluster => counts.Get(cluster, out ulong count) == StorageError.None ? count : 0);
    }

    private static StorageError FixLeaks(IImageFile file, Qcow2Header header, Qcow2CheckResult result, IProgress<double>? progress, CancellationToken cancellation)
    {
        StorageError error = Check(file, header, fix: false, result, progress, cancellation, out Qcow2Checker checker);
        if (error != StorageError.None || checker.StructureBroken) return error;
        var counts = new Refcounts(file, header, new MetadataMap(header.ClusterBits), Qcow2Settings.Default.RefcountCacheBytes);
        error = counts.Load(checker.FileLength);
        if (error is not (StorageError.None or StorageError.Corrupt)) return error;
        error = StorageError.None;
        foreach ((long cluster, uint count) in checker.Leaked)
        {
            if (error == StorageError.None) error = counts.Correct(cluster, count);
        }

        if (error == StorageError.None) error = counts.WriteDirty();
        return error == StorageError.None ? file.Sync() : error;
    }

    private static StorageError FixAll(IImageFile file, Qcow2Header header, Qcow2CheckResult result, IProgress<double>? progress, CancellationToken cancellation)
    {
        StorageError error = Check(file, header, fix: true, result, progress, cancellation, out Qcow2Checker checker);
        // Counts without the parts that could not be read would give away what those parts use.
        if (error != StorageError.None || result.CheckErrors != 0) return error;
        if (result.Corruptions != 0 || result.Leaks != 0 || header.IsDirty) error = Rebuild(file, header, checker);
        if (error == StorageError.None) error = checker.CompareFlags(cluster => checker.Counts[cluster]);
        return error == StorageError.None ? file.Sync() : error;
    }

    /// <summary>
    /// Writes all counts anew, behind everything that is in use, and then lets the header name them. The old ones stay as they
    /// are until then, so that a kill leaves the image as it was; afterwards their clusters are free.
    /// </summary>
    private static StorageError Rebuild(IImageFile file, Qcow2Header header, Qcow2Checker checker)
    {
        int order = header.RefcountOrder, bits = header.ClusterBits, blockBits = bits + 3 - order;
        ClusterCounts counts = checker.Counts;
        long first = counts.End;
        if (first >> blockBits > Qcow2Format.MaxRefcountTableBytes / 8) return StorageError.BadSetting;
        checker.UncountStructure();
        long tableClusters = 0, end = first;
        List<long> blocks = [];
        do
        {
            end = first + tableClusters + blocks.Count;
            blocks.Clear();
            for (long block = 0; block << blockBits < end; block++)
            {
                if ((block + 1) << blockBits > first || counts.Any(block << blockBits, (block + 1) << blockBits)) blocks.Add(block);
            }

            tableClusters = (((blocks[^1] + 1) * 8) + header.ClusterSize - 1) >> bits;
        }
        while (first + tableClusters + blocks.Count != end);

        if (tableClusters << bits > Math.Max(Qcow2Format.MaxRefcountTableBytes, header.ClusterSize) || end > Qcow2Format.MaxOffset >> bits) return StorageError.BadSetting;
        for (long cluster = first; cluster < end; cluster++) counts.Add(cluster, 1);
        ulong[] table = new ulong[(tableClusters << bits) / 8];
        byte[] bytes = new byte[header.ClusterSize];
        long place = first + tableClusters;
        foreach (long block in blocks)
        {
            Array.Clear(bytes);
            for (long cluster = block << blockBits; cluster < Math.Min(end, (block + 1) << blockBits); cluster++)
            {
                uint count = counts[cluster];
                if (count > RefcountMath.Max(order)) return StorageError.BadSetting;
                if (count != 0) RefcountMath.Write(bytes, order, cluster - (block << blockBits), count);
            }

            table[block] = (ulong)(place << bits);
            StorageError written = file.Write(place++ << bits, bytes);
            if (written != StorageError.None) return written;
        }

        BinaryPrimitives.ReverseEndianness(table, table);
        StorageError error = file.Write(first << bits, MemoryMarshal.AsBytes(table.AsSpan()));
        if (error == StorageError.None) error = file.Sync();
        if (error == StorageError.None) error = Qcow2HeaderWriter.WriteRefcountTable(file, first << bits, (int)tableClusters);
        if (error == StorageError.None) error = file.Sync();
        (header.RefcountOffset, header.RefcountClusters) = (first << bits, (int)tableClusters);
        return error;
    }

    private static StorageError ClearMarks(IImageFile file, Qcow2Header header)
    {
        if ((header.Incompatible & (Qcow2Format.Dirty | Qcow2Format.CorruptBit)) == 0) return StorageError.None;
        header.Incompatible &= ~(Qcow2Format.Dirty | Qcow2Format.CorruptBit);
        StorageError error = Qcow2HeaderWriter.WriteFeatures(file, header);
        return error == StorageError.None ? file.Sync() : error;
    }
}
