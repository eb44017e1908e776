using Hospes.Storage;
using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>A disk image as what a block device keeps its data in.</summary>
internal sealed class ImageBackend(IBlockImage image) : IBlockBackend
{
    /// <inheritdoc/>
    public long Length => image.Size;

    /// <inheritdoc/>
    public bool IsReadOnly => image.IsReadOnly;

    /// <inheritdoc/>
    public BlockResult Read(long offset, Span<byte> destination) => Translate(image.Read(offset, destination));

    /// <inheritdoc/>
    public BlockResult Write(long offset, ReadOnlySpan<byte> source) => Translate(image.Write(offset, source));

    /// <inheritdoc/>
    public BlockResult Flush() => Translate(image.Flush());

    /// <inheritdoc/>
    public BlockResult Discard(long offset, long length) => Translate(image.Discard(offset, length));

    /// <inheritdoc/>
    public BlockResult WriteZeroes(long offset, long length, bool mayUnmap) => Translate(image.WriteZeroes(offset, length, mayUnmap));

    private static BlockResult Translate(StorageError error) => error switch
    {
        StorageError.None => BlockResult.Ok,
        StorageError.Unsupported => BlockResult.Unsupported,
        _ => BlockResult.Failed,
    };
}
