namespace Hospes.Storage;

/// <summary>A stretch of a disk of one kind.</summary>
/// <param name="Length">Its length in bytes; at least 1 below the disk's end.</param>
/// <param name="IsZero">True when the stretch reads as zeros without a look at the data; false when it has to be read to know.</param>
public readonly record struct Extent(long Length, bool IsZero);
