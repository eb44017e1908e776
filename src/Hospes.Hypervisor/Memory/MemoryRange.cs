namespace Hospes.Hypervisor;

/// <summary>One stretch of guest RAM, mapped into this process.</summary>
public sealed unsafe class MemoryRange : IDisposable
{
    private readonly ulong[] _dirty;
    private readonly ulong[]? _blocks;
    private byte* _host;

    internal MemoryRange(ulong address, ulong size, int file, byte* host, ulong pageSize, ulong blockSize)
    {
        Address = address;
        Size = size;
        File = file;
        PageSize = pageSize;
        BlockSize = blockSize;
        _host = host;
        _dirty = new ulong[(size / GuestMemory.PageSize + 63) / 64];
        _blocks = blockSize == 0 ? null : new ulong[(size / blockSize + 63) / 64];
    }

    /// <summary>The guest-physical address of the first byte.</summary>
    public ulong Address { get; }

    /// <summary>How many bytes; a multiple of 4096.</summary>
    public ulong Size { get; }

    /// <summary>The first guest-physical address behind it.</summary>
    public ulong End => Address + Size;

    /// <summary>The descriptor of the memory file behind it, which others may map too; -1 for memory without one. Owned by the range.</summary>
    public int File { get; }

    /// <summary>The size of the host pages behind it: 1 GiB, 2 MiB or 4 KiB; where it is 4 KiB the host may make larger ones of them by itself.</summary>
    public ulong PageSize { get; }

    /// <summary>Bytes of the blocks in which its memory comes and goes (<see cref="GuestMemory.Plug"/>); 0 for a range that is there as a whole.</summary>
    public ulong BlockSize { get; }

    /// <summary>Words of 64 bits in the range's dirty bitmap.</summary>
    public int DirtyWords => _dirty.Length;

    /// <summary>Where the range is mapped in this process. For engines only: a guest changes what is there at any time.</summary>
    public nint HostAddress => (nint)_host;

    /// <summary>Marks the page that an offset lies in as written. Thread-safe.</summary>
    /// <param name="offset">A byte offset inside the range.</param>
    public void MarkDirty(ulong offset)
    {
        ulong page = offset / GuestMemory.PageSize;
        ref ulong word = ref _dirty[page / 64];
        ulong bit = 1UL << (int)(page % 64);
        if ((Volatile.Read(ref word) & bit) == 0) Interlocked.Or(ref word, bit);
    }

    /// <summary>Whether memory is there. Thread-safe.</summary>
    /// <param name="offset">A byte offset inside the range.</param>
    public bool IsThere(ulong offset)
    {
        if (_blocks is null) return true;
        ulong block = offset / BlockSize;
        return (Volatile.Read(ref _blocks[block / 64]) >> (int)(block % 64) & 1) != 0;
    }

    /// <summary>How many bytes of a stretch are there. Thread-safe.</summary>
    /// <param name="offset">Its first byte's offset inside the range; a multiple of <see cref="BlockSize"/>.</param>
    /// <param name="size">Its bytes, not beyond the range's end; a multiple of <see cref="BlockSize"/>.</param>
    public ulong CountThere(ulong offset, ulong size)
    {
        if (_blocks is null) return size;
        ulong there = 0;
        for (ulong at = offset; at < offset + size; at += BlockSize) there += IsThere(at) ? BlockSize : 0;
        return there;
    }

    /// <summary>Unmaps the range, and closes its file if it has one.</summary>
    public void Dispose()
    {
        if (_host == null) return;
        Native.LibC.Unmap((nint)_host, (nuint)Size);
        if (File != Native.HostPages.NoFile) _ = Native.LibC.Close(File);
        _host = null;
    }

    /// <summary>How many bytes from an address on are there without a gap: all, or as many as are asked for and what is left of the last one's block.</summary>
    internal ulong Reach(ulong address, ulong wanted)
    {
        if (_blocks is null) return End - address;
        ulong offset = address - Address, end = offset;
        while (end < Size && end - offset < wanted && IsThere(end)) end = (end / BlockSize + 1) * BlockSize;
        return end - offset;
    }

    /// <summary>Notes that blocks came or went. The caller sees to it that no other thread does.</summary>
    internal void SetBlocks(ulong offset, ulong size, bool areThere)
    {
        for (ulong at = offset; at < offset + size; at += BlockSize)
        {
            ulong block = at / BlockSize, bit = 1UL << (int)(block % 64);
            ref ulong word = ref _blocks![block / 64];
            Volatile.Write(ref word, areThere ? word | bit : word & ~bit);
        }
    }

    internal void TakeDirty(Span<ulong> bitmap)
    {
        for (int i = 0; i < _dirty.Length; i++) bitmap[i] = Interlocked.Exchange(ref _dirty[i], 0);
    }
}
