using Hospes.Storage.Files;

namespace Hospes.Storage.Raw;

/// <summary>A disk whose bytes are those of the file. Holes stay holes, and discards make new ones.</summary>
internal sealed class RawImage : IBlockImage
{
    /// <summary>The part at the front that format probing reads (<see cref="FormatProbe"/>).</summary>
    private const int ProbedBytes = FormatProbe.Bytes;

    private readonly IImageFile _file;

    /// <summary>True when the format was guessed: then no write may make the guess come out differently the next time.</summary>
    private readonly bool _guardFront;

    private readonly Lock _front = new();

    private long _size;

    private RawImage(IImageFile file, long size, bool guardFront)
    {
        _file = file;
        _size = size;
        _guardFront = guardFront;
    }

    public ImageFormat Format => ImageFormat.Raw;

    public long Size => Volatile.Read(ref _size);

    public bool IsReadOnly => _file.IsReadOnly;

    public int DiscardUnit => 4096;

    /// <summary>Takes a file as a disk. On success the image owns the file.</summary>
    public static StorageError TryOpen(IImageFile file, bool guardFront, out RawImage? image)
    {
        StorageError error = file.Length(out long size);
        image = error == StorageError.None ? new RawImage(file, size, guardFront) : null;
        return error;
    }

    public StorageError Read(long offset, Span<byte> buffer)
    {
        if (!Inside(offset, buffer.Length)) return StorageError.OutOfRange;
        StorageError error = _file.Read(offset, buffer, out int count);
        if (error != StorageError.None) return error;
        // Somebody made the file shorter under the image: the disk has lost these bytes.
        return count == buffer.Length ? StorageError.None : StorageError.IoError;
    }

    public StorageError Write(long offset, ReadOnlySpan<byte> data)
    {
        if (Refuses(offset, data.Length) is var refusal and not StorageError.None) return refusal;
        return _guardFront && offset < ProbedBytes && data.Length > 0 ? WriteFront(offset, data) : _file.Write(offset, data);
    }

    public StorageError WriteZeroes(long offset, long length, bool mayUnmap) =>
        Refuses(offset, length) is var refusal and not StorageError.None ? refusal : _file.Zero(offset, length, mayUnmap);

    public StorageError Discard(long offset, long length) =>
        Refuses(offset, length) is var refusal and not StorageError.None ? refusal : _file.Punch(offset, length);

    public StorageError Flush() => _file.IsReadOnly ? StorageError.None : _file.Sync();

    public StorageError Resize(long size)
    {
        if (IsReadOnly) return StorageError.ReadOnly;
        if (size < 0) return StorageError.BadSetting;
        if (!_file.IsRegular) return StorageError.Unsupported;
        StorageError error = _file.Truncate(size);
        if (error == StorageError.None) Volatile.Write(ref _size, size);
        return error;
    }

    public StorageError Find(long offset, out Extent extent)
    {
        extent = default;
        if (!Inside(offset, 1)) return StorageError.OutOfRange;
        StorageError error = _file.Find(offset, out extent);
        extent = extent with { Length = Math.Clamp(extent.Length, 1, Size - offset) };
        return error;
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Reserves the host's space for the whole disk.</summary>
    internal StorageError Reserve() => _file.Reserve(0, Size);

    /// <summary>Writes over the first bytes unless the disk would then look like another format.</summary>
    private StorageError WriteFront(long offset, ReadOnlySpan<byte> data)
    {
        Span<byte> front = stackalloc byte[ProbedBytes];
        lock (_front)
        {
            StorageError error = _file.ReadPadded(0, front);
            if (error != StorageError.None) return error;
            data[..(int)Math.Min(data.Length, ProbedBytes - offset)].CopyTo(front[(int)offset..]);
            return FormatProbe.LooksForeign(front) ? StorageError.FormatNotGiven : _file.Write(offset, data);
        }
    }

    private StorageError Refuses(long offset, long length) =>
        IsReadOnly ? StorageError.ReadOnly : Inside(offset, length) ? StorageError.None : StorageError.OutOfRange;

    private bool Inside(long offset, long length) => offset >= 0 && length >= 0 && length <= Size - offset;
}
