using Hospes.Storage.Qcow2;

namespace Hospes.Storage;

/// <summary>Copies disks between images.</summary>
public static class ImageConverter
{
    /// <summary>Bytes read at once: a multiple of every cluster size.</summary>
    private const int Step = 2 << 20;

    /// <summary>Zeros that are looked for in raw images: a page and, on most file systems, a block.</summary>
    private const int Grain = 4096;

    /// <summary>Makes a new image with the content of a disk, without backing file. Zeros take no space. After a failure the new file is gone again.</summary>
    /// <param name="source">The disk.</param>
    /// <param name="path">Where the new image goes; no file may be there.</param>
    /// <param name="creation">What it is to be; its size is that of the disk.</param>
    /// <param name="compress">True to write compressed clusters; qcow2.</param>
    /// <param name="progress">Gets the part done, 0 to 1; or null.</param>
    /// <param name="cancellation">Ends the copy.</param>
    /// <param name="failure">Why there is none.</param>
    /// <returns>True when it is there, and durable.</returns>
    public static bool TryConvert(
        IBlockImage source,
        string path,
        ImageCreation creation,
        bool compress,
        IProgress<double>? progress,
        CancellationToken cancellation,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out StorageFailure? failure)
    {
        failure = Convert(source, path, creation, compress, progress, cancellation);
        return failure is null;
    }

    private static StorageFailure? Convert(IBlockImage source, string path, ImageCreation creation, bool compress, IProgress<double>? progress, CancellationToken cancellation)
    {
        if (compress && creation.Format == ImageFormat.Raw) return new StorageFailure(StorageError.BadSetting, "a raw image has no compressed clusters");
        IBlockImage? target = ImageCreator.Create(path, creation with { Size = source.Size, BackingFile = null, BackingFormat = null }, null, out StorageFailure? failure);
        if (target is null) return failure;
        StorageError error;
        using (target)
        {
            error = Copy(source, target, compress, progress, cancellation);
            if (error == StorageError.None) error = target.Flush();
        }

        if (error == StorageError.None) return null;
        File.Delete(path);
        return new StorageFailure(error, path);
    }

    private static StorageError Copy(IBlockImage source, IBlockImage target, bool compress, IProgress<double>? progress, CancellationToken cancellation)
    {
        int grain = target is Qcow2Image ? target.DiscardUnit : Grain;
        byte[] buffer = new byte[Step];
        for (long at = 0; at < source.Size;)
        {
            if (cancellation.IsCancellationRequested) return StorageError.Cancelled;
            StorageError error = source.Find(at, out Extent extent);
            if (error != StorageError.None) return error;
            long end = at + extent.Length;
            // Whole steps only: the rest of the last one goes with what follows.
            if (extent.IsZero) end = end >= source.Size ? source.Size : end & -Step;
            if (extent.IsZero && end > at)
            {
                at = end;
            }
            else
            {
                int length = (int)Math.Min(Step - (at & (Step - 1)), source.Size - at);
                Span<byte> part = buffer.AsSpan(0, length);
                error = source.Read(at, part);
                if (error == StorageError.None) error = WriteParts(target, at, part, grain, compress);
                if (error != StorageError.None) return error;
                at += length;
            }

            progress?.Report((double)at / source.Size);
        }

        return StorageError.None;
    }

    /// <summary>Writes what is not zeros, in as long pieces as possible, or cluster by cluster when compressed.</summary>
    private static StorageError WriteParts(IBlockImage target, long offset, ReadOnlySpan<byte> data, int grain, bool compress)
    {
        StorageError error = StorageError.None;
        for (int at = 0; at < data.Length && error == StorageError.None;)
        {
            int length = Math.Min(grain, data.Length - at);
            if (IsZero(data.Slice(at, length)))
            {
                at += length;
                continue;
            }

            while (!compress && at + length < data.Length && !IsZero(data.Slice(at + length, Math.Min(grain, data.Length - at - length)))) length += Math.Min(grain, data.Length - at - length);
            ReadOnlySpan<byte> piece = data.Slice(at, length);
            error = compress ? ((Qcow2Image)target).WriteCompressed(offset + at, piece) : target.Write(offset + at, piece);
            at += length;
        }

        return error;
    }

    internal static bool IsZero(ReadOnlySpan<byte> bytes) => bytes.IndexOfAnyExcept((byte)0) < 0;
}
