namespace Hospes.Storage;

/// <summary>What a comparison of two disks gave.</summary>
/// <param name="Same">True when they are the same.</param>
/// <param name="SizesDiffer">True when one is longer. In a comparison that is not strict it is the same when the rest is zeros.</param>
/// <param name="FirstDifference">The first byte that differs, or null.</param>
public readonly record struct ImageComparison(bool Same, bool SizesDiffer, long? FirstDifference);

/// <summary>Compares the content of two disks.</summary>
public static class ImageComparer
{
    private const int Step = 1 << 20;

    /// <summary>Compares.</summary>
    /// <param name="first">A disk.</param>
    /// <param name="second">Another.</param>
    /// <param name="strict">True when disks of different sizes are different.</param>
    /// <param name="progress">Gets the part done, 0 to 1; or null.</param>
    /// <param name="cancellation">Ends the comparison.</param>
    /// <param name="comparison">What came out.</param>
    /// <returns><see cref="StorageError.None"/>, <see cref="StorageError.IoError"/>, <see cref="StorageError.Corrupt"/> or <see cref="StorageError.Cancelled"/>.</returns>
    public static StorageError Compare(IBlockImage first, IBlockImage second, bool strict, IProgress<double>? progress, CancellationToken cancellation, out ImageComparison comparison)
    {
        bool sizesDiffer = first.Size != second.Size;
        comparison = new ImageComparison(false, sizesDiffer, null);
        if (strict && sizesDiffer) return StorageError.None;
        long size = Math.Max(first.Size, second.Size);
        byte[] left = new byte[Step], right = new byte[Step];
        for (long at = 0; at < size;)
        {
            if (cancellation.IsCancellationRequested) return StorageError.Cancelled;
            StorageError error = Find(first, at, size, out Extent one);
            if (error != StorageError.None) return error;
            error = Find(second, at, size, out Extent other);
            if (error != StorageError.None) return error;
            long length = Math.Min(one.Length, other.Length);
            if (!one.IsZero || !other.IsZero)
            {
                length = Math.Min(length, Step);
                error = Fill(first, at, one, left.AsSpan(0, (int)length));
                if (error == StorageError.None) error = Fill(second, at, other, right.AsSpan(0, (int)length));
                if (error != StorageError.None) return error;
                int same = left.AsSpan(0, (int)length).CommonPrefixLength(right.AsSpan(0, (int)length));
                if (same < length)
                {
                    comparison = comparison with { FirstDifference = at + same };
                    return StorageError.None;
                }
            }

            at += length;
            progress?.Report((double)at / size);
        }

        comparison = comparison with { Same = true };
        return StorageError.None;
    }

    /// <summary>The stretch at an offset; behind the shorter disk's end zeros.</summary>
    private static StorageError Find(IBlockImage image, long at, long size, out Extent extent)
    {
        if (at < image.Size) return image.Find(at, out extent);
        extent = new Extent(size - at, true);
        return StorageError.None;
    }

    private static StorageError Fill(IBlockImage image, long at, Extent extent, Span<byte> buffer)
    {
        if (!extent.IsZero) return image.Read(at, buffer);
        buffer.Clear();
        return StorageError.None;
    }
}
