using System.Buffers.Binary;
using Hospes.Storage.Files;

namespace Hospes.Storage.Qcow2;

/// <summary>A bounded number of pages of an image's tables, by their place in the file. Changed pages stay until they are written.</summary>
/// <remarks>Not safe for several threads: the owner holds a lock around every call and as long as it uses a page.</remarks>
internal sealed class MetadataCache(IImageFile file, int pageSize, int capacity)
{
    private readonly Dictionary<long, int> _places = [];
    private readonly List<byte[]> _pages = [];
    private readonly List<long> _offsets = [];
    private readonly List<bool> _dirty = [], _used = [];
    private readonly List<int> _free = [];
    private int _hand;

    public int PageSize => pageSize;

    public int DirtyPages { get; private set; }

    /// <summary>Gives the page at a place of the file, reading it when it is not here.</summary>
    /// <param name="offset">Its place, a multiple of the page size.</param>
    /// <param name="page">Its number, for <see cref="Bytes"/> and <see cref="MarkDirty"/>, valid until the next call of this; -1 when every page is changed: write them, then ask again.</param>
    public StorageError Get(long offset, out int page)
    {
        if (_places.TryGetValue(offset, out page))
        {
            _used[page] = true;
            return StorageError.None;
        }

        page = Room();
        if (page < 0) return StorageError.None;
        StorageError error = file.ReadPadded(offset, _pages[page]);
        if (error != StorageError.None)
        {
            _free.Add(page);
            page = -1;
            return error;
        }

        _places[offset] = page;
        _offsets[page] = offset;
        _used[page] = true;
        return StorageError.None;
    }

    public Span<byte> Bytes(int page) => _pages[page];

    public ulong Entry(int page, int at) => BinaryPrimitives.ReadUInt64BigEndian(_pages[page].AsSpan(at));

    public void SetEntry(int page, int at, ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(_pages[page].AsSpan(at), value);
        MarkDirty(page);
    }

    public void MarkDirty(int page)
    {
        if (!_dirty[page]) DirtyPages++;
        _dirty[page] = true;
    }

    /// <summary>Writes every changed page. Pages that could not be written stay changed.</summary>
    public StorageError WriteDirty()
    {
        for (int page = 0; page < _pages.Count && DirtyPages > 0; page++)
        {
            if (!_dirty[page]) continue;
            StorageError error = file.Write(_offsets[page], _pages[page]);
            if (error != StorageError.None) return error;
            _dirty[page] = false;
            DirtyPages--;
        }

        return StorageError.None;
    }

    /// <summary>Forgets pages of a part of the file that is used for something else from now on.</summary>
    public void Forget(long offset, long length)
    {
        for (long at = offset; at < offset + length; at += pageSize)
        {
            if (!_places.Remove(at, out int page)) continue;
            if (_dirty[page]) DirtyPages--;
            _dirty[page] = false;
            _free.Add(page);
        }
    }

    /// <summary>Forgets everything, changed or not.</summary>
    public void Clear()
    {
        _places.Clear();
        _free.Clear();
        for (int page = 0; page < _pages.Count; page++)
        {
            _dirty[page] = false;
            _free.Add(page);
        }

        DirtyPages = 0;
    }

    /// <summary>A page to fill: a new one, or one that was not used for a while and is not changed.</summary>
    private int Room()
    {
        if (_free.Count > 0)
        {
            int free = _free[^1];
            _free.RemoveAt(_free.Count - 1);
            return free;
        }

        if (_pages.Count < capacity)
        {
            _pages.Add(new byte[pageSize]);
            _offsets.Add(-1);
            _dirty.Add(false);
            _used.Add(false);
            return _pages.Count - 1;
        }

        for (int step = 0; step < 2 * _pages.Count; step++)
        {
            int page = _hand;
            _hand = (_hand + 1) % _pages.Count;
            if (_dirty[page]) continue;
            if (!_used[page])
            {
                _places.Remove(_offsets[page]);
                return page;
            }

            _used[page] = false;
        }

        return -1;
    }
}
