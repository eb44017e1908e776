namespace Hospes.Storage.Volumes;

/// <summary>A stretch of a disk, read within bounds and a budget.</summary>
public sealed class Volume
{
    private readonly IBlockImage _image;

    /// <summary>Takes a stretch of a disk.</summary>
    /// <param name="image">The disk; it stays the caller's.</param>
    /// <param name="start">The first byte.</param>
    /// <param name="length">How many bytes; what lies beyond the disk's end is cut off.</param>
    /// <param name="budget">What reading may cost; several volumes can share one.</param>
    public Volume(IBlockImage image, long start, long length, ReadBudget budget)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        _image = image;
        Start = Math.Min(start, image.Size);
        Length = Math.Min(length, image.Size - Start);
        Budget = budget;
    }

    /// <summary>The first byte on the disk.</summary>
    public long Start { get; }

    /// <summary>Its length in bytes.</summary>
    public long Length { get; }

    /// <summary>What reading may still cost.</summary>
    internal ReadBudget Budget { get; }

    /// <summary>Takes the whole of a disk.</summary>
    /// <param name="image">The disk; it stays the caller's.</param>
    /// <param name="budget">What reading may cost.</param>
    public static Volume Whole(IBlockImage image, ReadBudget budget) => new(image, 0, image.Size, budget);

    /// <summary>A part of this volume, with the same budget.</summary>
    internal Volume Part(long start, long length) => new(_image, Start + Math.Min(start, Length), Math.Min(length, Math.Max(0, Length - start)), Budget);

    /// <summary>Reads a range whole.</summary>
    internal VolumeError Read(long offset, Span<byte> buffer)
    {
        if (offset < 0 || buffer.Length > Length - offset) return VolumeError.Corrupt;
        if (!Budget.TrySpend(buffer.Length)) return VolumeError.OverBudget;
        return _image.Read(Start + offset, buffer) == StorageError.None ? VolumeError.None : VolumeError.ReadFailed;
    }
}
