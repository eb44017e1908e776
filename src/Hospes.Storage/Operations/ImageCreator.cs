using Hospes.Storage.Files;
using Hospes.Storage.Qcow2;
using Hospes.Storage.Raw;

namespace Hospes.Storage;

/// <summary>Makes new images.</summary>
public static class ImageCreator
{
    /// <summary>Makes an image in a new file. After a failure the file is gone again.</summary>
    /// <param name="path">Where; no file may be there.</param>
    /// <param name="creation">What it is to be.</param>
    /// <param name="progress">Gets the part done, 0 to 1; or null.</param>
    /// <param name="failure">Why there is none.</param>
    /// <returns>True when it is there.</returns>
    public static bool TryCreate(string path, ImageCreation creation, IProgress<double>? progress, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out StorageFailure? failure)
    {
        IBlockImage? image = Create(path, creation, progress, out failure);
        image?.Dispose();
        return image is not null;
    }

    /// <summary>Makes an image and leaves it open for writing, without its backing file.</summary>
    internal static IBlockImage? Create(string path, ImageCreation creation, IProgress<double>? progress, out StorageFailure? failure)
    {
        failure = creation.Mistake() is { } mistake ? new StorageFailure(StorageError.BadSetting, mistake) : null;
        long size = failure is null ? SizeOf(path, creation, out failure) : 0;
        if (failure is not null || HostFile.TryOpen(path, readOnly: false, create: true, LockUse.Write, out failure) is not { } file) return null;
        IBlockImage? image = creation.Format == ImageFormat.Raw ? MakeRaw(file, creation, size, out failure) : MakeQcow2(file, creation, size, progress, out failure);
        if (image is not null) return image;
        if (failure!.Detail is null) failure = failure with { Detail = path };
        file.Dispose();
        File.Delete(path);
        return null;
    }

    private static long SizeOf(string path, ImageCreation creation, out StorageFailure? failure)
    {
        failure = null;
        if (creation.BackingFile is not { } name)
        {
            if (creation.Size is null) failure = new StorageFailure(StorageError.BadSetting, "the size is not given");
            return creation.Size ?? 0;
        }

        if (DiskImage.BackingPath(path, name) is not { } below)
        {
            failure = new StorageFailure(StorageError.Unsupported, $"the backing file '{name}' is not a file's path");
            return 0;
        }

        // Opened even when its size is not needed: an overlay over something that cannot be read is of no use.
        if (!DiskImage.TryOpen(below, new ImageOpening { Format = creation.BackingFormat, ReadOnly = true }, out IBlockImage? backing, out failure)) return 0;
        using (backing) return creation.Size ?? backing.Size;
    }

    private static RawImage? MakeRaw(HostFile file, ImageCreation creation, long size, out StorageFailure? failure)
    {
        StorageError error = file.Truncate(size);
        RawImage? image = null;
        if (error == StorageError.None) error = RawImage.TryOpen(file, guardFront: false, out image);
        if (error == StorageError.None && creation.Preallocation == Preallocation.Falloc) error = image!.Reserve();
        failure = error == StorageError.None ? null : new StorageFailure(error);
        return failure is null ? image : null;
    }

    private static Qcow2Image? MakeQcow2(HostFile file, ImageCreation creation, long size, IProgress<double>? progress, out StorageFailure? failure)
    {
        StorageError error = Qcow2Creator.Write(file, creation);
        long length = 0;
        if (error == StorageError.None) error = file.Length(out length);
        failure = error == StorageError.None ? null : new StorageFailure(error);
        if (failure is not null || Qcow2Header.TryRead(file, length, out failure) is not { } header) return null;
        failure = Qcow2Image.TryOpen(file, header, null, Qcow2Settings.Default, out Qcow2Image? image);
        if (failure is not null) return null;
        error = image!.Resize(size);
        if (error == StorageError.None && creation.Preallocation != Preallocation.Off) error = image.LayOut(creation.Preallocation == Preallocation.Falloc, progress);
        if (error == StorageError.None) error = image.Flush();
        if (error == StorageError.None) return image;
        failure = new StorageFailure(error, error == StorageError.BadSetting ? $"a disk of {size} bytes with clusters of {creation.ClusterSize} bytes" : null);
        image.Dispose();
        return null;
    }
}
