namespace Hospes.Storage.Tests.Kit;

/// <summary>A disk whose bytes are an array, for reading.</summary>
internal sealed class ByteDisk(byte[] content) : IBlockImage
{
    public ImageFormat Format => ImageFormat.Raw;

    public long Size => content.Length;

    public bool IsReadOnly => true;

    public int DiscardUnit => 4096;

    /// <summary>Set to let every read fail.</summary>
    public bool IsGone { get; set; }

    public StorageError Read(long offset, Span<byte> buffer)
    {
        if (IsGone) return StorageError.IoError;
        if (offset < 0 || buffer.Length > content.Length - offset) return StorageError.OutOfRange;
        content.AsSpan((int)offset, buffer.Length).CopyTo(buffer);
        return StorageError.None;
    }

    public StorageError Write(long offset, ReadOnlySpan<byte> data) => throw new InvalidOperationException("a reader writes");

    public StorageError WriteZeroes(long offset, long length, bool mayUnmap) => throw new InvalidOperationException("a reader writes");

    public StorageError Discard(long offset, long length) => throw new InvalidOperationException("a reader writes");

    public StorageError Flush() => StorageError.None;

    public StorageError Resize(long size) => StorageError.ReadOnly;

    public StorageError Find(long offset, out Extent extent)
    {
        extent = new Extent(content.Length - offset, false);
        return StorageError.None;
    }

    public void Dispose()
    {
        // Nothing of the host's is held.
    }
}
