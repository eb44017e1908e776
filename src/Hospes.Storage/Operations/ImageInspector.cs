using Hospes.Storage.Files;
using Hospes.Storage.Qcow2;

namespace Hospes.Storage;

/// <summary>An internal snapshot of a qcow2 image.</summary>
/// <param name="Id">Its identifier, unique in the image.</param>
/// <param name="Name">Its name.</param>
/// <param name="Taken">When it was taken.</param>
/// <param name="GuestTime">How long the guest had run.</param>
/// <param name="StateSize">The bytes of the guest's state that are stored with it.</param>
/// <param name="DiskSize">The size of the disk then, in bytes.</param>
public sealed record SnapshotInfo(string Id, string Name, DateTimeOffset Taken, TimeSpan GuestTime, long StateSize, long DiskSize);

/// <summary>What a qcow2 image says of itself.</summary>
public sealed record Qcow2Info(
    int Version, int ClusterSize, int RefcountBits, bool LazyRefcounts, CompressionType Compression, bool Dirty, bool Corrupt, string? BackingFile, string? BackingFormat, IReadOnlyList<SnapshotInfo> Snapshots);

/// <summary>What is known of an image without opening its backing file.</summary>
/// <param name="Path">Its path.</param>
/// <param name="Format">Its format.</param>
/// <param name="FormatKnown">False when the format was guessed from the content alone.</param>
/// <param name="Size">The disk's size in bytes.</param>
/// <param name="SpaceUsed">The space it takes on the host, in bytes.</param>
/// <param name="Qcow2">What only a qcow2 image has.</param>
public sealed record ImageInfo(string Path, ImageFormat Format, bool FormatKnown, long Size, long SpaceUsed, Qcow2Info? Qcow2)
{
    /// <summary>The path of the backing file, or null for none or a name that is no path.</summary>
    public string? BackingPath => Qcow2?.BackingFile is { } name ? DiskImage.BackingPath(Path, name) : null;
}

/// <summary>Looks at and checks images as files.</summary>
public static class ImageInspector
{
    /// <summary>Reads what an image says of itself.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="format">Its format, or null to guess.</param>
    /// <param name="shared">True to read although another process writes.</param>
    /// <param name="info">What it says.</param>
    /// <param name="failure">Why not.</param>
    public static bool TryRead(
        string path,
        ImageFormat? format,
        bool shared,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ImageInfo? info,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out StorageFailure? failure)
    {
        info = Read(path, format, shared, out failure);
        return info is not null;
    }

    private static ImageInfo? Read(string path, ImageFormat? format, bool shared, out StorageFailure? failure)
    {
        using HostFile? file = Open(path, format, readOnly: true, shared, out ImageFormat found, out bool known, out long length, out failure);
        if (file is null) return null;
        if (found == ImageFormat.Raw) return new ImageInfo(path, found, known, length, file.SpaceUsed(), null);
        if (Qcow2Header.TryRead(file, length, out failure) is { } header && (failure = SnapshotTable.TryRead(file, header, length, out IReadOnlyList<SnapshotRecord> snapshots, out _)) is null)
        {
            var qcow2 = new Qcow2Info(
                header.Version, header.ClusterSize, header.RefcountBits, (header.Compatible & Qcow2Format.LazyRefcounts) != 0, header.Compression, header.IsDirty, header.IsMarkedCorrupt, header.BackingFile, header.BackingFormat,
                [.. snapshots.Select(static snapshot => new SnapshotInfo(snapshot.Id, snapshot.Name, snapshot.Taken, snapshot.GuestTime, snapshot.StateSize, snapshot.DiskSize))]);
            return new ImageInfo(path, found, known, header.Size, file.SpaceUsed(), qcow2);
        }

        failure = failure! with { Detail = $"'{path}': {failure.Detail}" };
        return null;
    }

    /// <summary>Checks a qcow2 image, and repairs it when asked. Its backing file is not looked at.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="format">Its format, or null to guess.</param>
    /// <param name="mode">What may be changed.</param>
    /// <param name="progress">Gets the part done, 0 to 1; or null.</param>
    /// <param name="cancellation">Ends the check.</param>
    /// <param name="result">What was found.</param>
    /// <param name="failure">Why not; <see cref="StorageError.Unsupported"/> for a raw image, in which there is nothing to check.</param>
    public static bool TryCheck(
        string path,
        ImageFormat? format,
        RepairMode mode,
        IProgress<double>? progress,
        CancellationToken cancellation,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Qcow2CheckResult? result,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out StorageFailure? failure)
    {
        result = Check(path, format, mode, progress, cancellation, out failure);
        return result is not null;
    }

    private static Qcow2CheckResult? Check(string path, ImageFormat? format, RepairMode mode, IProgress<double>? progress, CancellationToken cancellation, out StorageFailure? failure)
    {
        Qcow2CheckResult? result = null;
        using HostFile? file = Open(path, format, mode == RepairMode.None, shared: false, out ImageFormat found, out _, out long length, out failure);
        if (file is null) return null;
        if (found == ImageFormat.Raw) failure = new StorageFailure(StorageError.Unsupported, $"'{path}' is raw: there is nothing to check");
        else if (Qcow2Header.TryRead(file, length, out failure) is { } header) result = Qcow2Repair.Run(file, header, mode, progress, cancellation, out failure);
        if (failure is null) return result;
        if (failure.Detail?.Contains(path, StringComparison.Ordinal) != true) failure = failure with { Detail = failure.Detail is null ? path : $"'{path}': {failure.Detail}" };
        return null;
    }

    private static HostFile? Open(string path, ImageFormat? format, bool readOnly, bool shared, out ImageFormat found, out bool known, out long length, out StorageFailure? failure)
    {
        (found, known, length) = (ImageFormat.Raw, false, 0);
        HostFile? file = HostFile.TryOpen(path, readOnly, create: false, shared ? LockUse.ReadShared : readOnly ? LockUse.Read : LockUse.Write, out failure);
        if (file is null) return null;
        StorageError error = DiskImage.FindFormat(file, path, format, out found, out known);
        if (error == StorageError.None) error = file.Length(out length);
        if (error == StorageError.None) return file;
        failure = new StorageFailure(error, path);
        file.Dispose();
        return null;
    }
}
