namespace Hospes.Storage.Files;

/// <summary>The file under an image: what formats do with the host. One real implementation; tests put theirs in between to stop, fill up or forget.</summary>
/// <remarks>Every member may be called from several threads at once. None allocates.</remarks>
internal interface IImageFile : IDisposable
{
    bool IsReadOnly { get; }

    /// <summary>False for a block device, whose length is fixed and whose end says nothing about what was written.</summary>
    bool IsRegular { get; }

    StorageError Length(out long length);

    /// <summary>Reads as far as the file goes.</summary>
    /// <param name="offset">The first byte; may lie beyond the end.</param>
    /// <param name="buffer">Where the bytes go.</param>
    /// <param name="count">How many came; fewer than asked for only at the end of the file.</param>
    StorageError Read(long offset, Span<byte> buffer, out int count);

    StorageError Write(long offset, ReadOnlySpan<byte> data);

    /// <summary>Makes everything written durable.</summary>
    StorageError Sync();

    StorageError Truncate(long length);

    /// <summary>Makes a range below the end read as zeros.</summary>
    StorageError Zero(long offset, long length, bool mayUnmap);

    /// <summary>Gives a range's space back to the host, if the host takes it; it then reads as zeros.</summary>
    /// <returns><see cref="StorageError.None"/>, also when the host keeps the space.</returns>
    StorageError Punch(long offset, long length);

    /// <summary>Reserves space on the host for a range, which can lie beyond the end.</summary>
    StorageError Reserve(long offset, long length);

    /// <summary>Finds how far a hole, or data, go from an offset below the end.</summary>
    StorageError Find(long offset, out Extent extent);
}

/// <summary>What formats need beyond the calls themselves.</summary>
internal static class ImageFileExtensions
{
    private static readonly byte[] Zeros = new byte[64 << 10];

    /// <summary>Reads; what lies beyond the end of the file is zeros, as of a file that was made longer.</summary>
    public static StorageError ReadPadded(this IImageFile file, long offset, Span<byte> buffer)
    {
        StorageError error = file.Read(offset, buffer, out int count);
        if (error == StorageError.None) buffer[count..].Clear();
        return error;
    }

    /// <summary>Writes zeros.</summary>
    public static StorageError WriteZeros(this IImageFile file, long offset, long length)
    {
        while (length > 0)
        {
            int part = (int)Math.Min(length, Zeros.Length);
            StorageError error = file.Write(offset, Zeros.AsSpan(0, part));
            if (error != StorageError.None) return error;
            offset += part;
            length -= part;
        }

        return StorageError.None;
    }
}
