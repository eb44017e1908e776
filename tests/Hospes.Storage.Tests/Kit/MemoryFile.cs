using Hospes.Storage.Files;

namespace Hospes.Storage.Tests.Kit;

/// <summary>A file in memory that can be cut off from its content, fill up, and lose what was not made durable.</summary>
internal sealed class MemoryFile : IImageFile
{
    private readonly List<(long Offset, byte[] Data)> _unsynced = [];
    private byte[] _content;
    private byte[]? _durable;
    private long _length;

    public MemoryFile(byte[] content, bool readOnly = false)
    {
        _content = (byte[])content.Clone();
        _length = content.Length;
        IsReadOnly = readOnly;
    }

    public bool IsReadOnly { get; }

    public bool IsRegular => true;

    /// <summary>Changes that are still taken; after that the file is gone.</summary>
    public int ChangesLeft { get; set; } = int.MaxValue;

    /// <summary>Set when the device has vanished.</summary>
    public bool Gone { get; set; }

    /// <summary>The bytes that the file can hold.</summary>
    public long Room { get; set; } = 1 << 26;

    /// <summary>True to remember what is not durable, for <see cref="PowerCut"/>.</summary>
    public bool Remembers
    {
        set => _durable = value ? Content : null;
    }

    public int Changes { get; private set; }

    public byte[] Content => _content.AsSpan(0, (int)_length).ToArray();

    /// <summary>What a power cut leaves: everything durable, and of the rest any part in any order.</summary>
    public byte[] PowerCut(Random random)
    {
        byte[] content = (byte[])_durable!.Clone();
        foreach ((long offset, byte[] data) in _unsynced.Where(_ => random.Next(2) == 0).OrderBy(_ => random.Next()))
        {
            if (offset + data.Length > content.Length) Array.Resize(ref content, (int)offset + data.Length);
            data.CopyTo(content, offset);
        }

        return content;
    }

    public StorageError Length(out long length)
    {
        length = _length;
        return Gone ? StorageError.IoError : StorageError.None;
    }

    public StorageError Read(long offset, Span<byte> buffer, out int count)
    {
        count = (int)Math.Clamp(_length - offset, 0, buffer.Length);
        if (offset < 0) throw new InvalidOperationException("a read before the file");
        if (Gone) return StorageError.IoError;
        if (count > 0) _content.AsSpan((int)offset, count).CopyTo(buffer);
        return StorageError.None;
    }

    public StorageError Write(long offset, ReadOnlySpan<byte> data)
    {
        StorageError error = Change();
        if (offset < 0) throw new InvalidOperationException("a write before the file");
        if (error != StorageError.None) return error;
        if (offset + data.Length > Room) return StorageError.NoSpace;
        Grow(offset + data.Length);
        data.CopyTo(_content.AsSpan((int)offset));
        if (_durable is not null) _unsynced.Add((offset, data.ToArray()));
        return StorageError.None;
    }

    public StorageError Sync()
    {
        // A cut can come before what was written last is durable: so this counts as a change does.
        StorageError error = Change();
        if (error != StorageError.None || _durable is null) return error;
        if (_durable.Length < _length) Array.Resize(ref _durable, (int)_length);
        foreach ((long offset, byte[] data) in _unsynced) data.CopyTo(_durable, offset);
        _unsynced.Clear();
        return StorageError.None;
    }

    public StorageError Truncate(long length)
    {
        StorageError error = Change();
        if (error != StorageError.None) return error;
        if (length > Room) return StorageError.NoSpace;
        Grow(length);
        _content.AsSpan((int)length).Clear();
        _length = length;
        if (_durable is null) return StorageError.None;
        _durable = Content;
        _unsynced.Clear();
        return StorageError.None;
    }

    public StorageError Zero(long offset, long length, bool mayUnmap) => Write(offset, new byte[length]);

    public StorageError Punch(long offset, long length)
    {
        long part = Math.Clamp(_length - offset, 0, length);
        return part == 0 ? StorageError.None : Write(offset, new byte[part]);
    }

    public StorageError Reserve(long offset, long length) => StorageError.None;

    public StorageError Find(long offset, out Extent extent)
    {
        extent = new Extent(_length - offset, false);
        return StorageError.None;
    }

    public void Dispose()
    {
        // Nothing of the host's is held.
    }

    private StorageError Change()
    {
        if (ChangesLeft <= 0) Gone = true;
        if (Gone) return StorageError.IoError;
        ChangesLeft--;
        Changes++;
        return StorageError.None;
    }

    private void Grow(long length)
    {
        if (length > _content.Length) Array.Resize(ref _content, (int)Math.Max(length, _content.Length * 2L));
        _length = Math.Max(_length, length);
    }
}
