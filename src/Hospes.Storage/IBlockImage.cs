namespace Hospes.Storage;

/// <summary>A disk as a block device sees it: bytes at offsets.</summary>
/// <remarks>
/// <para>
/// Every member may be called from several threads at once; requests overtake each other, and two that overlap in time and place
/// leave either's bytes, as on a real disk. <see cref="Resize"/> may run beside requests. A device with a scattered buffer calls once per segment:
/// requests may start and end at any byte, and neither format is faster on sector boundaries than off them.
/// </para>
/// <para>
/// A finished write is in the host's hands and survives the end of this process only after <see cref="Flush"/>; after that it also
/// survives the end of the host. This is a disk with a volatile write cache (virtio 1.2, 5.2.6.2).
/// </para>
/// <para>Reads, and writes to space that the image has allocated, allocate no managed memory.</para>
/// </remarks>
public interface IBlockImage : IDisposable
{
    /// <summary>The unit of <see cref="Sectors"/>, in bytes.</summary>
    const int SectorSize = 512;

    /// <summary>The format of the image.</summary>
    ImageFormat Format { get; }

    /// <summary>The size of the disk in bytes.</summary>
    long Size { get; }

    /// <summary>The capacity in sectors of 512 bytes; a last part of a sector does not count (virtio 1.2, 5.2.4).</summary>
    long Sectors => Size / SectorSize;

    /// <summary>True when no request can change the disk.</summary>
    bool IsReadOnly { get; }

    /// <summary>The size in bytes in which space is given and taken back: what a discard should be aligned to.</summary>
    int DiscardUnit { get; }

    /// <summary>Reads.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="buffer">Where the bytes go; its content is undefined after a failure.</param>
    /// <returns><see cref="StorageError.None"/>, <see cref="StorageError.OutOfRange"/>, <see cref="StorageError.IoError"/>, <see cref="StorageError.Corrupt"/>.</returns>
    StorageError Read(long offset, Span<byte> buffer);

    /// <summary>Writes. After a failure the range holds old and new bytes, mixed.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="data">The bytes.</param>
    /// <returns>As <see cref="Read"/>; also <see cref="StorageError.ReadOnly"/> and <see cref="StorageError.NoSpace"/>.</returns>
    StorageError Write(long offset, ReadOnlySpan<byte> data);

    /// <summary>Makes a range read as zeros, without writing zeros where that can be avoided.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">How many bytes.</param>
    /// <param name="mayUnmap">True when the range's space may be given back (virtio 1.2, 5.2.6: the unmap flag).</param>
    /// <returns>As <see cref="Write"/>.</returns>
    StorageError WriteZeroes(long offset, long length, bool mayUnmap);

    /// <summary>Says that a range's content is not needed any more. What is not given back keeps its content; the rest reads as zeros.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">How many bytes.</param>
    /// <returns>As <see cref="Write"/>.</returns>
    StorageError Discard(long offset, long length);

    /// <summary>Makes every finished write durable. After it failed once it never succeeds again: what is on the disk is not known any more.</summary>
    /// <returns><see cref="StorageError.None"/>, <see cref="StorageError.IoError"/>, <see cref="StorageError.NoSpace"/>, <see cref="StorageError.Corrupt"/>.</returns>
    StorageError Flush();

    /// <summary>Changes the size of the disk; a gained range reads as zeros. Waits for requests under way.</summary>
    /// <param name="size">The new size in bytes.</param>
    /// <returns>As <see cref="Write"/>; <see cref="StorageError.Unsupported"/> where the image cannot change its size; <see cref="StorageError.BadSetting"/> for a size that the format cannot hold.</returns>
    StorageError Resize(long size);

    /// <summary>Says whether a stretch may hold other bytes than zeros, from <paramref name="offset"/> as far as the answer is known to stay the same.</summary>
    /// <param name="offset">The first byte, below <see cref="Size"/>.</param>
    /// <param name="extent">The answer.</param>
    /// <returns>As <see cref="Read"/>.</returns>
    StorageError Find(long offset, out Extent extent);
}
