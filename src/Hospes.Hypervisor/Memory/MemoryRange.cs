namespace Hospes.Hypervisor;

/// <summary>One stretch of guest RAM, mapped into this process.</summary>
public sealed unsafe class MemoryRange : IDisposable
{
    private readonly ulong[] _dirty;
    private byte* _host;

    internal MemoryRange(ulong address, ulong size, int file, byte* host, ulong pageSize)
    {
        Address = address;
        Size = size;
        File = file;
        PageSize = pageSize;
        _host = host;
        _dirty = new ulong[(size / GuestMemory.PageSize + 63) / 64];
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

    /// <summary>Unmaps the range, and closes its file if it has one.</summary>
    public void Dispose()
    {
        if (_host == null) return;
        Native.LibC.Unmap((nint)_host, (nuint)Size);
        if (File != Native.HostPages.NoFile) _ = Native.LibC.Close(File);
        _host = null;
    }

    internal void TakeDirty(Span<ulong> bitmap)
    {
        for (int i = 0; i < _dirty.Length; i++) bitmap[i] = Interlocked.Exchange(ref _dirty[i], 0);
    }
}
