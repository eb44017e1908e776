namespace Hospes.Virtio;

/// <summary>How a disk's operation ended.</summary>
public enum BlockResult
{
    /// <summary>It is done.</summary>
    Ok,

    /// <summary>The disk can't do that.</summary>
    Unsupported,

    /// <summary>There is no medium in the drive.</summary>
    NoMedium,

    /// <summary>It failed: an error of the host's disk, no room left, a damaged image. The guest sees an I/O error.</summary>
    Failed,
}

/// <summary>
/// What a block device keeps its data in. Offsets and lengths are multiples of 512 and lie inside <see cref="Length"/>. Threading: called on
/// several threads at once. It does not throw for what a disk can do: that is a <see cref="BlockResult"/>.
/// </summary>
public interface IBlockBackend
{
    /// <summary>Bytes of the disk; a rest beyond the last whole sector is not seen by the guest.</summary>
    long Length { get; }

    /// <summary>Whether it can't be written.</summary>
    bool IsReadOnly { get; }

    /// <summary>Reads.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="destination">Where to.</param>
    BlockResult Read(long offset, Span<byte> destination);

    /// <summary>Writes. It need not be on stable storage before <see cref="Flush"/>.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="source">Where from.</param>
    BlockResult Write(long offset, ReadOnlySpan<byte> source);

    /// <summary>Brings everything written before to stable storage.</summary>
    BlockResult Flush();

    /// <summary>Forgets data: what is read there afterwards is undefined, and the room may be given back.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">How many bytes.</param>
    BlockResult Discard(long offset, long length);

    /// <summary>Makes bytes read as zero.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="length">How many bytes.</param>
    /// <param name="mayUnmap">Whether the room may be given back.</param>
    BlockResult WriteZeroes(long offset, long length, bool mayUnmap);
}
